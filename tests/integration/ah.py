#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""AH: every ICV on the wire is what RFC 4302 says, computed here once more."""
import hashlib
import hmac
import socket
import struct

import lab
from lab import A4, A6, B4, B6
from packets import ETHER, immutable4, immutable6

K16 = bytes(range(0x10, 0x20))
K20 = bytes(range(0x20, 0x34))
AH, SO_NO_CHECK = 12, 11
HOP, ROUTING, DESTINATION = 0, 43, 60   # of IPv6's next header


def keyed(name, key):
    """A hash of key, padding, message and key (RFC 1828)."""
    prefix = (key + b"\x80").ljust(56, b"\0") + struct.pack("<Q", 8 * len(key))
    return lambda text: hashlib.new(name, prefix + text + key).digest()


def hmaced(name, key):
    return lambda text: hmac.new(key, text, name).digest()


ALGS = (("hmac-sha1", K20, hmaced("sha1", K20)), ("hmac-md5", K16, hmaced("md5", K16)),
        ("keyed-md5", K16, keyed("md5", K16)), ("keyed-sha1", K20, keyed("sha1", K20)))
LONG = (("hmac-sha2-512", bytes(range(64)), hmaced("sha512", bytes(range(64)))),)
NAME, KEY, MAC = ALGS[0]


def icv_of(frame, place, mac, fixed=AH, icv=12, **how):
    """(the ICV in the frame, the right one); fixed bytes are in front of it."""
    ip, ah = frame[ETHER:place], frame[place:]
    head = immutable4(ip, **how) if ip[0] >> 4 == 4 else immutable6(ip)
    text = head + ah[:fixed] + bytes(icv) + ah[fixed + icv:]
    return ah[fixed:fixed + icv].hex(), mac(text)[:icv].hex()


def rules(a, b, src=A4, dst=B4, name=NAME, key=KEY, proto="ah"):
    for host in a, b:
        host.setkey(lab.between(host, src, dst, 0x4000, f"-A {name} 0x{key.hex()}",
                                proto=proto, upper="udp"))


def listener(b):
    """So that no ICMP error, protected as a reply would be, answers a datagram."""
    return b.socket(B4, 7005)


def datagram(a, b, src=A4, dst=B4, options=(), timeout=5, port=7005):
    """Send one: (what b got, the frame on the wire)."""
    wire = lab.Wire(a, only=f"dst host {dst}")
    with a.socket(src) as s, b.socket(dst, port, timeout=timeout) as t:
        for option in options:
            s.setsockopt(*option)
        s.sendto(b"authentic", (dst, port))
        try:
            got = t.recv(100)
        except TimeoutError:
            got = None
    return got, wire.frames()[-1].data


def algorithms(a, b):
    for name, key, mac in ALGS:
        for src, dst, place in (A4, B4, 34), (A6, B6, 54):
            rules(a, b, src, dst, name, key)
            got, frame = datagram(a, b, src, dst)
            lab.equal(f"{name} to {dst}: arrives", b"authentic", got)
            lab.equal(f"{name} to {dst}: header says UDP, 4 words, SPI, number 1",
                      "110400000000400000000001", frame[place:place + AH].hex())
            lab.equal(f"{name} to {dst}: ICV", *icv_of(frame, place, mac))


