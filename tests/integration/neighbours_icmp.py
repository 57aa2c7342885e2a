#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ICMP errors about packets that a tunnel carries: a gateway's and those of routers behind
it go back through the tunnel though no policy knows their addresses, and are taken from
it (RFC 4301 section 6); in clear they are nobody's word. Redirects lead no packet around
its tunnel."""
import contextlib
import socket
import struct
import time

import lab
import neighbours
import packets
from neighbours import ENDS, HOSTS, NETS, Either, Row

ESP, ICMP = {50}, {4: {1}, 6: {58}}
PORT = 33434
# Addresses that are in no policy's range: a router's behind gw2, another tunnel's end.
OUTSIDE = {4: "192.0.2.9", 6: "fd99::9"}
ELSEWHERE = {4: "192.0.2.77", 6: "fd99::77"}
A, B = ({v: HOSTS[v][n] for v in (4, 6)} for n in (0, 1))
WORLD = {4: "0.0.0.0/0", 6: "::/0"}
LINKS = {4: ("10.1.0.254", "10.2.0.254"), 6: ("fd01::fe", "fd02::fe")}
# In b's network: behind the router b; where nobody is; where gw2 has no route to; b as well,
# for which gw1's route leads back to a's wire; for which gw2's leads back to gw1's.
FAR = {4: "10.2.0.200", 6: "fd02::200"}
NOBODY = {4: "10.2.0.77", 6: "fd02::77"}
BANNED = {4: "10.2.0.66", 6: "fd02::66"}
AROUND = {4: "10.2.0.50", 6: "fd02::50"}
RETURN = {4: "10.2.0.60", 6: "fd02::60"}
NEAR = {4: ("10.1.0.99", "10.0.0.99"), 6: ("fe80::99", "fe80::99")}
WORDS = {4: {0: "echo reply", 3: "unreachable", 5: "redirect", 11: "time exceeded"},
         6: {1: "unreachable", 2: "too big", 3: "time exceeded", 129: "echo reply",
             137: "redirect"}}
# From when on native XFRM knows errors that it forwards. Before, only those of IPv4 pass,
# since they have an address that its policies know, see NATIVE_HOPS.
MODERN = neighbours.RELEASE >= (6, 12)


def named(v, address):
    """The host that has it."""
    names = {HOSTS[v][0]: "a", HOSTS[v][1]: "b", ENDS[v][0]: "gw1", ENDS[v][1]: "gw2",
             LINKS[v][0]: "gw1", LINKS[v][1]: "gw2", OUTSIDE[v]: "router", FAR[v]: "far",
             AROUND[v]: "b", NOBODY[v]: "nobody"}
    return names.get(address, address)


def summed(src, dst, proto, data, at):
    """With its checksum, which for ICMP is of the data only."""
    pseudo = b"" if proto == 1 else packets.binary(src) + packets.binary(dst) + \
        struct.pack(">HH", proto, len(data))
    total = packets.checksum(pseudo + data + bytes(len(data) % 2))
    return data[:at] + struct.pack(">H", total) + data[at + 2:]


def probe(v, kind, src, dst, ttl, size=12, frag=0):
    """What traceroute sends, with so many bytes behind its header."""
    text = b"p" * size
    if kind == "UDP":
        proto, data = 17, packets.udp(src, dst, text, PORT)
    elif kind == "TCP":
        proto, data = 6, summed(src, dst, 6, struct.pack(
            ">HHIIBBHHH", 4000, PORT, 1, 0, 0x50, 2, 1000, 0, 0), 16)
    else:
        proto, first = {4: (1, 8), 6: (58, 128)}[v]
        data = summed(src, dst, proto, struct.pack(">BBHHH", first, 0, 0, 7, 1) + text, 2)
    how = {"ttl": ttl, "frag": frag} if v == 4 else {"hops": ttl}
    return packets.packet(src, dst, proto, data, **how)


def error(v, src, dst, quoted, code=1):
    """Unreachable, about the packet."""
    proto, kind = {4: (1, 3), 6: (58, 1)}[v]
    if v == 6:
        code = 3
    data = summed(src, dst, proto, struct.pack(">BBHI", kind, code, 0, 0) + quoted[:200], 2)
    return packets.packet(src, dst, proto, data)


class Ears:
    """What ICMP and TCP tell a host, and a mouth for packets with headers of their own."""

    def __init__(self, host, v):
        family = socket.AF_INET if v == 4 else socket.AF_INET6
        with host.entered():
            self.heard = [socket.socket(family, socket.SOCK_RAW, proto)
                          for proto in ({4: 1, 6: 58}[v], 6)]
            self.mouth = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
        for s in self.heard:
            s.setblocking(False)
        self.v, self.port = v, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in (*self.heard, self.mouth):
            s.close()

    def say(self, packet, dst):
        self.mouth.sendto(packet, (dst, self.port))

    def message(self):
        """Source, what it is, and its bytes, or None yet."""
        for n, s in enumerate(self.heard):
            with contextlib.suppress(BlockingIOError):
                data, where = s.recvfrom(2000)
                if self.v == 4:
                    data = data[4 * (data[0] & 15):]
                what = "answer" if n else WORDS[self.v].get(data[0])
                if what:
                    return named(self.v, where[0]), what, data
        return None

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if message := self.message():
                return message
            time.sleep(0.01)
        return None


def ask(ears, packet, dst, seconds=1.5):
    """What comes back, sent again if nothing does: neighbours may have to be found."""
    for again in range(2):
        ears.say(packet, dst)
        if message := ears.listen(seconds):
            # The first one's answer may only have been late, and this one's is to come.
            ears.listen(seconds * again)
            return message
    return "nobody", "silence", b""


def trace(kind, ttls=(1, 2, 3), target=None):
    """Who answers for each number of hops."""
    def act(hosts, v):
        src, dst = HOSTS[v][0], (target or B)[v]
        with Ears(hosts[0], v) as ears:
            found = [ask(ears, probe(v, kind, src, dst, ttl), dst)[:2] for ttl in ttls]
        return ", ".join(f"{who} {what}" for who, what in found)

    return act


def trace_from_gateway(hosts, v):
    """The same from an address of gw1's in a's network."""
    found = []
    with Ears(hosts[2], v) as ears, hosts[2].socket(LINKS[v][0]) as ears.mouth:
        level, option = (0, socket.IP_TTL) if v == 4 else (41, socket.IPV6_UNICAST_HOPS)
        for ttl in 1, 2:
            ears.mouth.setsockopt(level, option, ttl)
            ears.port = PORT
            found.append(ask(ears, b"probe", HOSTS[v][1])[:2])
    return ", ".join(f"{who} {what}" for who, what in found)


def told_size(hosts, v):
    """What a is told when the last wire is too narrow."""
    gw2, size = hosts[3], {4: 1000, 6: 1280}[v]
    where = ["ip", f"-{v}", "route", "replace", HOSTS[v][1], "dev", "eth1"]
    gw2.run(*where, "mtu", str(size))
    try:
        with Ears(hosts[0], v) as ears:
            who, what, data = ask(ears, probe(v, "UDP", *HOSTS[v], 64, 1300, 0x4000),
                                  HOSTS[v][1])
        return f"{who} {int.from_bytes(data[4:8], 'big') == size}"
    finally:
        gw2.run("ip", f"-{v}", "route", "del", HOSTS[v][1], "dev", "eth1")
        # What a learned.
        hosts[0].run("ip", f"-{v}", "route", "flush", "cache")


def hardware(host, dev):
    with host.entered():
        return bytes.fromhex(lab.run("ip", "-br", "link", "show", "dev", dev)
                             .split()[2].replace(":", ""))


def forged(src, dst, host=0, to=None):
    """An error in clear on the gateways' wire about a packet between these addresses."""
    def act(hosts, v):
        about = probe(v, "UDP", src[v], dst[v], 60)
        macs = hardware(hosts[2], "eth0") + hardware(hosts[3], "eth0")
        text = error(v, ELSEWHERE[v], (to or src)[v], about)
        with Ears(hosts[host], v) as ears:
            hosts[3].inject(packets.frame(text, macs))
            return "taken" if ears.listen(0.7) else "not taken"

    return act


