#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""IPComp and what it is not: streams without end, nests, tunnels nobody wants.

Host a puts frames on the wire that a compressor would never make; b counts.
"""
import random
import socket
import struct
import zlib

import lab
import pfkey_client
from lab import A4, A6, B4, B6

STRANGER, PORT, CPI, TUNNEL_CPI = "10.0.0.9", 7000, 0x1000, 0x2000
TEXT = b"to be or not to be, that is the question: " * 4
NOISE = random.Random(2394).randbytes(64)
TAKEN = {"in_comphist": 1, "in_success": 1}
BAD = {"in_ipcompinval": 1}


def checksum(data):
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def ends(v, src=None):
    src, dst = (src or A4, B4) if v == 4 else (src or A6, B6)
    return socket.inet_pton(lab.family(src), src) + socket.inet_pton(lab.family(dst), dst)


def datagram(text=TEXT, v=4):
    """A UDP datagram to b, from its own header on."""
    head = struct.pack(">HHH", PORT, PORT, 8 + len(text))
    check = checksum(ends(v) + struct.pack(">HH", 17, 8 + len(text)) + head + bytes(2) + text)
    return head + struct.pack(">H", check or 0xffff) + text


def ip(payload, v=4, proto=17, src=None, options=b"", flags=0):
    """A whole packet to b."""
    if v == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + ends(6, src) + payload
    size = 20 + len(options)
    head = struct.pack(">BBHHHBBH", 0x40 + size // 4, 0, size + len(payload), 7, flags, 64,
                       proto, 0) + ends(4, src) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def raw(data, level=9, strategy=zlib.Z_DEFAULT_STRATEGY):
    engine = zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
    return engine.compress(data) + engine.flush()


def comp(payload, kind=17, cpi=CPI, squeeze=raw):
    return struct.pack(">BBH", kind, 0, cpi) + squeeze(payload)


def esp(payload, kind):
    """ESP without cipher and ICV."""
    pad = -(len(payload) + 2) % 4
    return (struct.pack(">II", 0x3000, 0) + payload
            + bytes(range(1, pad + 1)) + bytes((pad, kind)))


def nest(depth):
    """IPComp and ESP in turns around a datagram: (protocol, bytes)."""
    kind, data = 17, datagram()
    for i in range(depth):
        kind, data = (108, comp(data, kind)) if i % 2 == 0 else (50, esp(data, kind))
    return kind, data


def frame(body, proto=108, v=4, **fields):
    return (bytes.fromhex("02000000000b02000000000a" + {4: "0800", 6: "86dd"}[v])
            + ip(body, v, proto, **fields))


class Ears:
    """What reaches the sockets of b."""

    def __init__(self, b):
        self.socks = [b.socket(B4, PORT), b.socket(B6, PORT)]
        for s in self.socks:
            s.setblocking(False)

    def heard(self):
        texts = []
        for s in self.socks:
            try:
                while True:
                    texts.append(s.recv(65536))
            except BlockingIOError:
                pass
        return texts


def inject(a, b, ears, name, frames, want, texts=()):
    lab.counted(b, name, want, lambda: [a.inject(f) for f in frames])
    heard = ears.heard()
    lab.claim(heard == list(texts), f"{name}: {'arrives' if texts else 'does not arrive'}",
              [t[:100] for t in heard])


def streams(a, b, ears):
    good = datagram()
    packed = comp(good)
    stored = struct.pack("<BHH", 1, len(good), 0xffff ^ len(good)) + good
    far = NOISE + b"a" * 20000 + NOISE
    whole = bytes(65515 - 8)
    for name, body, want, texts in (
            ("a good stream", packed, TAKEN, [TEXT]),
            ("a stored block, longer than what is in it", comp(
                good, squeeze=lambda d: stored), TAKEN, [TEXT]),
            ("a fixed block", comp(good, squeeze=lambda d: raw(
                d, strategy=zlib.Z_FIXED)), TAKEN, [TEXT]),
            ("a match 20 KB back", comp(datagram(far)), TAKEN, [far]),
            ("flags that are not zero", packed[:1] + b"\xff" + packed[2:], TAKEN, [TEXT]),
            ("bytes behind the stream", packed + b"garbage", TAKEN, [TEXT]),
            ("the longest packet there is", comp(datagram(whole)), TAKEN, [whole]),
            ("longer by a byte", comp(datagram(whole) + b"x"), BAD, ()),
            ("a bomb of 1 MB", comp(bytes(1 << 20)), BAD, ()),
            ("header only", packed[:4], BAD, ()),
            ("cut in the middle", packed[:len(packed) // 2], BAD, ()),
            ("cut by two bytes", packed[:-2], BAD, ()),
            ("a block of the reserved kind", packed[:4] + b"\x07" + packed[5:], BAD, ()),
            ("a match before the beginning", packed[:4] + bytes.fromhex("4b842100"),
             BAD, ()),
            ("IPComp in IPComp", comp(packed, 108), {"in_ipcompnested": 1}, ())):
        inject(a, b, ears, name, [frame(body)], want, texts)
    data = good
    for _ in range(1000):
        data = comp(data, 108)
    inject(a, b, ears, "1000 deep", [frame(data)], {"in_ipcompnested": 1})
    for v in 4, 6:
        inject(a, b, ears, f"0 to 3 bytes, IPv{v}",
               [frame(packed[:n], v=v) for n in range(4)], {"in_hdrops": 4})
    inject(a, b, ears, "a good stream, IPv6", [frame(comp(datagram(v=6)), v=6)],
           TAKEN, [TEXT])
    inject(a, b, ears, "an empty payload", [frame(comp(b""))], TAKEN | {"in_inval": 1})


def insides(a, b, ears):
    """What the header may call its payload."""
    for name, kind, payload, more in (
            ("hop-by-hop options", 0, bytes(100), {}),
            ("IPv4 in an SA of mode transport", 4, ip(datagram()), {}),
            ("IPv6 in an SA of mode transport", 41, ip(datagram(v=6), 6), {}),
            ("ESP of no SA", 50, b"\x77" * 100, {"in_nosa": 1}),
            ("AH of no SA", 51, b"\x77" * 100, {"in_nosa": 1}),
            ("protocol 255", 255, bytes(100), {})):
        for v in 4, 6:
            # Of IPv6 options without end no policy can be found.
            if v == 6 and kind == 0:
                more = {"in_inval": 1}
            inject(a, b, ears, f"{name}, IPv{v}",
                   [frame(comp(payload, kind), v=v)], TAKEN | more)
    inject(a, b, ears, "next header 59", [frame(comp(bytes(100), 59))],
           {"in_comphist": 1, "in_dummy": 1})
    for depth, more, texts in (5, {}, [TEXT]), (6, {"in_depth": 1, "in_success": 5}, ()):
        kind, data = nest(depth)
        inject(a, b, ears, f"IPComp and ESP in turns, {depth} deep", [frame(data, kind)],
               {"in_comphist": 3, "in_success": 5} | more, texts)


def indices(a, b, ears):
    cpis = [c for c in (*range(0, 65536, 97), 1, 3, 255, 256, 65535)
            if c not in (2, CPI)]
    inject(a, b, ears, "indices of no SA", [frame(comp(datagram(), cpi=c)) for c in cpis],
           {"in_nosa": len(cpis)})
    known = comp(datagram(), cpi=2)
    inject(a, b, ears, "the well-known index", [frame(known)], TAKEN, [TEXT])
    inject(a, b, ears, "the same from a stranger", [frame(known, src=STRANGER)],
           {"in_nosa": 1})
    with b.entered():
        client = pfkey_client.Client()
    client.ask(pfkey_client.GETSPI, pfkey_client.IPCOMP,
               pfkey_client.ends(A4, B4) + pfkey_client.spirange(0x5000, 0x5000))
    inject(a, b, ears, "an index that waits for its SA",
           [frame(comp(datagram(), cpi=0x5000))], {"in_early": 1, "in_badspi": 1})
    client.sock.close()


def bare(a, b, ears):
    """IP in IP, which an IPComp tunnel sends when nothing shrinks."""
    def policy(text):
        b.setkey(f"spdflush; spdadd {A4} {B4} udp -P in ipsec {text};"
                 f"spdadd {A6} {B6} udp -P in ipsec {text.replace(A4, A6).replace(B4, B6)};")

    tunnel = f"ipcomp/tunnel/{A4}-{B4}/require"
    inner, inner6 = ip(datagram()), ip(datagram(v=6), 6)
    policy(tunnel)
    inject(a, b, ears, "IP in IP without an SA for such a tunnel", [frame(inner, 4)], {})
    for src, dst, n in (A4, B4, 0), (A6, B6, 1):
        b.setkey(f"add {src} {dst} ipcomp {TUNNEL_CPI + n} -m tunnel -C deflate -R;")
    out = {"in_uncompr": 1}
    for name, packet, want, texts in (
            ("IPv4 in IPv4", frame(inner, 4), out, [TEXT]),
            ("IPv6 in IPv6", frame(inner6, 41, 6), out, [TEXT]),
            ("IPv4 in IPv6, which no policy wants", frame(inner, 4, 6),
             out | {"in_tunnel": 1}, ()),
            ("from a stranger", frame(inner, 4, src=STRANGER), {}, ()),
            ("with options outside", frame(inner, 4, options=b"\x01\x01\x01\x00"), {}, ()),
            ("a fragment of one", frame(inner, 4, flags=0x2000), {}, ()),
            ("ten bytes inside", frame(inner[:10], 4), {"in_hdrops": 1}, ()),
            ("compressed", frame(comp(inner, 4, TUNNEL_CPI)), TAKEN, [TEXT]),
            ("not IP inside", frame(comp(datagram(), 17, TUNNEL_CPI)),
             {"in_comphist": 1, "in_mode": 1}, ())):
        inject(a, b, ears, f"tunnel: {name}", [packet], want, texts)
    data = inner
    for _ in range(9):
        data = ip(data, proto=4)
    inject(a, b, ears, "tunnel: ten deep", [frame(data, 4)], {"in_uncompr": 5, "in_depth": 1})
    policy("ah/transport//use")
    inject(a, b, ears, "tunnel: no policy wants it", [frame(inner, 4)],
           out | {"in_tunnel": 1})
    policy(f"{tunnel} esp/transport//require")
    inject(a, b, ears, "tunnel: IPComp where ESP is required", [frame(inner, 4)],
           out | {"in_polvio": 1})
    inject(a, b, ears, "transport: IPComp where ESP is required",
           [frame(comp(datagram()))], TAKEN | {"in_polvio": 1})


def body():
    a, b = lab.hosts()
    for host in a, b:
        host.ip("link set eth0 mtu 60000")
    for src, dst in (A4, B4), (A6, B6):
        b.setkey(f"""
            add {src} {dst} ipcomp {CPI} -m transport -C deflate -R;
            add {src} {dst} esp 0x3000 -m transport -E null;
            spdadd {src} {dst} udp -P in ipsec ipcomp/transport//require;
            """)
    ears = Ears(b)
    streams(a, b, ears)
    insides(a, b, ears)
    indices(a, b, ears)
    bare(a, b, ears)


lab.main(body)