def old(a, b):
    """RFC 1826: no number, an ICV of 128 bits whatever the algorithm."""
    rows = list(enumerate(ALGS + LONG, 1))
    for host, direction in (a, "out"), (b, "in"):
        host.setkey("flush; spdflush;" + "".join(
            f"""add {src} {dst} ah-old {0x4000 + n} -u {n} -A {name} 0x{key.hex()};
                spdadd {src} {dst}[{7100 + n}] udp -P {direction}
                    ipsec ah/transport//unique:{n};\n"""
            for n, (name, key, _) in rows for src, dst in ((A4, B4), (A6, B6))))
    for n, (name, key, mac) in rows:
        for src, dst, place in (A4, B4, 34), (A6, B6, 54):
            got, frame = datagram(a, b, src, dst, port=7100 + n)
            lab.equal(f"RFC 1826, {name} to {dst}: arrives", b"authentic", got)
            lab.equal(f"RFC 1826, {name} to {dst}: header says UDP, 4 words, SPI",
                      f"110400000000400{n}", frame[place:place + 8].hex())
            lab.equal(f"RFC 1826, {name} to {dst}: UDP behind 24 bytes",
                      frame[place + 24 + 8:], b"authentic")
            lab.equal(f"RFC 1826, {name} to {dst}: ICV",
                      *icv_of(frame, place, mac, fixed=8, icv=16))
    rules(a, b, proto="ah-old")
    _, frame = datagram(a, b)
    taken = {"in_ahauthsucc": 1, "in_success": 1}
    for text, want, bad in (
            ("again: it knows no replays", taken, frame),
            ("ICV changed in its last byte", {"in_ahauthfail": 1}, changed(frame, (57, 1))),
            ("length of the new ICV", {"in_badilen": 1}, changed(frame, (35, 7))),
            ("cut inside the ICV", {"in_badilen": 1}, lab.cut(frame, 20))):
        with listener(b):
            lab.counted(b, f"RFC 1826, {text}", want, lambda: a.inject(bad))


def source_route(a, b):
    """By 10.0.0.2 to 10.0.0.3: the ICV is of what the last stop will see."""
    last = "10.0.0.3"
    b.ip(f"addr add {last}/24 dev eth0")
    b.sysctl("net.ipv4.conf.all.accept_source_route=1",
             "net.ipv4.conf.eth0.accept_source_route=1", "net.ipv4.ip_forward=1")
    a.setkey(lab.between(a, A4, B4, 0x4000, f"-A {NAME} 0x{KEY.hex()}", proto="ah",
                         upper="udp"))
    b.setkey(lab.between(b, A4, last, 0x4000, f"-A {NAME} 0x{KEY.hex()}", proto="ah",
                         upper="udp"))
    route = bytes((1, 131, 7, 4)) + socket.inet_aton(B4)
    wire = lab.Wire(a, only=f"dst host {B4}")
    with a.socket(A4) as s, b.socket(last, 7005) as t:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, route)
        # Linux would make UDP's checksum for the first stop.
        s.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
        s.sendto(b"by two stops", (last, 7005))
        lab.equal("source route: arrives", b"by two stops", t.recv(100))
    frame = wire.frames()[-1].data
    lab.equal("source route: ends in the option", last, socket.inet_ntoa(frame[38:42]))
    at_end = frame[:30] + socket.inet_aton(last) + frame[34:]
    lab.equal("source route: ICV", *icv_of(at_end, 42, MAC))


# Which IPv4 options AH takes as they are, one of each kind, padded with NOP.
KEPT = (("security", 0x82), ("extended security", 0x85), ("commercial security", 0x86),
        ("router alert", 0x94), ("RFC 1770", 0x95))
ZEROED = (("record route", 7), ("timestamp", 0x44), ("stream id", 0x88),
          ("one that nobody knows", 0x1e), ("the same, copied", 0x9e))


def raw4(options, dst=B4):
    """An IPv4 packet with options and a datagram in it, for a raw socket."""
    udp = struct.pack(">HHHH", 7005, 7006, 8 + 9, 0) + b"authentic"
    return struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0x20, 0, 77, 0, 9, 17, 0) \
        + socket.inet_aton(A4) + socket.inet_aton(dst) + options + udp


