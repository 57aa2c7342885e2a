#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Scapy's IPsec layer as the peer: it opens our packets and we open its.

Every algorithm that it has, in every mode and family; every cipher with every
MAC in transport mode over IPv4, in the other modes each of them at least once.
With extended sequence numbers what Scapy has them for, AEADs and AH.
"""
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.ipsec import AH, ESP, SecurityAssociation

import lab
import packets
from matrix import MODES, Combo, addresses
from suites import ah_suites, key, suites

PORT = 7000
HIGH, LOW = 5, 0xfffffff0       # of the first extended number, less one
TEXT, REPLY = b"to scapy, and nobody else", b"from scapy"
TO_A = packets.MACS[6:] + packets.MACS[:6]


def arguments(suite):
    """Of scapy's SA."""
    how = {"proto": ESP if suite.cipher else AH}
    if suite.cipher:
        how |= dict(crypt_algo=suite.cipher.scapy, crypt_key=key(suite.cipher),
                    crypt_icv_size=suite.cipher.icv)
    if suite.mac:
        how |= dict(auth_algo=suite.mac.scapy, auth_key=key(suite.mac))
    return how


class Row(Combo):
    """A combination, and scapy's two SAs."""

    def __init__(self, n, suite, mode, inner, outer, esn=False):
        options = f"-r 4 -f esn -seq {HIGH << 32 | LOW}" if esn else "-r 4"
        super().__init__(n, (suite.name, suite.ours, ""), mode, inner, outer, options=options)
        how = arguments(suite)
        if esn:
            self.name += ", ESN"
            how |= dict(esn_en=True, esn=HIGH, seq_num=LOW + 1)
        self.inner, self.outer = (IPv6 if v == 6 else IP for v in (inner, outer))

        def sa(spi, src, dst):
            if mode == "tunnel":
                how["tunnel_header"] = self.outer(src=src, dst=dst)
            return SecurityAssociation(spi=spi, **how)

        self.there = sa(self.spi, self.ta, self.tb)
        self.back = sa(self.spi + 1, self.tb, self.ta)

    def opened(self, frame):
        """What scapy finds in our packet: addresses and text, or why not."""
        if frame is None:
            return "no packet"
        try:
            plain = bytes(self.there.decrypt(self.outer(frame.data[packets.ETHER:])))
        except Exception as err:            # whatever scapy dislikes
            return repr(err)
        at = 12 if self.inner is IP else 8
        ends = packets.binary(self.a) + packets.binary(self.b)
        return plain[at:at + len(ends)] == ends and plain.endswith(TEXT)

    def answer(self, port):
        """Scapy's packet for us, as a frame."""
        text = packets.udp(self.b, self.a, REPLY, port)
        plain = self.inner(packets.packet(self.b, self.a, packets.UDP, text))
        return packets.frame(bytes(self.back.encrypt(plain)), TO_A)


def body():
    a, b = lab.hosts()
    addresses(a, b)
    # b is no host, but where scapy's frames come from.
    b.sysctl("net.ipv6.conf.all.disable_ipv6=1")
    b.ip("addr flush dev eth0\nroute flush table local")
    todo = [(suite, *mode) for i, mode in enumerate(MODES)
            for suite in (*suites("scapy", i == 0), *ah_suites("scapy"))]
    todo += [(*row, True) for row in todo
             if row[1:] in (MODES[0], MODES[3]) and not (row[0].cipher and row[0].mac)]
    rows = [Row(n, *row) for n, row in enumerate(todo)]
    table = lab.Matrix("scapy", [c.name for c in rows])
    a.setkey("".join(c.setkey(a) for c in rows))
    wire = lab.Wire(a)
    socks = [a.socket(c.a, timeout=2) for c in rows]
    for c, s in zip(rows, socks):
        s.sendto(TEXT, (c.b, PORT))
    frames = {(f.proto, f.spi): f for f in wire.frames() if f.spi}
    for c in rows:
        proto = 51 if c.proto == "ah" else 50
        table.equal(c.name, "scapy opens our packet", True,
                    c.opened(frames.get((proto, c.spi))))
    b.inject(*(c.answer(s.getsockname()[1]) for c, s in zip(rows, socks)))
    for c, s in zip(rows, socks):
        try:
            got = s.recv(100)
        except OSError as err:
            got = err
        table.equal(c.name, "we open scapy's packet", REPLY, got)
    table.report()
    lab.equal("ours dropped nothing", {}, a.drops())


lab.main(body)
