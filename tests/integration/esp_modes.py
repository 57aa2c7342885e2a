#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every mode x family x algorithm between two hosts of ours.

What was sent is answered; there are as many ESP packets of each SPI as there
were datagrams, nothing else, and no byte of plaintext but with the null cipher.
"""
import lab
import matrix


def body():
    a, b = lab.hosts()
    combos = matrix.combos()
    matrix.addresses(a, b)
    for host in a, b:
        host.setkey("".join(c.setkey(host) for c in combos))
    table = lab.Matrix("modes", [c.name for c in combos])
    for secret in False, True:
        tried = [c for c in combos if c.secret == secret]
        wire = lab.Wire(a, b)
        results = [[matrix.answered(a, b, c.a, c.b, 90)] for c in tried]
        shown = matrix.judge(table, wire, tried, results)
        if secret:
            lab.equal("no ciphertext shows the plaintext", 0, shown)
        else:
            lab.claim(shown > 0, "the null cipher shows the plaintext", shown)
    table.report()
    lab.equal("a dropped nothing", {}, a.drops())
    lab.equal("b dropped nothing", {}, b.drops())


lab.main(body)
