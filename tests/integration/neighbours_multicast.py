#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Protocols of routers that speak to groups: PIM and VRRP under AH, a daemon that makes its
AH by itself as keepalived does; neighbour discovery, router advertisements and MLD beside
policies for everything; multicast that gateways forward through a tunnel."""
import contextlib
import socket
import struct
import time

import lab
import neighbours
import packets
from lab import A4, A6, ARRIVES, B4, B6
from neighbours import HOSTS, NETS, Row

AH, ESP = {51}, {50}
OWN, PEER = {4: A4, 6: A6}, {4: B4, 6: B6}
PIM = {4: "224.0.0.13", 6: "ff02::d"}
VRRP = {4: "224.0.0.18", 6: "ff02::12"}
STREAM = {4: "239.1.1.1", 6: "ff05::1:1"}
WORLD = "::/0"
# Discovery: solicitation of routers, advertisement, of neighbours; and MLD.
EXEMPT = (133, 134, 135, 136, 130, 131, 132, 143)
PREFIX = "fd77::"
# Of multicast routing, the same for both families.
INIT, ADD_VIF, ADD_MFC = 200, 202, 204


def family(v):
    return socket.AF_INET if v == 4 else socket.AF_INET6


@contextlib.contextmanager
def raw(host, v, proto, dev="eth0"):
    """Bound to a device, so that groups are those of its wire."""
    with host.entered():
        s = socket.socket(family(v), socket.SOCK_RAW, proto)
        index = socket.if_nametoindex(dev)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode() + b"\0")
    with s:
        yield s, index


def join(s, v, index, group):
    if v == 4:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                     struct.pack("=4s4si", socket.inet_aton(group), bytes(4), index))
    else:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(socket.AF_INET6, group) + struct.pack("=I", index))


def heard(s, v, text, seconds=0.5):
    """Whether a socket gets this; IPv4 shows the header before it."""
    end = time.monotonic() + seconds
    s.settimeout(0.05)
    while time.monotonic() < end:
        with contextlib.suppress(TimeoutError):
            data = s.recv(2000)
            if data[4 * (data[0] & 15) if v == 4 else 0:] == text:
                return ARRIVES
    return "lost"


def says(proto, groups, text):
    """One router to all of them, by a raw socket."""
    def act(hosts, v):
        a, b = hosts
        with raw(a, v, proto) as (s, _), raw(b, v, proto) as (t, index):
            join(t, v, index, groups[v])
            s.bind((OWN[v], 0))
            s.sendto(text, (groups[v], 0))
            return heard(t, v, text)

    return act


HELLO = bytes.fromhex("2000 0000 0001 0002 0069".replace(" ", ""))
ADVERTISEMENT = bytes.fromhex("2101 6401 0101 0000".replace(" ", ""))


def own_ah(hosts, v):
    """VRRP in an AH that the kernel knows nothing of, made and taken by the daemon."""
    whole = packets.ah(OWN[v], VRRP[v], 0x0a000001, 1, ADVERTISEMENT, 112,
                       packets.sha1(bytes(20)))
    text = whole[20 if v == 4 else 40:]
    return says(51, VRRP, text)(hosts, v)


def discovered(hosts, v):
    """A datagram to a neighbour whose hardware address has to be asked for."""
    for host, peer in zip(hosts, (B6, A6)):
        host.run("ip", "neigh", "del", peer, "dev", "eth0")
    try:
        return neighbours.datagram(*hosts, A6, B6, 100, timeout=4) == ARRIVES
    finally:
        for host, peer, mac in zip(hosts, (B6, A6), ("0b", "0a")):
            # What still waits for an answer is not sent then.
            with contextlib.suppress(RuntimeError):
                host.run("ip", "neigh", "del", peer, "dev", "eth0")
            host.run("ip", "neigh", "replace", peer, "lladdr", f"02:00:00:00:00:{mac}",
                     "dev", "eth0", "nud", "permanent")


def advertised(hosts, v):
    """A router's advertisement gives a an address."""
    a, b = hosts
    prefix = struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 7200, 7200, 0) + packets.binary(PREFIX)
    text = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0, 0, 0, 0) + prefix
    with raw(b, v, socket.IPPROTO_ICMPV6) as (s, _):
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
        with contextlib.suppress(OSError):      # native XFRM says that it has no SA
            s.sendto(text, ("ff02::1", 0))
    time.sleep(0.3)
    found = PREFIX[:-1] in a.run("ip", "-6", "addr", "show", "dev", "eth0")
    a.run("ip", "-6", "addr", "flush", "dev", "eth0", "to", PREFIX + "/64")
    return found


