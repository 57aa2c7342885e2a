#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A host of many containers on a bridge whose firewall is shown their frames: each
has SAs and policies of its own, all of them with the same SPIs and each pair with another
key; the host has a tunnel for what goes out, or protects what it masquerades. Half of
them end while the others talk."""
import contextlib
import os
import resource
import socket
import time

import lab
import neighbours
from pfkey_client import ADD, ESP, SPDADD, Client, ends, key, policy, request, sa, sa2

# ROUNDS= of "make integration": so many instead; a bridge has room for 1,023. To make
# them takes most of the time.
MANY = int(os.environ.get("ROUNDS", "0")) or (60 if neighbours.DEBUG else 200)
# Native XFRM's rules take a process each.
COUNTS = {"native": 20, "ours": MANY}
HOST = {4: "10.64.255.254", 6: "fd64::ffff"}
NET = {4: "10.64.0.0/16", 6: "fd64::/64"}
BRIDGE = "02:64:00:ff:ff:ff"
OUTSIDE = {4: "10.2.0.1", 6: "fd02::1"}
SPI, PORT, MNT_DETACH = 0x100, 7000, 2
TEXT = b"who is there"
MASQUERADE = "".join(f"""table {l3} n {{
    chain post {{
        type nat hook postrouting priority srcnat;
        oifname "eth0" masquerade
    }}
}}
""" for l3 in ("ip", "ip6"))
# With connection tracking; it sees what the bridge forwards.
WATCHED = """table inet t {
    chain forward {
        type filter hook forward priority 0;
        ct state new counter
    }
}
"""
ROWS = ("each hears its neighbour", "through the host's tunnel",
        "masqueraded, the host's transport", "half of them end, the others talk")


def mac(n):
    return f"02:64:00:00:{n >> 8:02x}:{n & 255:02x}"


def address(v, n):
    return f"10.64.{n + 1 >> 8}.{n + 1 & 255}" if v == 4 else f"fd64::{n + 1:x}"


class Container(lab.Host):
    """The n-th one; its neighbour's number differs in the last bit."""

    def __init__(self, n):
        super().__init__(f"c{n}")
        self.n = n
        self.ip(f"link set lo up\nlink set eth0 address {mac(n)} up\n" + "".join(
            f"addr add {address(v, n)}/{NET[v].split('/')[1]} dev eth0 nodad\n"
            f"neigh add {address(v, n ^ 1)} lladdr {mac(n ^ 1)} dev eth0\n"
            f"neigh add {HOST[v]} lladdr {BRIDGE} dev eth0\n"
            f"route add default via {HOST[v]}\n" for v in (4, 6)))
        self.sockets = {v: self.socket(address(v, n), PORT) for v in (4, 6)}
        for s in self.sockets.values():
            s.setblocking(False)

    def close(self):
        for s in self.sockets.values():
            s.close()
        super().close()

    def protect(self, who):
        """SAs and policies for the neighbour."""
        if who == "native":
            for v in 4, 6:
                neighbours.protect(who, self, address(v, self.n), address(v, self.n ^ 1),
                                   SPI)
            return
        with self.entered():
            c = Client()
        secret = bytes(range(18)) + (self.n >> 1).to_bytes(2, "big")
        for v in 4, 6:
            pair = [address(v, self.n & ~1), address(v, self.n | 1)]
            for way in 0, 1:
                at = ends(*pair[::1 - 2 * way])
                out = policy(2 - (self.n & 1 ^ way), requests=request())
                for args in ((ADD, ESP, sa(SPI + way) + sa2() + at
                              + key(9, secret)),
                             (SPDADD, 0, at + out)):
                    if error := c.ask(*args).errno:
                        raise OSError(error, f"container {self.n}")
        c.sock.close()


def topology(count):
    """The host, somebody outside, the containers."""
    lab.ip("netns add h\nnetns add b\n" + lab.link("h", "eth0", "b", "eth0"))
    h, b = lab.Host("h"), lab.Host("b")
    h.ip(f"""link add br0 type bridge
        link set lo up
        link set eth0 up
        link set br0 address {BRIDGE} up
        addr add {HOST[4]}/16 dev br0
        addr add {HOST[6]}/64 dev br0 nodad
        """)
    b.ip("link set lo up\nlink set eth0 up\n")
    for n, host in enumerate((h, b)):
        for v, bits in (4, 24), (6, 64):
            host.ip(f"addr add {neighbours.ENDS[v][n]}/{bits} dev eth0 nodad\n")
    for v in 4, 6:
        h.ip(f"route add {OUTSIDE[v]} via {neighbours.ENDS[v][1]}\n")
        b.ip(f"addr add {OUTSIDE[v]} dev lo nodad\n"
             f"route add {NET[v]} via {neighbours.ENDS[v][0]}\n")
    h.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1",
             *(f"net.bridge.bridge-nf-{name}=1" for name in
               ("call-iptables", "call-ip6tables")))
    lab.ip("".join(f"netns add c{n}\n" + lab.link("h", f"v{n}", f"c{n}", "eth0")
                   for n in range(count)))
    h.ip("".join(f"link set v{n} master br0 up\n" for n in range(count)))
    containers = [Container(n) for n in range(count)]
    h.ip("".join(f"neigh add {address(v, n)} lladdr {mac(n)} dev br0\n"
                 for n in range(count) for v in (4, 6)))
    # The bridge knows each of them from now on, and floods nothing.
    with h.socket(HOST[4], 9):
        for c in containers:
            c.sockets[4].sendto(b"", (HOST[4], 9))
    return h, b, containers


