#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""By which device the outer packet leaves: VRFs, two uplinks and the rules that choose
between them, several next hops, and devices on top of others.

a has two wires to b, and says a datagram from a network of its own to one of b's."""
import socket
import string

import lab
import neighbours
from neighbours import ENDS

ESP = {50}
INNER = {4: ("10.9.1.1", "10.9.2.1"), 6: ("fd91::1", "fd92::1")}
SECOND = {4: ("10.0.5.1", "10.0.5.2"), 6: ("fd05::1", "fd05::2")}
# Ends that no device has.
FAR = {4: ("10.0.8.1", "10.0.8.2"), 6: ("fd08::1", "fd08::2")}
SO_BINDTODEVICE = 25
MARK, NOBODY = 7, 65534
NET = {4: "10.9.2.0/24", 6: "fd92::/64"}
BITS = {4: 24, 6: 64}
# What both uplinks cost is the same; how the host chooses.
TABLE = "route add default via $far2 dev eth1 table 7\nrule add $rule table 7 pref 100\n"
UNDO = "rule del pref 100\nroute flush table 7\n"
INTO = """link set $dev master red
    address add $src dev red$nodad
    route add $net via $next dev $dev table 10
    """
OUT_OF = """address del $src dev red
    link set $dev nomaster
    route replace $net via $peer dev eth0
    """
ON_TOP = """link add link eth0 name top $kind
    address del $own/$bits dev eth0
    link set top up
    address add $own/$bits dev top$nodad
    neigh add $peer lladdr 02:00:00:00:00:0b dev top
    route replace $net via $peer dev top
    """
OFF = """link del top
    address replace $own/$bits dev eth0$nodad
    route replace $net via $peer dev eth0
    """
BOND = """link add top type bond mode active-backup miimon 100
    address del $own/$bits dev eth0
    link set eth0 down
    link set eth0 master top
    link set top up
    address replace $own/$bits dev top$nodad
    neigh add $peer lladdr 02:00:00:00:00:0b dev top
    route replace $net via $peer dev top
    """
UNBOND = """link set eth0 nomaster
    link del top
    link set eth0 up
    address replace $own/$bits dev eth0$nodad
    route replace $net via $peer dev eth0
    """


# What the other address family lost when the device went down and came up.
AGAIN = """address replace $own/$bits dev eth0$nodad
    route replace $net via $peer dev eth0
    """
BY_FIRST, BY_SECOND, LOST = {"eth0": ESP}, {"eth1": ESP}, {}


class Row:
    """Commands before and after; how the socket is made; by which devices what leaves."""

    def __init__(self, name, before="", after="", want=BY_FIRST, ends=ENDS, native=None,
                 **how):
        self.name, self.before, self.after = name, before, after
        self.want = {"ours": want, "native": want if native is None else native}
        self.ends, self.how = ends, how


def chosen(rule):
    return TABLE.replace("$rule", rule)


SEVERAL = ("route replace $net nexthop via $peer dev eth0 nexthop via $far2 dev eth1\n",
           "route replace $net via $peer dev eth0\n")
OUTER = ("route add $end2 nexthop via $peer dev eth0 nexthop via $far2 dev eth1\n"
         "address add $end1 dev lo$nodad\n", "route del $end2\naddress del $end1 dev lo\n")
ROWS = [
    Row("nothing chooses"),
    Row("a rule by mark, which the socket has", chosen("fwmark 7"), UNDO, mark=MARK),
    Row("a rule by mark, which the socket has not", chosen("fwmark 7"), UNDO),
    Row("a rule by the inner source", chosen("from $src"), UNDO),
    Row("a rule by the outer source", chosen("from $own"), UNDO, BY_SECOND),
    Row("a rule by the inner destination", chosen("to $dst"), UNDO),
    Row("a rule by the outer destination", chosen("to $peer"), UNDO, BY_SECOND),
    Row("a rule by the user", chosen(f"uidrange {NOBODY}-{NOBODY}"), UNDO, uid=NOBODY),
    Row("a rule by the protocol of the datagram", chosen("ipproto udp"), UNDO),
    Row("the socket is bound to the device", device="eth0"),
    Row("the socket is bound to the other device",
        "route add $net via $far2 dev eth1 metric 2000\n",
        "route del $net via $far2 dev eth1 metric 2000\n", device="eth1"),
    *neighbours.stock(
        Row("the inner network has two next hops", *SEVERAL),
        Row("the other end has two next hops", *OUTER, want="any", ends=FAR),
        Row("the other end has two next hops, many flows", *OUTER, want="any", ends=FAR,
            flows=8),
    ),
    Row("the route is of the other uplink", "route replace $net via $far2 dev eth1\n",
        "route replace $net via $peer dev eth0\n"),
    Row("networks and ends in a VRF", INTO.replace("$dev", "eth0").replace("$next", "$peer"),
        OUT_OF.replace("$dev", "eth0"), device="red"),
    Row("networks in a VRF, ends outside",
        INTO.replace("$dev", "eth1").replace("$next", "$far2"),
        OUT_OF.replace("$dev", "eth1"), device="red"),
    Row("ends in a VRF, networks outside",
        INTO.replace("$dev", "eth0").replace("$next", "$peer")
        + "route replace $net via $far2 dev eth1\n", OUT_OF.replace("$dev", "eth0"),
        LOST),
    Row("macvlan", ON_TOP.replace("$kind", "type macvlan mode bridge"), OFF),
    Row("ipvlan", ON_TOP.replace("$kind", "type ipvlan mode l2"), OFF),
    Row("bonding", BOND, UNBOND),
    Row("a dummy device has the end",
        "link add top type dummy\nlink set top up\naddress add $end1 dev top$nodad\n"
        "route add $end2 via $peer\n", "route del $end2\nlink del top\n", ends=FAR),
]


