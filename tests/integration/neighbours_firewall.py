#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the firewall's matches say of a packet that will be protected, and of one that
was: each row is a rule that counts, in one of two gateways, and whether it has to count
what goes by. They forward through a tunnel, and talk to each other in transport mode, by
ESP and by ESP and AH."""
import re
import socket

import lab
import neighbours
from neighbours import ENDS, HOSTS

# Of gw2, in its network.
INNER = {4: "10.2.0.254", 6: "fd02::fe"}
IPTABLES = {4: "iptables", 6: "ip6tables"}
# Of the ways: port, SPI, reqid.
WAYS = {"tunnel": (7000, 0x4000, 17), "tunnel that ends here": (7003, 0x4000, 17),
        "transport": (7001, 0x5000, 18), "ESP and AH": (7002, 0x7000, 19)}
TABLE = {"FORWARD": "filter", "INPUT": "filter", "OUTPUT": "filter",
         "PREROUTING": "mangle", "POSTROUTING": "mangle", "OUTPUT, mangle": "mangle",
         "INPUT, mangle": "mangle", "FORWARD, mangle": "mangle"}
# Where a packet is asked about what will become of it, and what became of it.
PLACES = (
    ("gw1", "FORWARD", "out", "tunnel"),
    ("gw1", "POSTROUTING", "out", "tunnel"),
    ("gw2", "PREROUTING", "in", "tunnel"),
    ("gw2", "FORWARD", "in", "tunnel"),
    ("gw2", "FORWARD, mangle", "in", "tunnel"),
    ("gw2", "INPUT", "in", "tunnel that ends here"),
    ("gw2", "INPUT, mangle", "in", "tunnel that ends here"),
    ("gw1", "OUTPUT", "out", "transport"),
    ("gw1", "OUTPUT, mangle", "out", "transport"),
    ("gw1", "POSTROUTING", "out", "transport"),
    ("gw2", "PREROUTING", "in", "transport"),
    ("gw2", "INPUT", "in", "transport"),
)
# {spi}, {reqid}, {mode}: what is right; {ips}: the SPI as iptables(8) has to be told, which
# does not bring its bytes in the network's order; {edom}: the other mode; {own}, {peer}:
# the ends. Where it applies: everything, or only to that direction or way.
POLICY = (
    ("all", "--pol ipsec", True),
    ("all", "--pol none", False),
    ("all", "--pol ipsec --proto esp", True),
    ("all", "--pol ipsec --proto ah", False),
    ("all", "--pol ipsec --reqid {reqid}", True),
    ("all", "--pol ipsec --reqid 99", False),
    ("all", "--pol ipsec --spi {ips}", True),
    ("all", "--pol ipsec --spi 9", False),
    ("all", "--pol ipsec ! --spi {ips}", False),
    ("all", "--pol ipsec --strict --proto esp --reqid {reqid} --spi {ips}", True),
    ("all", "--pol ipsec --strict --proto esp --next --proto esp", False),
    ("mode", "--pol ipsec --mode {mode}", True),
    ("mode", "--pol ipsec --mode {edom}", False),
    ("transport", "--pol ipsec --mode transport --proto esp", True),
    ("mode tunnel", "--pol ipsec --mode tunnel --tunnel-src {own} --tunnel-dst {peer}", True),
    ("mode tunnel", "--pol ipsec --mode tunnel --tunnel-src {peer}", False),
    ("mode tunnel", "--pol ipsec --strict --mode tunnel --tunnel-dst {peer}", True),
)
CHAINS = (
    ("gw1", "OUTPUT", "out", "ESP and AH"),
    ("gw1", "POSTROUTING", "out", "ESP and AH"),
    ("gw2", "INPUT", "in", "ESP and AH"),
)
CHAIN = (
    ("--pol ipsec --proto esp", True),
    ("--pol ipsec --proto ah", True),
    ("--pol ipsec --strict --proto esp --next --proto ah", True),
    ("--pol ipsec --strict --proto ah --next --proto esp", False),
    ("--pol ipsec --strict --proto esp", False),
)
NFT = (
    ("out", "rt ipsec exists", True),
    ("out", "rt ipsec missing", False),
    ("in", "meta secpath exists", True),
    ("in", "meta secpath missing", False),
    ("all", "ipsec {dir} reqid {reqid}", True),
    ("all", "ipsec {dir} reqid 99", False),
    ("all", "ipsec {dir} spi {spi}", True),
    ("all", "ipsec {dir} spi 9", False),
    ("all", "ipsec {dir} spnum 0 spi {spi}", True),
    ("all", "ipsec {dir} spnum 1 spi {spi}", False),
    ("mode tunnel", "ipsec {dir} {ip} daddr {peer}", True),
    ("mode tunnel", "ipsec {dir} {ip} saddr {own}", True),
    ("mode tunnel", "ipsec {dir} {ip} daddr {own}", False),
)
# Of the outer packet.
OUTER = (
    ("gw1", "OUTPUT", "iptables", "-m policy --dir out --pol none"),
    ("gw1", "POSTROUTING", "iptables", "-m policy --dir out --pol none"),
    ("gw2", "PREROUTING", "iptables", "-m policy --dir in --pol none"),
    ("gw2", "INPUT", "iptables", "-m policy --dir in --pol none"),
    ("gw1", "OUTPUT", "nft", "rt ipsec missing"),
    ("gw1", "POSTROUTING", "nft", "rt ipsec missing"),
    ("gw2", "PREROUTING", "nft", "meta secpath missing"),
    ("gw2", "INPUT", "nft", "meta secpath missing"),
)


def applies(where, direction, way):
    return where == "all" or set(where.split()) <= {direction, "mode", way.split()[0]}


def rows(v):
    """Name, host, hook, tool, which packet, match, and whether it counts."""
    for place in PLACES:
        host, hook, direction, way = place
        port, spi, reqid = WAYS[way]
        own, peer = ENDS[v]
        spi += v << 4
        words = {"spi": hex(spi), "ips": hex(socket.htonl(spi)), "reqid": reqid,
                 "own": own, "peer": peer, "dir": direction,
                 "ip": "ip" if v == 4 else "ip6", "mode": way.split()[0],
                 "edom": "transport" if way.startswith("tunnel") else "tunnel"}
        for tool, matches in ("iptables", POLICY), ("nft", NFT):
            for where, match, counts in matches:
                # nft's chains here are behind that table.
                if applies(where, direction, way) and (
                        tool == "iptables" or "mangle" not in hook):
                    text = match.format(**words)
                    if tool == "iptables":
                        text = f"-m policy --dir {direction} {text}"
                    yield host, hook, tool, way, text, counts
    for host, hook, direction, way in CHAINS:
        for match, counts in CHAIN:
            yield host, hook, "iptables", way, f"-m policy --dir {direction} {match}", counts
    for host, hook, tool, match in OUTER:
        yield host, hook, tool, "ESP itself", match, True


ROWS = {v: list(enumerate(rows(v))) for v in (4, 6)}


def name(who, v, row):
    host, hook, tool, way, match, counts = row
    match = match.replace(f"{ENDS[v][0]}", "A").replace(f"{ENDS[v][1]}", "B")
    return f"{who}: IPv{v}: {way}: {host} {hook}: {match}{'' if counts else ': not'}"


def iptables(host, v):
    """A text for iptables-restore(8)."""
    tables = {"filter": "", "mangle": ""}
    for n, (where, hook, tool, way, match, _) in ROWS[v]:
        if where == host.name and tool == "iptables":
            what = "-p esp" if way == "ESP itself" else f"-p udp --dport {WAYS[way][0]}"
            tables[TABLE[hook]] += (f"-A {hook.split(',')[0]} {what} {match}"
                                    f" -m comment --comment row-{n}.\n")
    return "".join(f"*{table}\n{text}COMMIT\n" for table, text in tables.items())


def nftables(host):
    chains = {}
    for v, table in ROWS.items():
        for n, (where, hook, tool, way, match, _) in table:
            if where == host.name and tool == "nft":
                what = "meta l4proto esp" if way == "ESP itself" else \
                    f"udp dport {WAYS[way][0]}"
                chains.setdefault((hook.split(",")[0].lower(), v), []).append(
                    f'meta nfproto ipv{v} {what} {match} counter comment "row-{n}."\n')
    text = "".join(f"chain {hook}{v} {{\ntype filter hook {hook} priority 1;\n"
                   f"{''.join(lines)}}}\n" for (hook, v), lines in chains.items())
    return f"table inet rows {{\n{text}}}\n"


def counted(host, v):
    """Numbers of the rows of an address family that counted something on a host."""
    saved = host.run(f"{IPTABLES[v]}-save", "-c")
    lines = [(m[1], m[2]) for m in re.finditer(
        r"^\[(\d+):.*row-(\d+)\.", saved, re.M)]
    for chain in host.run("nft", "list", "table", "inet", "rows").split("chain ")[1:]:
        if chain.split()[0].endswith(str(v)):
            lines += [(m[1], m[2]) for m in re.finditer(
                r"counter packets (\d+) .*row-(\d+)\.", chain)]
    return {int(n) for packets, n in lines if int(packets)}


def say(who, gateways):
    for gw in gateways:
        neighbours.flush(gw)
        for v in 4, 6:
            text = ""
            port, spi, reqid = WAYS["tunnel"]
            text += neighbours.tunnel(who, gw, v, spi=spi + (v << 4), reqid=reqid)
            for way, protos in ("transport", ("esp",)), ("ESP and AH", ("esp", "ah")):
                port, spi, reqid = WAYS[way]
                for n, (src, dst) in enumerate((ENDS[v], ENDS[v][::-1])):
                    for proto in protos:
                        text += neighbours.association(
                            who, src, dst, spi + (v << 4) + n, "transport", reqid, proto)
                # Only one way: nothing answers.
                text += neighbours.rule(who, *ENDS[v], "out" if gw.name == "gw1" else "in",
                                        None, reqid, protos, f"udp {port}")
            neighbours.load(who, gw, text)


def send(hosts, v):
    """One datagram of each way; what went wrong."""
    a, b, gw1, gw2 = hosts
    wrong = []
    routes = {"tunnel": (a, b, HOSTS[v]),
              "tunnel that ends here": (a, gw2, (HOSTS[v][0], INNER[v]))}
    for way, (port, _, _) in WAYS.items():
        x, y, (own, peer) = routes.get(way, (gw1, gw2, ENDS[v]))
        got = neighbours.datagram(x, y, own, peer, 100, port=port)
        if got != lab.ARRIVES:
            wrong.append((way, got, gw1.drops(), gw2.drops()))
    return wrong


def body():
    hosts = lab.gateways()
    gateways = hosts[2:]
    table = lab.Matrix("matches", [name(who, v, row) for who in neighbours.WHO
                                   for v in ROWS for _, row in ROWS[v]])
    for gw in gateways:
        neighbours.nft(gw, nftables(gw))
    wire = lab.Wire(*gateways)
    for who in neighbours.WHO:
        say(who, gateways)
        for v in 4, 6:
            for gw in gateways:
                gw.run(f"{IPTABLES[v]}-restore", stdin=iptables(gw, v))
            wire.frames(0)
            lab.equal(f"{who}: IPv{v}: all arrives", [], send(hosts, v))
            lab.equal(f"{who}: IPv{v}: on the wire", {50, 51},
                      neighbours.protocols(wire.frames()))
            seen = {gw.name: counted(gw, v) for gw in gateways}
            for n, row in ROWS[v]:
                table.equal(name(who, v, row), "counted", row[-1], n in seen[row[0]])
        for gw in gateways:
            neighbours.nft(gw, nftables(gw))
    table.report()


lab.main(body)
