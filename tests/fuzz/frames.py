# SPDX-License-Identifier: GPL-2.0-only
"""Frames of every protocol that we look at, right and wrong; the same for a seed."""
import socket
import struct
import zlib

import packets

MACS = {"a": bytes.fromhex("02000000000a"), "b": bytes.fromhex("02000000000b")}
ADDRESSES = {4: {"a": "10.0.0.1", "b": "10.0.0.2"}, 6: {"a": "fd00::1", "b": "fd00::2"}}
HOPOPTS, ICMP, IPIP, TCP, UDP, IPV6, ROUTING, FRAGMENT, ESP, AH, ICMP6, NONE, DSTOPTS, COMP \
    = 0, 1, 4, 6, 17, 41, 43, 44, 50, 51, 58, 59, 60, 108
UPPER = (ICMP, TCP, UDP, ICMP6, IPIP, IPV6, ESP, AH, COMP, NONE, DSTOPTS, FRAGMENT, 132)
# Known to both hosts, without a key, so that what is inside is looked at: their SPIs for
# transport and tunnels.
OPEN = {ESP: (0x1000, 0x1001), AH: (0x1002, 0x1003), COMP: (2, 0x1005)}
NATT_PORT = 4500
# Of struct virtio_net_hdr: what a guest may say of a packet.
GSO = (0, 1, 3, 4, 5, 0x81, 0x84)


