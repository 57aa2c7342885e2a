#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams to port 4500, one row each: bad, unusual, not for IPsec, moving.

Whatever is not taken ends in a counter of ours, in one of UDP's, or in the
socket of the IKE daemon.
"""
import hmac
import os
import struct
import time

from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.layers.l2 import Ether
from scapy.packet import Raw

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6
from natt import (KEY, NULL, PORT, Listener, Way, answered, decoded, encap_socket,
                  got, network)


class Forge:
    """Packets from the NAT's address to b."""

    def __init__(self, nat, w):
        self.nat, self.w, self.seq = nat, w, 1000
        self.src = w.outside

    def ip(self, proto):
        w = self.w
        return IP(src=self.src, dst=w.b, proto=proto) if w.v == 4 else \
            IPv6(src=self.src, dst=w.b, nh=proto)

    def send(self, *packets):
        for p in packets:
            self.nat.inject(bytes(Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b",
                                        type=0x800 if self.w.v == 4 else 0x86dd) / p))

    def udp(self, data, sport=None, dport=PORT, **kw):
        self.send(self.ip(17) / UDP(sport=sport or self.w.mapped, dport=dport, **kw)
                  / Raw(data))

    def esp(self, data=b"genuine"):
        """The bytes of an ESP header and what follows, for w's inbound SA."""
        self.seq += 1
        udp = bytes((self.ip(17) / UDP(sport=9, dport=self.w.port)
                     / Raw(data)))[20 if self.w.v == 4 else 40:]
        pad = -(len(udp) + 2) % 4
        esp = struct.pack(">II", self.w.spi, self.seq) + udp \
            + bytes(range(1, pad + 1)) + bytes((pad, 17))
        return esp + hmac.digest(bytes.fromhex(KEY[2:]), esp, "sha1")[:12]


def udp_counters(host, v):
    """(delivered or taken by IPsec, checksum wrong) of the core."""
    with host.entered():
        if v == 4:
            rows = [line.split() for line in open("/proc/thread-self/net/snmp")
                    if line.startswith("Udp:")]
            c = dict(zip(rows[0][1:], map(int, rows[1][1:])))
            return c["InDatagrams"], c["InCsumErrors"]
        c = dict(line.split() for line in open("/proc/thread-self/net/snmp6"))
        return int(c["Udp6InDatagrams"]), int(c.get("Udp6InCsumErrors", 0))


def core(b, ike, f):
    """What stays with the core: IKE, keepalives, what it takes for broken."""
    v, w = f.w.v, f.w
    start = f.esp()
    wrong = []
    before = {k: n for k, n in b.stat().items() if k.startswith("in_")}
    for n in range(9):
        f.udp(start[:n])
        if got(ike) != start[:n]:
            wrong.append(n)
    lab.equal(f"IPv{v}: 0 to 8 bytes behind UDP go to the socket", [], wrong)
    f.udp(bytes(4) + start)
    lab.equal(f"IPv{v}: what begins with four zeros goes to the socket",
              bytes(4) + start, got(ike))
    for text, data, kw, want in (
            ("a keepalive", b"\xff", {}, (1, 0)),
            ("9 bytes, too short for the core", start[:9], {}, (1, 0)),
            ("one byte too short for the core", start[:19 if v == 4 else 39], {}, (1, 0)),
            ("a wrong UDP checksum", start, {"chksum": 0x1234}, (0, 1)),
            *([("UDP checksum 0 in IPv6", start, {"chksum": 0}, (0, 1))] * (v == 6))):
        old = udp_counters(b, v)
        f.udp(data, **kw)
        lab.equal(f"IPv{v}: {text}: does not reach the socket", None, got(ike, 0.2))
        now = udp_counters(b, v)
        lab.equal(f"IPv{v}: {text}: UDP counts it", want,
                  (now[0] - old[0], now[1] - old[1]))
    lab.equal(f"IPv{v}: of all that we counted nothing", before,
              {k: n for k, n in b.stat().items() if k in before})