def reported(src, dst):
    """gw2 says an error to a about a packet between these addresses, which leaves as its
    rules want."""
    def act(hosts, v):
        about = probe(v, "UDP", src[v], dst[v], 60)
        with Ears(hosts[0], v) as ears, Ears(hosts[3], v) as gw2:
            gw2.say(error(v, ENDS[v][1], HOSTS[v][0], about), HOSTS[v][0])
            return "taken" if ears.listen(0.7) else "not taken"

    return act


def refused(hosts, v):
    """What a datagram from gw1 for a port of gw2's that nobody has comes to."""
    with Ears(hosts[2], v) as ears, hosts[2].socket(ENDS[v][0]) as ears.mouth:
        ears.port = PORT
        return " ".join(ask(ears, b"probe", ENDS[v][1])[:2])


def behind_quote(hosts, v):
    """An error that no reply's tunnel carries, right after one that it does: what was
    decided about the one is not for the other."""
    first = reported(A, B)(hosts, v)
    seen = hosts.seen()
    return first, seen, reported(A, ELSEWHERE)(hosts, v)


def led(target):
    """Whether a is told another way, and whether b got the datagram."""
    def act(hosts, v):
        with Ears(hosts[0], v) as ears:
            ears.say(probe(v, "UDP", HOSTS[v][0], target[v], 64), target[v])
            end, found = time.monotonic() + 1, set()
            while time.monotonic() < end:
                if message := ears.listen(0.1):
                    found.add(message[1])
        return "redirect" in found, "unreachable" in found

    return act


