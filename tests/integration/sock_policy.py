#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Policies of sockets: what they do to packets of every kind of socket."""
import contextlib
import os
import socket
import struct

import lab
from lab import A4, A6, B4, B6
from sock_client import (AH, BYPASS, DEFAULT, ENTRUST, ESP, IN, IPSEC, OUT, REQUIRE,
                         TUNNEL, USE, ask, both, give, policy, request, tried)

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
    """A listener's policy is that of what it accepts, and of SYN-ACKs.

    A FIN that is repeated would be acknowledged by TIME_WAIT, which has no policy: b
    does not repeat it so soon, be it as a probe or for want of an answer.
    """
    b.sysctl("net.ipv4.tcp_early_retrans=0")
    b.ip(f"route add {A4} dev eth0 rto_min 5s\nroute add {A6} dev eth0 rto_min 5s")
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


def echo(v):
    """An echo request; the kernel fills in the checksum of ICMPv6."""
    if v == 6:
        return struct.pack(">BBHHH", 128, 0, 0, 7, 1) + bytes(8)
    return struct.pack(">BBHHH", 8, 0, 0xf7f7, 7, 1) + bytes(8)


def icmp(a, b, wire):
    """Raw and ICMP sockets; b's kernel answers as its SPD says."""
    for v, src, dst in ((4, A4, B4), (6, A6, B6)):
        proto = socket.IPPROTO_ICMP if v == 4 else socket.IPPROTO_ICMPV6
        for kind in socket.SOCK_RAW, socket.SOCK_DGRAM:
            text = f"{'raw' if kind == socket.SOCK_RAW else 'ICMP'} socket, IPv{v}"
            with a.entered():
                s = socket.socket(lab.family(src), kind, proto)
            with s:
                s.bind((src, 0))
                s.settimeout(0.5)
                give(s, policy(OUT, IPSEC, ESP_REQUIRED))
                s.sendto(echo(v), (dst, 0))
                lab.equal(f"{text}: sends in ESP", (True, ["a: 50", "b: clear"]),
                          (answer(s, v), sides(wire)))
                if kind == socket.SOCK_DGRAM:
                    lab.equal(f"{text}: cannot ask for protected answers, says so", 95,
                              tried(s, policy(IN, IPSEC, ESP_REQUIRED)))
                    continue
                give(s, policy(IN, IPSEC, ESP_REQUIRED))
                before = native(a, "XfrmInTmplMismatch")
                s.sendto(echo(v), (dst, 0))
                lab.equal(f"{text}: gets no answer in clear", (None, 1),
                          (answer(s, v), native(a, "XfrmInTmplMismatch") - before))
                b.setkey(f"spdadd {dst} {src} any -P out ipsec esp/transport//require;")
                s.settimeout(5)
                wire.frames()
                s.sendto(echo(v), (dst, 0))
                lab.equal(f"{text}: gets one in ESP", (True, ["a: 50", "b: 50"]),
                          (answer(s, v), sides(wire)))
                b.setkey("spdflush;")


def answer(s, v):
    """Whether an echo reply comes."""
    data = got(s)
    if data and v == 4 and s.type == socket.SOCK_RAW:
        data = data[20:]
    return data and data[0] == (0 if v == 4 else 129)


def sides(wire):
    return sorted({f"{f.host.name}: {f.proto if f.proto in (50, 51) else 'clear'}"
                   for f in wire.frames() if f.proto in (50, 51) or f.clear()})


def native(host, counter):
    with host.entered(), open("/proc/thread-self/net/xfrm_stat") as f:
        return int(dict(line.split() for line in f)[counter])


class Link:
    """A UDP socket of each host; what passes between them."""

    def __init__(self, a, b, text="IPv4", port=7003):
        src, dst = ENDS[text]
        self.to = (dst, port)
        self.s = a.socket(src)
        self.t = b.socket(dst, port, timeout=0.5)

    def passes(self):
        self.s.sendto(b"datagram", self.to)
        return got(self.t) == b"datagram"

    def close(self):
        self.s.close()
        self.t.close()