def bad(b, ike, f, bare):
    """Datagrams that reach us and are dropped, each by its own counter."""
    v = f.w.v
    good = f.esp(b"replayed")
    changed = bytearray(f.esp())
    changed[-1] ^= 1
    short = (good[:20], "in_hdrops") if v == 4 else (f.esp(bytes(90))[:40], "in_espauthfail")
    lab.counted(b, f"IPv{v}: a good one", {"in_success": 1, "in_espauthsucc": 1},
                lambda: f.udp(good))
    for text, data, counter in (
            ("replayed", good, "in_espreplay"),
            ("ICV changed", bytes(changed), "in_espauthfail"),
            ("the shortest that the core lets through", *short),
            ("cut by 3 bytes", f.esp(bytes(90))[:-3], "in_badilen"),
            ("unknown SPI", b"\x77" + good[1:], "in_nosa"),
            ("SPI of an SA without UDP", struct.pack(">I", bare) + good[4:], "in_natt")):
        lab.counted(b, f"IPv{v}: {text}", {counter: 1}, lambda: f.udp(data))
    lab.counted(b, f"IPv{v}: ESP without UDP for an SA that has it", {"in_natt": 1},
                lambda: f.send(f.ip(50) / Raw(f.esp())))
    lab.equal(f"IPv{v}: none of that reaches port 4500", None, got(ike, 0.1))


def in_fragments(f, data, which=slice(None)):
    udp = UDP(sport=f.w.mapped, dport=PORT) / Raw(data)
    if f.w.v == 4:
        p = f.ip(17) / udp
        p.id = f.seq
        frags = p.fragment(400)
    else:
        p = f.ip(44) / IPv6ExtHdrFragment(nh=17, id=f.seq) / udp
        frags = fragment6(p, 600)
    f.send(*frags[which])


def good(b, f):
    """Datagrams that are unusual and right."""
    v, w = f.w.v, f.w
    want = {"in_espauthsucc": 1, "in_success": 1}
    with b.socket(w.b, w.port, timeout=2) as t:
        for text, send in (
                ("with a UDP checksum", lambda data: f.udp(f.esp(data))),
                *([("without a UDP checksum",
                    lambda data: f.udp(f.esp(data), chksum=0))] * (v == 4)),
                ("in fragments", lambda data: in_fragments(f, f.esp(data)))):
            data = os.urandom(8) + bytes(1000)
            lab.counted(b, f"IPv{v}: {text}", want, lambda: send(data))
            lab.equal(f"IPv{v}: {text}: is delivered", data, got(t))
        lab.counted(b, f"IPv{v}: all fragments but the last", {},
                    lambda: in_fragments(f, f.esp(bytes(1000)), slice(-1)))
        lab.equal(f"IPv{v}: all fragments but the last: not delivered", None, got(t, 0.2))


def moving(b, f):
    """The peer turns up elsewhere: said once for each change, if it is genuine."""
    v, w = f.w.v, f.w
    listener = Listener(b)
    elsewhere = {4: "10.0.0.77", 6: "fd00::77"}[v]
    old = (w.spi, w.outside, 0, w.mapped)
    changed = bytearray(f.esp())
    changed[-1] ^= 1
    seen_before = f.esp()
    f.udp(seen_before)
    for text, sport, src, data, want in (
            ("from the port of the SA", w.mapped, w.outside, f.esp(), None),
            ("with a wrong ICV from another port", 999, w.outside, bytes(changed), None),
            ("a second time, from another port", 999, w.outside, seen_before, None),
            ("from another port", 1001, w.outside, f.esp(), (w.outside, 0, 1001)),
            ("from there again", 1001, w.outside, f.esp(), None),
            ("from a third port", 1002, w.outside, f.esp(), (w.outside, 0, 1002)),
            ("from the port of the SA again", w.mapped, w.outside, f.esp(), None),
            ("and again from the third", 1002, w.outside, f.esp(), (w.outside, 0, 1002)),
            ("from another address", w.mapped, elsewhere, f.esp(),
             (elsewhere, 0, w.mapped))):
        f.src = src
        f.udp(data, sport=sport)
        told = listener.mappings()
        lab.equal(f"IPv{v}: mapping: {text}", [(*old, *want)] if want else [],
                  [decoded(m) for m in told])
        for m in told[:1]:
            lab.equal(f"IPv{v}: mapping: {text}: who it is for, what else is in it",
                      (0, 0, 0, pfkey.ESP, {1, 5, 6, 19, 21, 22}),
                      (m.errno, m.seq, m.pid, m.satype, set(m.ext)))
    f.src = w.outside
    lab.equal(f"IPv{v}: mapping: only for who is registered", [], listener.other.drain_all())


