#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Gateways with flow tables, which forward what is in them past the firewall and past
all hooks: what is to be protected is, whatever comes later than the flow.

What has to arrive protected stays out of them, so that most rows only want it to leave
so: their "in" policies are of level "use"."""
import re
import select
import socket
import time

import lab
import neighbours
import packets
from neighbours import ENDS, HOSTS, NETS, Row, chain

ESP, CLEAR, NOTHING, AMOUNT = {50}, {17}, set(), 300000
PORT = 7000
POLVIO = frozenset({"in_polvio"})
VLAN = {4: ("10.0.7.1", "10.0.7.2"), 6: ("fd07::1", "fd07::2")}
THIRD = {4: ("10.0.6.1", "10.0.6.2"), 6: ("fd06::1", "fd06::2")}


def table(*devices):
    return (f"flowtable ft {{\nhook ingress priority 0;\ndevices = {{ {', '.join(devices)} }};"
            "\n}\n" + chain("forward", "meta l4proto { tcp, udp } flow add @ft")
            + chain("forward", "counter", "1", name="d"))


TABLE = table("eth0", "eth1")
SNAT = chain("postrouting", 'oifname "eth0" meta l4proto udp snat to $inside',
             kind="nat", name="nat")
INSIDE = {4: {"inside": "10.1.0.254"}, 6: {"inside": "fd01::fe"}}
BOTH, FIRST, SECOND = {"gw1": TABLE, "gw2": TABLE}, {"gw1": TABLE}, {"gw2": TABLE}


def flow(hosts, v):
    return neighbours.Flow(*hosts[:2], *HOSTS[v])


def shown(gw):
    """How many packets the firewall saw that are forwarded."""
    return sum(map(int, re.findall(r"counter packets (\d+)", gw.run("nft", "list", "ruleset"))))


def in_tables(f, hosts):
    """Whose firewall does not see what passes both ways; it may have to be put there
    once more, when the rules came just before."""
    missing = {gw for gw in hosts[2:] if gw.name in hosts.row.rules}
    found = set()
    for _ in range(4):
        before = {gw: shown(gw) for gw in missing}
        f.go(5)
        found |= {gw for gw, n in before.items() if shown(gw) == n}
        missing -= found
    return {gw.name for gw in found}


def datagrams(hosts, v):
    with flow(hosts, v) as f:
        return f.go(15), in_tables(f, hosts)


def stream(hosts, v):
    return neighbours.stream(*hosts[:2], *HOSTS[v], AMOUNT)


def load(hosts, v, back="use"):
    for gw in hosts[2:]:
        neighbours.load(hosts.who, gw, neighbours.tunnel(hosts.who, gw, v, back=back))


def flush(hosts):
    for gw in hosts[2:]:
        neighbours.flush(gw)


def policy_comes(hosts, v):
    """The flow was in the table before."""
    flush(hosts)
    with flow(hosts, v) as f:
        before = f.go(5), hosts.seen()
        load(hosts, v)
        return *before, f.go(10)


def policy_goes(hosts, v):
    flush(hosts)
    load(hosts, v)
    with flow(hosts, v) as f:
        before = f.go(5), hosts.seen()
        flush(hosts)
        return *before, f.go(10)


def policy_returns(hosts, v):
    """It goes and comes while the flow is there."""
    answered, seen = 0, set()
    flush(hosts)
    with flow(hosts, v) as f:
        for _ in range(3):
            answered += f.go(5)
            load(hosts, v)
            hosts.seen()
            answered += f.go(5)
            seen |= hosts.seen()
            flush(hosts)
    return answered, seen


def say_lines(hosts, v, word):
    """Of what both gateways say of level "use" the lines that begin so."""
    for gw in hosts[2:]:
        text = neighbours.tunnel(hosts.who, gw, v, level="use")
        gw.setkey("".join(line for line in text.splitlines(True)
                          if line.split()[0] == word))


def sas_come(hosts, v):
    """Level "use" is in clear as long as there are none, and a moment longer."""
    flush(hosts)
    with flow(hosts, v) as f:
        say_lines(hosts, v, "spdadd")
        before = f.go(5), hosts.seen()
        say_lines(hosts, v, "add")
        deadline = time.monotonic() + 60
        while f.go(1) and hosts.seen() != ESP and time.monotonic() < deadline:
            pass
        return *before, f.go(10)


def rekeyed(hosts, v):
    """New SAs come, then the old ones go."""
    old, answered = neighbours.SPI[v], 0
    with flow(hosts, v) as f:
        for new in range(old + 16, old + 80, 16):
            answered += f.go(5)
            for gw in hosts[2:]:
                neighbours.load(hosts.who, gw, "".join(
                    neighbours.association(hosts.who, *ENDS[v][::way], new + n, "tunnel")
                    for n, way in enumerate((1, -1))))
            answered += f.go(5)
            for gw in hosts[2:]:
                for n, (src, dst) in enumerate((ENDS[v], ENDS[v][::-1])):
                    neighbours.load(hosts.who, gw, f"delete {src} {dst} esp {old + n};\n"
                                    if hosts.who == "ours" else f"xfrm state delete src {src}"
                                    f" dst {dst} proto esp spi {old + n}\n")
            answered += f.go(5)
            old = new
    return answered


def device_goes(hosts, v):
    """The device by which gw1's packets leave, while they are in the table."""
    gw1, gw2 = hosts[2:]
    lab.ip(lab.link("gw1", "eth3", "gw2", "eth3"))
    bits = 24 if v == 4 else 64
    for gw, address in zip((gw1, gw2), THIRD[v]):
        gw.ip(f"link set eth3 up\naddr add {address}/{bits} dev eth3"
              f"{' nodad' if v == 6 else ''}\n")
    for net in NETS[v][1], ENDS[v][1]:
        gw1.run("ip", "route", "replace", net, "via", THIRD[v][1], "dev", "eth3")
    neighbours.nft(gw1, f"table inet t {{\n{table('eth0', 'eth1', 'eth3')}}}\n")
    with lab.Wire(gw1, dev="eth3") as wire, flow(hosts, v) as f:
        before = f.go(10), neighbours.protocols(wire.frames())
        gw1.run("ip", "link", "del", "eth3")
        gw1.run("ip", "route", "add", NETS[v][1], "via", ENDS[v][1])
        return *before, f.go(10)