HOPS = "gw1 time exceeded, gw2 time exceeded, b "
# Of IPv6, before native XFRM knew them.
OLD_HOPS6 = "gw1 time exceeded, nobody silence, b "
# Native XFRM writes the address of the packet's destination into IPv4's errors, or on
# newer kernels the gateway's, which its policies then have to know.
NATIVE_HOPS = "gw1 time exceeded, b time exceeded, b "


def hops(kind, last):
    """A row for each address family, because native XFRM's old errors differ."""
    for v in 4, 6:
        want, native = (HOPS + last, ESP), HOPS if MODERN else OLD_HOPS6
        yield Row(f"traceroute, {kind}", {}, trace(kind), want,
                  Either((NATIVE_HOPS + last, ESP), want) if v == 4
                  else (native + last, ESP), families=(v,))


ROWS = [
    *hops("UDP", "unreachable"), *hops("ICMP", "echo reply"), *hops("TCP", "answer"),
    Row("traceroute from the gateway, UDP", {}, trace_from_gateway,
        ("gw2 time exceeded, b unreachable", ESP),
        Either(("b time exceeded, b unreachable", ESP),
               ("nobody silence, b unreachable", ESP)), families=(4,)),
    Row("traceroute from the gateway, UDP", {}, trace_from_gateway,
        ("gw2 time exceeded, b unreachable", ESP),
        ("nobody silence, b unreachable", ESP), families=(6,)),
]


def sa_flags(who, text):
    """Native XFRM does so only for states and policies that are marked."""
    if who == "ours":
        return text
    return "".join((line.replace(" tmpl", " flag icmp tmpl", 1) if " policy " in line else
                    line + " flag icmp") + "\n" for line in text.splitlines())


def say(who, plan, gateways):
    for gw in gateways:
        neighbours.flush(gw)
        default = f"={0 if plan == 'UDP, no more' else 1}"
        gw.sysctl("net.inet.ipsec.def_policy" + default,
                  "net.inet6.ipsec6.def_policy" + default)
        for v in 4, 6:
            neighbours.load(who, gw, sa_flags(who, spoken(who, plan, gw, v)))