def header_options(a, b):
    """Each IPv4 option; the packet is made by hand, b need not like it."""
    rules(a, b)
    wire = lab.Wire(a, only=f"dst host {B4}")
    with a.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    body = bytes(range(0xa2, 0xa8))
    rows = [(name, bytes((kind, 8)) + body, kept) for kinds, kept in (
        (KEPT, None), (ZEROED, bytes(8))) for name, kind in kinds]
    rows += [("bytes behind the end", b"\0" + body + b"\x55", None),
             ("NOP between", b"\1\1\x94\4" + body[:2] + b"\1\1", None),
             ("two of them", b"\x94\4" + body[:2] + b"\7\4" + body[:2],
              b"\x94\4" + body[:2] + bytes(4))]
    for name, options, seen in rows:
        raw.sendto(raw4(options), (B4, 0))
        frames = wire.frames(0.02)
        frame = frames[-1].data if frames else bytes(100)
        lab.equal(f"IPv4 option, {name}: on the wire as it was", options.hex(),
                  frame[34:42].hex())
        # The header as the receiver computes it, spelled out.
        fixed = bytearray(frame[ETHER:34] + (options if seen is None else seen))
        fixed[1] = fixed[6] = fixed[7] = fixed[8] = fixed[10] = fixed[11] = 0
        text = bytes(fixed) + frame[42:54] + bytes(12) + frame[66:]
        lab.equal(f"IPv4 option, {name}: ICV", frame[54:66].hex(), MAC(text)[:12].hex())
    before = a.stat()["out_inval"]
    for name, options in (("length 0", b"\x94\0\1\1"), ("length 1", b"\x94\1\1\1"),
                          ("beyond the header", b"\x94\5\1\1"),
                          ("cut behind its type", b"\1\1\1\x94")):
        raw.sendto(raw4(options), (B4, 0))
        before += 1
        lab.equal(f"IPv4 option, {name}: refused", (before, 0),
                  (a.stat()["out_inval"], len(wire.frames(0.02))))
    raw.close()


def address6(text):
    return socket.inet_pton(socket.AF_INET6, text)