def hardware(host, device):
    with host.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        s.bind((device, 0))
        return s.getsockname()[4]


def dropped(hosts):
    return sum(gw.drops().get("in_polvio", 0) for gw in hosts[2:])


def overheard(f, asks, hosts, macs, text, gw):
    """What a socket of the flow hears of a packet that the gateway says on the wire
    between both in clear, as if it were of the flow; nothing when it was refused."""
    s, seen, before = f.asks if asks else f.answers, hosts.seen(), dropped(hosts)
    heard, deadline = b"", time.monotonic() + 20
    gw.inject(packets.frame(text, macs))
    while not heard and dropped(hosts) == before and time.monotonic() < deadline:
        if select.select([s], [], [], 0.01)[0]:
            heard = s.recv(100)
    hosts.seen()
    return seen, heard


def heard_of(f, hosts, v):
    """As the one who asks."""
    gw1, gw2 = hosts[2:]
    before = f.go(5)
    text = packets.udp(*HOSTS[v], b"stranger", PORT, f.asks.getsockname()[1])
    return before, *overheard(f, False, hosts, hardware(gw2, "eth0") + hardware(gw1, "eth0"),
                              packets.packet(*HOSTS[v], 17, text), gw1), f.go(5)


def stranger(hosts, v):
    with flow(hosts, v) as f:
        return heard_of(f, hosts, v)


def stranger_answers(hosts, v):
    """Where a asks by another address."""
    gw1, gw2 = hosts[2:]
    ends = HOSTS[v][1], INSIDE[v]["inside"]
    with flow(hosts, v) as f:
        before = f.go(5)
        text = packets.udp(*ends, b"stranger", f.asks.getsockname()[1], PORT)
        return before, *overheard(
            f, True, hosts, hardware(gw1, "eth0") + hardware(gw2, "eth0"),
            packets.packet(*ends, 17, text), gw2), f.go(5)


def stranger_after_policy(hosts, v):
    """The flow was in the table before."""
    flush(hosts)
    with flow(hosts, v) as f:
        before = f.go(5), hosts.seen()
        load(hosts, v, "require")
        return *before, *heard_of(f, hosts, v)


