#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ipsec(4), sentence by sentence: a row for each one that states behaviour.

The sentences are in our words. A row is true when its check returns True.
"""
import contextlib
import errno
import socket
import struct

import lab
import pfkey_client
from lab import A4, A6, B4, B6
from sock_client import (BYPASS, ESP, IN, IPSEC, OUT, REQUIRE, ask, give, policy, request)

KEY = "-E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha256 0x" + "5a" * 32
MAC = "-A hmac-sha256 0x" + "5a" * 32
OPEN = "-E null -A null"
IP_MTU_DISCOVER = 10
TEXT = b"what nobody else may read"
ENDS = {4: (A4, B4), 6: (A6, B6)}
TREE = {4: "net.inet.ipsec", 6: "net.inet6.ipsec6"}


class Lab:
    """The hosts, their wire, and a datagram from a to b."""

    def __init__(self):
        self.a, self.b = lab.hosts()
        self.a.sysctl("net.ipv4.ping_group_range=0 0")
        self.wire = lab.Wire(self.a, self.b)
        self.ends = {v: (self.a.socket(x), self.b.socket(y, 7000, timeout=0.5))
                     for v, (x, y) in ENDS.items()}

    def load(self, proto="esp", mode="transport", v=4, alg=KEY, upper="any"):
        src, dst = ENDS[v]
        for host in self.a, self.b:
            host.setkey(lab.between(host, src, dst, 0x1000, alg, mode, proto, upper))

    def unload(self):
        for host in self.a, self.b:
            host.setkey("flush; spdflush;")

    def passes(self, v=4):
        s, t = self.ends[v]
        s.sendto(TEXT, t.getsockname()[:2])
        try:
            return t.recv(100) == TEXT
        except TimeoutError:
            return False

    def seen(self, v=4):
        """Does it arrive, and the frames of a that carried it."""
        self.wire.frames(0)
        arrived = self.passes(v)
        return arrived, [f for f in self.wire.frames()
                         if f.host is self.a and (f.spi or f.clear())]


def carried(x, proto, number, **how):
    """A datagram arrives in packets of this protocol only."""
    x.load(proto, alg=KEY if proto == "esp" else MAC, **how)
    arrived, frames = x.seen(how.get("v", 4))
    x.unload()
    return arrived and {f.proto for f in frames} == {number}


def hidden(x):
    x.load()
    arrived, frames = x.seen()
    x.unload()
    arrived2, clear = x.seen()
    return arrived and arrived2 and not any(TEXT in f.data for f in frames) \
        and any(TEXT in f.data for f in clear)


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return struct.pack(">H", ~total & 0xffff)


def resent(x, proto, change):
    """A packet comes once more, changed, to SAs that have not seen it.

    Returns whether it arrives and which counters rose.
    """
    def load():
        x.load(proto, alg=MAC if proto == "ah" else KEY)

    load()
    _, frames = x.seen()
    frame = bytearray(frames[0].data)
    change(frame)
    frame[24:26] = bytes(2)
    frame[24:26] = checksum(bytes(frame[14:34]))
    load()
    before = x.b.stat()
    x.a.inject(bytes(frame))
    try:
        arrived = x.ends[4][1].recv(100) == TEXT
    except TimeoutError:
        arrived = False
    after = x.b.stat()
    x.unload()
    return arrived, {k for k in after if after[k] > before[k]}


def altered(x, at, data, counter, proto="ah"):
    """A packet that was changed on its way is not accepted, and counted."""
    def change(frame):
        frame[at:at + len(data)] = data

    arrived, rose = resent(x, proto, change)
    return not arrived and counter in rose


def encapsulated(x):
    """A tunnel between the hosts carries a packet for another network."""
    x.b.ip("addr add 10.9.0.2/32 dev lo")
    x.a.ip(f"route add 10.9.0.0/24 via {B4}")
    for host in x.a, x.b:
        way = "out" if host is x.a else "in"
        host.setkey(f"""add {A4} {B4} esp 0x1000 -m tunnel {OPEN};
            spdadd {A4} 10.9.0.0/24 any -P {way} ipsec esp/tunnel/{A4}-{B4}/require;""")
    with x.b.socket("10.9.0.2", 7009) as t:
        x.wire.frames(0)
        x.ends[4][0].sendto(TEXT, ("10.9.0.2", 7009))
        arrived = t.recv(100) == TEXT
    frame = [f for f in x.wire.frames() if f.spi][0]
    x.unload()
    inner = frame.data[frame.payload + 8:]
    return arrived and frame.data[30:34] == socket.inet_aton(B4) \
        and inner[0] == 0x45 and inner[16:20] == socket.inet_aton("10.9.0.2")


def registered(x):
    """A PF_KEY socket answers RFC 2367's REGISTER with the algorithms."""
    with x.a.entered(), socket.socket(15, socket.SOCK_RAW, 2) as s:
        s.settimeout(5)
        s.send(struct.pack("=BBBBHHII", 2, pfkey_client.REGISTER, 0, pfkey_client.ESP,
                           2, 0, 77, 1))
        reply = s.recv(4096)
    return reply[1] == pfkey_client.REGISTER and reply[2] == 0 and len(reply) > 16


