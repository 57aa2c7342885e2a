#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fragments beside policies that name ports, or a protocol that a fragment does not tell:
they are put together first or do not go on, as RFC 4301 section 7 asks; native XFRM lets
them through in clear."""
import socket
import struct

import lab
import neighbours
import packets
from neighbours import ENDS, HOSTS, NETS, Row, chain

PORT, OTHER = 7000, 7001
TRACKED = {gw: chain("prerouting", "ct state invalid accept") for gw in ("gw1", "gw2")}
CLEAR, ESP, NOTHING = {17}, {50}, set()
HIDES = frozenset({"out_fragment"})
IPV6_HDRINCL = 36


def arrival(a, b, own, peer, size, port=PORT):
    got = neighbours.datagram(a, b, own, peer, size, timeout=2, port=port)
    return got if got in (lab.ARRIVES, "cut short") else "lost"


def small(hosts, v):
    return arrival(*hosts[:2], *HOSTS[v], 100)


def large(hosts, v):
    return arrival(*hosts[:2], *HOSTS[v], 3000)


def elsewhere(hosts, v):
    return arrival(*hosts[:2], *HOSTS[v], 3000, OTHER)


def raw(host, v):
    """A socket for whole packets, headers and all."""
    with host.entered():
        s = socket.socket(socket.AF_INET if v == 4 else socket.AF_INET6, socket.SOCK_RAW,
                          socket.IPPROTO_RAW)
    if v == 6:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
    return s


def send(host, receiver, own, peer, pieces):
    v = 6 if ":" in own else 4
    with raw(host, v) as s, receiver.socket(peer, PORT, timeout=1) as t:
        # A neighbour may have to be found first.
        for _ in range(3):
            for piece in pieces:
                s.sendto(piece, (peer, 0))
            try:
                t.recv(1 << 16)
                return lab.ARRIVES
            except TimeoutError:
                pass
    return "lost"


def behind_options(hosts, v):
    """Fragments of a datagram with options for the destination, which come first. What
    follows in the second one looks like a header that says that there is no next one."""
    own, peer = HOSTS[v]
    text = bytes((packets.NONE, 0)) * 1000
    body = bytes((packets.UDP, 0, 1, 4, 0, 0, 0, 0)) + packets.udp(own, peer, text, PORT)
    whole = packets.head6(own, peer, packets.DEST, len(body)) + body
    return send(hosts[0], hosts[1], own, peer, packets.pieces(whole, 1200))


def own_fragments(hosts, v):
    """gw1 makes them itself."""
    own, peer = ENDS[v]
    whole = packets.packet(own, peer, packets.UDP, packets.udp(own, peer, bytes(2000), PORT))
    if v == 4:
        whole = whole[:4] + struct.pack(">H", 78) + whole[6:]
    return send(hosts[2], hosts[3], own, peer, packets.pieces(whole, 1200))


def row(name, plan, act, want, native=None, drops=frozenset(), rules=None, families=(4, 6)):
    return Row(name, rules or {}, act, want, native, families, plan, drops=drops)


# Native XFRM of 6.1 finds the protocol of the first fragment behind the options.
FIRST = packets.UDP if neighbours.RELEASE >= (6, 12) else 50
ROWS = (
    row("a port: a packet in one piece", "port", small, (lab.ARRIVES, ESP)),
    row("a port: fragments", "port", large, ("lost", NOTHING), (lab.ARRIVES, CLEAR), HIDES),
    row("a port: fragments that connection tracking puts together", "port", large,
        (lab.ARRIVES, ESP), rules=TRACKED),
    row("a port before what passes: fragments", "port, rest passes", large,
        ("lost", NOTHING), (lab.ARRIVES, CLEAR), HIDES),
    row("a port behind what passes: fragments", "rest passes, port", large,
        (lab.ARRIVES, CLEAR)),
    row("a port that passes before a tunnel: fragments for another one",
        "port passes, tunnel", elsewhere, (lab.ARRIVES, ESP)),
    row("a port before a tunnel for all: fragments", "port, tunnel", large,
        (lab.ARRIVES, ESP)),
    row("a port demanded of what comes in: fragments in clear", "in", large,
        ("lost", CLEAR), (lab.ARRIVES, CLEAR), frozenset({"in_fragment"})),
    row("a port demanded of what comes in: fragments through a tunnel", "tunnel, in", large,
        (lab.ARRIVES, ESP), ("lost", ESP)),
    row("UDP: fragments behind destination options", "udp", behind_options,
        ("lost", ESP), (lab.ARRIVES, {FIRST, packets.NONE}), HIDES, families=(6,)),
    # Native XFRM decides about them without their ports and protocol, its receiver not.
    row("a port: fragments of our own", "own port", own_fragments, ("lost", NOTHING),
        ("lost", CLEAR), HIDES),
    row("UDP in transport mode: fragments of our own", "own", own_fragments,
        ("lost", NOTHING), ("lost", CLEAR), HIDES, families=(4,)),
)


def passes(who, src, dst, direction, upper=""):
    """A policy that lets packets be."""
    proto, _, port = upper.partition(" ")
    if who == "ours":
        port = f"[{port}]" if port else ""
        return f"spdadd {src} {dst}{port} {proto or 'any'} -P {direction} none;\n"
    select = (f" proto {proto}" if proto else "") + (f" dport {port}" if port else "")
    return f"xfrm policy add src {src} dst {dst}{select} dir {direction}\n"


# Of gw1, in this order, and of gw2: what is said about packets for b, or for gw2 itself.
PLANS = {
    "port": ((f"udp {PORT}",), f"udp {PORT}"),
    "port, rest passes": ((f"udp {PORT}", None), f"udp {PORT}"),
    "rest passes, port": ((None, f"udp {PORT}"), None),
    "port passes, tunnel": ((-PORT, ""), ""),
    "port, tunnel": ((f"udp {PORT}", ""), ""),
    "in": ((), f"udp {PORT}"),
    "tunnel, in": (("",), f"udp {PORT}"),
    "udp": (("udp",), "udp"),
    "own port": ((f"udp {PORT}",), f"udp {PORT}"),
    "own": (("udp",), "udp"),
}


def policies(who, v, plan, sender):
    """In native XFRM the last of those of equal priority is not asked either."""
    own = plan.startswith("own")
    nets, ends = (ENDS[v] if own else NETS[v]), ENDS[v]
    outs, wanted = PLANS[plan]
    text = neighbours.association(who, *ends, neighbours.SPI[v],
                                  "transport" if own else "tunnel")
    if not sender:
        return text if wanted is None else text + neighbours.rule(
            who, *nets, "in", None if own else ends, upper=wanted)
    for n, upper in enumerate(outs):
        if upper is None:
            line = passes(who, *nets, "out")
        elif upper == -PORT:
            line = passes(who, *nets, "out", f"udp {PORT}")
        else:
            line = neighbours.rule(who, *nets, "out", None if own else ends, upper=upper)
        if who == "native":
            line = line.replace(" dir out", f" dir out priority {n + 1}")
        text += line
    return text


def body():
    hosts = lab.gateways()
    gateways = hosts[2:4]

    def say(who, plan):
        for gw in gateways:
            neighbours.flush(gw)
            for v in 4, 6:
                neighbours.load(who, gw, policies(who, v, plan, gw.name == "gw1"))

    neighbours.Rows("fragments beside ports", ROWS, hosts, gateways).all(say)


if __name__ == "__main__":
    lab.main(body)
