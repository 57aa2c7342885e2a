#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Queueing disciplines, filters of traffic control and control groups see the packets of
IPsec: each leaves, with the mark and priority that the datagram had, whenever its sender
wanted, and programs of the sender's group see it once, as the sender sent it."""
import contextlib
import os
import socket
import struct
import time

import cgroup_bpf
import lab
import neighbours
from neighbours import ENDS, HOSTS, Row, chain

ESP, COUNT, PORT = {50}, 10, 7000
SO_TIMESTAMP, SO_TXTIME, SCM_TXTIME = 29, 61, 61
CLOCK_MONOTONIC = 1


def datagrams(hosts, v, x=0, y=1, ends=HOSTS, options=(), later=0):
    """How many of them arrive."""
    src, dst = ends[v]
    got = 0
    with hosts[x].socket(src) as s, hosts[y].socket(dst, PORT, timeout=2) as t:
        for option in options:
            s.setsockopt(socket.SOL_SOCKET, *option)
        for n in range(COUNT):
            when = []
            if later:
                at = time.clock_gettime_ns(time.CLOCK_MONOTONIC) + later
                when = [(socket.SOL_SOCKET, SCM_TXTIME, struct.pack("=Q", at))]
            s.sendmsg([b"datagram"], when, 0, (dst, PORT))
        with contextlib.suppress(TimeoutError):
            while got < COUNT:
                t.recv(100)
                got += 1
    return got


def forwarded(hosts, v):
    return datagrams(hosts, v)


def own(hosts, v):
    return datagrams(hosts, v, 2, 3, ENDS)


def stream(hosts, v):
    return neighbours.stream(*hosts[:2], *HOSTS[v], 100000)


def timestamps(act):
    """While somebody wants to know when packets came, as clocks and ping do."""
    def with_them(hosts, v):
        with hosts[2].entered():
            watch = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with watch:
            watch.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
            return act(hosts, v)
    return with_them


def at_a_time(hosts, v):
    """The socket says when each one leaves."""
    return datagrams(hosts, v, 2, 3, ENDS,
                     [(SO_TXTIME, struct.pack("=iI", CLOCK_MONOTONIC, 0))], 20000000)


def rules(act, host=2):
    """Which of the host's rules counted all of what was sent."""
    def counted(hosts, v):
        got = act(hosts, v)
        text = hosts[host].run("nft", "list", "table", "ip" if v == 4 else "ip6", "t")
        return got, {line.split('comment "')[1].split('"')[0]
                     for line in text.splitlines() if f"packets {COUNT} " in line}
    return counted


def socket_says(*options):
    return lambda hosts, v: datagrams(hosts, v, 2, 3, ENDS, options)


WATCH = chain("postrouting", """
meta l4proto esp meta mark 7 counter comment "mark"
meta l4proto esp meta mark 0 counter comment "no mark"
meta l4proto esp meta priority 1:5 counter comment "priority"
meta l4proto esp meta priority 0:0 counter comment "no priority"
meta l4proto esp meta priority 0:6 counter comment "interactive"
meta l4proto esp $l3 dscp cs4 counter comment "dscp"
""", "300", name="w")
ARRIVED = chain("prerouting", "meta l4proto esp meta mark set 7\n"
                "meta l4proto esp meta priority set 1:5", "-300", name="p") \
    + chain("forward", 'udp dport 7000 meta mark 7 counter comment "mark"\n'
            'udp dport 7000 meta mark 0 counter comment "no mark"\n'
            'udp dport 7000 meta priority 1:5 counter comment "priority"\n'
            'udp dport 7000 meta priority 0:0 counter comment "no priority"')


def before(hook, what, priority="0"):
    return {"gw1": chain(hook, f"udp dport {PORT} {what}", priority) + WATCH}


def group_sees(x, y, ends):
    """What a program of the sender's control group sees of its datagrams."""
    def act(hosts, v):
        before = hosts.group.seen()
        got = datagrams(hosts, v, x, y, ends)
        return got, {proto: n - before.get(proto, 0)
                     for proto, n in hosts.group.seen().items()
                     if n > before.get(proto, 0) and proto != 58}
    return act