def filtered(x):
    """A policy for one port leaves the others alone."""
    x.a.setkey(f"spdadd {A4} {B4}[7000] udp -P out discard;")
    other = x.b.socket(B4, 7010, timeout=0.5)
    with other:
        x.ends[4][0].sendto(TEXT, (B4, 7010))
        result = not x.passes() and other.recv(100) == TEXT
    x.unload()
    return result


@contextlib.contextmanager
def socket_policy(x, *policies):
    give(x.ends[4][0], *policies)
    yield
    x.ends[4][0].setsockopt(socket.IPPROTO_IP, 16, None, 0)


def one_socket(x):
    """The socket's packets obey its policy, another's do not."""
    x.a.setkey(f"add {A4} {B4} esp 0x1000 {KEY};")
    x.b.setkey(f"add {A4} {B4} esp 0x1000 {KEY};")
    with socket_policy(x, policy(OUT, IPSEC, request(ESP))), x.a.socket(A4) as other:
        arrived, frames = x.seen()
        other.sendto(TEXT, (B4, 7000))
        free = x.ends[4][1].recv(100) == TEXT
        clear = [f for f in x.wire.frames() if f.clear()]
    x.unload()
    return arrived and free and {f.proto for f in frames} == {50} and len(clear) == 1


def enforced(x):
    """What a socket asks for is a must: without an SA nothing leaves."""
    with socket_policy(x, policy(OUT, IPSEC, request(ESP, level=REQUIRE))):
        return x.seen() == (False, [])


