#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A fragment in clear never completes a packet whose other fragments came through ESP, as
it does with native XFRM: with and without connection tracking, delivered and forwarded;
nor does one that another peer's tunnel brought. The right one completes it afterwards."""
import itertools
import os
import struct

import lab
import neighbours
import packets
from neighbours import ENDS, HOSTS, NETS, Either, Row, chain
from neighbours_ports import PORT, raw

TRACKED = {"gw2": chain("prerouting", "ct state invalid accept")}
# What came out of the tunnel, not the tunnel's own packets.
MARKED = {"gw2": chain("prerouting", "$l3 daddr $b meta mark set 9", "mangle")}
ESP = {50}
# Of gw2 in the network behind it.
INNER = {4: "10.2.0.254", 6: "fd02::fe"}
# Both have the same checksum.
FIRST, GOOD, EVIL = b"g" * 992, b"AABB" * 250, b"BBAA" * 250
NAMES = {FIRST + GOOD: "good", FIRST + EVIL: "evil", None: "lost"}
IDENTS = itertools.count(1000)
OTHER = 6000        # SPIs of the other peer's


def datagram(v, peer, text, ident):
    """Its two fragments."""
    own = HOSTS[v][0]
    whole = packets.packet(own, peer, packets.UDP, packets.udp(own, peer, text, PORT))
    if v == 4:
        whole = whole[:4] + struct.pack(">H", ident) + whole[6:]
    return packets.pieces(whole, 1000, ident)


def received(t, timeout):
    t.settimeout(timeout)
    try:
        return t.recv(1 << 16)
    except TimeoutError:
        return None


def completed(hosts, v, to, peer, clear=1, by=None):
    """What comes of a fragment through the tunnel, the other one from somebody else, and
    then the right one."""
    ident = next(IDENTS)
    good = datagram(v, peer, FIRST + GOOD, ident)
    evil = datagram(v, peer, FIRST + EVIL, ident)
    # What native XFRM takes is there at once.
    patient = 5 if hosts.who == "native" and clear == 1 else 0.5
    with raw(hosts[0], v) as a, raw(hosts[4], v) as r, to.socket(peer, PORT) as t:
        a.sendto(good[1 - clear], (peer, 0))
        if by:
            by(lambda: a.sendto(evil[clear], (peer, 0)))
        else:
            r.sendto(evil[clear], (peer, 0))
        got = received(t, patient)
        if got is None:
            a.sendto(good[clear], (peer, 0))
            got = received(t, 3)
        return NAMES.get(got, got)


def to_gw2(hosts, v):
    return completed(hosts, v, hosts[3], INNER[v])


def to_gw2_first(hosts, v):
    return completed(hosts, v, hosts[3], INNER[v], 0)


def to_b(hosts, v):
    return completed(hosts, v, hosts[1], HOSTS[v][1])


def leads(who, v, ends, gw):
    """gw1's policy leads into another tunnel."""
    rule = "".join(neighbours.rule(who, *NETS[n], "out", ends if n == v else ENDS[n])
                   for n in (4, 6))
    if who == "ours":
        gw.setkey("spdflush;" + rule)
    else:
        gw.ip("xfrm policy flush\n" + rule)


def other_peer(hosts, v):
    """The other fragment comes through the tunnel between the other family's ends, which
    no policy of gw2 names for these networks."""
    def by(send):
        leads(hosts.who, v, ENDS[10 - v], hosts[2])
        send()
        leads(hosts.who, v, ENDS[v], hosts[2])

    return completed(hosts, v, hosts[3], INNER[v], by=by)


def to_ourselves(hosts, v):
    """gw2 takes for its own what is for b, because a rule marked it when it had come out
    of the tunnel."""
    with hosts[3].entered():
        lab.run("ip", f"-{v}", "rule", "add", "fwmark", "9", "lookup", "100")
        lab.run("ip", f"-{v}", "route", "add", "local", HOSTS[v][1], "dev", "lo", "table",
                "100")
    try:
        with raw(hosts[0], v) as a, hosts[3].socket("::" if v == 6 else "0.0.0.0", PORT) as t:
            for piece in datagram(v, HOSTS[v][1], FIRST + GOOD, next(IDENTS)):
                a.sendto(piece, (HOSTS[v][1], 0))
            return NAMES.get(received(t, 2))
    finally:
        with hosts[3].entered():
            lab.run("ip", f"-{v}", "rule", "del", "fwmark", "9", "lookup", "100")
            lab.run("ip", f"-{v}", "route", "flush", "table", "100")


GOOD_ESP = "good", ESP
# Newer kernels put nothing together of which not all came the same way.
EVIL_ESP = Either(("evil", ESP), ("lost", ESP))
ROWS = (
    Row("the second one in clear", {}, to_gw2, GOOD_ESP, EVIL_ESP),
    Row("the first one in clear", {}, to_gw2_first, GOOD_ESP, ("lost", ESP), (4,)),
    # Our hook sees it alone, and judges it for its packet.
    Row("the first one in clear", {}, to_gw2_first, GOOD_ESP, ("lost", ESP), (6,),
        drops=frozenset({"in_polvio"})),
    Row("the second one in clear, connection tracking", TRACKED, to_gw2, GOOD_ESP,
        EVIL_ESP),
    Row("the first one in clear, connection tracking", TRACKED, to_gw2_first, GOOD_ESP,
        ("lost", ESP)),
    Row("forwarded: the second one in clear", {}, to_b, GOOD_ESP,
        drops=frozenset({"in_polvio"})),
    Row("forwarded: the second one in clear, connection tracking", TRACKED, to_b, GOOD_ESP,
        EVIL_ESP),
    Row("the second one through another peer's tunnel", {}, other_peer, GOOD_ESP, EVIL_ESP,
        plan="two"),
    # Nobody knew that it would be put together here.
    Row("to ourselves because of a mark", MARKED, to_ourselves, ("lost", ESP), GOOD_ESP,
        drops=frozenset({"in_reasm"})),
)


def wait_long(host):
    """No fragment is given up while the rows last: that would be said to a, whatever the
    policies are then."""
    with host.entered():
        for name in ("ipv4/ipfrag_time", "ipv6/ip6frag_time",
                     "netfilter/nf_conntrack_frag6_timeout"):
            path = f"/proc/sys/net/{name}"
            if os.path.exists(path):
                with open(path, "w") as f:
                    f.write("3600")


def body():
    hosts = lab.gateways(router=True)
    gateways = hosts[2:4]
    wait_long(hosts[3])

    def say(who, plan):
        neighbours.tunnels(who, gateways)
        for gw in gateways if plan == "two" else ():
            for v in 4, 6:
                neighbours.load(who, gw, other_associations(who, v))

    neighbours.Rows("fragments of several ways", ROWS, hosts, gateways).all(say)


def other_associations(who, v):
    """For packets of the other family."""
    text = neighbours.association(who, *ENDS[10 - v], OTHER + v, "tunnel")
    if who == "native":
        text = text.rstrip("\n") + f" sel src {'0.0.0.0/0' if v == 4 else '::/0'}\n"
    return text


if __name__ == "__main__":
    lab.main(body)
