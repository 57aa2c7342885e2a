#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ours and native XFRM in the same namespace: each takes its own SPIs.

Of the combinations every second one is ours in a and native in b, the others
the other way round.
"""
import lab
import matrix


def body():
    lab.run("modprobe", "-a", "esp4", "esp6")
    a, b = lab.hosts()
    combos = [c for c in matrix.combos() if c.name.startswith(("gcm16", "aes-sha1"))]
    matrix.addresses(a, b)
    for host, odd in (a, 1), (b, 0):
        host.setkey("".join(c.setkey(host) for c in combos[odd::2]))
        host.ip("".join(c.xfrm(host) for c in combos[1 - odd::2]))
    wire = lab.Wire(a, b)
    results = [[matrix.answered(a, b, c.a, c.b, 700),
                matrix.answered(b, a, c.b, c.a, 80)] for c in combos]
    matrix.claims(a, b, wire, combos, results)
    for host in a, b:
        lab.equal(f"ours in {host.name} dropped nothing", {}, host.drops())
        # Six combinations, three datagrams each way, asked from both sides.
        stat = host.stat()
        lab.equal(f"ours in {host.name} carried its half", (36, 36),
                  (stat["in_success"], stat["out_success"]))


lab.main(body)
