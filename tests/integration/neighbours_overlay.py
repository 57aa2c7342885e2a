#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tunnel devices of other kinds, whose outer packets are protected in transport mode.

The socket that a packet carries is then that of the packet inside: of another family,
or one that knows no IP. Long datagrams, TCP and AF_PACKET go through each of them, also
from a queue of the device; all arrives, and nothing but ESP is on the wire.
"""
import socket

import lab
import neighbours
import packets
from lab import A4, A6, B4, B6

ENDS = {4: (A4, B4), 6: (A6, B6)}
INSIDE = {4: ("192.168.7.1", "192.168.7.2"), 6: ("fd07::1", "fd07::2")}
AMOUNT = 300000
# Name, family of the outer packet, what is inside, how it is made.
KINDS = (
    ("gre", 4, (4, 6), "gre local {own} remote {peer}"),
    ("gretap", 4, (4, 6), "gretap local {own} remote {peer}"),
    ("vxlan", 4, (4, 6), "vxlan id 42 local {own} remote {peer} dstport 4789"),
    ("vxlan with checksum", 4, (4, 6),
     "vxlan id 42 local {own} remote {peer} dstport 4789 udpcsum"),
    ("geneve", 4, (4, 6), "geneve id 42 remote {peer}"),
    ("ipip", 4, (4,), "ipip local {own} remote {peer}"),
    *([] if neighbours.DEBUG else [("sit", 4, (6,), "sit local {own} remote {peer}")]),
    ("vxlan", 6, (4, 6), "vxlan id 42 local {own} remote {peer} dstport 4789"),
    ("geneve", 6, (4, 6), "geneve id 42 remote {peer}"),
    ("ip6gre", 6, (4, 6), "ip6gre local {own} remote {peer}"),
    ("ip6gretap", 6, (4, 6), "ip6gretap local {own} remote {peer}"),
    ("ip6tnl", 6, (4, 6), "ip6tnl local {own} remote {peer} mode any"),
)
QUEUES = ("", ", queued")
ROWS = [(who, kind, queue, inner) for who in neighbours.WHO for kind in KINDS
        for queue in QUEUES for inner in kind[2]]


def name(who, kind, queue, inner):
    return f"{who}: IPv{inner} in {kind[0]} over IPv{kind[1]}{queue}"


def make(hosts, kind, queue):
    """The device t0 on both hosts. In a queue its packets lose who sends them."""
    for n, host in enumerate(hosts):
        own, peer = ENDS[kind[1]][n], ENDS[kind[1]][1 - n]
        host.run("ip", "link", "add", "t0", "type", *kind[3].format(own=own, peer=peer).split())
        host.ip(f"""link set t0 up
            addr add {INSIDE[4][n]}/24 dev t0
            addr add {INSIDE[6][n]}/64 dev t0 nodad
            """)
        if queue:
            host.run("tc", "qdisc", "add", "dev", "t0", "root", "pfifo")


def raw(a, kind):
    """A packet of AF_PACKET, too long for what is left of the MTU."""
    src, dst = INSIDE[4]
    packet = packets.packet(src, dst, 17, packets.udp(src, dst, bytes(1350), 7))
    with a.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as s:
        with a.entered():
            layer2 = any(word in kind[3] for word in ("tap", "vxlan", "geneve"))
        frame = b"\xff" * 12 + b"\x08\x00" + packet if layer2 else packet
        try:
            s.sendto(frame, ("t0", 0x0800))
        except OSError as err:      # the device may say that it is too long
            return err.errno
    return 0


def try_row(table, row, hosts, wire):
    who, kind, queue, inner = row
    own, peer = INSIDE[inner]
    text = name(*row)
    wire.frames(0)
    for size in 100, 4000:
        table.equal(text, f"a datagram of {size} bytes", lab.ARRIVES,
                    neighbours.datagram(*hosts, own, peer, size))
    table.equal(text, "bytes of TCP", AMOUNT,
                neighbours.stream(*hosts, own, peer, AMOUNT))
    table.equal(text, "AF_PACKET", True, raw(hosts[0], kind) in (0, 90))
    table.equal(text, "protocols on the wire", {50}, neighbours.protocols(wire.frames()))


def body():
    if neighbours.DEBUG:
        lab.run("modprobe", "-a", "ip_gre", "ip6_gre", "ip6_tunnel")
    hosts = lab.hosts()
    table = lab.Matrix("protected overlays", [name(*row) for row in ROWS])
    wire = lab.Wire(*hosts)
    for who in neighbours.WHO:
        for n, host in enumerate(hosts):
            neighbours.flush(host)
            for spi, (v, ends) in zip((0x1000, 0x2000), ENDS.items()):
                neighbours.protect(who, host, ends[n], ends[1 - n], spi)
        for kind in KINDS:
            for queue in QUEUES:
                make(hosts, kind, queue)
                for inner in kind[2]:
                    try_row(table, (who, kind, queue, inner), hosts, wire)
                for host in hosts:
                    host.run("ip", "link", "del", "t0")
    table.report()
    for host in hosts:
        lab.equal(f"{host.name}: nothing was dropped", {}, host.drops())


lab.main(body)