def inbound(a, b, wire):
    """What a receiver's policy refuses, and under which counter."""
    for text in ENDS:
        with contextlib.closing(Link(a, b, text)) as link:
            give(link.t, policy(IN, IPSEC, ESP_REQUIRED))
            lab.counted(b, f"UDP, {text}: in clear where the socket requires ESP",
                        {"in_polvio": 1}, lambda: link.s.sendto(b"clear", link.to))
            lab.equal(f"UDP, {text}: does not arrive", None, got(link.t))
            give(link.t, policy(IN, IPSEC, request(ESP, level=USE)))
            lab.equal(f"UDP, {text}: level use takes it", True, link.passes())
            give(link.s, policy(OUT, IPSEC, request(AH)))
            give(link.t, policy(IN, IPSEC, ESP_REQUIRED))
            lab.equal(f"UDP, {text}: AH is not ESP", False, link.passes())
            give(link.s, policy(OUT, IPSEC, ESP_REQUIRED, request(AH)))
            give(link.t, policy(IN, IPSEC, ESP_REQUIRED, request(AH)))
            wire.frames()
            lab.equal(f"UDP, {text}: ESP in AH", (True, [51]),
                      (link.passes(), protos(wire.frames())))
        with a.socket(ENDS[text][0], 0, socket.SOCK_STREAM, 0.5) as s, \
                b.socket(ENDS[text][1], 7001, socket.SOCK_STREAM) as listener:
            give(listener, *both(ESP_REQUIRED))
            listener.listen()
            before = b.stat()["in_polvio"]
            seen = s.connect_ex((ENDS[text][1], 7001))
            lab.equal(f"TCP, {text}: a SYN in clear is neither answered nor refused",
                      (11, True), (seen, b.stat()["in_polvio"] > before))


def tunnel(a, b, wire):
    for text, src, dst in (("IPv4", A4, B4), ("IPv6", A6, B6), ("v4-mapped", A4, B4)):
        with contextlib.closing(Link(a, b, text)) as link:
            way = request(ESP, TUNNEL, REQUIRE, src, dst)
            give(link.s, policy(OUT, IPSEC, way))
            lab.equal(f"tunnel, {text}: nobody at b asks for it", False, link.passes())
            give(link.t, policy(IN, BYPASS))
            lab.equal(f"tunnel, {text}: who bypasses does not ask for it", False,
                      link.passes())
            give(link.t, policy(IN, IPSEC, way))
            wire.frames()
            lab.equal(f"tunnel, {text}: the receiving socket asks for it",
                      (True, [(0x1001 if src == A4 else 0x1201)]),
                      (link.passes(), sorted({f.spi for f in wire.frames() if f.spi})))


def bypass(a, b, wire):
    """IKE passes where everything is required or discarded, nothing else does."""
    rules = "".join(f"""
        spdadd {x}/0 {x}/0 any -P {way} ipsec esp/transport//require;"""
                    for x in ("0.0.0.0", "::") for way in ("out", "in"))
    closed = [f"net.inet{x}.def_policy=0" for x in (".ipsec", "6.ipsec6")]
    opened = [x[:-1] + "1" for x in closed]
    for how in "require", "def_policy 0":
        for host in a, b:
            if how == "require":
                host.setkey("flush; spdflush;" + rules)
            else:
                host.setkey("spdflush;")
                host.sysctl(*closed)
        for text in ENDS:
            with contextlib.closing(Link(a, b, text, 500)) as link, \
                    contextlib.closing(Link(a, b, text, 501)) as other:
                for s in link.s, link.t:
                    give(s, policy(IN, BYPASS), policy(OUT, BYPASS))
                wire.frames()
                to = link.passes()
                link.t.sendto(b"back", link.s.getsockname()[:2])
                lab.equal(f"{how}, {text}: bypass passes both ways, in clear",
                          (True, b"back", [17]), (to, got(link.s), protos(wire.frames())))
                lab.equal(f"{how}, {text}: another port does not", (False, []),
                          (other.passes(), protos(wire.frames())))
                give(link.t, policy(IN, ENTRUST))
                lab.equal(f"{how}, {text}: entrusted to the SPD again", False, link.passes())
    for host in a, b:
        host.sysctl(*opened)
        sas(host)


