# SPDX-License-Identifier: GPL-2.0-only
"""What manual.py looks at: each function does one thing and says what is seen of it.

A packet's fate is that it arrives, or the counter of whoever dropped it.
"""
import contextlib
import errno
import hmac
import itertools
import select
import socket
import struct
import time

import lab
import packets
import pfkey_client as pfkey
from lab import A4, A6, ARRIVES, B4, B6
from sock_client import (BYPASS, DISCARD, ESP, IN, IPSEC, OUT, REQUIRE, TRANSPORT,
                         TUNNEL, ask, give, policy, request, tried)

CIPHER_KEY, MAC_KEY, OTHER_KEY = bytes(range(16)), b"\x5a" * 32, b"\x5b" * 32
# Type of SA, algorithms and keys, as PF_KEY has them.
SECRET = (pfkey.ESP, 5, 12, MAC_KEY, CIPHER_KEY)
OPEN = (pfkey.ESP, 0, 11, b"", b"")
HASHED = (pfkey.AH, 5, 0, MAC_KEY, b"")
TEXT = b"what nobody else may read"
ENDS = {4: (A4, B4), 6: (A6, B6)}
TREE = {4: "net.inet.ipsec", 6: "net.inet6.ipsec6"}
LEVELS = [f"{tree}.{proto}_{mode}_deflev" for tree in TREE.values()
          for proto in ("esp", "ah") for mode in ("trans", "net")]
IP_MTU_DISCOVER = 10
NO_SA, SAYS_NO, VIOLATES = "a out_nosa", "a out_polvio", "b in_polvio"


class Lab:
    """The hosts, their wire, and a datagram from a to b."""

    def __init__(self):
        self.hosts = self.a, self.b = lab.hosts()
        self.a.sysctl("net.ipv4.ping_group_range=0 0")
        self.a.ip("addr add 10.8.0.1/32 dev lo\nroute add 10.9.0.0/24 via " + B4)
        self.b.ip("addr add 10.9.0.2/32 dev lo\nroute add 10.8.0.0/24 via " + A4)
        self.wire = lab.Wire(*self.hosts)
        self.ends = {v: (self.a.socket(x), self.b.socket(y, 7000))
                     for v, (x, y) in ENDS.items()}
        self.km = {host: self.client(host) for host in self.hosts}

    def client(self, host):
        with host.entered():
            return pfkey.Client()

    def ask(self, host, kind, satype=0, body=b""):
        """A request of PF_KEY that has to work."""
        self.km[host].drain_all()
        reply = self.km[host].ask(kind, satype, body)
        if reply.errno:
            raise OSError(reply.errno, f"PF_KEY message {kind}")

    def add(self, host, spi, src, dst, alg, mode):
        satype, auth, encrypt, akey, ekey = alg
        self.ask(host, pfkey.ADD, satype,
                 pfkey.sa(spi, auth, encrypt) + pfkey.sa2(mode) + pfkey.ends(src, dst)
                 + (pfkey.key(8, akey) if akey else b"")
                 + (pfkey.key(9, ekey) if ekey else b""))

    def spd(self, host, way, src, dst, *requests, kind=IPSEC, port=0, **selector):
        self.ask(host, pfkey.SPDADD, 0, pfkey.address(5, src, **selector)
                 + pfkey.address(6, dst, port=port, **selector)
                 + pfkey.policy(way, kind, b"".join(requests)))

    def load(self, alg=SECRET, mode=TRANSPORT, v=4, **selector):
        """SAs and policies of both hosts, both ways; SPIs 0x1000 and 0x1001."""
        for host in self.hosts:
            self.unload(host)
            for spi, way in (0x1000, ENDS[v]), (0x1001, ENDS[v][::-1]):
                self.add(host, spi, *way, alg, mode)
                self.spd(host, OUT if (host is self.a) == (spi == 0x1000) else IN, *way,
                         request({pfkey.ESP: 50, pfkey.AH: 51}[alg[0]], mode, REQUIRE,
                                 *(way if mode == TUNNEL else ())), **selector)

    def unload(self, *hosts):
        for host in hosts or self.hosts:
            self.ask(host, pfkey.FLUSH)
            self.ask(host, pfkey.SPDFLUSH)

    def drops(self):
        """What was dropped, by us or, as a socket's policy says, by the core."""
        seen = {}
        for host in self.hosts:
            seen |= {f"{host.name} {k}": n for k, n in host.drops().items()}
            with host.entered(), open("/proc/thread-self/net/xfrm_stat") as f:
                seen |= {f"{host.name} {k}": int(n) for k, n in map(str.split, f)}
        return seen

    def fate(self, receiver, send):
        return lab.fate(receiver, self.drops, send, TEXT)

    def passes(self, v=4, to=None, by=None):
        s, t = self.ends[v]
        to, by = to or t, by or s
        return self.fate(to, lambda: by.sendto(TEXT, to.getsockname()[:2]))

    def seen(self, v=4):
        """Its fate, and the frames of a that carried it."""
        self.wire.frames(0)
        fate = self.passes(v)
        return fate, [f for f in self.wire.frames(0)
                      if f.host is self.a and (f.spi or f.clear())]

    @contextlib.contextmanager
    def knobs(self, host, *settings):
        """Settings as sysctl(8) takes them, for a while."""
        with host.entered():
            before = [(s.split("=")[0], knob(s.split("=")[0])) for s in settings]
        host.sysctl(*settings)
        yield
        host.sysctl(*(f"{name}={value}" for name, value in before))


