#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets are looked at while something is said about them, and no longer."""
import time

import lab
from lab import A4, B4
from manual_checks import ARRIVES, NO_SA, SAYS_NO, Lab
from sock_client import DISCARD, IPSEC, OUT, give, policy, request

LATER = 1.3             # the hooks go a second after the last policy


def looked_at(x):
    """Whether a asks its policies about a datagram that it sends, and that it arrives."""
    before = x.a.stat()["spdcachelookup"]
    fate = x.passes()
    return x.a.stat()["spdcachelookup"] > before, fate


def discard(x):
    x.spd(x.a, OUT, A4, B4, kind=DISCARD)


def knob(x):
    x.a.sysctl("net.inet.ipsec.def_policy=0")


def back(x):
    x.unload()
    x.a.sysctl("net.inet.ipsec.def_policy=1")


def comes_and_goes(x, name, say):
    lab.equal(f"{name}: before, nobody looks", (False, ARRIVES), looked_at(x))
    say(x)
    lab.equal(f"{name}: it acts at once", (True, SAYS_NO), looked_at(x))
    time.sleep(LATER)
    lab.equal(f"{name}: and stays", (True, SAYS_NO), looked_at(x))
    back(x)
    lab.equal(f"{name}: gone, packets pass", ARRIVES, x.passes())
    time.sleep(LATER)
    lab.equal(f"{name}: later nobody looks", (False, ARRIVES), looked_at(x))


def meets(x):
    """A policy that comes just when the hooks of the last one go."""
    fates = []
    for n in range(6):
        discard(x)
        back(x)
        time.sleep(0.99 + n / 200)
        discard(x)
        fates.append(x.passes())
        back(x)
    lab.equal("policies that come when the hooks go: none is overlooked",
              [SAYS_NO] * len(fates), fates)


def socket(x):
    """That of a socket counts too; that it goes sock_options has seen."""
    s = x.ends[4][0]
    give(s, policy(OUT, IPSEC, request()))
    lab.equal("a socket's policy acts at once", (True, NO_SA), looked_at(x))
    discard(x)
    back(x)
    time.sleep(LATER)
    lab.equal("and stays when others go", (True, NO_SA), looked_at(x))
    s.setsockopt(0, 16, None, 0)


def body():
    x = Lab()
    for name, say in ("a policy", discard), ("def_policy 0", knob):
        comes_and_goes(x, name, say)
    meets(x)
    time.sleep(LATER)
    socket(x)


lab.main(body)
