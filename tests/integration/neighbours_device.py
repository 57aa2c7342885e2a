#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a device's own settings exempt from policies: ours obey them as native XFRM does,
the loopback device's defaults among them, and other devices are not exempt."""
import lab
import neighbours
from lab import A4, A6, ARRIVES, B4, B6

LOST = repr(TimeoutError("timed out"))
LO4, LO6 = "127.0.0.1", "::1"
# What is set on a, which sends, and b, which receives: device and setting; whether both
# have the SAs; from, to; what becomes of it; what is on the wire, ESP or UDP.
ROWS = {
    "no setting, IPv4": ((), True, (A4, B4), ARRIVES, {50}),
    "no setting, IPv6": ((), True, (A6, B6), ARRIVES, {50}),
    "no setting, a sends in clear, IPv4": ((), False, (A4, B4), LOST, {17}),
    "no setting, a sends in clear, IPv6": ((), False, (A6, B6), LOST, {17}),
    "a: disable_xfrm": (("a ipv4 eth0 disable_xfrm",), True, (A4, B4), LOST, {17}),
    "a: disable_xfrm, b: disable_policy": (
        ("a ipv4 eth0 disable_xfrm", "b ipv4 eth0 disable_policy"),
        True, (A4, B4), ARRIVES, {17}),
    "b: disable_policy, a sends in clear, IPv4": (
        ("b ipv4 eth0 disable_policy",), False, (A4, B4), ARRIVES, {17}),
    "b: disable_policy, a sends in clear, IPv6": (
        ("b ipv6 eth0 disable_policy",), False, (A6, B6), ARRIVES, {17}),
    "b: disable_policy, a protects": (
        ("b ipv4 eth0 disable_policy",), True, (A4, B4), ARRIVES, {50}),
    "loopback, as it is": ((), True, (LO4, LO4), ARRIVES, set()),
    "loopback, own address": ((), True, (A4, A4), ARRIVES, set()),
    "loopback, not exempt": (
        ("a ipv4 lo disable_xfrm 0", "a ipv4 lo disable_policy 0"),
        True, (LO4, LO4), LOST, set()),
}


def settings(hosts, rows, undo=False):
    for row in rows:
        host, family, dev, name, value = (row + " 1").split()[:5]
        host = next(h for h in hosts if h.name == host)
        host.sysctl(f"net.{family}.conf.{dev}.{name}={int(value) ^ undo}")


def say(who, hosts, both):
    """SAs between a and b; b asks for them, a uses them if both do. Whatever goes over
    loopback has none."""
    a, b = hosts
    for host, (own4, peer4), (own6, peer6) in (
            (a, (A4, B4), (A6, B6)), (b, (B4, A4), (B6, A6))):
        neighbours.flush(host)
        if both or host is b:
            neighbours.protect(who, host, own4, peer4, 0x1000)
            neighbours.protect(who, host, own6, peer6, 0x2000)
    for net in LO4, A4:
        for direction in "in", "out":
            neighbours.load(who, a, neighbours.policy(who, net, net, direction))


def try_row(table, who, row, hosts, wire):
    changes, both, (own, peer), fate, seen = ROWS[row]
    a, b = hosts
    say(who, hosts, both)
    settings(hosts, changes)
    wire.frames(0)
    receiver = a if own == peer else b
    try:
        got = neighbours.datagram(a, receiver, own, peer, 100,
                                  timeout=10 if fate == ARRIVES else 1)
    finally:
        settings(hosts, changes, undo=True)
    # Native XFRM refuses to send what it has no SA for; we drop it.
    table.equal(f"{who}: {row}", "a datagram", fate == ARRIVES, got == ARRIVES)
    table.equal(f"{who}: {row}", "on the wire", seen, neighbours.protocols(wire.frames()))


def body():
    hosts = lab.hosts()
    table = lab.Matrix("settings of devices",
                       [f"{who}: {row}" for who in neighbours.WHO for row in ROWS])
    wire = lab.Wire(hosts[0], only="udp or esp")
    for who in neighbours.WHO:
        for row in ROWS:
            try_row(table, who, row, hosts, wire)
    table.report()


lab.main(body)
