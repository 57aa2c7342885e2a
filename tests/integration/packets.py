# SPDX-License-Identifier: GPL-2.0-only
"""Packets byte by byte: headers, ESP and AH made and judged without the kernel.

ESP here is NULL with HMAC-SHA1 or without integrity, so that a packet can be
wrong in any place and still have the right ICV.
"""
import hashlib
import hmac
import socket
import struct

MACS = bytes.fromhex("02000000000b02000000000a")      # b's, a's
HOP, UDP, ROUTING, FRAGMENT, ESP, AH, ICMP6, NONE, DEST = 0, 17, 43, 44, 50, 51, 58, 59, 60
ETHER, AH_FIXED = 14, 12


def frame(packet, macs=MACS):
    """As it is on the wire; from a to b, if nothing else is said."""
    return macs + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


def binary(address):
    return socket.inet_pton(
        socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def head4(src, dst, proto, length, options=b"", tos=0, ident=1, frag=0, ttl=64):
    """An IPv4 header for so many bytes."""
    size = 20 + len(options)
    head = struct.pack(">BBHHHBBH", 0x40 | size // 4, tos, size + length, ident, frag,
                       ttl, proto, 0) + binary(src) + binary(dst) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:]


def head6(src, dst, proto, length, chain=(), tclass=0, label=0, hops=64):
    """An IPv6 header and a chain of (type, extension header), for so many bytes."""
    kinds = [kind for kind, _ in chain] + [proto]
    exts = b"".join(bytes([kind]) + body[1:] for kind, (_, body) in zip(kinds[1:], chain))
    return struct.pack(">IHBB", 6 << 28 | tclass << 20 | label, len(exts) + length,
                       kinds[0], hops) + binary(src) + binary(dst) + exts


def ext(body):
    """An extension header around some options, which fill it."""
    assert len(body) % 8 == 6
    return bytes((0, len(body) // 8)) + body


def checked(packet):
    """A packet whose IPv4 header has the right checksum again."""
    if packet[0] >> 4 == 6:
        return packet
    start = packet[:10] + bytes(2) + packet[12:4 * (packet[0] & 15)]
    return packet[:10] + struct.pack(">H", checksum(start)) + packet[12:]


def head(src, dst, proto, length, **how):
    return (head6 if ":" in src else head4)(src, dst, proto, length, **how)


def packet(src, dst, proto, payload, **how):
    return head(src, dst, proto, len(payload), **how) + payload


def udp(src, dst, text, dport, sport=4000):
    """A datagram with its checksum."""
    size = 8 + len(text)
    data = struct.pack(">HHHH", sport, dport, size, 0) + text
    pseudo = binary(src) + binary(dst) + struct.pack(">HH", UDP, size)
    total = checksum(pseudo + data + bytes(size % 2)) or 0xffff
    return data[:6] + struct.pack(">H", total) + data[8:]


def pieces(whole, size, ident=77):
    """A packet in fragments, their size a multiple of 8; IPv4 has its ident already."""
    if whole[0] >> 4 == 4:
        ident = struct.unpack_from(">H", whole, 4)[0]
        n = 4 * (whole[0] & 15)
        src, dst = (socket.inet_ntoa(whole[i:i + 4]) for i in (12, 16))
        body = whole[n:]
        return [head4(src, dst, whole[9], len(body[at:at + size]), ident=ident,
                      frag=at // 8 | (0x2000 if at + size < len(body) else 0))
                + body[at:at + size] for at in range(0, len(body), size)]
    src, dst = (socket.inet_ntop(socket.AF_INET6, whole[i:i + 16]) for i in (8, 24))
    body = whole[40:]
    return [fragment6(src, dst, whole[6], body[at:at + size], at, at + size < len(body),
                      ident) for at in range(0, len(body), size)]


def fragment6(src, dst, proto, body, at, more, ident=77):
    header = struct.pack(">BBHI", 0, 0, at | more, ident)
    return head6(src, dst, proto, len(body), [(FRAGMENT, header)]) + body


def sha1(key):
    return lambda text: hmac.new(key, text, hashlib.sha1).digest()[:12]


def sha256(key):
    return lambda text: hmac.new(key, text, hashlib.sha256).digest()[:16]


def trailer(payload, proto):
    """The usual padding of ESP."""
    n = -(len(payload) + 2) % 4
    return bytes(range(1, n + 1)) + bytes((n, proto))


def esp(spi, seq, payload, proto, mac=None, tail=None):
    """ESP with the NULL cipher; tail stands for padding, its length, next header."""
    data = struct.pack(">II", spi, seq) + payload
    data += trailer(payload, proto) if tail is None else tail
    return data + (mac(data) if mac else b"")


def immutable4(ip, tos=False, mask=0):
    """An IPv4 header as AH sees it; few of its options may not change on the way."""
    b = bytearray(ip)
    if not tos:
        b[1] = 0
    b[6] &= mask >> 8
    b[7] &= mask & 255
    b[8] = b[10] = b[11] = 0
    at = 20
    while at < len(b) and b[at]:
        n = 1 if b[at] == 1 else b[at + 1]
        if b[at] not in (1, 0x82, 0x85, 0x86, 0x94, 0x95):
            b[at:at + n] = bytes(n)
        at += n
    return bytes(b)


def immutable6(ip):
    """An IPv6 header and the extension headers in front of AH, as AH sees them."""
    b = bytearray(ip)
    b[0:4] = b"\x60\0\0\0"
    b[7] = 0
    kind, at = b[6], 40
    while at < len(b):
        end = at + 8 + 8 * b[at + 1]
        option = at + 2 if kind in (HOP, DEST) else end
        while option < end:
            n = 1 if not b[option] else 2 + b[option + 1]
            if b[option] & 0x20:
                b[option + 2:option + n] = bytes(n - 2)
            option += n
        kind, at = b[at], end
    return bytes(b)


def ah(src, dst, spi, seq, payload, proto, mac, length=None, icv=12, reserved=0, **how):
    """A packet with AH; length stands for what the header says of its own."""
    pad = -icv % 4 if ":" not in src else -(AH_FIXED + icv) % 8
    size = AH_FIXED + icv + pad
    header = struct.pack(">BBHII", proto, size // 4 - 2 if length is None else length,
                         reserved, spi, seq)
    ip = head(src, dst, AH, size + len(payload), **how)
    seen = (immutable6 if ":" in src else immutable4)(ip)
    value = mac(seen + header + bytes(icv + pad) + payload)
    return ip + header + value + bytes(pad) + payload