def spoken(who, plan, gw, v):
    """What one gateway says."""
    text = neighbours.tunnel(who, gw, v)
    own, peer = ENDS[v] if gw.name == "gw1" else ENDS[v][::-1]
    if plan == "UDP":
        text = "".join(neighbours.association(who, *ENDS[v][::way], neighbours.SPI[v] + n,
                                              "tunnel") for n, way in enumerate((1, -1)))
        for n, way in enumerate((1, -1)):
            text += neighbours.rule(who, *NETS[v][::way],
                                    "out" if (n == 0) == (gw.name == "gw1") else "in",
                                    ENDS[v][::way], upper="udp")
    elif plan.startswith("UDP, "):
        text = ""
        for n, (src, dst) in enumerate((ENDS[v], ENDS[v][::-1])):
            text += neighbours.association(who, src, dst, neighbours.SPI[v] + n)
            text += neighbours.rule(who, src, dst, "out" if src == own else "in",
                                    upper="udp")
        if plan == "UDP, no more" and v == 6:
            text += "".join(f"spdadd ::/0 ::/0 icmp6 {kind},0 -P {way} none;\n"
                            for kind in (135, 136) for way in ("in", "out"))
    elif plan == "another tunnel" and gw.name == "gw1":
        text += neighbours.rule(who, WORLD[v], NETS[v][0], "in", (ELSEWHERE[v], own))
    elif plan == "gw2 protects all" and gw.name == "gw2":
        text += neighbours.rule(who, WORLD[v], HOSTS[v][0], "out", (own, peer))
    elif plan == "no SA" and gw.name == "gw2":
        spi = neighbours.SPI[v] + 1
        text = "".join(line + "\n" for line in text.splitlines()
                       if f" esp {spi} " not in line and f" spi {spi} " not in line)
    elif plan == "none":
        text = ""
    return text


def prepare(hosts):
    a, b, gw1, gw2 = hosts
    for host in hosts:
        host.sysctl("net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0",
                    "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
                    "net.ipv4.conf.all.accept_redirects=0",
                    "net.ipv4.conf.eth0.accept_redirects=0",
                    "net.ipv6.conf.eth0.accept_redirects=0",
                    "net.ipv4.neigh.eth0.mcast_solicit=1",
                    "net.ipv6.neigh.eth0.mcast_solicit=1")
    b.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    gw2.sysctl("net.ipv4.neigh.eth1.mcast_solicit=1", "net.ipv6.neigh.eth1.mcast_solicit=1")
    for v, bits in (4, 32), (6, 128):
        nodad = " nodad" if v == 6 else ""
        b.ip(f"addr add {OUTSIDE[v]}/{bits} dev lo{nodad}\n"
             f"addr add {AROUND[v]}/{bits} dev eth0{nodad}\n")
        b.run("ip", f"-{v}", "route", "add", NETS[v][0], "via", LINKS[v][1], "src",
              OUTSIDE[v])
        gw2.ip(f"route add {FAR[v]} via {HOSTS[v][1]}\n")
        gw2.run("ip", f"-{v}", "route", "add", "unreachable", BANNED[v])
        for gw, dev, there, to in ((gw1, "eth1", AROUND, 0), (gw2, "eth0", RETURN, 1)):
            gw.ip(f"neigh add {NEAR[v][to]} lladdr 02:00:00:00:00:99 dev {dev}\n")
            gw.run("ip", f"-{v}", "route", "add", there[v], "via", NEAR[v][to], "dev", dev)


