#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""AH: every ICV on the wire is what RFC 4302 says, computed here once more."""
import hashlib
import hmac
import socket
import struct

import lab
from lab import A4, A6, B4, B6

K16 = bytes(range(0x10, 0x20))
K20 = bytes(range(0x20, 0x34))
ETHER, AH, SO_NO_CHECK = 14, 12, 11


def keyed(name, key):
    """A hash of key, padding, message and key (RFC 1828)."""
    prefix = (key + b"\x80").ljust(56, b"\0") + struct.pack("<Q", 8 * len(key))
    return lambda text: hashlib.new(name, prefix + text + key).digest()


def hmaced(name, key):
    return lambda text: hmac.new(key, text, name).digest()


ALGS = (("hmac-sha1", K20, hmaced("sha1", K20)), ("hmac-md5", K16, hmaced("md5", K16)),
        ("keyed-md5", K16, keyed("md5", K16)), ("keyed-sha1", K20, keyed("sha1", K20)))
NAME, KEY, MAC = ALGS[0]


def immutable4(ip, tos=False, mask=0):
    """An IPv4 header as AH sees it; of its options NOP and router alert stay."""
    b = bytearray(ip)
    if not tos:
        b[1] = 0
    b[6] &= mask >> 8
    b[7] &= mask & 255
    b[8] = b[10] = b[11] = 0
    at = 20
    while at < len(b) and b[at]:
        n = 1 if b[at] == 1 else b[at + 1]
        if b[at] not in (1, 0x94):
            b[at:at + n] = bytes(n)
        at += n
    return bytes(b)


def immutable6(ip):
    """An IPv6 header and options as AH sees them."""
    b = bytearray(ip)
    b[0:4] = b"\x60\0\0\0"
    b[7] = 0
    at = 42
    while at < len(b):
        n = 1 if not b[at] else 2 + b[at + 1]
        if b[at] & 0x20:
            b[at + 2:at + n] = bytes(n - 2)
        at += n
    return bytes(b)


def icv_of(frame, place, mac, **how):
    """(the ICV in the frame, the right one); the ICV has 96 bits."""
    ip, ah = frame[ETHER:place], frame[place:]
    head = immutable4(ip, **how) if ip[0] >> 4 == 4 else immutable6(ip)
    text = head + ah[:AH] + bytes(12) + ah[AH + 12:]
    return ah[AH:AH + 12].hex(), mac(text)[:12].hex()


def rules(a, b, src=A4, dst=B4, name=NAME, key=KEY):
    for host in a, b:
        host.setkey(lab.between(host, src, dst, 0x4000, f"-A {name} 0x{key.hex()}",
                                proto="ah", upper="udp"))


def datagram(a, b, src=A4, dst=B4, options=(), timeout=5):
    """Send one: (what b got, the frame on the wire)."""
    wire = lab.Wire(a, only=f"dst host {dst}")
    with a.socket(src) as s, b.socket(dst, 7005, timeout=timeout) as t:
        for option in options:
            s.setsockopt(*option)
        s.sendto(b"authentic", (dst, 7005))
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


def checksummed(frame):
    """The IPv4 header with its checksum made right."""
    head = bytearray(frame[ETHER:34])
    head[10:12] = bytes(2)
    total = sum(struct.unpack(">10H", head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    head[10:12] = struct.pack(">H", total ^ 0xffff)
    return frame[:ETHER] + bytes(head) + frame[34:]


def changed(frame, *bytes_at):
    b = bytearray(frame)
    for at, value in bytes_at:
        b[at] ^= value
    return checksummed(bytes(b))


def cut(frame, length):
    """The IP header and as many bytes behind it."""
    return checksummed(frame[:16] + struct.pack(">H", 20 + length)
                       + frame[18:34 + length])


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
            ("cut to 8 bytes", {"in_hdrops": 1}, cut(frame, 8)),
            ("cut inside the ICV", {"in_badilen": 1}, cut(frame, 16)),
            ("unknown SPI", {"in_nosa": 1}, changed(frame, (41, 0x77))),
            ("what routers change", taken, changed(frame, (15, 0x1c), (22, 0x1f))),
            ("replayed", {"in_ahreplay": 1}, frame)):
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
    options(a, b)
    knobs(a, b)
    drops(a, b)
    bundle(a, b)


lab.main(body)
