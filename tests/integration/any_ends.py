#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A tunnel of an "in" policy whose ends are unspecified means any tunnel, as KAME takes
it; one of an "out" policy is refused, because nothing could be sent into it."""
import subprocess

import lab
import neighbours
from lab import A4, A6, B4, B6

NETS = {4: ("10.1.0.0/24", "10.2.0.0/24", "10.1.0.1", "10.2.0.1"),
        6: ("fd01::/64", "fd02::/64", "fd01::1", "fd02::1")}
ANY = {4: "0.0.0.0", 6: "::"}
ENDS = {4: (A4, B4), 6: (A6, B6)}
# Versions of IP inside and outside, ends that the receiver's policy names (None = any),
# whether the mode and the ends count, and which counter says no.
ROWS = [(inner, outer, ends, strict, drop)
        for inner in (4, 6) for outer in (4, 6) for strict in (0, 1)
        for ends, drop in (((None, None), None), ((0, None), None), ((None, 1), None),
                           ((None, 0), "in_history" if strict else "in_tunnel"))]


def name(row):
    inner, outer, ends, strict, _ = row
    return f"{inner} in {outer}, {ends[0]}-{ends[1]}, history {strict}".replace("None", "any")


def try_row(table, row, hosts):
    inner, outer, ends, strict, drop = row
    a, b, gw1, gw2 = hosts
    left, right, own, peer = NETS[inner]
    src, dst = ENDS[outer]
    sa = f"flush; spdflush; add {src} {dst} esp 0x1000 -m tunnel -E aes-gcm-16 {neighbours.GCM};"
    gw1.setkey(f"{sa} spdadd {left} {right} any -P out ipsec esp/tunnel/{src}-{dst}/require;")
    one, other = (ANY[outer] if n is None else ENDS[outer][n] for n in ends)
    gw2.setkey(f"{sa} spdadd {left} {right} any -P in ipsec esp/tunnel/{one}-{other}/require;")
    gw2.sysctl(f"net.inet.ipsec.check_policy_history={strict}")
    if drop is None:
        table.equal(name(row), "a datagram", lab.ARRIVES,
                    neighbours.datagram(a, b, own, peer, 100))
        return
    before = gw2.stat()[drop]
    got = neighbours.datagram(a, b, own, peer, 100, timeout=1)
    table.equal(name(row), "a datagram arrives", False, got == lab.ARRIVES)
    table.equal(name(row), f"{drop} counts", True, gw2.stat()[drop] > before)


def body():
    hosts = lab.gateways()
    table = lab.Matrix("tunnels of any ends", [name(row) for row in ROWS])
    for row in ROWS:
        try_row(table, row, hosts)
    table.report()
    for v in 4, 6:
        with hosts[2].entered():
            done = subprocess.run(
                ("setkey", "-c"), text=True, capture_output=True,
                input=f"spdadd {NETS[v][0]} {NETS[v][1]} any -P out"
                      f" ipsec esp/tunnel/{ANY[v]}-{ENDS[v][1]}/require;\n")
        lab.claim(done.returncode != 0 and "nvalid" in done.stderr,
                  f"IPv{v}: a tunnel from anywhere is refused for what is sent",
                  (done.returncode, done.stderr))


lab.main(body)