def headers6():
    """Each IPv6 extension header and each order of them, as the last stop sees it.

    The packet is made by hand; b need not like what Linux has given up.
    """
    stops = [address6(f"fd00::{n}") for n in (11, 12, 13)]

    def options(kind):                              # may and may not change, Pad1
        return bytes((0, kind, 4, 1, 2, 3, 4, kind ^ 0x20, 4, 5, 6, 7, 8, 0))

    def extension(body):
        return lambda nexthdr: bytes((nexthdr, (2 + len(body)) // 8 - 1)) + body

    def route(kind, left, addresses, first=0):
        return extension(bytes((kind, left, first, 0, 0, 0)) + b"".join(addresses))

    hop, dest = extension(options(0x1e)), extension(options(0x3e))
    return (
        ("hop-by-hop", [(HOP, hop)], [], [(HOP, hop)], B6),
        ("destination options behind AH", [], [(DESTINATION, dest)], [], B6),
        ("hop-by-hop, then destination options behind AH", [(HOP, hop)],
         [(DESTINATION, dest)], [(HOP, hop)], B6),
        ("route that is done", [(ROUTING, route(0, 0, stops))], [],
         [(ROUTING, route(0, 0, stops))], B6),
        ("type 0, three stops left", [(ROUTING, route(0, 3, stops))], [],
         [(ROUTING, route(0, 0, [address6(B6), *stops[:2]]))], "fd00::13"),
        ("type 0, two of three left", [(ROUTING, route(0, 2, stops))], [],
         [(ROUTING, route(0, 0, [stops[0], address6(B6), stops[1]]))], "fd00::13"),
        ("type 0, one left", [(ROUTING, route(0, 1, stops))], [],
         [(ROUTING, route(0, 0, [*stops[:2], address6(B6)]))], "fd00::13"),
        ("type 2", [(ROUTING, route(2, 1, stops[:1]))], [],
         [(ROUTING, route(2, 0, [address6(B6)]))], "fd00::11"),
        ("type 4", [(ROUTING, route(4, 2, stops, 2))], [],
         [(ROUTING, route(4, 0, stops, 2))], "fd00::11"),
        ("all of them", [(HOP, hop), (DESTINATION, dest), (ROUTING, route(0, 2, stops))],
         [(DESTINATION, dest)],
         [(HOP, hop), (DESTINATION, dest),
          (ROUTING, route(0, 0, [stops[0], address6(B6), stops[1]]))], "fd00::13"),
    )


def chain(headers, last):
    """(first next header, bytes) of extension headers in front of "last"."""
    kinds = [kind for kind, _ in headers] + [last]
    return kinds[0], b"".join(make(kinds[i + 1]) for i, (_, make) in enumerate(headers))


def extension_headers(a, b):
    rules(a, b, A6, B6)
    udp = struct.pack(">HHHH", 7005, 7006, 8 + 9, 0) + b"authentic"
    wire = lab.Wire(a, only=f"dst host {B6}")
    with a.entered():
        raw = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for name, front, behind, at_end, final in headers6():
        first, text = chain(front + behind, 17)
        raw.sendto(struct.pack(">IHBB", 0x6ab12345, len(text) + len(udp), first, 9)
                   + address6(A6) + address6(B6) + text + udp, (B6, 0))
        frames = wire.frames(0.02)
        _, head = chain(front, 51)
        inside, tail = chain(behind, 17)
        place = 54 + len(head)
        frame = frames[-1].data if frames else bytes(200)
        lab.equal(f"IPv6 {name}: AH's place",
                  (head.hex(), (tail + udp).hex(), inside),
                  (frame[54:place].hex(), frame[place + 24:].hex(), frame[place]))
        first, seen = chain(at_end, 51)
        ip = frame[ETHER:20] + bytes((first,)) + frame[21:38] + address6(final) + seen
        lab.equal(f"IPv6 {name}: ICV", *icv_of(frame[:ETHER] + ip + frame[place:],
                                               place, MAC))
    before = a.stat()["out_inval"]
    for name, kind, left, size in (("more stops left than there are", 0, 3, 32),
                                   ("half an address", 0, 1, 24),
                                   ("a type that nobody knows", 77, 1, 16)):
        text = bytes((17, size // 8, kind, left, 0, 0, 0, 0)) + bytes(size)
        raw.sendto(struct.pack(">IHBB", 0x60000000, len(text) + len(udp), ROUTING, 9)
                   + address6(A6) + address6(B6) + text + udp, (B6, 0))
        before += 1
        lab.equal(f"IPv6 route with {name}: refused", (before, 0),
                  (a.stat()["out_inval"], len(wire.frames(0.02))))
    raw.close()


def segments(a, b):
    """By fd00::2 to fd00::3, and through: the segment routing that Linux has."""
    last = "fd00::3"
    b.ip(f"addr add {last}/64 dev eth0 nodad")
    b.sysctl("net.ipv6.conf.all.seg6_enabled=1", "net.ipv6.conf.eth0.seg6_enabled=1")
    for host, end in (a, B6), (b, last):
        host.setkey(lab.between(host, A6, end, 0x4000, f"-A {NAME} 0x{KEY.hex()}",
                                proto="ah", upper="udp"))
    header = bytes((0, 4, 4, 1, 1, 0, 0, 0)) + bytes(16) + address6(B6)
    wire = lab.Wire(a, only=f"dst host {B6}")
    with a.socket(A6) as s, b.socket(last, 7005) as t:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header)
        s.sendto(b"by two stops", (last, 7005))
        lab.equal("segment routing: arrives", b"by two stops", t.recv(100))
    frame = wire.frames()[-1].data
    lab.equal("segment routing: one segment left, AH behind it", (1, 51),
              (frame[57], frame[54]))


def options(a, b):
    rules(a, b)
    for name, option in (("record route", bytes((7, 7, 4, 0, 0, 0, 0, 1))),
                         ("router alert", bytes((1, 1, 1, 1, 0x94, 4, 0, 0)))):
        got, frame = datagram(a, b, options=[
            (socket.IPPROTO_IP, socket.IP_OPTIONS, option)])
        lab.equal(f"{name}: arrives", b"authentic", got)
        lab.equal(f"{name}: ICV", *icv_of(frame, 42, MAC))
    source_route(a, b)
    rules(a, b, A6, B6)
    for kind in 0x1e, 0x3e:         # may not, and may change on the way
        hop = bytes((0, 0, kind, 4, 1, 2, 3, 4))
        got, frame = datagram(a, b, A6, B6, options=[
            (socket.IPPROTO_IPV6, socket.IPV6_HOPOPTS, hop)])
        lab.equal(f"hop-by-hop option {kind:#x}: arrives", b"authentic", got)
        lab.equal(f"hop-by-hop option {kind:#x}: ICV", *icv_of(frame, 62, MAC))


def knobs(a, b):
    rules(a, b)
    tos = [(socket.IPPROTO_IP, socket.IP_TOS, 0x10)]
    for clear in 1, 0:
        for host in a, b:
            host.sysctl(f"net.inet.ipsec.ah_cleartos={clear}")
        got, frame = datagram(a, b, options=tos)
        lab.equal(f"ah_cleartos {clear}: arrives", b"authentic", got)
        lab.equal(f"ah_cleartos {clear}: ICV",
                  *icv_of(frame, 34, MAC, tos=not clear))
    a.sysctl("net.inet.ipsec.ah_cleartos=1")
    before = b.stat()["in_ahauthfail"]
    got, _ = datagram(a, b, options=tos, timeout=0.3)
    lab.equal("ah_cleartos that differs: does not arrive", None, got)
    lab.equal("and is counted", before + 1, b.stat()["in_ahauthfail"])
    b.sysctl("net.inet.ipsec.ah_cleartos=1")
    for mask in 0, 0x4000:
        for host in a, b:
            host.sysctl(f"net.inet.ipsec.ah_offsetmask={mask}")
        got, frame = datagram(a, b, options=[(socket.IPPROTO_IP, 10, 2)])   # DF
        lab.equal(f"ah_offsetmask {mask:#x}: arrives with DF", (b"authentic", 0x40),
                  (got, frame[20]))
        lab.equal(f"ah_offsetmask {mask:#x}: ICV", *icv_of(frame, 34, MAC, mask=mask))
    for host in a, b:
        host.sysctl("net.inet.ipsec.ah_offsetmask=0")


def changed(frame, *bytes_at):
    b = bytearray(frame)
    for at, value in bytes_at:
        b[at] ^= value
    return lab.checksummed(bytes(b))


def drops(a, b):
    rules(a, b)
    b.setkey("flush;")
    _, frame = datagram(a, b, timeout=0.2)
    rules(a, b)
    fail, taken = {"in_ahauthfail": 1}, {"in_ahauthsucc": 1, "in_success": 1}
    for text, want, bad in (
            ("payload changed", fail, changed(frame, (70, 1))),
            ("ICV changed", fail, changed(frame, (34 + AH, 0x80))),
            ("number changed", fail, changed(frame, (45, 2))),
            ("identification changed", fail, changed(frame, (18, 1))),
            ("number zero", {"in_ahold": 1}, changed(frame, (45, 1))),
            ("length of another ICV", {"in_badilen": 1}, changed(frame, (35, 2))),
            ("cut to 8 bytes", {"in_hdrops": 1}, lab.cut(frame, 8)),
            ("cut inside the ICV", {"in_badilen": 1}, lab.cut(frame, 16)),
            ("unknown SPI", {"in_nosa": 1}, changed(frame, (41, 0x77))),
            ("what routers change", taken, changed(frame, (15, 0x1c), (22, 0x1f))),
            ("replayed", {"in_ahreplay": 1}, frame)):
        with listener(b):
            lab.counted(b, text, want, lambda: a.inject(bad))


def bundle(a, b):
    """ESP inside AH, in the order of the policy."""
    rules(a, b)
    for host, out, back in (a, "out", "in"), (b, "in", "out"):
        host.setkey(f"""
            spdflush;
            add {A4} {B4} esp 0x4100 -E aes-gcm-16 0x{K20.hex()};
            add {B4} {A4} esp 0x4101 -E aes-gcm-16 0x{K20.hex()};
            spdadd {A4} {B4} udp -P {out} ipsec esp/transport//require ah/transport//require;
            spdadd {B4} {A4} udp -P {back} ipsec esp/transport//require ah/transport//require;
            """)
    got, frame = datagram(a, b)
    lab.equal("ESP in AH: arrives", b"authentic", got)
    lab.equal("ESP in AH: so on the wire", (51, 50), (frame[23], frame[34]))
    lab.equal("ESP in AH: ICV", *icv_of(frame, 34, MAC))
    a.setkey(f"spdflush; spdadd {A4} {B4} udp -P out ipsec ah/transport//require;")
    before = b.stat()["in_polvio"]
    got, _ = datagram(a, b, timeout=0.3)
    lab.equal("AH alone does not do for both", (None, before + 1),
              (got, b.stat()["in_polvio"]))


def body():
    a, b = lab.hosts()
    algorithms(a, b)
    old(a, b)
    options(a, b)
    header_options(a, b)
    extension_headers(a, b)
    segments(a, b)
    knobs(a, b)
    drops(a, b)
    bundle(a, b)


lab.main(body)
