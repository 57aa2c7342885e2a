#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net.key.max_sa and max_sp: how many there may be in a namespace, and who says so."""
import os

import lab
import users
from pfkey_client import ADD, DELETE, ESP, FLUSH, GETSPI, SPDADD, SPDDELETE, SPDFLUSH, \
    SPDUPDATE, Client, ends, esp, name, policy, sa
from users import Identity

MANY, GUEST, LIMIT = 0x7fffffff, 8192, 20


def add(c, n):
    return name(c.ask(ADD, ESP, esp(0x1000 + n)).errno)


def spdadd(c, n, kind=SPDADD):
    return name(c.ask(kind, 0, ends("10.0.1.%d" % n) + policy(kind=1)).errno)


def taken(fn, c, count):
    """How many of so many are taken, and what is said about the next."""
    answers = [fn(c, n) for n in range(count)]
    first = next((n for n, text in enumerate(answers) if text != "0"), count)
    return first, sorted(set(answers[first:]))


def defaults():
    return [users.knob("key/max_sa"), users.knob("key/max_sp")]


def owner(told, tell):
    """The owner of a user namespace: raises his limit, then uses it up."""
    seen = {"defaults": defaults()}
    for knob in "max_sa", "max_sp":
        try:
            with open(f"/proc/sys/net/key/{knob}", "w") as f:
                f.write(str(MANY))
            seen[knob] = "taken"
        except PermissionError:
            seen[knob] = "EPERM"
    os.write(tell, b".")
    os.read(told, 1)            # the administrator lowers them
    seen["lowered"] = defaults()
    c = Client()
    seen["sas"] = taken(add, c, LIMIT + 5)
    seen["getspi"] = name(c.ask(GETSPI, ESP, ends()).errno)
    c.ask(DELETE, ESP, sa(0x1000) + ends())
    # Its memory is freed a grace period later, and counts until then.
    while (again := add(c, 90)) == "ENOBUFS":
        os.sched_yield()
    seen["again"] = again
    seen["policies"] = taken(spdadd, c, LIMIT + 5)
    seen["replaced"] = spdadd(c, 3, SPDUPDATE)
    c.ask(SPDDELETE, 0, ends("10.0.1.3") + policy(kind=1))
    seen["one more"] = spdadd(c, 99)
    c.ask(FLUSH, 0)
    c.ask(SPDFLUSH, 0)
    return seen


def body():
    a, _ = lab.hosts()
    with a.entered():
        lab.equal("no limits in the machine's user namespace", [MANY, MANY], defaults())
    told, tell = os.pipe(), os.pipe()
    child = users.start(Identity(uid=1000, own=True), lambda: owner(told[0], tell[1]))
    os.close(tell[1])           # or nobody would hear of its end
    os.read(tell[0], 1)
    with open(f"/proc/{child[0]}/ns/net") as ns:
        home = lab.PLACE.fd
        lab.PLACE.go(ns.fileno())
        for knob in "max_sa", "max_sp":
            with open(f"/proc/sys/net/key/{knob}", "w") as f:
                f.write(str(LIMIT))
        lab.PLACE.go(home)
    os.write(told[1], b".")
    seen = users.ended(child)
    for text, key, want in (
            ("limits in a user's namespace", "defaults", [GUEST, GUEST]),
            ("its owner raises max_sa", "max_sa", "EPERM"),
            ("its owner raises max_sp", "max_sp", "EPERM"),
            ("the machine's administrator sets them", "lowered", [LIMIT, LIMIT]),
            ("SAs up to there, then ENOBUFS", "sas", [LIMIT, ["ENOBUFS"]]),
            ("no SPI is reserved", "getspi", "ENOBUFS"),
            ("one deleted, another one taken", "again", "0"),
            ("policies up to there, then ENOBUFS", "policies", [LIMIT, ["ENOBUFS"]]),
            ("a policy is replaced", "replaced", "0"),
            ("one deleted, another one taken: policies", "one more", "0")):
        lab.equal(text, want, seen[key] if isinstance(seen, dict) else seen)


lab.main(body)