PLAIN = [
    Row("the policy comes later", BOTH, policy_comes, ((5, CLEAR, 10), ESP)),
    Row("the policy goes", BOTH, policy_goes, ((5, ESP, 10), CLEAR)),
    Row("the policy goes and comes", BOTH, policy_returns, ((30, ESP), NOTHING)),
    Row("SAs come, level use", BOTH, sas_come, ((5, CLEAR, 10), ESP),
        without=("native",)),
]
ROWS = [
    *(Row(f"{where}, {what}", rules, act, (want, ESP), plan="tunnel")
      for where, rules in (("both", BOTH), ("gw1", FIRST), ("gw2", SECOND))
      for what, act, want in (("UDP", datagrams, (15, set(rules))),
                              ("TCP", stream, AMOUNT))),
    Row("both, UDP has to arrive protected", BOTH, datagrams, ((15, set()), ESP),
        ((15, set(BOTH)), ESP), plan="both ways"),
    Row("SAs are replaced", BOTH, rekeyed, (60, ESP), plan="rekey"),
    Row("a device goes", {}, device_goes, ((10, ESP, 10), ESP), plan="device"),
    *neighbours.stock(
        *(Row(f"over a VLAN, {what}",
              {gw: table("v7", "eth1") for gw in ("gw1", "gw2")}, act, (want, ESP),
              plan="VLAN")
              for what, act, want in (("UDP", datagrams, (15, set(BOTH))),
                                  ("TCP", stream, AMOUNT)))),
    *(Row(f"{where}, a stranger in clear", rules, stranger, ((5, ESP, b"", 5), ESP),
          ((5, ESP, b"stranger", 5), ESP), plan="both ways", drops=POLVIO)
      for where, rules in (("both", BOTH), ("gw2", SECOND))),
    Row("gw1 translates, a stranger in clear", {"gw1": TABLE + SNAT}, stranger_answers,
        ((5, ESP, b"", 5), ESP), ((5, ESP, b"stranger", 5), ESP), plan="both ways",
        drops=POLVIO),
    *PLAIN,
    Row("the policy comes later, and a stranger", BOTH, stranger_after_policy,
        ((5, CLEAR, 5, ESP, b"", 5), ESP), ((5, CLEAR, 5, ESP, b"stranger", 5), ESP),
        drops=POLVIO),
]


def route(gateways, ends):
    for n, gw in enumerate(gateways):
        for v in 4, 6:
            gw.run("ip", "route", "replace", NETS[v][1 - n], "via", ends[v][1 - n])


def say(who, plan, gateways):
    back = "require" if plan == "both ways" else "use"
    for gw in gateways:
        neighbours.flush(gw)
        for v in 4, 6:
            if plan:
                neighbours.load(who, gw, neighbours.tunnel(
                    who, gw, v, outer=VLAN[v] if plan == "VLAN" else None, back=back))
    if not neighbours.DEBUG:
        route(gateways, VLAN if plan == "VLAN" else ENDS)


def prepare(gateways):
    for n, gw in enumerate(gateways):
        gw.ip(f"""link add link eth0 name v7 type vlan id 7
            link set v7 up
            addr add {VLAN[4][n]}/24 dev v7
            addr add {VLAN[6][n]}/64 dev v7 nodad
            """)


def gone(device, timeout=30):
    """Whether it goes, which a device does with the namespace of its peer."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            socket.if_nametoindex(device)
        except OSError:
            return True
        time.sleep(0.1)
    return False


def namespaces_go(hosts):
    """With flows in their tables, by routes of ours."""
    say("ours", "tunnel", hosts[2:])
    for gw in hosts[2:]:
        neighbours.nft(gw, f"table inet t {{\n{TABLE}}}\n")
        lab.run("ip", "link", "add", f"flow-{gw.name}", "type", "veth", "peer", "name",
                "watch", "netns", gw.name)
    for v in 4, 6:
        with flow(hosts, v) as f:
            lab.equal(f"IPv{v}: before the gateways go", 20, f.go(20))
    for host in hosts:
        host.close()
        lab.run("ip", "netns", "del", host.name)
    for host in hosts[2:]:
        lab.claim(gone(f"flow-{host.name}"), f"{host.name} goes with flows in its table")


def body():
    hosts = lab.gateways()
    if not neighbours.DEBUG:
        prepare(hosts[2:])
    neighbours.EXTRA.update(INSIDE)
    rows = neighbours.Rows("flow tables", ROWS, hosts, hosts[2:])
    rows.all(lambda who, plan: say(who, plan, hosts[2:]))
    rows.close()
    namespaces_go(hosts)


if __name__ == "__main__":
    lab.main(body)