def same_language(x):
    """The same text of ipsec_set_policy(3) does the same in both places."""
    x.a.setkey(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    by_spd = x.seen()
    x.unload()
    with socket_policy(x, policy(OUT, IPSEC, request(ESP, level=REQUIRE))):
        by_socket = x.seen()
    return by_spd == by_socket == (False, [])


def no_ike(x):
    """An SA that is missing makes no packet: negotiating is up to programs."""
    x.a.setkey(f"spdadd {A4} {B4} any -P out ipsec esp/transport//require;")
    x.wire.frames(0)
    x.passes()
    silent = not [f for f in x.wire.frames(0.3) if f.proto is not None and f.clear()]
    x.unload()
    return silent


def deflev(x, v, proto, mode):
    """This knob, and no other, decides; sending 1 clear, 2 not; receiving alike."""
    src, dst = ENDS[v]
    own = f"{TREE[v]}.{proto}_{'trans' if mode == 'transport' else 'net'}_deflev"
    every = [f"{t}.{p}_{m}_deflev" for t in TREE.values() for p in ("esp", "ah")
             for m in ("trans", "net")]
    ends = f"{src}-{dst}" if mode == "tunnel" else ""
    seen = []
    for host, way in (x.a, "out"), (x.b, "in"):
        host.setkey(f"spdadd {src} {dst} udp -P {way} ipsec {proto}/{mode}/{ends}/default;")
        for value in 1, 2, 1:
            # The others say the opposite.
            host.sysctl(*(f"{k}={value if k == own else 3 - value}" for k in every))
            seen.append(x.passes(v))
        host.sysctl(*(f"{k}=1" for k in every))
        host.setkey("spdflush;")
    return seen == [True, False, True] * 2


def def_policy(x, v, value):
    """Packets without a policy, sent and received; the other family says the opposite."""
    names = {w: f"{TREE[w]}.def_policy" for w in (4, 6)}
    seen = []
    for host in x.a, x.b:
        host.sysctl(f"{names[v]}={value}", f"{names[10 - v]}={1 - value}")
        seen.append(x.passes(v))
        host.sysctl(*(f"{k}=1" for k in names.values()))
    return seen == [bool(value)] * 2


def reopened(x):
    x.a.sysctl("net.inet.ipsec.def_policy=0")
    x.a.setkey(f"spdadd {A4} {B4} udp -P out none;")
    arrived = x.passes()
    x.unload()
    closed = not x.passes()
    x.a.sysctl("net.inet.ipsec.def_policy=1")
    return arrived and closed


def ah_field(x, knob, value, at, flip):
    """Whether AH lets this byte of the header change on the way."""
    usual = x.a.run("sysctl", "-n", f"net.inet.ipsec.{knob}").strip()

    def change(frame):
        frame[at] ^= flip

    for host in x.a, x.b:
        host.sysctl(f"net.inet.ipsec.{knob}={value}")
    arrived, rose = resent(x, "ah", change)
    for host in x.a, x.b:
        host.sysctl(f"net.inet.ipsec.{knob}={usual}")
    if arrived == ("in_ahauthfail" in rose):
        raise RuntimeError(f"arrived {arrived}, {sorted(rose)}")
    return arrived


def tunnelled(x, knobs, df=None, tos=None):
    """The outer header's flags word and TOS of a datagram in a tunnel."""
    x.a.sysctl(*knobs)
    x.load(mode="tunnel", alg=OPEN)
    with x.a.socket(A4) as s:
        if df is not None:
            s.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, 2 if df else 0)
        if tos is not None:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        x.wire.frames(0)
        s.sendto(TEXT, (B4, 7000))
        with contextlib.suppress(TimeoutError):
            x.ends[4][1].recv(100)
    frame = [f for f in x.wire.frames() if f.spi and f.host is x.a][0].data
    x.unload()
    x.a.sysctl("net.inet.ipsec.dfbit=0", "net.inet.ipsec.ecn=0")
    return bool(frame[20] & 0x40), frame[15]


def dfbit(x, value, want):
    return [tunnelled(x, [f"net.inet.ipsec.dfbit={value}"], df=df)[0]
            for df in (False, True)] == want


def ecn_out(x, value, inner):
    return tunnelled(x, [f"net.inet.ipsec.ecn={value}"], tos=inner)[1] & 3


def ecn_in(x, v, value):
    """The TOS of a packet whose tunnel met congestion: ECT(0) inside, CE outside."""
    src, dst = ENDS[v]
    for host in x.a, x.b:
        host.sysctl(f"{TREE[v]}.ecn={value}")
    x.load(mode="tunnel", v=v, alg=OPEN)
    s, t = x.ends[v]
    level, name, ask_for = ((socket.IPPROTO_IP, socket.IP_TOS, socket.IP_RECVTOS) if v == 4
                            else (socket.IPPROTO_IPV6, socket.IPV6_TCLASS,
                                  socket.IPV6_RECVTCLASS))
    s.setsockopt(level, name, 2)
    t.setsockopt(level, ask_for, 1)
    x.wire.frames(0)
    x.passes(v)
    frame = bytearray([f for f in x.wire.frames() if f.spi and f.host is x.a][0].data)
    for host in x.a, x.b:       # once more, as a router would have marked it
        host.setkey("flush;" + f"add {src} {dst} esp 0x1000 -m tunnel {OPEN};")
    if v == 4:
        frame[15] |= 3
        frame[24:26] = bytes(2)
        frame[24:26] = checksum(bytes(frame[14:34]))
    else:
        frame[15] |= 0x30
    x.a.inject(bytes(frame))
    try:
        _, anc, _, _ = t.recvmsg(100, 100)
        got = struct.unpack("=i", anc[0][2].ljust(4, b"\0"))[0] & 3
    except TimeoutError:
        got = None
    s.setsockopt(level, name, 0)
    t.setsockopt(level, ask_for, 0)
    x.unload()
    for host in x.a, x.b:
        host.sysctl(f"{TREE[v]}.ecn=0")
    return got