def words(v):
    """What commands are made with."""
    return {"own": ENDS[v][0], "peer": ENDS[v][1], "far2": SECOND[v][1], "bits": BITS[v],
            "src": INNER[v][0], "dst": INNER[v][1], "net": NET[v],
            "end1": FAR[v][0], "end2": FAR[v][1], "nodad": " nodad" if v == 6 else ""}


def say(who, hosts, v, ends):
    """Both know the SAs; a sends."""
    for host, direction in zip(hosts, ("out", "in")):
        neighbours.flush(host)
        neighbours.load(who, host, neighbours.association(
            who, *ends[v], 0x4000 + v, "tunnel") + neighbours.rule(
                who, *INNER[v], direction, ends[v]))


def sender(a, v, device=None, mark=0, uid=0):
    with a.entered():
        lab.LIBC.setfsuid(uid)
        try:
            s = socket.socket(lab.family(INNER[v][0]), socket.SOCK_DGRAM)
        finally:
            lab.LIBC.setfsuid(0)
    if device:
        s.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, device.encode() + b"\0")
    s.setsockopt(socket.SOL_SOCKET, neighbours.SO_MARK, mark)
    s.bind((INNER[v][0], 0))
    return s


def send(hosts, v, flows=1, **how):
    """A datagram of each flow."""
    a, b = hosts
    with b.socket(INNER[v][1], 7000, timeout=1) as t:
        for _ in range(flows):
            with sender(a, v, **how) as s:
                for _ in range(3):
                    try:
                        s.sendto(b"by which device", (INNER[v][1], 7000))
                        t.recv(100)
                        break
                    except OSError as err:
                        wrong = repr(err)
                else:
                    return wrong
    return lab.ARRIVES


def run(a, v, text):
    text = string.Template(text).substitute(words(v))
    if text:
        a.run("ip", f"-{v}", "-batch", "-", stdin=text)


def observed(hosts, v, row):
    """What becomes of it, and what is seen on which device."""
    # Devices that go down close the eyes of those who watch them.
    with lab.Wire(hosts[0], dev="eth0") as first, lab.Wire(hosts[0], dev="eth1") as second:
        got = send(hosts, v, **row.how)
        seen = {dev: neighbours.protocols(wire.frames(0.05))
                for dev, wire in (("eth0", first), ("eth1", second))}
    return got, {dev: protos for dev, protos in seen.items() if protos}


def try_row(table, who, v, row, hosts):
    name = f"{who}: IPv{v}: {row.name}"
    run(hosts[0], v, row.before)
    try:
        got, seen = observed(hosts, v, row)
    finally:
        run(hosts[0], v, row.after)
        if "master" in row.before:
            run(hosts[0], 10 - v, AGAIN)
    want = row.want[who]
    if want == "any":
        table.equal(name, "on any wire", ESP, set().union(*seen.values()))
    else:
        table.equal(name, "by which device", want, seen)
    table.equal(name, "the datagram arrives", bool(want), got == lab.ARRIVES)


def prepare(hosts):
    a, b = hosts
    lab.ip(lab.link("a", "eth1", "b", "eth1"))
    if neighbours.DEBUG:
        lab.run("modprobe", "-a", "bonding")
    a.run("ip", "link", "add", "red", "type", "vrf", "table", "10")
    a.ip("link set red up\nlink set eth1 up\n")
    b.ip("link set eth1 up\n")
    for v in 4, 6:
        nodad = " nodad" if v == 6 else ""
        for n, host in enumerate(hosts):
            host.ip(f"addr add {SECOND[v][n]}/{BITS[v]} dev eth1{nodad}\n"
                    f"addr add {INNER[v][n]} dev lo{nodad}\n"
                    f"route add {INNER[v][1 - n]} via {ENDS[v][1 - n]}\n")
        b.ip(f"addr add {FAR[v][1]} dev lo{nodad}\n")
        a.ip(f"route add {NET[v]} via {ENDS[v][1]}\n")
        a.run("ip", f"-{v}", "route", "del", INNER[v][1])
    for host in hosts:
        host.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
                    "net.ipv4.conf.eth1.rp_filter=0",
                    "net.ipv6.conf.all.keep_addr_on_down=1",
                    "net.ipv6.conf.eth0.keep_addr_on_down=1",
                    "net.ipv6.conf.eth1.keep_addr_on_down=1")


def body():
    hosts = lab.hosts()
    prepare(hosts)
    table = lab.Matrix("routes", [f"{who}: IPv{v}: {row.name}" for who in neighbours.WHO
                                  for row in ROWS for v in (4, 6)])
    for who in neighbours.WHO:
        for v in 4, 6:
            said = None
            for row in ROWS:
                if row.ends != said:
                    said = row.ends
                    say(who, hosts, v, said)
                try_row(table, who, v, row, hosts)
    table.report()


lab.main(body)
