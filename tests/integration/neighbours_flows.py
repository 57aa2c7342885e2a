#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A gateway with thousands of flows of which half are protected, many more than its flow
cache holds: each of them always is, or never, while they come again, SAs are replaced,
policies change from one packet to the next, and go. Connection tracking knows them all."""
import contextlib
import ipaddress
import os
import socket
import struct
import time

import lab
import neighbours
import packets
from neighbours import ENDS, HOSTS, NETS, chain

# ROUNDS= of "make integration": so many instead.
MANY = int(os.environ.get("ROUNDS", "0")) or (600 if neighbours.DEBUG else 2000)
COUNTS = {"native": min(MANY, 300), "ours": MANY}
FAR = {4: ("10.3.0.0/16", "10.3.0.0/17", "10.3.128.0/17"),
       6: ("fd03::/64", "fd03::/65", "fd03::8000:0:0:0/65")}
ECHO = {4: (8, 0, socket.IPPROTO_ICMP), 6: (128, 129, socket.IPPROTO_ICMPV6)}
# A queue has room for a thousand packets.
BURST = 500
ROWS = ("half of them are protected", "they come again", "other SAs",
        "the other half, from the middle on", "no policy")
TRACKED = "".join(f"table {l3} t {{\n{chain('forward', 'ct state invalid drop')}}}\n"
                  for l3 in ("ip", "ip6"))


def halves(v, count):
    """The addresses that a asks, of either half."""
    return [[ipaddress.ip_network(net)[n] for n in range(1, count // 2 + 1)]
            for net in FAR[v][1:]]


class Asks:
    """Echo requests of a, one a flow, and who answers."""

    def __init__(self, a, v):
        kind, self.reply, proto = ECHO[v]
        with a.entered():
            self.sock = socket.socket(lab.family(HOSTS[v][0]), socket.SOCK_RAW, proto)
        self.sock.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, 32 << 20)
        self.sock.setblocking(False)
        data = struct.pack(">BBHHH", kind, 0, 0, 7, 1) + b"flow"
        self.text = data[:2] + struct.pack(">H", packets.checksum(data)) + data[4:]
        self.v = v

    def close(self):
        self.sock.close()

    def collect(self, wanted, seconds=5):
        """Who answered, of those."""
        answered, deadline = set(), time.monotonic() + seconds
        skip = 20 if self.v == 4 else 0
        while not wanted <= answered and time.monotonic() < deadline:
            try:
                data, where = self.sock.recvfrom(200)
            except BlockingIOError:
                time.sleep(0.01)
                continue
            if data[skip] == self.reply:
                answered.add(where[0])
        return answered

    def go(self, addresses):
        """How many of them answer."""
        answered = 0
        for at in range(0, len(addresses), BURST):
            wanted = {str(address) for address in addresses[at:at + BURST]}
            missing = set(wanted)
            # The kernel answers by one socket, whose buffer may be full.
            for _ in range(5):
                for address in missing:
                    self.sock.sendto(self.text, (address, 0))
                missing -= self.collect(missing)
                if not missing:
                    break
            answered += len(wanted - missing)
        return answered


def mixed(halves_of):
    """First one of the one half, then one of the other, and so on."""
    return [address for pair in zip(*halves_of) for address in pair]


def policies(who, gw, v, half):
    """One half of b's addresses is behind a tunnel; the old policies go, the SAs stay."""
    if who == "ours":
        gw.setkey("spdflush;")
    else:
        gw.ip("xfrm policy flush\n")
    nets = NETS[v][0], FAR[v][1 + half]
    text = ""
    for way in 1, -1:
        out = (way == 1) == (gw.name == "gw1")
        text += neighbours.rule(who, *nets[::way], "out" if out else "in", ENDS[v][::way])
    neighbours.load(who, gw, text)


def sas(who, gw, v, spi):
    """Others instead of those that were there."""
    if who == "ours":
        gw.setkey("flush;")
    else:
        gw.ip("xfrm state flush\n")
    neighbours.load(who, gw, "".join(
        neighbours.association(who, *ENDS[v][::way], spi + n, "tunnel")
        for n, way in enumerate((1, -1))))


def name(who, v, row):
    return f"{who}: IPv{v}: {COUNTS[who]} flows, {row}"


class Tries:
    """The rows of one address family, by native XFRM or by ours."""

    def __init__(self, table, who, v, hosts):
        self.table, self.who, self.v, self.gateways = table, who, v, hosts[2:]
        self.asks, self.wire = Asks(hosts[0], v), lab.Wire(*self.gateways)
        self.halves = halves(v, COUNTS[who])

    def close(self):
        self.asks.close()
        self.wire.close()

    def all_policies(self, half):
        for gw in self.gateways:
            policies(self.who, gw, self.v, half)

    def all_sas(self, spi):
        for gw in self.gateways:
            sas(self.who, gw, self.v, spi)

    def judge(self, row, addresses, protected, spi):
        """All are answered; in clear are those that are not protected, and no other one,
        there and back. Some are asked more than once."""
        wanted = {ipaddress.ip_address(a).packed for a in addresses} - protected
        self.table.equal(row, "how many are answered", len(addresses),
                         self.asks.go(addresses))
        frames = self.wire.frames()
        for n, gw in enumerate(self.gateways):
            sent = [f for f in frames if f.host is gw]
            clear = [f.src if n else f.dst for f in sent if f.proto in (1, 58) and f.clear()]
            spis = [f.spi for f in sent if f.proto == 50]
            self.table.equal(row, f"{gw.name} sends others in clear, or not all", 0,
                             len(set(clear) ^ wanted))
            self.table.equal(row, f"{gw.name} sends ESP of", {spi + n} if protected else
                             set(), set(spis))
            self.table.equal(row, f"{gw.name} sends enough of it", True,
                             len(spis) >= len(protected))

    def all(self):
        first, second = ({a.packed for a in half} for half in self.halves)
        rows = [name(self.who, self.v, row) for row in ROWS]
        both = mixed(self.halves)
        self.all_sas(0x1000)
        self.all_policies(0)
        self.judge(rows[0], both, first, 0x1000)
        self.judge(rows[1], both, first, 0x1000)
        self.all_sas(0x2000)
        self.judge(rows[2], both, first, 0x2000)
        middle = len(both) // 2
        self.judge(rows[3], both[:middle], first & packed(both[:middle]), 0x2000)
        self.all_policies(1)
        self.judge(rows[3], both[middle:], second & packed(both[middle:]), 0x2000)
        for gw in self.gateways:
            neighbours.flush(gw)
        self.judge(rows[4], both, set(), 0)


def packed(addresses):
    return {a.packed for a in addresses}


def prepare(hosts):
    a, b, gw1, gw2 = hosts
    for v in 4, 6:
        net = FAR[v][0]
        gw1.ip(f"route add {net} via {ENDS[v][1]}\n")
        gw2.ip(f"route add {net} via {HOSTS[v][1]}\n")
        b.ip(f"route add local {net} dev lo\n")
    for gw in gw1, gw2:
        neighbours.nft(gw, TRACKED)


def body():
    hosts = lab.gateways()
    prepare(hosts)
    table = lab.Matrix("flows", [name(who, v, row) for who in neighbours.WHO
                                 for v in (4, 6) for row in ROWS])
    for who in neighbours.WHO:
        for v in 4, 6:
            with contextlib.closing(Tries(table, who, v, hosts)) as tries:
                tries.all()
    lab.equal("nothing was dropped", [{}, {}], [gw.drops() for gw in hosts[2:]])
    table.report()


lab.main(body)
