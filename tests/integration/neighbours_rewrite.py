#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What changes a packet's addresses without telling connection tracking: rules of nft,
programs behind a queue, IPVS. A policy is about the packet as it leaves in the end.

The policies of these gateways protect what a says to b, and nothing else: b has another
address c, and a another one, d."""
import contextlib
import ipaddress
import socket
import struct

import ipvs
import lab
import neighbours
import nfqueue
import packets
from neighbours import HOSTS, OTHERS, Row, chain

ESP, CLEAR = {50}, {17}
PORT = 7000
D = {4: "10.1.0.9", 6: "fd01::9"}
neighbours.EXTRA = {v: {"d": address} for v, address in D.items()}
GATEWAY = {4: "10.1.0.254", 6: "fd01::fe"}
VIP = {4: "10.9.9.9", 6: "fd09::9"}
# Native XFRM goes by the route that was found before a rule changed the packet: one that
# is led into a policy leaves in clear, which the other end does not take, and one that is
# led out of it in the tunnel, out of which the other end does not take it.
IN, OUT = ("b", ESP), ("c", CLEAR)


def sent(source, to, host=0):
    """A datagram from a or gw1; which address of b's it comes to."""
    def act(hosts, v):
        places = {"a": HOSTS[v][0], "d": D[v], "b": HOSTS[v][1], "c": OTHERS[v],
                  "vip": VIP[v]}
        lost = hosts.row.wants(hosts.who)[0] == "lost"
        with hosts[1].socket("0.0.0.0" if v == 4 else "::", PORT, timeout=0.4) as t, \
                hosts[host].socket(places[source]) as s:
            t.setsockopt(*((socket.SOL_IP, 8) if v == 4 else (socket.IPPROTO_IPV6, 49)), 1)
            for _ in range(1 if lost else 8):
                s.sendto(b"rewrite me", (places[to], PORT))
                with contextlib.suppress(TimeoutError):
                    _, control, _, _ = t.recvmsg(100, 200)
                    at = control[0][2]
                    came = socket.inet_ntop(lab.family(places[to]),
                                            at[8:12] if v == 4 else at[:16])
                    return next(name for name, address in places.items()
                                if ipaddress.ip_address(address)
                                == ipaddress.ip_address(came))
        return "lost"
    return act


def asked(host, send, source, to):
    """A program changes what it is asked about."""
    def act(hosts, v):
        places = {"a": HOSTS[v][0], "d": D[v], "b": HOSTS[v][1], "c": OTHERS[v]}
        src, dst = places[source], places[to]

        def rewritten(packet):
            sport = struct.unpack_from(">H", packet, 20 if v == 4 else 40)[0]
            return packets.packet(src, dst, 17,
                                  packets.udp(src, dst, b"rewritten", PORT, sport))

        with nfqueue.program(hosts[host], 1, rewritten):
            return send(hosts, v)
    return act


def balanced(how):
    """gw1 is a balancer, and b the only server behind it."""
    def act(hosts, v):
        with ipvs.balanced(hosts[2], VIP[v], PORT, HOSTS[v][1], how):
            return sent("a", "vip")(hosts, v)
    return act


def change(hook, priority, what):
    return {"gw1": chain(hook, f"udp dport {PORT} $l3 {what}", priority)}


QUEUED = f"udp dport {PORT} queue num 1"
INTO = (("destination", "a", "c", "daddr set $b"), ("source", "d", "b", "saddr set $a"))
LED_OUT = (("destination", "a", "b", "daddr set $c"), ("source", "a", "b", "saddr set $d"))
PLACES = (("prerouting", "-200", "before the routing"),
          ("forward", "-200", "before the decision"),
          ("forward", "0", "behind the decision"),
          ("postrouting", "0", "as it leaves"))


def rewriting():
    for what, source, to, how in INTO:
        for hook, priority, where in PLACES:
            early = hook == "prerouting"
            yield Row(f"{what} changed into a policy, {where}",
                      change(hook, priority, how), sent(source, to), IN,
                      None if early else ("lost", CLEAR))
    for what, source, to, how in LED_OUT:
        came = "c" if what == "destination" else "b"
        for hook, priority, where in PLACES:
            early = hook == "prerouting"
            yield Row(f"{what} changed out of a policy, {where}",
                      change(hook, priority, how), sent(source, to), (came, CLEAR),
                      None if early else ("lost", ESP))


def queueing():
    for hook, priority, where in PLACES[1:]:
        yield Row(f"a program changes the destination into a policy, {where}",
                  {"gw1": chain(hook, QUEUED, priority)},
                  asked(2, sent("a", "c"), "a", "b"), IN, ("lost", CLEAR))
        yield Row(f"a program changes the destination out of a policy, {where}",
                  {"gw1": chain(hook, QUEUED, priority)},
                  asked(2, sent("a", "b"), "a", "c"), OUT, ("lost", ESP))


ROWS = [
    *rewriting(),
    *queueing(),
    *neighbours.stock(
        Row("IPVS, addresses changed", {}, balanced(ipvs.NAT), IN, ("lost", CLEAR)),
        Row("IPVS, direct", {}, balanced(ipvs.DIRECT), ("vip", ESP), ("lost", CLEAR)),
    ),
]


def say(who, gateways):
    for gw in gateways:
        neighbours.flush(gw)
        for v in 4, 6:
            neighbours.load(who, gw, neighbours.tunnel(who, gw, v, nets=HOSTS[v]))
            neighbours.load(who, gw, neighbours.rule(
                who, HOSTS[v][0], VIP[v], "out" if gw.name == "gw1" else "in",
                neighbours.ENDS[v]))


def prepare(hosts):
    a, b, gw1, gw2 = hosts
    for v, bits in (4, 24), (6, 64):
        a.ip(f"addr add {D[v]}/{bits} dev eth0 nodad\n"
             f"route add {VIP[v]} via {GATEWAY[v]}\n")
        b.ip(f"addr add {OTHERS[v]}/{bits} dev eth0 nodad\naddr add {VIP[v]} dev lo nodad\n")
        gw1.ip(f"addr add {VIP[v]} dev lo nodad\n")
        gw2.ip(f"route add {VIP[v]} via {HOSTS[v][1]}\n")
    for host in b, gw2:
        host.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0")


def body():
    hosts = lab.gateways()
    gateways = hosts[2:]
    prepare(hosts)
    if not neighbours.DEBUG:
        lab.run("modprobe", "-a", "ip_vs", "ip_vs_rr")
    rows = neighbours.Rows("rewriting", ROWS, hosts, gateways)
    rows.all(lambda who, _: say(who, gateways))


lab.main(body)
