#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tunnel devices of other kinds between two gateways, whose packets are protected: who is
told which MTU, and whether packets are fragmented.

Such a device asks the route of its outer packets how long they may be. Hosts behind it and
sockets of the gateway itself have to hear what is left when ESP has taken its part, also
when a router on the way tells of less, and when our own tunnels are outside or inside.
Here the outer packets are of IPv4, in neighbours_pmtu6 of IPv6.
"""
import contextlib
import socket
import struct
import typing

import lab
import neighbours
from lab import A4, A6, B4, B6

ENDS = {4: (A4, B4), 6: (A6, B6)}
LOOPS = {4: ("10.9.0.1", "10.9.0.2"), 6: ("fd09::1", "fd09::2")}
INSIDE = {4: ("192.168.7.1", "192.168.7.2"), 6: ("fd07::1", "fd07::2")}
BITS = {4: (24, 32), 6: (64, 128)}
NODAD = {4: "", 6: "nodad"}
DISCOVER = {4: (socket.IPPROTO_IP, 10), 6: (socket.IPPROTO_IPV6, 23)}
MTU = {4: (socket.IPPROTO_IP, 14), 6: (socket.IPPROTO_IPV6, 24)}
DO = 2
IP = {4: 20, 6: 40}
AMOUNT = 300000
NARROW = 1400       # the router's second link, in the end


class Kind(typing.NamedTuple):
    """A device: name, families outside and inside, how it is made, and what it takes.
    Some let a packet go that is too long, and only then tell its route: a host behind
    that sends IPv4 is never told, and what it sends is fragmented for ever. Where that
    must not be, IPv6 outside of native XFRM, it is lost."""
    name: str
    v: int
    inner: tuple
    how: str
    takes: int
    late: bool = False
    device: int = 0     # the MTU of the device itself, if it tells late


VXLAN = "vxlan id 42 local {own} remote {peer} dstport 4789"
GENEVE = "geneve id 42 remote {peer}"
GRE = "gre local {own} remote {peer} ttl 64"
GRE6 = "ip6gre local {own} remote {peer} encaplimit none"
L2TP = ("l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 local {own} remote {peer} encap ",
        "l2tp add session name t0 tunnel_id 1 session_id 1 peer_session_id 1")
KINDS = (
    Kind("gre", 4, (4, 6), GRE, 24),
    Kind("gre with a key", 4, (4,), GRE + " key 7", 28),
    Kind("gre with a key, numbers, checksums", 4, (4,), GRE + " key 7 seq csum", 36),
    Kind("gretap", 4, (4, 6), "gretap local {own} remote {peer} ttl 64", 38),
    Kind("vxlan", 4, (4, 6), VXLAN, 50, True, 1500),
    Kind("geneve", 4, (4, 6), GENEVE, 50, True, 1450),
    Kind("ipip", 4, (4,), "ipip local {own} remote {peer} ttl 64", 20),
    *neighbours.stock(
        Kind("sit", 4, (6,), "sit local {own} remote {peer} ttl 64", 20),
        Kind("l2tp in udp", 4, (4, 6), "udp udp_sport 1701 udp_dport 1701", 54),
        Kind("l2tp", 4, (4, 6), "ip", 42),
        Kind("l2tp in udp", 6, (4, 6), "udp udp_sport 1701 udp_dport 1701", 74),
        Kind("l2tp", 6, (4, 6), "ip", 62)),
    Kind("vxlan", 6, (4, 6), VXLAN, 70, True, 1500),
    Kind("geneve", 6, (4, 6), GENEVE, 70, True, 1430),
    Kind("ip6gre", 6, (4, 6), GRE6, 44),
    Kind("ip6gre with a limit", 6, (4, 6), "ip6gre local {own} remote {peer}", 52),
    Kind("ip6gre with a key, numbers, checksums", 6, (4,), GRE6 + " key 7 seq csum", 56),
    Kind("ip6gretap", 6, (4, 6), "ip6gretap local {own} remote {peer} encaplimit none",
         58),
    Kind("ip6tnl", 6, (4, 6), "ip6tnl local {own} remote {peer} mode any", 48),
)
PLACES = "a host behind", "the gateway itself"
# Of those the first of each family, where our own tunnels come into it.
PLAIN = {v: next(kind for kind in KINDS if kind.v == v and "gre" in kind.name)
         for v in (4, 6)}
NESTS = ("in a tunnel between its ends", "in transport mode in a tunnel",
         "below a tunnel")
PATHS = [kind for kind in KINDS if kind.name in ("gre", "ipip", "sit", "ip6gre", "ip6tnl")]


def room(v, mtu, tunnel=False):
    """The longest packet of that family, or in a tunnel of it, in AES-GCM."""
    payload = (mtu - IP[v] - 8 - 8 - 16) // 4 * 4 - 2
    return payload + (0 if tunnel else IP[v])


def nested(nest, v):
    """What a host behind is told."""
    if nest == NESTS[0]:
        return room(v, 1500, True) - PLAIN[v].takes
    if nest == NESTS[1]:
        return room(v, room(v, 1500, True)) - PLAIN[v].takes
    return room(v, room(v, 1500) - PLAIN[v].takes, True)


def title(who, what, v, inner, place):
    return f"{who}: IPv{inner} in {what} over IPv{v}: {place}"


def over(kinds, outer):
    return [kind for kind in kinds if kind.v == outer]


def rows(outer):
    for who in neighbours.WHO:
        for kind in over(KINDS, outer):
            for inner in kind.inner:
                for place in PLACES:
                    yield title(who, kind.name, kind.v, inner, place)
        for kind in over(PATHS, outer):
            for place in PLACES:
                yield title(who, f"{kind.name}, a narrow path", kind.v, kind.inner[-1],
                            place)
        for nest in NESTS:
            yield title(who, f"{PLAIN[outer].name} {nest}", outer, outer, PLACES[0])


def forget(*hosts):
    for host in hosts:
        for v in "-4", "-6":
            host.run("ip", v, "route", "flush", "cache")


@contextlib.contextmanager
def device(gateways, kind, ends=ENDS):
    """t0 between both gateways, and by it the ways to the networks behind. A daemon of
    L2TP talks to its peer before there is a device, whose MTU is what is known then."""
    forget(*gateways)
    l2tp = kind.name.startswith("l2tp")
    for n, gw in enumerate(gateways):
        way = 1 - 2 * n
        own, peer = ends[kind.v][::way]
        if l2tp:
            neighbours.datagram(*gateways[::way], own, peer, 100)
            gw.run("ip", *(L2TP[0] + kind.how).format(own=own, peer=peer).split())
            gw.run("ip", *L2TP[1].split())
        else:
            gw.run("ip", "link", "add", "t0", "type",
                   *kind.how.format(own=own, peer=peer).split())
        gw.ip("link set t0 up\n" + "".join(
            f"addr add {INSIDE[v][n]}/{BITS[v][0]} dev t0 {NODAD[v]}\n"
            f"route replace {neighbours.NETS[v][1 - n]} via {INSIDE[v][1 - n]} dev t0\n"
            for v in kind.inner))
    yield
    for n, gw in enumerate(gateways):
        gw.ip("l2tp del tunnel tunnel_id 1\n" if l2tp else "link del t0\n")


def arrives(s, t, v, mtu):
    """The length of what comes, None if nothing does; it need not be waited for when the
    sender's route has heard of a lesser MTU."""
    for _ in range(20):
        with contextlib.suppress(TimeoutError):
            return len(t.recv(1 << 16))
        if s.getsockopt(*MTU[v]) != mtu:
            break
    return None