def knob(name):
    with open(f"/proc/sys/{name.replace('.', '/')}") as f:
        return int(f.read())


def carried(x, alg, **how):
    """What becomes of a datagram, in packets of which protocols, from where to where."""
    x.load(alg, **how)
    fate, frames = x.seen(how.get("v", 4))
    pretty = [socket.inet_ntop(socket.AF_INET if len(y) == 4 else socket.AF_INET6, y)
              for y in (frames[0].src, frames[0].dst)]
    return fate, {f.proto for f in frames}, *pretty


def hidden(x):
    """Whether the text is to be seen on the wire: protected, and without IPsec."""
    x.load()
    first, sealed = x.seen()
    x.unload()
    second, clear = x.seen()
    return first, second, *(any(TEXT in f.data for f in y) for y in (sealed, clear))


def wrong_key(x, alg):
    x.load(alg)
    x.ask(x.b, pfkey.FLUSH)
    x.add(x.b, 0x1000, A4, B4, alg[:3] + (OTHER_KEY, alg[4]), TRANSPORT)
    return x.passes()


def changed(x, alg, at, data):
    """A packet comes, altered on its way, to SAs that have not seen it.

    A number in place of the bytes is what they are XORed with.
    """
    x.load(alg)
    _, frames = x.seen()
    frame = bytearray(frames[0].data)
    if isinstance(data, int):
        data = bytes([frame[at] ^ data])
    frame[at:at + len(data)] = data
    x.load(alg)
    return x.fate(x.ends[4][1], lambda: x.a.inject(lab.checksummed(bytes(frame))))


def ah_icv(x):
    """By which ah_cleartos and ah_offsetmask AH's ICV is HMAC-SHA-256.

    The datagram has a type of service and DF.
    """
    x.load(HASHED)
    with x.a.socket(A4) as s:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
        s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 2)
        x.wire.frames(0)
        fate = x.passes(by=s)
    frame = [f for f in x.wire.frames(0) if f.spi and f.host is x.a][0]
    found = []
    for clear, bits in itertools.product((1, 0), (0, 0x4000)):
        data = packets.immutable4(frame.data[14:34], not clear, bits) \
            + frame.data[34:46] + bytes(16) + frame.data[62:]
        if hmac.digest(MAC_KEY, data, "sha256")[:16] == frame.data[46:62]:
            found.append((clear, bits))
    return fate, found


@contextlib.contextmanager
def networks(x, *requests):
    """Policies for the networks behind a and b, and a datagram's two ends there."""
    for host, way in (x.a, OUT), (x.b, IN):
        x.add(host, 0x1000, A4, B4, OPEN, TUNNEL)
        x.spd(host, way, "10.8.0.0", "10.9.0.0", *requests, prefix=24)
    with x.a.socket("10.8.0.1") as s, x.b.socket("10.9.0.2", 7009) as t:
        yield s, t


def encapsulated(x):
    """A datagram between networks behind the hosts: its fate, outer and inner ends."""
    with networks(x, request(ESP, TUNNEL, REQUIRE, A4, B4)) as (s, t):
        x.wire.frames(0)
        fate = x.passes(to=t, by=s)
        frame = [f for f in x.wire.frames(0) if f.spi][0]
    inner = frame.data[frame.payload + 8:]
    return fate, *map(socket.inet_ntoa, (frame.src, frame.dst, inner[12:16], inner[16:20]))