QUEUES = (
    ("fq", "root fq"),
    ("tbf", "root tbf rate 20mbit burst 20k limit 200k"),
    ("netem", "root netem delay 20ms"),
    ("pfifo", "root pfifo limit 100"),
    *neighbours.stock(("prio", "root prio"), ("fq_codel", "root fq_codel")),
)
FILTERS = neighbours.stock(
    ("police", "action police rate 100mbit burst 100k conform-exceed drop"),
    ("a mirror", "action mirred egress mirror dev mirror"),
    ("skbedit", "action skbedit mark 3"),
)
EVERY = (COUNT, ESP)
ROWS = [
    *(Row(f"{name}, {what}", {}, act, want, plan=qdisc)
      for name, qdisc in QUEUES
      for what, act, want in (("forwarded", forwarded, EVERY), ("own", own, EVERY),
                              ("TCP", stream, (100000, ESP)))),
    Row("fq, timestamps, forwarded", {}, timestamps(forwarded), EVERY, plan="root fq"),
    Row("fq, timestamps, own", {}, timestamps(own), EVERY, plan="root fq"),
    Row("fq, at the sender's time", {}, at_a_time, EVERY, plan="root fq"),
    Row("netem, timestamps, forwarded", {}, timestamps(forwarded), EVERY,
        plan="root netem delay 20ms"),
    *(Row(f"{name}, {what}", {}, act, EVERY, plan=f"filter {how}")
      for name, how in FILTERS
      for what, act in (("forwarded", forwarded), ("own", own))),
    Row("nothing is set", {"gw1": WATCH}, rules(forwarded),
        ((COUNT, {"no mark", "no priority"}), ESP)),
    Row("mark of what is forwarded", before("forward", "meta mark set 7"),
        rules(forwarded), ((COUNT, {"mark", "no priority"}), ESP)),
    Row("mark of what is forwarded, before the routing",
        before("prerouting", "meta mark set 7", "-150"),
        rules(forwarded), ((COUNT, {"mark", "no priority"}), ESP)),
    Row("mark set as it leaves", before("postrouting", "meta mark set 7"),
        rules(forwarded), ((COUNT, {"mark", "no priority"}), ESP)),
    Row("priority of what is forwarded", before("forward", "meta priority set 1:5"),
        rules(forwarded), ((COUNT, {"no mark", "priority"}), ESP)),
    Row("DSCP of what is forwarded", before("forward", "$l3 dscp set cs4"),
        rules(forwarded), ((COUNT, {"no mark", "no priority", "dscp"}), ESP)),
    Row("mark of a socket", {"gw1": WATCH}, rules(socket_says((36, 7))),
        ((COUNT, {"mark", "no priority"}), ESP)),
    Row("priority of a socket", {"gw1": WATCH}, rules(socket_says((12, 6))),
        ((COUNT, {"no mark", "interactive"}), ESP)),
    Row("mark of own", before("output", "meta mark set 7"), rules(own),
        ((COUNT, {"mark", "no priority"}), ESP)),
    Row("priority of own", before("output", "meta priority set 1:5"), rules(own),
        ((COUNT, {"no mark", "priority"}), ESP)),
    *neighbours.stock(
        Row("a control group's program, transport mode", {}, group_sees(2, 3, ENDS),
            ((COUNT, {17: COUNT}), ESP), ((COUNT, {50: COUNT}), ESP)),
        Row("a control group's program, forwarded later", {}, group_sees(0, 1, HOSTS),
            ((COUNT, {17: COUNT}), ESP)),
    ),
    # To forward a packet of IPv4 sets its priority.
    *(Row("mark and priority of ESP that arrived", {"gw2": ARRIVED}, rules(forwarded, 3),
          ((COUNT, {"mark", priority}), ESP), families=(v,))
      for v, priority in ((4, "no priority"), (6, "priority"))),
]


def say(who, plan, hosts):
    """Policies and, on gw1, the queue or filter; those of the last row go."""
    gw1, gw2 = hosts[2:]
    if who != hosts.loaded:
        neighbours.tunnels(who, (gw1, gw2))
        for v in 4, 6:
            neighbours.protect(who, gw1, *ENDS[v], 0x5000 + (v << 4))
            neighbours.protect(who, gw2, *ENDS[v][::-1], 0x5000 + (v << 4))
        hosts.loaded = who
    for kind in hosts.made:
        gw1.run("tc", "qdisc", "del", "dev", "eth0", kind)
    hosts.made = []
    if plan.startswith("filter"):
        gw1.run("tc", "qdisc", "add", "dev", "eth0", "clsact")
        gw1.run("tc", "filter", "add", "dev", "eth0", "egress", "matchall",
                *plan.split()[1:])
        hosts.made = ["clsact"]
    elif plan:
        gw1.run("tc", "qdisc", "add", "dev", "eth0", *plan.split())
        hosts.made = ["root"]


def body():
    hosts = lab.gateways()
    hosts[2].run("ip", "link", "add", "mirror", "up", "type", "dummy")
    rows = neighbours.Rows("queues", ROWS, hosts, hosts[2:])
    rows.hosts.loaded, rows.hosts.made = "", []
    if not neighbours.DEBUG:
        rows.hosts.group = cgroup_bpf.Counter(os.environ["work"])
    rows.all(lambda who, plan: say(who, plan, rows.hosts))
    if not neighbours.DEBUG:
        rows.hosts.group.close()


lab.main(body)