class Frames:
    def __init__(self, rng):
        self.rng = rng

    def one_in(self, n):
        return self.rng.randrange(n) == 0

    def rest(self):
        return self.rng.randbytes(self.rng.choice((0, 1, 7, 40, 200, 1300)))

    def upper(self, proto):
        ports = struct.pack(">HH", 7000 + self.rng.randrange(2), 7000)
        text = self.rest()
        if proto == UDP:
            return ports + struct.pack(">HH", 8 + len(text), 0) + text
        if proto == TCP:
            return ports + struct.pack(">IIHHHH", 1, 1, 0x5010 | self.rng.getrandbits(6),
                                       500, 0, 0) + text
        return struct.pack(">BBHI", 8 if proto == ICMP else 128, 0, 0, 1) + text

    def inner(self, family, depth):
        """Protocol and bytes of what is in a packet."""
        proto = self.rng.choice(UPPER)
        make = {ESP: self.esp, AH: self.ah, COMP: self.comp, DSTOPTS: self.options,
                HOPOPTS: self.options, ROUTING: self.options}.get(proto)
        if depth and make:
            return proto, make(family, depth - 1)
        if depth and proto in (IPIP, IPV6):
            return proto, self.packet(4 if proto == IPIP else 6, "a", "b", depth - 1)
        proto = self.rng.choice((ICMP, TCP, UDP, ICMP6))
        return proto, self.upper(proto)

    def spi(self, proto):
        return self.rng.getrandbits(32) if self.one_in(6) else self.rng.choice(
            (*OPEN[proto], *OPEN[proto], 0x100 + self.rng.randrange(48)))

    def sequence(self):
        return self.rng.choice((0, 1, 1 << 31, (1 << 32) - 1, self.rng.getrandbits(10)))

    def esp(self, family, depth):
        proto, text = self.inner(family, depth)
        pad = (-len(text) - 2) % 4 + 4 * self.rng.randrange(3)
        tail = bytes(range(1, pad + 1)) + bytes([pad, proto])
        if self.one_in(6):
            tail = self.rng.randbytes(len(tail))
        return struct.pack(">II", self.spi(ESP), self.sequence()) + text + tail

    def ah(self, family, depth):
        proto, text = self.inner(family, depth)
        words = self.rng.choice((1, 1, 1, 4, 0, 255))
        return struct.pack(">BBHII", proto, words, 0, self.spi(AH), self.sequence()) + text

    def comp(self, family, depth):
        proto, text = self.inner(family, depth)
        made = zlib.compressobj(wbits=-12)
        text = made.compress(text) + made.flush()
        return struct.pack(">BBH", proto, 0, self.spi(COMP) & 0xffff) + text

    def options(self, family, depth):
        proto, text = self.inner(family, depth)
        size = self.rng.randrange(3)
        return struct.pack(">BBBB4s", proto, size, 1, 4, bytes(4)) \
            + struct.pack(">BBBBI", 1, 2, 0, 0, 0) * size + text

    def packet(self, family, src, dst, depth=3, body=None):
        proto, text = body or self.inner(family, depth)
        src, dst = (ADDRESSES[family][name] for name in (src, dst))
        if family == 4:
            words = self.rng.randrange(3) if self.one_in(6) else 0
            head = struct.pack(">BBHHHBBH4s4s", 0x45 + words, 0, 20 + 4 * words + len(text),
                               self.rng.getrandbits(16), 0, 64, proto, 0,
                               socket.inet_aton(src), socket.inet_aton(dst))
            return packets.checked(head + b"\x01" * (4 * words) + text)
        return struct.pack(">IHBB", 6 << 28, len(text) & 0xffff, proto, 64) \
            + socket.inet_pton(socket.AF_INET6, src) \
            + socket.inet_pton(socket.AF_INET6, dst) + text

    def error(self, family, src, dst):
        """An ICMP error about what the other one sent."""
        quoted = self.packet(family, dst, src)[:self.rng.choice((28, 48, 60, 500))]
        mtu = self.rng.choice((0, 68, 576, 1280, 1400, 65535))
        kind = self.rng.choice(((3, 4), (3, 1), (11, 0), (12, 0)) if family == 4
                               else ((2, 0), (1, 4), (3, 0), (4, 0)))
        text = struct.pack(">BBHI", *kind, 0, mtu) + quoted
        proto = ICMP if family == 4 else ICMP6
        return self.packet(family, src, dst, body=(proto, text))

    def encapsulated(self, family, src, dst):
        """ESP in UDP, IKE beside it, and keepalives."""
        text = self.rng.choice((self.esp(family, 2), bytes(4) + self.rest(), b"\xff",
                                self.rng.randbytes(self.rng.randrange(12))))
        port = NATT_PORT if not self.one_in(4) else self.rng.getrandbits(16)
        return self.packet(family, src, dst, body=(UDP, struct.pack(
            ">HHHH", port, NATT_PORT, 8 + len(text), 0) + text))

    def fragments(self, family, src, dst):
        """Of IPv4; some of them twice, over each other, or missing."""
        whole = self.packet(4, src, dst, 3)
        head, text = whole[:20], whole[4 * (whole[0] & 15):]
        size, parts = 8 * self.rng.randrange(1, 40), []
        for at in range(0, len(text), size):
            more = 0x2000 if at + size < len(text) else 0
            where = at // 8 + (self.rng.randrange(3) if self.one_in(12) else 0)
            part = bytearray(head)
            part[0] = 0x45
            part[2:4] = struct.pack(">H", 20 + len(text[at:at + size]))
            part[6:8] = struct.pack(">H", more | where)
            parts.append(packets.checked(bytes(part) + text[at:at + size]))
        self.rng.shuffle(parts)
        return parts[self.one_in(5):]

    def damaged(self, packet):
        packet = bytearray(packet)
        if self.one_in(3):
            return bytes(packet[:self.rng.randrange(1, len(packet) + 1)])
        for _ in range(self.rng.randrange(1, 4)):
            packet[self.rng.randrange(min(len(packet), 120))] = self.rng.getrandbits(8)
        whole = packet[0] >> 4 == 4 and 20 <= 4 * (packet[0] & 15) <= len(packet)
        return packets.checked(bytes(packet)) if whole else bytes(packet)

    def made(self, src, dst):
        """The IP packets of one round."""
        family = self.rng.choice((4, 4, 6))
        how = self.rng.randrange(8)
        if how == 0:
            return [self.error(family, src, dst)]
        if how == 1:
            return [self.encapsulated(family, src, dst)]
        if how == 2:
            return self.fragments(family, src, dst)
        return [self.packet(family, src, dst)]

    def frames(self, src, dst):
        for packet in self.made(src, dst):
            if self.one_in(4):
                packet = self.damaged(packet)
            kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
            yield MACS[dst] + MACS[src] + kind + packet

    def vnet(self, frame):
        """In front of a frame, what its checksum and its segments are said to be."""
        start = self.rng.choice((0, 34, 34, 54, 54, len(frame), 65535))
        return struct.pack("=BBHHHH", self.rng.choice((0, 1, 1, 2)), self.rng.choice(GSO),
                           self.rng.choice((0, 54, 74, 66, 42, 65535)),
                           self.rng.choice((0, 1, 8, 500, 1400, 65535)), start,
                           self.rng.choice((6, 16, 0, 2, 65535))) + frame
