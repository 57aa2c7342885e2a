#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What must not get through, and the one counter that each of it raises."""
from scapy.layers.inet import IP
from scapy.layers.ipsec import ESP
from scapy.layers.l2 import Ether

import lab
from lab import A4, A6, B4, B6

KEY, OTHER = (f"-E aes-gcm-16 {k}01020304" for k in (
    "0x00112233445566778899aabbccddeeff", "0x00112233445566778899aabbccddeefe"))
SPI, SEQ, BODY = 34, 38, 42     # offsets in an Ethernet frame


def rules(host, mode="transport", src=A4, dst=B4, alg=KEY, spi=0x1000):
    host.setkey(lab.between(host, src, dst, spi, alg, mode))


class Probe:
    """One datagram from a to b, and whether b and then a got it."""

    def __init__(self, a, b):
        self.ends = {v: (a.socket(x), b.socket(y, 7000))
                     for v, x, y in ((4, A4, B4), (6, A6, B6))}

    def _drain(self, s):
        s.settimeout(0)
        try:
            while True:
                s.recv(65536)
        except BlockingIOError:
            s.settimeout(5)

    def answered(self, v=4):
        s, t = self.ends[v]
        self._drain(s)
        self._drain(t)
        s.sendto(b"question", t.getsockname()[:2])
        try:
            data, whom = t.recvfrom(65536)
            t.sendto(data, whom)
            return s.recv(65536) == b"question"
        except OSError as err:
            return err

    def sent(self, v=4, size=100):
        """Goes out of a, whatever becomes of it."""
        s, t = self.ends[v]
        s.sendto(bytes(size), t.getsockname()[:2])

    def sent_back(self):
        s, t = self.ends[4]
        try:
            t.sendto(b"answer", s.getsockname()[:2])
        except OSError:
            pass            # a refusal may be said at once

    def nothing(self, text):
        """Nothing of what was sent has reached a socket."""
        got = []
        for pair in self.ends.values():
            for s in pair:
                s.settimeout(0)
                try:
                    got.append(s.recv(65536))
                except BlockingIOError:
                    pass
                s.settimeout(5)
        lab.equal(f"{text}: reaches no socket", [], got)


def patched(packet, at, data):
    b = bytearray(packet)
    at %= len(b)
    b[at:at + len(data)] = data
    return bytes(b)


def new(packet):
    """A sequence number that was not seen, so that only the change counts."""
    return patched(packet, SEQ, bytes([0, 0, 0, 50]))


def flipped(packet, at, bit):
    return patched(packet, at, bytes([packet[at] ^ bit]))


def cut(packet, length):
    """The same IP header in front of fewer bytes of ESP."""
    head = Ether(packet[:14]) / IP(src=A4, dst=B4, proto=50)
    return bytes(head / packet[SPI:SPI + length])


def rebuilt(packet):
    """The packet taken apart and made again by scapy."""
    p = Ether(packet)
    esp = ESP(spi=p[ESP].spi, seq=p[ESP].seq, data=p[ESP].data)
    return bytes(Ether(src=p.src, dst=p.dst)
                 / IP(src=A4, dst=B4, proto=50, id=7, ttl=64) / esp)


def tampered(a, b, packets):
    p = packets[0]
    n = len(p) - SPI
    for text, frames, want in (
            ("replayed", packets, {"in_espreplay": len(packets)}),
            ("replayed, rebuilt with scapy", [rebuilt(p)], {"in_espreplay": 1}),
            ("last byte of the ICV changed", [flipped(new(p), -1, 1)],
             {"in_espauthfail": 1}),
            ("first byte of the ICV changed", [flipped(new(p), -16, 0x80)],
             {"in_espauthfail": 1}),
            ("ciphertext changed", [flipped(new(p), 60, 0x80)],
             {"in_espauthfail": 1}),
            ("IV changed", [flipped(new(p), BODY, 1)], {"in_espauthfail": 1}),
            ("number changed to 2^32 - 1", [patched(p, SEQ, b"\xff" * 4)],
             {"in_espauthfail": 1}),
            ("number zero", [patched(p, SEQ, bytes(4))], {"in_espold": 1}),
            ("unknown SPI", [patched(p, SPI, b"\x77")], {"in_nosa": 1}),
            ("cut to 7 bytes", [cut(p, 7)], {"in_hdrops": 1}),
            ("cut to header and IV", [cut(p, 16)], {"in_hdrops": 1}),
            ("cut by 3 bytes", [cut(p, n - 3)], {"in_badilen": 1}),
            ("cut by a block", [cut(new(p), n - 4)], {"in_espauthfail": 1})):
        lab.counted(b, text, want, lambda: [a.inject(f) for f in frames])


def disagreeing(a, b, probe):
    rules(b, alg=OTHER)
    lab.counted(b, "wrong key", {"in_espauthfail": 1}, probe.sent)
    rules(b, spi=0x1100)
    lab.counted(b, "wrong SPI", {"in_nosa": 1}, probe.sent)
    a.setkey("spdflush;")
    rules(b)
    lab.counted(b, "plaintext where ESP is required", {"in_polvio": 1}, probe.sent)
    rules(b, src=A6, dst=B6)
    lab.counted(b, "plaintext IPv6 fragments where ESP is required",
            {"in_polvio": 1}, lambda: probe.sent(6, 2500))
    probe.nothing("all that")


def policies(b, probe):
    b.setkey(f"flush; spdflush; spdadd {B4} {A4} udp -P out discard;")
    lab.counted(b, "policy discard, out", {"out_polvio": 1}, probe.sent_back)
    b.setkey(f"spdflush; spdadd {A4} {B4}[7000] udp -P in discard;")
    lab.counted(b, "policy discard, in", {"in_polvio": 1}, probe.sent)
    b.setkey(f"spdadd {A4} {B4} any -P in prio high none;")
    lab.equal("an entry of type none before it opens again", True, probe.answered())
    b.setkey(f"spdflush; spdadd {B4} {A4} any -P out ipsec esp/transport//require;")
    lab.counted(b, "no SA for a required level", {"out_nosa": 1}, probe.sent_back)
    probe.nothing("all that")
    b.setkey(f"spdflush; spdadd {B4} {A4} any -P out ipsec esp/transport//use;")
    lab.equal("no SA at level use: goes in clear", True, probe.answered())


def modes(a, b, probe):
    # Whoever has a tunnel with us may not use it for anything he likes.
    rules(a, "tunnel")
    rules(b, "tunnel")
    b.setkey(f"spdflush; spdadd {A4} {B4} tcp -P in ipsec "
             f"esp/tunnel/{A4}-{B4}/require;")
    lab.counted(b, "tunnel packet that no policy asks for",
            {"in_tunnel": 1, "in_espauthsucc": 1, "in_success": 1}, probe.sent)
    rules(b, "tunnel")
    rules(a)
    lab.counted(b, "transport packet in an SA of mode tunnel",
            {"in_mode": 1, "in_espauthsucc": 1}, probe.sent)
    probe.nothing("all that")


def body():
    a, b = lab.hosts()
    probe = Probe(a, b)
    rules(a)
    rules(b)
    wire = lab.Wire(a)
    for _ in range(3):
        lab.equal("with equal keys: answered", True, probe.answered())
    packets = [f.data for f in wire.frames() if f.spi == 0x1000]
    tampered(a, b, packets)
    lab.equal("then still answered", True, probe.answered())
    disagreeing(a, b, probe)
    policies(b, probe)
    modes(a, b, probe)


lab.main(body)
