#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Which changes on the way are detected, one field each.

After TAHI's tests of modification detection (IPv6 Ready, phase 2). Every packet
has the right ICV before the change and a number of its own, so nothing but the
ICV can find the change.
"""
import struct

import lab
import packets
from lab import A4, A6, B4, B6
from packets import AH, DEST, ESP, HOP, ROUTING, UDP, frame

PORT = {"transport": 7000, "tunnel": 7001}
KEY = bytes(range(0x20, 0x40))
MAC = packets.sha256(KEY)
ENDS = {4: (A4, B4), 6: (A6, B6)}
# Security, router alert; record route and one that nobody knows.
FIXED4, LOOSE4 = b"\x82\4\x11\x22\x94\4\0\0", b"\7\7\4\0\0\0\0\1\x99\4\x5a\x5a"
# May not and may change on the way; the last byte alone is Pad1.
FIXED6, LOOSE6 = b"\x1e\4\1\2\3\0", b"\x3e\4\1\2\3\0"
CHAIN = [(HOP, packets.ext(FIXED6 + LOOSE6 + b"\1\0")),
         (DEST, packets.ext(FIXED6 + LOOSE6 + b"\1\0")),
         (ROUTING, b"\0\2\0\0" + bytes(4) + packets.binary("fd00::77"))]
SPIS = {("ah", "transport"): 0x2000, ("ah", "tunnel"): 0x2002,
        ("esp", "transport"): 0x2004, ("esp", "tunnel"): 0x2006}


NOSA = {"in_nosa": 1}


def found(proto):
    return {f"in_{proto}authfail": 1}


def taken(proto):
    return {f"in_{proto}authsucc": 1, "in_success": 1}


def bit(place, bits=1):
    """A change of one byte; negative places count from the end."""
    def change(packet):
        b = bytearray(packet)
        b[place] ^= bits
        return bytes(b)
    return change


def longer(packet):
    """Four bytes more, and the IP header says so."""
    place = 2 if packet[0] >> 4 == 4 else 4
    length = struct.unpack_from(">H", packet, place)[0] + 4
    return packet[:place] + struct.pack(">H", length) + packet[place + 2:] + bytes(4)


def address(place, last):
    return lambda packet: packet[:place] + bytes([last]) + packet[place + 1:]


def head(proto, mode, v):
    """The fields of the IP header that is in front of AH or ESP."""
    loose, seen = taken(proto), found(proto) if proto == "ah" else taken(proto)
    source = seen
    if (proto, mode) == ("esp", "transport"):   # found by the UDP in it
        source = loose | {f"Udp{'6' if v == 6 else ''}InCsumErrors": 1}
    if v == 4:
        return [("TOS", bit(1, 0x1c), loose), ("total length", longer, found(proto)),
                ("identification", bit(5), seen), ("DF", bit(6, 0x40), loose),
                ("TTL", bit(8, 0x1f), loose), ("source", bit(15, 0x40), source),
                ("destination", address(19, 9), NOSA)]
    return [("traffic class", bit(0), loose), ("flow label", bit(3, 0x55), loose),
            ("payload length", longer, found(proto)), ("hop limit", bit(7, 0x1f), loose),
            ("source", bit(23, 0x40), source), ("destination", address(39, 9), NOSA)]


def options(proto, v):
    """Options and extension headers in front of AH or ESP."""
    loose, seen = taken(proto), found(proto) if proto == "ah" else taken(proto)
    if v == 4:
        return [("security option", bit(22), seen), ("router alert", bit(27), seen),
                ("record route", bit(33), loose), ("unknown option's data", bit(38), loose),
                ("unknown option's type", bit(36), loose)]
    rows = []
    for name, start in ("hop-by-hop", 40), ("destination options", 56):
        rows += [(f"{name}: {text}", bit(start + place, bits), want)
                 for text, place, bits, want in (
                     ("type", 2, 2, seen), ("length", 3, 7, seen), ("data", 4, 1, seen),
                     ("type of an option that may change", 8, 2, seen),
                     ("length of an option that may change", 9, 7, seen),
                     ("data of an option that may change", 10, 1, loose))]
    return rows + [("routing header: last router", bit(95), seen),
                   ("routing header: reserved", bit(77), seen)]


def own(proto, v, start):
    """The fields of AH or ESP."""
    fail = found(proto)
    if proto == "esp":
        return [("SPI", bit(start, 0x80), NOSA), ("number", bit(start + 7, 0x80), fail),
                ("padding", bit(-19), fail), ("pad length", bit(-18), fail),
                ("next header", bit(-17), fail), ("ICV, first byte", bit(-16), fail),
                ("ICV, last byte", bit(-1), fail)]
    rows = [("next header", bit(start), fail), ("length", bit(start + 1), {"in_badilen": 1}),
            ("reserved", bit(start + 2), fail), ("SPI", bit(start + 4, 0x80), NOSA),
            ("number", bit(start + 11, 0x80), fail), ("ICV, first byte", bit(start + 12), fail),
            ("ICV, last byte", bit(start + 27), fail)]
    return rows + [("padding of the ICV", bit(start + 31), fail)] * (v == 6)


def payload(proto, mode, v, start):
    """Whatever is behind AH or ESP: nothing of it may change."""
    fail = found(proto)
    if mode == "transport":
        if v == 4:
            return [("port", bit(start + 3), fail), ("text", bit(start + 9), fail)]
        return [(f"options behind: {text}", bit(start + place, 2), fail) for text, place in (
            ("type", 2), ("length", 3), ("data", 4), ("type of one that may change", 8),
            ("length of one that may change", 9), ("data of one that may change", 10))] \
            + [("port", bit(start + 19), fail), ("text", bit(start + 25), fail)]
    fields = (("TOS", 1), ("total length", 3), ("identification", 5), ("DF", 6), ("TTL", 8),
              ("protocol", 9), ("checksum", 10), ("source", 15), ("destination", 19),
              ("text", 30)) if v == 4 else (
                  ("traffic class", 0), ("flow label", 3), ("payload length", 5),
                  ("next header", 6), ("hop limit", 7), ("source", 23), ("destination", 39),
                  ("text", 50))
    return [(f"inner {name}", bit(start + place, 0x10 if name == "DF" else 1), fail)
            for name, place in fields]


class Sender:
    """Makes packets of one kind, each with a number of its own."""

    def __init__(self, proto, mode, v):
        self.proto, self.mode, self.v, self.seq = proto, mode, v, 0
        self.spi = SPIS[proto, mode] + (v == 6)
        self.how = {}
        text = packets.udp(*ENDS[v], b"question", PORT[mode])
        self.inner, self.kind = text, UDP
        if mode == "tunnel":
            self.inner = packets.packet(*ENDS[v], UDP, text)
            self.kind = 4 if v == 4 else 41
        elif v == 4:
            self.how = {"options": FIXED4 + LOOSE4}
        else:
            self.how = {"chain": CHAIN}
            self.inner, self.kind = bytes([UDP]) + CHAIN[1][1][1:] + text, DEST

    def rows(self):
        size = len(packets.head(*ENDS[self.v], 0, 0, **self.how))
        inside = size + (8 if self.proto == "esp" else 28 if self.v == 4 else 32)
        rows = head(self.proto, self.mode, self.v)
        if self.mode == "transport":
            rows += options(self.proto, self.v)
        return rows + own(self.proto, self.v, size) \
            + payload(self.proto, self.mode, self.v, inside)

    def packet(self):
        self.seq += 1
        if self.proto == "ah":
            return packets.ah(*ENDS[self.v], self.spi, self.seq, self.inner, self.kind, MAC,
                              icv=16, **self.how)
        return packets.packet(*ENDS[self.v], ESP, packets.esp(
            self.spi, self.seq, self.inner, self.kind, MAC), **self.how)


def rules(b):
    text = ""
    for (proto, mode), spi in SPIS.items():
        alg = f"{'-E null ' if proto == 'esp' else ''}-A hmac-sha2-256 0x{KEY.hex()}"
        for v, (src, dst) in ENDS.items():
            text += f"add {src} {dst} {proto} {spi + (v == 6)} -m {mode} -r 4 {alg};\n"
    for src, dst in ENDS.values():
        # Which protocol made the tunnel is not asked at level "use".
        text += (f"spdadd {src} {dst}[{PORT['tunnel']}] udp -P in ipsec "
                 f"esp/tunnel/{src}-{dst}/use;\n")
    b.setkey(text)


def body():
    a, b = lab.hosts()
    b.ip("addr add 10.0.0.9/24 dev eth0\naddr add fd00::9/64 dev eth0 nodad")
    rules(b)
    socks = [b.socket(ENDS[v][1], port, timeout=0) for v in ENDS for port in PORT.values()]
    senders = [Sender(proto, mode, v) for proto, mode in SPIS for v in ENDS]
    table = [(f"{s.proto.upper()} {s.mode} IPv{s.v}: {name}", s, change, want)
             for s in senders for name, change, want in
             [("nothing", bytes, taken(s.proto))] + s.rows()]
    matrix = lab.Matrix("TAHI", [row[0] for row in table])
    for name, sender, change, want in table:
        sent = frame(packets.checked(change(sender.packet())))
        matrix.equal(name, "counted", want, lab.risen(b, want, lambda: a.inject(sent)))
        got = sum(arrived(s) for s in socks)
        matrix.equal(name, "delivered", want == taken(sender.proto), got == 1)
    matrix.report()


def arrived(sock):
    try:
        return sock.recv(100) == b"question"
    except BlockingIOError:
        return False


lab.main(body)