def managed(x):
    """SAs by RFC 2367's messages: what REGISTER, ADD, GET, DELETE, GET answer."""
    one = pfkey.sa(0x1000) + pfkey.ends(A4, B4)
    seen, client = [], x.client(x.a)
    for kind, body in ((pfkey.REGISTER, b""), (pfkey.ADD, pfkey.esp(0x1000)),
                       (pfkey.GET, one), (pfkey.DELETE, one), (pfkey.GET, one)):
        reply = client.ask(kind, pfkey.ESP, body)
        seen.append((reply.type == kind, reply.errno))
        client.drain_all()
    return seen


def acquired(x):
    """A program registers, is asked for an SA, adds it: the packets before and after."""
    x.spd(x.a, OUT, A4, B4, request())
    daemon = x.client(x.a)
    daemon.ask(pfkey.REGISTER, pfkey.ESP)
    before = x.passes()
    asked = [m.type for m in daemon.drain()]
    for host in x.hosts:
        x.add(host, 0x1000, A4, B4, SECRET, TRANSPORT)
    after, frames = x.seen()
    return before, asked, after, [f.spi for f in frames]


def filtered(x, load):
    """A rule for one port, protocol and address, and the neighbours of each."""
    load()
    with x.b.socket(B4, 7010) as other, x.a.socket("10.8.0.1") as elsewhere:
        fates = x.passes(), x.passes(to=other), x.passes(by=elsewhere), x.passes(v=6)
        fates += exchanged(x, socket.SOCK_STREAM, 0, 4),
    return fates


def by_pfkey(x):
    x.spd(x.a, OUT, A4, B4, kind=DISCARD, proto=17, port=7000)


def by_setkey(x):
    x.a.setkey(f"spdadd {A4} {B4}[7000] udp -P out discard;")


@contextlib.contextmanager
def socket_policy(s, *policies):
    give(s, *policies)
    try:
        yield s
    finally:
        s.setsockopt(socket.IPPROTO_IP, 16, None, 0)


def one_socket(x):
    """Its packets, sent and received, obey its policies; another's do not."""
    for host in x.hosts:
        x.add(host, 0x1000, A4, B4, SECRET, TRANSPORT)
    s, t = x.ends[4]
    with socket_policy(s, policy(OUT, IPSEC, request())), x.a.socket(A4) as other, \
            x.b.socket(B4, 7010) as free, socket_policy(t, policy(IN, IPSEC, request())):
        return x.passes(), x.passes(by=other), x.passes(to=free, by=other)


def enforced(x):
    """What a socket requires is a must: without an SA nothing leaves."""
    with socket_policy(x.ends[4][0], policy(OUT, IPSEC, request())):
        return x.seen()


def bypassed(x):
    x.spd(x.a, OUT, A4, B4, kind=DISCARD)
    s = x.ends[4][0]
    before = x.passes()
    with socket_policy(s, policy(OUT, BYPASS)):
        return before, x.passes(), ask(s, OUT)[4]


def same_language(x):
    """What setkey makes of a policy's text is taken from a socket, and does the same."""
    x.a.setkey(f"spdadd {A4} {B4} any -P out ipsec esp/transport//require "
               f"ah/tunnel/{A4}-{B4}/use;")
    x.km[x.a].drain_all()
    made = x.km[x.a].ask(pfkey.SPDDUMP, 0).ext[18]
    by_spd = x.passes()
    x.unload()
    with socket_policy(x.ends[4][0], made[:8] + bytes(8) + made[16:]) as s:
        return by_spd, x.passes(), ask(s, OUT)[16:] == made[16:]


def other_language(x):
    """What the language does not know is taken in neither place."""
    refused = 0
    for text in "esp/transport//often", "esp/both//require", "udp/transport//require":
        try:
            x.a.setkey(f"spdadd {A4} {B4} any -P out ipsec {text};")
        except RuntimeError:
            refused += 1
    with x.a.socket(A4) as s:
        return refused, [tried(s, policy(OUT, IPSEC, request(**bad)))
                         for bad in ({"level": 9}, {"mode": 7}, {"proto": 17})]


def no_ike(x):
    """An SA that is missing makes no packet of any kind."""
    x.spd(x.a, OUT, A4, B4, request())
    x.wire.frames(0)
    return x.passes(), [f.data for f in x.wire.frames(0.2)
                        if f.proto is not None and f.clear()]


def defaults(x):
    """For each protocol, mode and family a port of its own whose policy says default.

    Ports from 7100 on at a, "out", from 7200 on at b, "in". By setkey(8).
    """
    kinds = list(itertools.product((4, 6), ("esp", "ah"), ("transport", "tunnel")))
    for host, way, base in (x.a, "out", 7100), (x.b, "in", 7200):
        text = ""
        for i, (v, proto, mode) in enumerate(kinds):
            src, dst = ENDS[v]
            ends = f"{src}-{dst}" if mode == "tunnel" else ""
            text += (f"spdadd {src} {dst}[{base + i}] udp -P {way} "
                     f"ipsec {proto}/{mode}/{ends}/default;\n")
        host.setkey(text)