def reported(hosts, v):
    """Who joins a group says so to the routers on the wire."""
    with lab.Wire(hosts[0], only="ip6") as wire, \
            raw(hosts[0], v, socket.IPPROTO_ICMPV6) as (s, index):
        wire.frames(0)
        join(s, v, index, "ff05::77")
        frames = wire.frames(0.6)
    # Behind the hop-by-hop options of a router alert.
    return any(f.data[20] == 0 and f.data[62] == 143 for f in frames)


def exempt(who, both=EXEMPT):
    """Entries before those for everything."""
    text = ""
    for kind in both:
        for way in "in", "out":
            text += f"spdadd ::/0 ::/0 icmp6 {kind},0 -P {way} prio high none;\n" \
                if who == "ours" else \
                f"xfrm policy add src ::/0 dst ::/0 proto ipv6-icmp type {kind} dir {way}" \
                " priority 1\n"
    return text


def everything(who, host):
    """Transport of ESP for all of IPv6, with SAs between both hosts only."""
    text = "".join(neighbours.association(who, src, dst, 0x6000 + n)
                   for n, (src, dst) in enumerate(((A6, B6), (B6, A6))))
    for way in "in", "out":
        text += neighbours.rule(who, WORLD, WORLD, way).replace(
            " dir ", " priority 9 dir ") if who == "native" else neighbours.rule(
                who, WORLD, WORLD, way)
    return text


def to_group(who, v, proto, groups, host):
    """AH for one protocol from a to a group."""
    return neighbours.association(who, OWN[v], groups[v], 0x5000 + proto, proto="ah") + \
        neighbours.rule(who, OWN[v], groups[v], "out" if host.name == "a" else "in",
                        protos=("ah",), upper=str(proto))


def say(who, plan, hosts):
    for host in hosts:
        neighbours.flush(host)
        text, (kind, _, extra) = "", plan.partition(", ")
        if kind == "AH":
            for v in 4, 6:
                text += to_group(who, v, 103, PIM, host) + to_group(who, v, 112, VRRP, host)
        elif kind == "everything":
            text = everything(who, host) + (exempt(who) if extra else "")
        # b knows no less, a says nothing.
        if extra == "a in clear" and host.name == "a":
            text = ""
        neighbours.load(who, host, text)


LOST = frozenset({"in_polvio"})
ON_WIRE = (
    Row("PIM's hello", {}, says(103, PIM, HELLO), (ARRIVES, AH), plan="AH"),
    Row("VRRP's advertisement", {}, says(112, VRRP, ADVERTISEMENT), (ARRIVES, AH), plan="AH"),
    Row("VRRP in the daemon's own AH, beside SAs", {}, own_ah, (ARRIVES, AH), plan="AH",
        drops={"in_nosa"}),
    Row("PIM's hello in clear", {}, says(103, PIM, HELLO), ("lost", {103}),
        plan="AH, a in clear", drops=LOST),
    Row("VRRP's advertisement in clear", {}, says(112, VRRP, ADVERTISEMENT),
        ("lost", {112}), plan="AH, a in clear", drops=LOST),
    Row("VRRP in the daemon's own AH, without SAs", {}, own_ah, (ARRIVES, AH), plan="none"),
    Row("neighbours look for each other, exempt", {}, discovered, (True, ESP), families=(6,),
        plan="everything, exempt"),
    Row("a router advertises, exempt", {}, advertised, (True, set()), families=(6,),
        plan="everything, exempt"),
    Row("a host reports a group, exempt", {}, reported, (True, set()), families=(6,),
        plan="everything, exempt"),
    Row("neighbours look for each other", {}, discovered, (False, set()), families=(6,),
        plan="everything", drops={"out_nosa"}),
    Row("a router advertises", {}, advertised, (False, set()), families=(6,),
        plan="everything", drops={"out_nosa"}),
    Row("a host reports a group", {}, reported, (False, set()), families=(6,),
        plan="everything", drops={"out_nosa"}),
)