@contextlib.contextmanager
def kernel_log():
    """A list that holds what the kernel said meanwhile, in the end."""
    said = []
    before = len(lab.run("dmesg").splitlines())
    yield said
    said += lab.run("dmesg").splitlines()[before:]


def debug(x, tree):
    """What the kernel says about a packet without an SA, with 0 and with 1."""
    x.a.setkey(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    said = []
    for value in 0, 1:
        with kernel_log() as log:
            x.a.sysctl(f"{tree}.debug={value}")
            x.passes()
            x.a.sysctl(f"{tree}.debug=0")
        said.append([line for line in log if "ipsec: " in line])
    x.unload()
    port = x.ends[4][0].getsockname()[1]
    want = f"out_nosa: {A4}[{port}] > {B4}[7000] proto 17, spi 0x00000000, policy "
    return not said[0] and len(said[1]) == 1 and want in said[1][0] \
        and "request 1: esp/transport" in said[1][0]


def debug_spi(x):
    """A wrong key: the message names the SPI, and no key."""
    x.load()
    x.b.setkey(lab.between(x.b, A4, B4, 0x1000, KEY.replace("0x5a", "0x5b")))
    with kernel_log() as log:
        x.b.sysctl("net.inet.ipsec.debug=1")
        x.passes()
        x.b.sysctl("net.inet.ipsec.debug=0")
    said = "\n".join(log)
    x.unload()
    return "in_espauthfail" in said and "spi 0x00001000" in said and "5a5a" not in said \
        and "5b5a" not in said and "00112233" not in said


def plug_in(x):
    """TCP, UDP and ICMP all go through it."""
    x.load()
    x.wire.frames(0)
    done = x.passes()
    with x.b.socket(B4, 7020, socket.SOCK_STREAM) as listener, \
            x.a.socket(A4, 0, socket.SOCK_STREAM) as s:
        listener.listen()
        s.connect((B4, 7020))
        child, _ = listener.accept()
        s.sendall(TEXT)
        done = done and child.recv(100) == TEXT
        child.close()
    with x.a.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM,
                                      socket.IPPROTO_ICMP) as s:
        s.settimeout(5)
        s.sendto(struct.pack(">BBHHH", 8, 0, 0, 0, 1) + TEXT, (B4, 0))
        done = done and s.recv(100)[0] == 0
    frames = x.wire.frames()
    x.unload()
    return done and {f.proto for f in frames if f.spi or f.clear()} == {50}


