#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Fragments that gateways forward obey policies for their protocol, as those of native
XFRM: they leave in ESP, come out whole, and may not come in clear."""
import neighbours

import lab
from lab import A4, B4

LEFT, RIGHT = {4: "10.1.0.0/24", 6: "fd01::/64"}, {4: "10.2.0.0/24", 6: "fd02::/64"}
A, B = {4: "10.1.0.1", 6: "fd01::1"}, {4: "10.2.0.1", 6: "fd02::1"}
# Version of IP, what the policies name, bytes of a datagram: with 20 it is no fragment.
ROWS = [(v, upper, size) for v in (4, 6) for upper in ("any", "udp")
        for size in (20, 1600, 6000)]
KEY = neighbours.GCM


def name(who, row):
    v, upper, size = row
    return f"{who}: IPv{v}, policy for {upper}, {size} bytes"


def tunnel(who, gw, v, upper):
    """Both gateways' SAs, and policies of this one."""
    neighbours.flush(gw)
    text = ""
    for n, (src, dst, left, right, out) in enumerate((
            (A4, B4, LEFT[v], RIGHT[v], "gw1"), (B4, A4, RIGHT[v], LEFT[v], "gw2"))):
        sends = gw.name == out
        if who == "ours":
            text += (f"add {src} {dst} esp {0x1000 + n} -m tunnel -r 32 -E aes-gcm-16 {KEY};\n"
                     f"spdadd {left} {right} {upper} -P {'out' if sends else 'in'}"
                     f" ipsec esp/tunnel/{src}-{dst}/require;\n")
            continue
        proto = "" if upper == "any" else f"proto {upper}"
        text += (f"xfrm state add src {src} dst {dst} proto esp spi {0x1000 + n} mode tunnel"
                 f" replay-window 32 aead rfc4106(gcm(aes)) {KEY} 128 sel src 0.0.0.0/0\n"
                 if v == 4 else
                 f"xfrm state add src {src} dst {dst} proto esp spi {0x1000 + n} mode tunnel"
                 f" replay-window 32 aead rfc4106(gcm(aes)) {KEY} 128 sel src ::/0\n")
        for direction in ("out",) if sends else ("in", "fwd"):
            text += (f"xfrm policy add src {left} dst {right} {proto} dir {direction} tmpl"
                     f" src {src} dst {dst} proto esp mode tunnel\n")
    neighbours.load(who, gw, text)


def try_row(table, who, row, hosts):
    v, upper, size = row
    a, b, gw1, gw2 = hosts
    for gw in gw1, gw2:
        tunnel(who, gw, v, upper)
    wire = lab.Wire(gw1, gw2)
    table.equal(name(who, row), "a datagram", lab.ARRIVES,
                neighbours.datagram(a, b, A[v], B[v], size))
    table.equal(name(who, row), "on the wire", {50}, neighbours.protocols(wire.frames()))
    # The sender's gateway protects nothing now: the receiver's lets none through.
    neighbours.flush(gw1)
    wire.frames(0)
    got = neighbours.datagram(a, b, A[v], B[v], size, timeout=1)
    table.equal(name(who, row), "in clear: arrives", False, got == lab.ARRIVES)
    table.equal(name(who, row), "in clear: was sent", True,
                17 in neighbours.protocols(wire.frames()))


def body():
    hosts = lab.gateways()
    table = lab.Matrix("fragments through gateways",
                       [name(who, row) for who in neighbours.WHO for row in ROWS])
    for who in neighbours.WHO:
        for row in ROWS:
            try_row(table, who, row, hosts)
    table.report()


lab.main(body)