def deflev(x, i, value):
    """What the i-th default does, out and in, when its own knob says this.

    The other knobs say the opposite.
    """
    v = 4 if i < 4 else 6
    fates = []
    for host, base in (x.a, 7100), (x.b, 7200):
        levels = [f"{k}={value if n == i else 3 - value}" for n, k in enumerate(LEVELS)]
        with x.knobs(host, *levels), x.b.socket(ENDS[v][1], base + i) as t:
            fates.append(x.passes(v, to=t))
    return fates


def def_policy(x, v, value, kind=None):
    """Fates when a, or b, says this of packets without a policy; of the other family
    they say the opposite. With a kind there is a policy of that kind."""
    fates = []
    for host, way in zip(x.hosts, (OUT, IN)):
        if kind is not None:
            x.spd(host, way, *ENDS[v], kind=kind)
        with x.knobs(host, f"{TREE[v]}.def_policy={value}",
                     f"{TREE[10 - v]}.def_policy={1 - value}"):
            fates.append(x.passes(v))
        x.unload()
    return fates


def changeable(x, name):
    """A variable is an integer, and changes: what it is, then, and at the end."""
    with x.a.entered():
        before = knob(name)
    with x.knobs(x.a, f"{name}={3 - before if name in LEVELS else 1 - before}"):
        with x.a.entered():
            now = knob(name)
    with x.a.entered():
        return before != now, knob(name) == before


@contextlib.contextmanager
def both_hosts(x, *settings):
    with x.knobs(x.a, *settings), x.knobs(x.b, *settings):
        yield


def with_knobs(x, settings, check, *args):
    with both_hosts(x, *settings):
        return check(x, *args)


def tunnelled(x, settings, options):
    """The outer header of a datagram in a tunnel, from a socket with these options."""
    x.load(OPEN, TUNNEL)
    with x.knobs(x.a, *settings), x.a.socket(A4) as s:
        for option, value in options.items():
            s.setsockopt(socket.IPPROTO_IP, option, value)
        x.wire.frames(0)
        fate = x.passes(by=s)
    if fate != ARRIVES:
        raise RuntimeError(fate)
    return [f for f in x.wire.frames(0) if f.spi and f.host is x.a][0].data[14:]


def dfbit(x, value):
    """The outer DF of a datagram without and with DF."""
    return [bool(tunnelled(x, [f"net.inet.ipsec.dfbit={value}"], {IP_MTU_DISCOVER: how})[6]
                 & 0x40) for how in (0, 2)]


def ecn_out(x, value):
    """The outer mark of a datagram that is not ECN-capable, and of one that is."""
    return [tunnelled(x, [f"net.inet.ipsec.ecn={value}"], {socket.IP_TOS: mark})[1] & 3
            for mark in (0, 2)]


def ecn_in(x, v, value):
    """The mark that the receiver sees of an ECN-capable datagram, ECT(0), whose tunnel
    met congestion."""
    level, name, wanted = ((socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS) if v == 4
                           else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS,
                                 socket.IPV6_RECVTCLASS))
    with x.a.socket(ENDS[v][0]) as s, x.b.socket(ENDS[v][1], 7011) as t, \
            both_hosts(x, f"{TREE[v]}.ecn={value}"):
        s.setsockopt(level, name, 2)
        t.setsockopt(level, wanted, 1)
        x.load(OPEN, TUNNEL, v)
        x.wire.frames(0)
        if x.passes(v, to=t, by=s) != ARRIVES:
            return None
        frame = bytearray([f for f in x.wire.frames(0) if f.spi and f.host is x.a][0].data)
        x.load(OPEN, TUNNEL, v)     # once more, as a router would have marked it
        frame[15] |= 3 if v == 4 else 0x30
        x.a.inject(lab.checksummed(bytes(frame)))
        t.settimeout(5)
        _, found, _, _ = t.recvmsg(100, 100)
        return struct.unpack("=i", found[0][2].ljust(4, b"\0"))[0] & 3


