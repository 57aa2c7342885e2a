#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Policies of sockets: what they do to packets of every kind of socket."""
import socket
import struct

import lab
from lab import A4, A6, B4, B6
from sock_client import ESP, IN, IPSEC, OUT, ask, both, give, policy, request

KEY = "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"
MAC = "-A hmac-sha256 0x" + "5a" * 32
MAPPED_A, MAPPED_B = f"::ffff:{A4}", f"::ffff:{B4}"
# Family of the packets: addresses of a and b as the sockets name them.
ENDS = {"IPv4": (A4, B4), "IPv6": (A6, B6), "v4-mapped": (MAPPED_A, MAPPED_B)}
ESP_REQUIRED = request(ESP)


def sas(host):
    """SAs between a and b, both ways, and no policy."""
    text = "flush; spdflush;"
    for spi, src, dst in ((0x1000, A4, B4), (0x1100, B4, A4),
                          (0x1200, A6, B6), (0x1300, B6, A6)):
        text += f"""
            add {src} {dst} esp {spi} -m transport {KEY};
            add {src} {dst} esp {spi + 1} -m tunnel {KEY};
            add {src} {dst} ah {spi + 2} -m transport {MAC};"""
    host.setkey(text)


def got(s):
    try:
        return s.recv(65536)
    except OSError:
        return None


def protos(frames):
    """The protocols seen, but for what neighbours say to each other."""
    return sorted({f.proto for f in frames if f.proto in (50, 51) or f.clear()})


def datagrams(a, b, wire):
    for text, (src, dst) in ENDS.items():
        for connected in False, True:
            with a.socket(src) as s, b.socket(dst, 7000) as t:
                give(s, *both(ESP_REQUIRED))
                give(t, *both(ESP_REQUIRED))
                back = s.getsockname()[:2]
                if connected:
                    s.connect((dst, 7000))
                    t.connect(back)
                s.send(b"to") if connected else s.sendto(b"to", (dst, 7000))
                first = got(t)
                t.send(b"fro") if connected else t.sendto(b"fro", back)
                lab.equal(f"UDP, {text}, {'' if connected else 'not '}connected: both "
                          "ways in ESP", (b"to", b"fro", [50]),
                          (first, got(s), protos(wire.frames())))


def stream(a, b, wire):
    """A listener's policy is that of what it accepts, and of SYN-ACKs."""
    for text, (src, dst) in ENDS.items():
        with a.socket(src, 0, socket.SOCK_STREAM) as s, \
                b.socket(dst, 7001, socket.SOCK_STREAM) as listener:
            give(listener, *both(ESP_REQUIRED))
            listener.listen()
            give(s, *both(ESP_REQUIRED))
            s.connect((dst, 7001))
            child, _ = listener.accept()
            with child:
                child.settimeout(5)
                lab.equal(f"TCP, {text}: what is accepted has the policies of its listener",
                          (ask(listener, IN), ask(listener, OUT)),
                          (ask(child, IN), ask(child, OUT)))
                listener.close()
                s.sendall(b"x" * 100000)
                s.shutdown(socket.SHUT_WR)
                size = 0
                while data := child.recv(1 << 16):
                    size += len(data)
                child.sendall(b"done")
            frames = wire.frames()
            lab.equal(f"TCP, {text}: from SYN to FIN all in ESP, the listener closed long "
                      "since", (100000, b"done", [50], {"a", "b"}),
                      (size, got(s), protos(frames), {f.host.name for f in frames}))


def refused(a, b, wire):
    """Resets: a listener's, an accepted socket's, and where there is no socket."""
    for text, (src, dst) in ENDS.items():
        with a.socket(src, 7002, socket.SOCK_STREAM) as s, \
                b.socket(dst, 7001, socket.SOCK_STREAM) as listener:
            give(listener, *both(ESP_REQUIRED))
            give(s, *both(ESP_REQUIRED))
            listener.listen()
            s.connect((dst, 7001))
            child, _ = listener.accept()
            wire.frames()
            child.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
            child.close()
            s.settimeout(5)
            try:
                seen = s.recv(1)
            except ConnectionResetError:
                seen = "reset"
            lab.equal(f"TCP, {text}: an aborted connection's reset in ESP", ("reset", [50]),
                      (seen, protos(wire.frames())))
            # An ACK that belongs to no connection: the listener refuses it.
            family = socket.AF_INET6 if text == "IPv6" else socket.AF_INET
            with a.entered():
                raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP)
            with raw:
                give(raw, policy(OUT, IPSEC, ESP_REQUIRED))
                ip_src, ip_dst = ENDS["IPv6" if text == "IPv6" else "IPv4"]
                raw.bind((ip_src, 0))
                raw.sendto(segment(ip_src, ip_dst, 7009, 7001, 0x10), (ip_dst, 0))
                frames = wire.frames()
                lab.equal(f"TCP, {text}: a listener's reset for a stray ACK in ESP",
                          ([50], {"a", "b"}),
                          (protos(frames), {f.host.name for f in frames}))


def segment(src, dst, sport, dport, flags):
    """A TCP header without data, its checksum right."""
    head = struct.pack(">HHIIBBHHH", sport, dport, 1000, 2000, 0x50, flags, 8192, 0, 0)
    family = lab.family(src)
    pseudo = socket.inet_pton(family, src) + socket.inet_pton(family, dst) \
        + struct.pack(">II", len(head), 6)
    total = sum(struct.unpack(f">{(len(pseudo) + 20) // 2}H", pseudo + head))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return head[:16] + struct.pack(">H", ~total & 0xffff) + head[18:]


def body():
    a, b = lab.hosts()
    sas(a)
    sas(b)
    wire = lab.Wire(a, b)
    for part in datagrams, stream, refused:
        part(a, b, wire)


lab.main(body)