def about_errors():
    """The rows about errors that are not those of a path."""
    for v in 4, 6:
        one, clear = (v,), ICMP[v]
        old6 = None if MODERN else ("nobody silence", ESP)
        # Native XFRM of 6.1 forwards what it has no policy for.
        yield Row("a router behind the gateway", {}, trace("UDP", (3,), FAR),
                  ("router time exceeded", ESP),
                  None if MODERN else ("router time exceeded", ESP | clear), families=one)
        yield Row("no route behind the gateway", {}, trace("UDP", (9,), BANNED),
                  ("gw2 unreachable", ESP),
                  # Native XFRM finds no way for it, and sends it in clear.
                  old6 if v == 6 else ("nobody silence" if MODERN else "gw2 unreachable",
                                       ESP | clear), families=one)
        yield Row("no neighbour behind the gateway", {}, trace("UDP", (9,), NOBODY),
                  ("gw2 unreachable", ESP),
                  old6 if v == 6 else Either(("nobody unreachable", ESP),
                                             ("gw2 unreachable", ESP)), families=one)
        yield Row("too big behind the gateway", {}, told_size, ("gw2 True", ESP),
                  Either(("b True", ESP), ("gw2 True", ESP)) if v == 4
                  else None if MODERN else ("nobody False", ESP), families=one)
        yield Row("in clear, about what the tunnel carries", {}, forged(A, B),
                  ("not taken", clear),
                  None if MODERN else ("taken", clear),
                  families=one, drops={"in_polvio"})
        yield Row("in clear, about what no tunnel carries", {}, forged(A, ELSEWHERE),
                  ("taken", clear), families=one)
        yield Row("in clear to the gateway, about what the tunnel carries", {},
                  forged({v: LINKS[v][0]}, B, 2), ("taken", clear), families=one)
        yield Row("about the packet of another host", {}, reported(B, A),
                  ("taken", clear), families=one, without=("native",))
        yield Row("two of one flow", {}, behind_quote,
                  (("taken", ESP, "taken"), clear), families=one, without=("native",))
    yield Row("traceroute, UDP, policies for UDP only", {}, trace("UDP", (2,)),
              ("gw2 time exceeded", ESP), plan="UDP", without=("native",))
    for v in 4, 6:
        yield Row("another tunnel for the rest of the world", {}, trace("UDP", (2,)),
                  ("gw2 time exceeded", ESP),
                  Either(("b time exceeded", ESP), ("nobody silence", ESP)) if v == 4
                  else ("nobody silence", ESP), families=(v,), plan="another tunnel")
    yield Row("out of the tunnel, about what it carries", {}, reported(A, B),
              ("taken", ESP), plan="gw2 protects all", without=("native",))
    yield Row("out of the tunnel, about what it does not carry", {}, reported(A, ELSEWHERE),
              ("not taken", ESP), plan="gw2 protects all", without=("native",),
              drops={"in_tunnel"})
    yield Row("out of the tunnel, about what another host sent", {}, reported(B, A),
              ("not taken", ESP), plan="gw2 protects all", without=("native",),
              drops={"in_tunnel"})
    yield Row("a port that nobody has, policies for UDP only", {}, refused,
              ("gw2 unreachable", ESP), plan="UDP, transport")
    yield Row("a port that nobody has, the rest is discarded", {}, refused,
              ("gw2 unreachable", ESP), plan="UDP, no more", without=("native",))
    yield Row("no SA to send it by", {}, trace("UDP", (2,)), ("nobody silence", ESP),
              plan="no SA", without=("native",), drops={"out_nosa"})


def about_redirects():
    for v in 4, 6:
        yield Row("redirect, nothing is protected", {}, led(AROUND), ((True, False), set()),
                  families=(v,), plan="none")
        yield Row("redirect around a tunnel", {}, led(AROUND), ((False, True), ESP),
                  ((v == 4, True), ESP), families=(v,), plan="nets",
                  drops={"out_redirect"})
        yield Row("redirect about what came out of a tunnel", {}, led(RETURN),
                  ((False, False), ESP | {17}), families=(v,), plan="nets")


def body():
    hosts = lab.gateways()
    prepare(hosts)
    rows = neighbours.Rows("errors", [*ROWS, *about_errors(), *about_redirects()], hosts,
                           hosts[2:])
    rows.all(lambda who, plan: say(who, plan, hosts[2:]))


lab.main(body)