def icmp_blind(x):
    """An ICMP error tells the sender; when it quotes ESP, nobody knows whom."""
    heard = []
    for load in False, True:
        if load:
            x.load(upper="udp")
        with x.a.socket(A4) as s:
            s.connect((B4, 7000))
            x.wire.frames(0)
            s.send(TEXT)
            x.ends[4][1].recv(100)
            frame = [f for f in x.wire.frames() if f.host is x.a][0].data
            quoted = frame[14:14 + 28]
            body = struct.pack(">BBHI", 3, 3, 0, 0) + quoted     # port unreachable
            body = body[:2] + checksum(body) + body[4:]
            with x.b.entered(), socket.socket(socket.AF_INET, socket.SOCK_RAW,
                                              socket.IPPROTO_ICMP) as raw:
                raw.bind((B4, 0))
                raw.sendto(body, (A4, 0))
            lab.time.sleep(0.1)
            heard.append(s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    x.unload()
    return heard == [errno.ECONNREFUSED, 0]


def rows(x):
    """(the sentence, its check), in the order of the page."""
    yield "it protects IPv4", lambda: carried(x, "esp", 50)
    yield "it protects IPv6", lambda: carried(x, "esp", 50, v=6)
    yield "one protocol of it is ESP, protocol 50", lambda: carried(x, "esp", 50)
    yield "the other is AH, protocol 51", lambda: carried(x, "ah", 51)
    yield "ESP hides the payload from who listens on the wire", lambda: hidden(x)
    yield "AH notices when a packet was altered on its way", \
        lambda: altered(x, 60, b"\xff\xfe", "in_ahauthfail")
    yield "AH notices when another sender is pretended", \
        lambda: altered(x, 26, socket.inet_aton("10.0.0.9"), "in_ahauthfail")
    yield "transport mode protects the traffic between two hosts", \
        lambda: carried(x, "ah", 51, v=6)
    yield "tunnel mode puts IP packets into IP packets, for gateways", lambda: encapsulated(x)
    yield "keys are managed over PF_KEY sockets as RFC 2367 defines them", \
        lambda: registered(x)
    yield "policies are managed over an extended PF_KEY, as filters of packets", \
        lambda: filtered(x)
    yield "and with setsockopt", lambda: one_socket(x)
    yield "and with sysctl", lambda: def_policy(x, 4, 0)
    yield "the kernel itself negotiates no keys", lambda: no_ike(x)
    yield "both ways take the same language", lambda: same_language(x)
    yield "setsockopt defines the policy of one socket", lambda: one_socket(x)
    yield "which is enforced on the packets of that socket", lambda: enforced(x)
    yield "setkey defines policies against packets, as filter rules do", lambda: filtered(x)
    for v in 4, 6:
        for proto in "esp", "ah":
            for mode in "transport", "tunnel":
                yield (f"level default of {proto}/{mode}, IPv{v}, is what its own knob says: "
                       "1 use, 2 require"), \
                    lambda v=v, proto=proto, mode=mode: deflev(x, v, proto, mode)
    for v in 4, 6:
        yield f"where no policy matches, {TREE[v]}.def_policy 0 discards", \
            lambda v=v: def_policy(x, v, 0)
        yield f"and {TREE[v]}.def_policy 1 does nothing to the packet", \
            lambda v=v: def_policy(x, v, 1)
    yield "an entry of type none is a match, so it reopens", lambda: reopened(x)
    yield "ah_cleartos 1: the type of service does not enter AH's ICV", \
        lambda: ah_field(x, "ah_cleartos", 1, 15, 0x10)
    yield "ah_cleartos 0: it does", lambda: not ah_field(x, "ah_cleartos", 0, 15, 0x10)
    yield "ah_offsetmask 0: flags and fragment offset do not enter AH's ICV", \
        lambda: ah_field(x, "ah_offsetmask", 0, 20, 0x40)
    yield "ah_offsetmask 0x4000: DF does", \
        lambda: not ah_field(x, "ah_offsetmask", 0x4000, 20, 0x40)
    yield "dfbit 0: a tunnel clears the outer DF", lambda: dfbit(x, 0, [False, False])
    yield "dfbit 1: it is set whatever the inner one is", lambda: dfbit(x, 1, [True, True])
    yield "dfbit 2: it is copied from the inner one", lambda: dfbit(x, 2, [False, True])
    yield "ecn 0: a tunnel does not tell routers of congestion notification", \
        lambda: ecn_out(x, 0, 2) == 0
    yield "ecn 1: it does", lambda: ecn_out(x, 1, 2) == 2
    yield "ecn 1: congestion on the way through a tunnel reaches the receiver", \
        lambda: ecn_in(x, 4, 1) == 3
    yield "ecn 0: it does not", lambda: ecn_in(x, 4, 0) == 2
    yield "net.inet6.ipsec6.ecn is its like for IPv6", \
        lambda: (ecn_in(x, 6, 1), ecn_in(x, 6, 0)) == (3, 2)
    yield "debug other than 0: the kernel log tells of packet, policy and rule", \
        lambda: debug(x, "net.inet.ipsec")
    yield "the log tells of the SPI, and never of a key", lambda: debug_spi(x)
    yield "net.inet6.ipsec6.debug does the same", lambda: debug(x, "net.inet6.ipsec6")
    yield "the protocols upon IP work with it", lambda: plug_in(x)
    yield "ICMP may behave otherwise, since it cannot look into the payload", \
        lambda: icmp_blind(x)
    yield "what may bypass is asked for by setsockopt as well", \
        lambda: bypassed(x)


def bypassed(x):
    x.a.setkey(f"spdadd {A4} {B4} udp -P out discard;")
    with socket_policy(x, policy(OUT, BYPASS), policy(IN, BYPASS)):
        arrived = x.passes() and ask(x.ends[4][0], OUT)[4] == BYPASS
    x.unload()
    return arrived


def body():
    x = Lab()
    n = 0
    for sentence, check in rows(x):
        n += 1
        try:
            seen = check()
        except Exception as err:        # a row of its own, the others go on
            seen = repr(err)
        lab.claim(seen is True, sentence, seen)
        x.unload()
    print(f"# manual: {n} sentences", flush=True)


lab.main(body)