def told(a, b, v, own, peer):
    """The MTU by which a's packets arrive twice, and None if none do."""
    arrived = None
    with a.socket(own) as s, b.socket(peer, 7000, timeout=0.05) as t:
        s.setsockopt(*DISCOVER[v], DO)
        s.connect((peer, 7000))
        for _ in range(10):
            mtu = s.getsockopt(*MTU[v])
            with contextlib.suppress(OSError):
                s.send(bytes(mtu - IP[v] - 8))
                if arrives(s, t, v, mtu) == mtu - IP[v] - 8:
                    if mtu == arrived:
                        return mtu
                    arrived = mtu
    return None


def fragments(frames):
    """How many of them are one."""
    return sum(bool(struct.unpack(">H", f.data[20:22])[0] & 0x3fff)
               if f.data[12:14] == b"\x08\x00" else f.data[20] == 44
               for f in frames if f.proto is not None)


def too_big(frames):
    """The MTU that the last ICMP error among them tells."""
    mtu = None
    for f in frames:
        if f.proto == 1 and f.data[f.payload:f.payload + 2] == b"\x03\x04":
            mtu = struct.unpack_from(">H", f.data, f.payload + 6)[0]
        if f.proto == 58 and f.data[f.payload] == 2:
            mtu = struct.unpack_from(">I", f.data, f.payload + 4)[0]
    return mtu