def exempt(a, nat, b, w):
    """Policies for all UDP catch what is inside ESP in UDP, not the datagram."""
    for host in a, b:
        left = w.inside if host is a else w.outside
        out, back = ("out", "in") if host is a else ("in", "out")
        host.setkey(f"""flush; spdflush; {w.setkey(host, "add")}
            spdadd {left} {w.b} udp -P {out} ipsec esp/transport//require;
            spdadd {w.b} {left} udp -P {back} ipsec esp/transport//require;
            """)
    lab.equal(f"{w.name}: policy for all UDP: answered", 3, answered(a, b, w))
    f = Forge(nat, w)
    f.seq = 2000
    data = b"in pieces" + bytes(1000)
    with b.socket(w.b, w.port) as t:
        in_fragments(f, f.esp(data))
        lab.equal(f"{w.name}: policy for all UDP: fragments of ESP", data, got(t, 5))
    with b.socket(w.b, 7500) as t:
        for text, dport, body in (
                ("plaintext", 7500, b"clear"),
                ("what looks like ESP, but not to port 4500", 7500, f.esp()),
                ("IKE, without a policy for it", PORT, bytes(4) + f.esp())):
            lab.counted(b, f"{w.name}: policy for all UDP: {text}", {"in_polvio": 1},
                        lambda: f.udp(body, dport=dport))
        lab.equal(f"{w.name}: policy for all UDP: and is not delivered", None, got(t, 0.1))


def xfrm_stat(host, name):
    with host.entered(), open("/proc/thread-self/net/xfrm_stat") as f:
        return int(dict(line.split() for line in f)[name])


def body():
    lab.run("modprobe", "-a", "esp4", "esp6")
    a, nat, b = network()
    ike = {v: (encap_socket(a, v), encap_socket(b, v)) for v in (4, 6)}
    ways = [Way(v, "ours", "transport", v) for v in (4, 6)]
    b.setkey("".join(w.setkey(b) for w in ways)
             + "".join(f"add {x} {y} esp 0x900 {NULL[0]};\n" for x, y in ((A4, B4), (A6, B6))))
    b.ip(Way(9, "b native", "transport", 4).xfrm(b))
    f = Forge(nat, ways[0])
    before, seen = xfrm_stat(b, "XfrmInNoStates"), 0

    def unknown():
        """Sent, and somebody has counted it."""
        nonlocal seen
        f.udp(b"\x77" + f.esp()[1:])
        deadline = time.monotonic() + 60
        while not (seen := xfrm_stat(b, "XfrmInNoStates") - before) \
                and time.monotonic() < deadline:
            time.sleep(0.01)

    lab.counted(b, "unknown SPI, beside native SAs", {}, unknown)
    lab.equal("is left to native XFRM", 1, seen)
    b.ip("xfrm state flush\nxfrm policy flush")
    for w in ways:
        f = Forge(nat, w)
        core(b, ike[w.v][1], f)
        good(b, f)
        # An ICMP error would go by the SA to the forged port, and NAT would remember it.
        with b.socket(w.b, w.port):
            bad(b, ike[w.v][1], f, 0x900)
            moving(b, f)
    for w in ways:
        exempt(a, nat, b, w)


lab.main(body)