def missing(a, b, wire):
    """No SA: requests of level require keep the packet, others let it go in clear."""
    a.setkey("flush;")
    with contextlib.closing(Link(a, b)) as link:
        for level, want in ((REQUIRE, False), (USE, True), (DEFAULT, True)):
            give(link.s, policy(OUT, IPSEC, request(ESP, level=level)))
            before = a.stat()["out_nosa"]
            lab.equal(f"no SA, level {('default', 'use', 'require')[level]}",
                      (want, not want, [17] if want else []),
                      (link.passes(), a.stat()["out_nosa"] == before + 1,
                       protos(wire.frames())))
        # The knobs act on open sockets, the receiver's and the sender's.
        a.sysctl("net.inet.ipsec.esp_trans_deflev=2")
        lab.equal("no SA, level default, esp_trans_deflev written 2", False, link.passes())
        a.sysctl("net.inet.ipsec.esp_trans_deflev=1")
        lab.equal("and 1 again", True, link.passes())
        give(link.s, policy(OUT, ENTRUST))
        give(link.t, policy(IN, IPSEC, request(ESP, level=DEFAULT)))
        seen = []
        for value in 1, 2, 1:
            b.sysctl(f"net.inet.ipsec.esp_trans_deflev={value}")
            seen.append(link.passes())
        lab.equal("the receiver's level default obeys 1, 2, 1", [True, False, True], seen)
    with a.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    with raw:
        raw.settimeout(0.5)
        give(raw, policy(IN, IPSEC, request(ESP, level=DEFAULT)))
        seen = []
        for value in 1, 2, 1:
            a.sysctl(f"net.inet.ipsec.esp_trans_deflev={value}")
            raw.sendto(echo(4), (B4, 0))
            seen.append(answer(raw, 4))
        lab.equal("so does that of a raw socket", [True, None, True], seen)
    sas(a)


def inherited(a, b, wire):
    """A socket keeps its policies in another process, however it got there."""
    with contextlib.closing(Link(a, b)) as link:
        give(link.s, policy(OUT, IPSEC, ESP_REQUIRED))
        wire.frames()
        pid = os.fork()
        if not pid:
            link.s.sendto(b"child", link.to)
            os._exit(0)
        os.waitpid(pid, 0)
        lab.equal("after fork: in ESP", [50], protos(wire.frames()))
        one, two = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        socket.send_fds(one, [b"x"], [link.s.fileno()])
        link.s.close()
        _, fds, _, _ = socket.recv_fds(two, 1, 1)
        link.s = socket.socket(fileno=fds[0])
        wire.frames()
        lab.equal("passed as a descriptor, the original closed: in ESP", [50],
                  (link.s.sendto(b"passed", link.to), protos(wire.frames()))[1])
        one.close()
        two.close()


def precedence(a, b, wire):
    """A socket's policy comes before the SPD, in each direction for itself."""
    a.setkey(f"spdadd {A4} {B4} udp -P out discard;")
    with contextlib.closing(Link(a, b)) as link:
        lab.equal("the SPD says discard", False, link.passes())
        give(link.s, policy(IN, IPSEC, ESP_REQUIRED))
        lab.equal("a policy for the other direction does not matter", False, link.passes())
        for text, p, want in (("ipsec", policy(OUT, IPSEC, ESP_REQUIRED), [50]),
                              ("bypass", policy(OUT, BYPASS), [17])):
            give(link.s, p)
            wire.frames()
            lab.equal(f"the socket says {text}", (True, want),
                      (link.passes(), protos(wire.frames())))
        link.s.setsockopt(socket.IPPROTO_IP, 16, None, 0)
        lab.equal("all policies of the socket are taken back", False, link.passes())
    a.setkey("spdflush;")


def body():
    a, b = lab.hosts()
    a.sysctl("net.ipv4.ping_group_range=0 0")
    sas(a)
    sas(b)
    wire = lab.Wire(a, b)
    for part in (datagrams, stream, refused, icmp, inbound, tunnel, missing, inherited,
                 precedence, bypass):
        part(a, b, wire)


lab.main(body)