class Lab:
    """What all rows need."""

    def __init__(self, outer):
        self.outer = outer
        self.a, self.b, self.gw1, self.gw2, self.r = lab.gateways(router=True)
        self.gateways = self.gw1, self.gw2
        self.wire = lab.Wire(self.gw1)
        self.behind = lab.Wire(self.gw1, dev="eth1", only="icmp or icmp6")
        self.table = lab.Matrix("told", list(rows(outer)))
        for n, gw in enumerate(self.gateways):
            via = (lab.R4, lab.R6)
            for v in 4, 6:
                gw.ip(f"""addr add {LOOPS[v][n]}/{BITS[v][1]} dev lo {NODAD[v]}
                    route add {LOOPS[v][1 - n]} via {via[v == 6]}
                    """)
                self.r.ip(f"route add {LOOPS[v][n]} via {ENDS[v][n]}\n")

    def protect(self, who):
        """In transport mode, all between the gateways."""
        for n, gw in enumerate(self.gateways):
            neighbours.flush(gw)
            for spi, ends in zip((0x1000, 0x2000), ENDS.values()):
                neighbours.protect(who, gw, ends[n], ends[1 - n], spi)

    def nest(self, who, nest, v):
        """GRE and our own tunnel, one in the other."""
        for n, gw in enumerate(self.gateways):
            neighbours.flush(gw)
            text = ""
            for spi, way in (0x1000, 1), (0x1001, -1):
                out = "out" if (way == 1) == (n == 0) else "in"
                text += nest_rules(who, nest, v, spi, way, out)
            neighbours.load(who, gw, text)

    def ask(self, row, v, place, want, late=False, untold=None):
        """What is told, and what then becomes of a stream."""
        host = place == PLACES[0]
        left, right = (self.a, self.b) if host else self.gateways
        own, peer = neighbours.HOSTS[v] if host else INSIDE[v]
        forget(self.a, self.b)
        for one, other, *ends in (self.gw1, self.gw2, *INSIDE[v]), (left, right, own, peer):
            neighbours.datagram(one, other, *ends, 100)
        self.wire.frames(0)
        self.behind.frames(0)
        equal = self.table.equal
        equal(row, "the MTU by which packets arrive", untold.get("mtu", want) if untold
              else want, told(left, right, v, own, peer))
        if host and not untold:
            equal(row, "the last ICMP error says", want, too_big(self.behind.frames()))
        if not late:
            equal(row, "fragments until then", 0, fragments(self.wire.frames()))
        self.wire.frames(0)
        if untold and not untold["mtu"]:
            return
        equal(row, "bytes of TCP", AMOUNT,
              neighbours.stream(left, right, own, peer, AMOUNT))
        frames = self.wire.frames()
        equal(row, "protocols on the wire", {50}, neighbours.protocols(frames))
        if not untold:
            equal(row, "fragments of TCP", 0, fragments(frames))

    def devices(self, who):
        self.protect(who)
        for kind in over(KINDS, self.outer):
            with device(self.gateways, kind):
                for inner in kind.inner:
                    for place in PLACES:
                        untold = None
                        if kind.late and inner == 4 and place == PLACES[0]:
                            lost = who == "native" and kind.v == 6
                            untold = {"mtu": None if lost else kind.device}
                        self.ask(title(who, kind.name, kind.v, inner, place), inner,
                                 place, room(kind.v, 1500) - kind.takes, kind.late,
                                 untold)

    def paths(self, who):
        """The first packet that is too long for the router is lost, and learned from."""
        for kind in over(PATHS, self.outer):
            for place in PLACES:
                inner = kind.inner[-1]
                self.protect(who)
                self.r.ip("link set eth1 mtu 1500\n")
                with device(self.gateways, kind):
                    neighbours.datagram(*self.gateways, *INSIDE[inner], 100)
                    self.r.ip(f"link set eth1 mtu {NARROW}\n")
                    row = title(who, f"{kind.name}, a narrow path", kind.v, inner, place)
                    self.ask(row, inner, place, room(kind.v, NARROW) - kind.takes)
        self.r.ip("link set eth1 mtu 1500\n")

    def nests(self, who):
        v, kind = self.outer, PLAIN[self.outer]
        for nest in NESTS:
            self.nest(who, nest, v)
            ends = LOOPS if nest == NESTS[1] else ENDS
            with device(self.gateways, kind, ends):
                self.ask(title(who, f"{kind.name} {nest}", v, v, PLACES[0]), v,
                         PLACES[0], nested(nest, v))


