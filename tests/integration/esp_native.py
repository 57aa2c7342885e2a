#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Ours against native XFRM in the same kernel: a is ours, b is native.

Each asks and each answers, in every mode x family x algorithm.
"""
import lab
import matrix


def body():
    lab.run("modprobe", "-a", "esp4", "esp6", "ah4", "ah6")
    a, b = lab.hosts()
    combos = matrix.spoken(b, matrix.combos())
    matrix.addresses(a, b)
    a.setkey("".join(c.setkey(a) for c in combos))
    b.ip("".join(c.xfrm(b) for c in combos))
    wire = lab.Wire(a, b)
    results = [[matrix.answered(a, b, c.a, c.b, 1000),
                matrix.answered(b, a, c.b, c.a, 60)] for c in combos]
    matrix.claims(a, b, wire, combos, results, "native XFRM")
    lab.equal("ours dropped nothing", {}, a.drops())


lab.main(body)