def debug(x, v, value):
    """What the kernel says of a packet without an SA."""
    x.spd(x.a, OUT, *ENDS[v], request())
    with lab.kernel_log() as lines, x.knobs(x.a, f"{TREE[v]}.debug={value}"):
        if x.passes(v) != NO_SA:
            return "no packet"
    src, dst = ENDS[v]
    port = x.ends[v][0].getsockname()[1]
    want = (f"out_nosa: {src}[{port}] > {dst}[7000] proto 17, spi 0x00000000, policy ",
            "request 1: esp/transport")
    return [all(text in line for text in want) or line for line in lines]


def debug_spi(x):
    """A wrong key: the reason, the SPI, and any byte sequence of the keys."""
    with lab.kernel_log() as lines, x.knobs(x.b, "net.inet.ipsec.debug=1"):
        wrong_key(x, SECRET)
    text = "\n".join(lines)
    keys = "5a5a", "5b5b", CIPHER_KEY.hex()[:8]
    return [y in text for y in ("in_espauthfail", "spi 0x00001000", *keys)]


def exchanged(x, kind, proto, v, port=7020):
    """What becomes of a protocol's data from a to b."""
    src, dst = ENDS[v]
    if kind == socket.SOCK_STREAM:
        with x.b.socket(dst, port, kind) as listener, x.a.socket(src, 0, kind) as s:
            listener.listen()
            s.connect((dst, port))
            child, _ = listener.accept()
            with child:
                child.settimeout(5)
                s.sendall(TEXT)
                return ARRIVES if child.recv(100) == TEXT else "other data"
    made = []
    for host, own in zip(x.hosts, (src, dst)):
        with host.entered():
            made.append(socket.socket(lab.family(own), kind, proto))
        made[-1].bind((own, 0 if kind == socket.SOCK_RAW else port))
        made[-1].settimeout(5)
    with made[0] as s, made[1] as t:
        s.sendto(TEXT, (dst, 0 if kind == socket.SOCK_RAW else port))
        return ARRIVES if t.recv(100).endswith(TEXT) else "other data"


def echoed(x, v):
    """Whether a ping is answered."""
    proto, first, answer = ((socket.IPPROTO_ICMP, 8, 0) if v == 4
                            else (socket.IPPROTO_ICMPV6, 128, 129))
    with x.a.entered(), socket.socket(lab.family(ENDS[v][0]), socket.SOCK_DGRAM,
                                      proto) as s:
        s.settimeout(5)
        s.sendto(struct.pack(">BBHHH", first, 0, 0, 0, 1) + TEXT, (ENDS[v][1], 0))
        return ARRIVES if s.recv(100)[0] == answer else "other"


PROTOCOLS = {"TCP": (socket.SOCK_STREAM, 0), "UDP": (socket.SOCK_DGRAM, 0),
             **({"UDP-Lite": lab.UDP_LITE} if lab.speaks(*lab.UDP_LITE) else {}),
             "protocol 253": (socket.SOCK_RAW, 253)}


def plug_in(x, v, name):
    """What becomes of a protocol's data, and the protocols on the wire."""
    x.load(v=v)
    x.wire.frames(0)
    fate = echoed(x, v) if name == "ICMP" else exchanged(x, *PROTOCOLS[name], v)
    return fate, {f.proto for f in x.wire.frames(0) if f.spi or f.clear()}


def port_unreachable(x, v, load):
    """What a sender hears of an ICMP error that quotes its packet as it was sent."""
    src, dst = ENDS[v]
    if load:
        x.load(v=v, proto=17)
    counter = {4: "IcmpInDestUnreachs", 6: "Icmp6InDestUnreachs"}[v]
    proto = socket.IPPROTO_ICMP if v == 4 else socket.IPPROTO_ICMPV6
    with x.a.socket(src) as s:
        s.connect((dst, 7000))
        x.wire.frames(0)
        x.passes(v, by=s)
        frame = [f for f in x.wire.frames(0) if f.host is x.a and (f.spi or f.clear())][0]
        body = struct.pack(">BBHI", *((3, 3) if v == 4 else (1, 4)), 0, 0) \
            + frame.data[14:frame.payload + 8]
        if v == 4:
            body = body[:2] + struct.pack(">H", packets.checksum(body)) + body[4:]
        before = x.a.mib()[counter]
        with x.b.entered(), socket.socket(lab.family(dst), socket.SOCK_RAW, proto) as raw:
            raw.bind((dst, 0))
            raw.sendto(body, (src, 0))
        deadline = time.monotonic() + 60
        while x.a.mib()[counter] == before and time.monotonic() < deadline:
            time.sleep(0.01)
        # It counts before it looks for who is to be told.
        heard = select.poll()
        heard.register(s, 0)
        heard.poll(500 if load else 10000)
        return x.a.mib()[counter] - before, s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