def nest_rules(who, nest, v, spi, way, direction):
    """SAs and the policy of one direction; way is 1 from gw1 to gw2."""
    ends, loops, inside = (x[v][::way] for x in (ENDS, LOOPS, INSIDE))
    if nest == NESTS[0]:
        return (neighbours.association(who, *ends, spi, "tunnel", spi)
                + neighbours.rule(who, *ends, direction, ends, spi, upper="gre"))
    if nest == NESTS[1]:
        text = (neighbours.association(who, *ends, spi, "tunnel", spi)
                + neighbours.association(who, *loops, spi + 16, "transport", spi + 16))
        if who == "ours":
            return text + (f"spdadd {loops[0]} {loops[1]} gre -P {direction} ipsec"
                           f" esp/transport//unique:{spi + 16}"
                           f" esp/tunnel/{'-'.join(ends)}/unique:{spi};\n")
        return text + (f"xfrm policy add src {loops[0]} dst {loops[1]} proto gre dir"
                       f" {direction} tmpl proto esp reqid {spi + 16} mode transport tmpl"
                       f" src {ends[0]} dst {ends[1]} proto esp reqid {spi} mode tunnel\n")
    return (neighbours.association(who, *ends, spi, "transport", spi)
            + neighbours.rule(who, *ends, direction, None, spi, upper="gre")
            + neighbours.association(who, *inside, spi + 16, "tunnel", spi + 16)
            + neighbours.rule(who, *neighbours.NETS[v][::way], direction, inside,
                              spi + 16))


def body(outer=4):
    if neighbours.DEBUG:
        lab.run("modprobe", "-a", "ip_gre", "ip6_gre", "ip6_tunnel")
    rig = Lab(outer)
    for who in neighbours.WHO:
        rig.devices(who)
        rig.nests(who)
        rig.paths(who)
    rig.table.report()
    for gw in rig.gateways:     # who is told of what was too big has it counted
        lab.equal(f"{gw.name}: nothing else was dropped", {},
                  {k: n for k, n in gw.drops().items() if k != "out_toobig"})


if __name__ == "__main__":
    lab.main(body)