def heard(v, containers, seconds=20):
    """From whom each of them hears something, or what is missing."""
    missing, deadline = {c.n: c for c in containers}, time.monotonic() + seconds
    froms = {}
    while missing and time.monotonic() < deadline:
        for c in list(missing.values()):
            with contextlib.suppress(BlockingIOError):
                text, where = c.sockets[v].recvfrom(100)
                froms[c.n] = where[0] if text == TEXT else text
                del missing[c.n]
    return froms


def each_other(v, containers):
    """How many hear their neighbour."""
    for c in containers:
        c.sockets[v].sendto(TEXT, (address(v, c.n ^ 1), PORT))
    return sum(where == address(v, n ^ 1) for n, where in heard(v, containers).items())


def outside(v, b, containers, port):
    """How many are answered from there, and the addresses by which they ask."""
    with b.socket(OUTSIDE[v], port, timeout=10) as s:
        s.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, 16 << 20)
        for c in containers:
            c.sockets[v].sendto(TEXT, (OUTSIDE[v], port))
        asked = set()
        for _ in containers:
            text, where = s.recvfrom(100)
            asked.add(where[0])
            s.sendto(text, where)
        answered = heard(v, containers)
    return sum(where == OUTSIDE[v] for where in answered.values()), asked


def name(who, v, row):
    return f"{who}: IPv{v}: {row}, {COUNTS[who]} containers"


def pairs_row(table, who, v, h, containers, row=ROWS[0]):
    """What the bridge hands on is ESP of all of them."""
    with lab.Wire(h, dev=None) as wire:
        table.equal(name(who, v, row), "who hear their neighbours", len(containers),
                    each_other(v, containers))
        frames = [f for f in wire.frames() if f.proto in (17, 50)]
    sent = {(f.src, f.dst, f.spi) for f in frames if f.proto == 50}
    table.equal(name(who, v, row), "on the wire", ({50}, len(containers)),
                ({f.proto for f in frames}, len(sent)))


def counters_row(table, v, containers):
    for c in containers:
        stat = c.stat()
        table.equal(name("ours", v, ROWS[0]), f"of container {c.n}", (v // 2 - 1, {}),
                    (stat["in_success"], c.drops()))


def outside_row(table, who, v, h, b, containers, row, sources):
    with lab.Wire(h, b) as wire:
        table.equal(name(who, v, row), "who are answered, and by which addresses they ask",
                    (len(containers), sources),
                    outside(v, b, containers, PORT + ROWS.index(row)))
        table.equal(name(who, v, row), "on the wire", {50},
                    neighbours.protocols(wire.frames()))


def through_the_host(table, who, v, h, b, containers):
    """In its tunnel, and masqueraded."""
    own, peer = neighbours.ENDS[v]
    for host, way in (h, 1), (b, -1):
        neighbours.flush(host)
        text = ""
        for n, direction in enumerate(("out", "in")[::way]):
            turn = 1 - 2 * n
            text += neighbours.association(who, *(own, peer)[::turn], 0x200 + n, "tunnel")
            text += neighbours.rule(who, *(NET[v], OUTSIDE[v])[::turn], direction,
                                    (own, peer)[::turn])
        neighbours.load(who, host, text)
    outside_row(table, who, v, h, b, containers, ROWS[1],
                {address(v, c.n) for c in containers})
    neighbours.nft(h, WATCHED + MASQUERADE)
    for host, ways in (h, (own, OUTSIDE[v])), (b, (OUTSIDE[v], own)):
        neighbours.flush(host)
        neighbours.protect(who, host, *ways, 0x300)
    outside_row(table, who, v, h, b, containers, ROWS[2], {own})
    neighbours.nft(h, WATCHED)
    for host in h, b:
        neighbours.flush(host)


def devices(host):
    with host.entered():
        return {name for _, name in socket.if_nameindex()}


def gone(h, containers, seconds=60):
    """Which of them still have a port of the bridge after that."""
    ports, deadline = {f"v{c.n}" for c in containers}, time.monotonic() + seconds
    while ports & devices(h) and time.monotonic() < deadline:
        time.sleep(0.05)
    return ports & devices(h)


def end(containers):
    for c in containers:
        c.close()
        if lab.LIBC.umount2(f"/run/netns/{c.name}".encode(), MNT_DETACH):
            raise OSError(c.name)
        os.unlink(f"/run/netns/{c.name}")


def try_all(table, who, h, b, containers):
    containers = containers[:COUNTS[who]]
    for c in containers:
        c.protect(who)
    for v in 4, 6:
        pairs_row(table, who, v, h, containers)
        if who == "ours":
            counters_row(table, v, containers)
        through_the_host(table, who, v, h, b, containers)
    if who == "native":
        for c in containers:
            c.ip("xfrm state flush\nxfrm policy flush\n")
        return
    last = containers[len(containers) // 4 * 2:]
    end(last)
    for v in 4, 6:
        pairs_row(table, who, v, h, containers[:-len(last)], ROWS[3])
        table.equal(name(who, v, ROWS[3]), "ports of those that ended", set(),
                    gone(h, last))
    end(containers[:-len(last)])
    lab.equal(f"{COUNTS[who]} containers are gone", set(), gone(h, containers))


def body():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    lab.run("modprobe", "-a", "br_netfilter", *neighbours.stock("esp4", "esp6"))
    h, b, containers = topology(max(COUNTS[who] for who in neighbours.WHO))
    neighbours.nft(h, WATCHED)
    table = lab.Matrix("containers", [name(who, v, row) for who in neighbours.WHO
                                      for v in (4, 6) for row in ROWS
                                      if who == "ours" or row != ROWS[3]])
    for who in neighbours.WHO:
        try_all(table, who, h, b, containers)
    table.report()


lab.main(body)