class Router:
    """Forwards a group from one device to another, as a multicast routing daemon tells the
    kernel to do."""

    def __init__(self, host, v, source, group, come, leave):
        proto = socket.IPPROTO_IGMP if v == 4 else socket.IPPROTO_ICMPV6
        with host.entered():
            self.sock = socket.socket(family(v), socket.SOCK_RAW, proto)
            devices = [socket.if_nametoindex(dev) for dev in (come, leave)]
        level = socket.IPPROTO_IP if v == 4 else socket.IPPROTO_IPV6
        self.sock.setsockopt(level, INIT, 1)
        for n, index in enumerate(devices):
            self.sock.setsockopt(level, ADD_VIF, (
                struct.pack("=HBBIi4s", n, 8, 1, 0, index, bytes(4)) if v == 4 else
                struct.pack("=HBBHHI", n, 0, 1, index, 0, 0)))
        ends = packets.binary(source), packets.binary(group)
        if v == 4:
            mfc = struct.pack("=4s4sH32s2xIIIi", *ends, 0, bytes((0, 1)) + bytes(30), 0, 0, 0,
                              0)
        else:
            mfc = b"".join(struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, end, 0)
                           for end in ends) + struct.pack("=H2x8I", 0, 2, *[0] * 7)
        self.sock.setsockopt(level, ADD_MFC, mfc)

    def close(self):
        self.sock.close()


def streamed(hosts, v):
    """A datagram to the group from a, which b has joined."""
    a, b = hosts[:2]
    with a.socket(HOSTS[v][0]) as s, b.socket(STREAM[v], 7000, timeout=0.5) as t:
        with b.entered():
            join(t, v, socket.if_nametoindex("eth0"), STREAM[v])
        if v == 4:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 9)
            s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                         socket.inet_aton(HOSTS[v][0]))
        else:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 9)
            with a.entered():
                s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                             socket.if_nametoindex("eth0"))
        s.sendto(b"to many", (STREAM[v], 7000))
        try:
            return ARRIVES if t.recv(100) == b"to many" else "changed"
        except OSError:
            return "lost"


def say_stream(who, plan, gateways):
    for gw in gateways:
        neighbours.flush(gw)
        if plan == "none" or (plan == "first in clear" and gw.name == "gw1"):
            continue
        for v in 4, 6:
            neighbours.load(who, gw, neighbours.tunnel(
                who, gw, v, nets=(NETS[v][0], STREAM[v])))


# Native XFRM asks no policy about multicast that it forwards, out or in.
FORWARDED = (
    Row("multicast that is forwarded, no policy", {}, streamed, (ARRIVES, {17}), plan="none"),
    Row("multicast that is forwarded, through a tunnel", {}, streamed, (ARRIVES, ESP),
        (ARRIVES, {17})),
    Row("multicast that is forwarded, in clear", {}, streamed, ("lost", {17}),
        (ARRIVES, {17}), plan="first in clear", drops=LOST),
)


def on_wire():
    hosts = lab.hosts()
    for host in hosts:
        host.ip("route add 224.0.0.0/4 dev eth0\n")
    hosts[0].sysctl("net.ipv6.conf.eth0.accept_ra=1", "net.ipv6.conf.eth0.autoconf=1")
    rows = neighbours.Rows("routers' protocols", ON_WIRE, hosts, hosts)
    rows.all(lambda who, plan: say(who, plan, hosts))
    rows.close()
    for host in hosts:
        host.close()
    lab.ip("netns del a\nnetns del b\n")


def forwarded():
    hosts = lab.gateways()
    for gw in hosts[2:]:
        gw.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0")
    routers = [Router(gw, v, HOSTS[v][0], STREAM[v], *devices) for v in (4, 6)
               for gw, devices in zip(hosts[2:], (("eth1", "eth0"), ("eth0", "eth1")))]
    rows = neighbours.Rows("multicast through gateways", FORWARDED, hosts, hosts[2:])
    rows.all(lambda who, plan: say_stream(who, plan, hosts[2:]))
    for router in routers:
        router.close()


def body():
    on_wire()
    if not neighbours.DEBUG:        # that kernel forwards no multicast of IPv6
        forwarded()


lab.main(body)
