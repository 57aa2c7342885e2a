#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A gateway with two uplinks forwards: by which of them the outer packet leaves, whatever
rules and next hops say of the inner one or of both; a tunnel by each; and a route that
changes in the middle of a flow."""
import contextlib
import functools

import lab
import neighbours
from neighbours import ENDS, HOSTS, NETS, OTHERS, Row, chain

ESP = {50}
SECOND = {4: ("10.0.5.1", "10.0.5.2"), 6: ("fd05::1", "fd05::2")}
# Ends that no device has.
FAR = {4: ("10.0.8.1", "10.0.8.2"), 6: ("fd08::1", "fd08::2")}
BITS = {4: 24, 6: 64}
BY_FIRST, BY_SECOND = ("answered", {"eth0": ESP}), ("answered", {"eth2": ESP})
BY_BOTH = ("answered", {"eth0": ESP, "eth2": ESP})
BY_ANY = (({"answered"}, ESP), {})
MARKS = {"gw1": chain("prerouting", 'iifname "eth1" meta mark set 7', "mangle")}
CHOOSE = ("route add default via {far2} dev eth2 table 7",
          "rule add {rule} table 7 pref 100")
UNDO = ("rule del pref 100", "route flush table 7")
TO_BOTH = "nexthop via {peer} dev eth0 nexthop via {far2} dev eth2"


def ip(gw, v, *commands, rule=""):
    words = {"own": ENDS[v][0], "bits": BITS[v], "peer": ENDS[v][1], "far2": SECOND[v][1],
             "net": NETS[v][1], "end": FAR[v][1], "a": HOSTS[v][0], "b": HOSTS[v][1]}
    words["rule"] = rule.format(**words)
    for command in commands:
        gw.run("ip", f"-{v}", *command.format(**words).split())


@contextlib.contextmanager
def told(gw, v, before, after, rule=""):
    ip(gw, v, *before, rule=rule)
    try:
        yield
    finally:
        ip(gw, v, *after)


def talk(hosts, v, port=7000):
    return neighbours.talk(*hosts[:2], *HOSTS[v], port)


def chosen(hosts, v, rule):
    with told(hosts[2], v, CHOOSE, UNDO, rule=rule):
        return talk(hosts, v)


def several(hosts, v, to, back):
    """Two next hops, and eight flows."""
    with told(hosts[2], v, (f"route replace {to} {TO_BOTH}",), back):
        answers = {talk(hosts, v, 7000 + n) for n in range(8)}
    return answers, set().union(*hosts.seen().values())


def each_tunnel(hosts, v):
    """Two hosts, each behind the tunnel by another uplink."""
    other = neighbours.talk(*hosts[:2], HOSTS[v][0], OTHERS[v])
    return talk(hosts, v) if other == "answered" else other


def changes(hosts, v, how, back):
    """Routes, while a flow lasts: what is answered, and what was by which device."""
    with neighbours.Flow(*hosts[:2], *HOSTS[v]) as f:
        before = f.go(5), hosts.seen()
        with told(hosts[2], v, how, back):
            return *before, f.go(5), hosts.seen()


def by(rule):
    return functools.partial(chosen, rule=rule)


REPLACED = ("route replace {end} via {far2} dev eth2",), \
    ("route replace {end} via {peer} dev eth0",)
MOVED = ((5, {"eth0": ESP}, 5, {"eth2": ESP}), {})
ROWS = [
    Row("nothing chooses", {}, talk, BY_FIRST, plan="near"),
    Row("a rule by mark", MARKS, by("fwmark 7"), BY_FIRST, plan="near"),
    Row("a rule by the device", {}, by("iif eth1"), BY_FIRST, plan="near"),
    Row("a rule by the inner source", {}, by("from {a}"), BY_FIRST, plan="near"),
    Row("a rule by the inner destination", {}, by("to {b}"), BY_FIRST, plan="near"),
    Row("a rule by the outer source", {}, by("from {own}"), BY_SECOND, plan="near"),
    Row("a rule by the outer destination", {}, by("to {peer}"), BY_SECOND, plan="near"),
    Row("a tunnel by each", {}, each_tunnel, BY_BOTH, plan="two"),
    *neighbours.stock(
        Row("the inner network has two next hops", {}, functools.partial(
            several, to="{net}", back=("route replace {net} via {peer} dev eth0",)),
            BY_ANY, plan="near"),
        Row("the other end has two next hops", {}, functools.partial(
            several, to="{end}", back=REPLACED[1]), BY_ANY, plan="far"),
    ),
    Row("the end's route changes", {}, functools.partial(
        changes, how=REPLACED[0], back=REPLACED[1]), MOVED, plan="far"),
]


def say(who, plan, gateways):
    for gw in gateways:
        neighbours.flush(gw)
        for v in 4, 6:
            neighbours.load(who, gw, neighbours.tunnel(
                who, gw, v, nets=HOSTS[v] if plan == "two" else None,
                outer=FAR[v] if plan == "far" else None))
            if plan == "two":
                neighbours.load(who, gw, neighbours.tunnel(
                    who, gw, v, nets=(HOSTS[v][0], OTHERS[v]), spi=0x8000 + v * 16,
                    outer=SECOND[v]))


def prepare(hosts):
    a, b, gw1, gw2 = hosts
    lab.ip(lab.link("gw1", "eth2", "gw2", "eth2"))
    for n, gw in enumerate((gw1, gw2)):
        gw.ip("link set eth2 up\n")
        for v in 4, 6:
            gw.ip(f"addr add {SECOND[v][n]}/{BITS[v]} dev eth2 nodad\n"
                  f"addr add {FAR[v][n]} dev lo nodad\n"
                  f"route add {FAR[v][1 - n]} via {ENDS[v][1 - n]}\n")
        gw.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
                  "net.ipv4.conf.eth2.rp_filter=0",
                  *neighbours.stock("net.ipv4.fib_multipath_hash_policy=1"))
    for v in 4, 6:
        b.ip(f"addr add {OTHERS[v]}/{BITS[v]} dev eth0 nodad\n")


def body():
    hosts = lab.gateways()
    prepare(hosts)
    rows = neighbours.Rows("uplinks", ROWS, hosts, hosts[2:3], devices=("eth0", "eth2"))
    rows.all(lambda who, plan: say(who, plan, hosts[2:]))
    rows.close()


lab.main(body)
