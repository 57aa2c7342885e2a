#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plans of addresses as people make them, and one that is made to collide: each SA and
each policy finds room, and is found again. Native XFRM has room for the same."""
import os
import socket
import struct

import lab
from batch import Batch
from pfkey_client import *

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
COUNT = 512 if DEBUG else 4096
FIRST = 0x10000
# Which word of the address is the base plus the number times the step.
PLANS = {
    "10.0.0.0 + N": ("10.0.0.0", (1,)),
    "a host in each /24": ("10.0.0.1", (0x100,)),
    "a host in each /28": ("172.16.0.1", (0x10,)),
    "10.N.N.1": ("10.0.0.1", (0x1100,)),
    "a /20 each": ("1.0.0.0", (0x1000,)),
    "2001:db8::N": ("2001:db8::", (0, 0, 0, 1)),
    "2001:db8:0:N::1": ("2001:db8::1", (0, 1, 0, 0)),
    "2001:db8:0:N::N": ("2001:db8::", (0, 1, 0, 1)),
    "2001:db8:N::N": ("2001:db8::", (0, 0x10000, 0, 1)),
    "fd12:3456:N:0:0:N::1": ("fd12:3456::1", (0, 0x10000, 1, 0)),
    # Added up or folded, the words of all these are the same.
    "words that cancel out": ("2001:db8::", (1, -1, 1, -1)),
}


def family(text):
    return socket.AF_INET6 if ":" in text else socket.AF_INET


def address_words(base, steps, n):
    """The address with this number."""
    raw = socket.inet_pton(family(base), base)
    return [word + n * step & 0xffffffff
            for word, step in zip(struct.unpack(f">{len(raw) // 4}I", raw), steps)]


def text_of(base, steps, n):
    words = address_words(base, steps, n)
    return socket.inet_ntop(family(base), struct.pack(f">{len(words)}I", *words))


def errors(c, batch, count):
    """What a batch of requests was answered: how many of each errno."""
    batch.send(c.sock, count)
    replies = c.drain_all()
    seen = {"none": count - len(replies)} if len(replies) != count else {}
    for reply in replies:
        if reply[2]:
            seen[name(reply[2])] = seen.get(name(reply[2]), 0) + 1
    return seen


def load(c, kind, plan, count=COUNT):
    """Requests of a kind for each address of a plan; what they were answered."""
    base, steps = PLANS[plan]
    mark = "9.9.9.9" if family(base) == socket.AF_INET else "9:9:9:9:9:9:9:9"
    there = ends("10.255.0.1" if family(base) == socket.AF_INET else "2001:db8:ffff::1",
                 mark)
    raw = {ADD: lambda: message(ADD, ESP, sa(0, encrypt=11, replay=0) + sa2() + there
                                + key(9, b"")),
           GET: lambda: message(GET, ESP, sa(0) + there),
           SPDADD: lambda: message(SPDADD, 0, there + policy(kind=1)),
           SPDDELETE: lambda: message(SPDDELETE, 0, there + policy(kind=1))}[kind]()
    at = raw.index(socket.inet_pton(family(base), mark))
    batch, seen = Batch(len(raw), raw), {}
    for start in range(0, count, 100):
        numbers = range(start, min(start + 100, count))
        rows = [address_words(base, steps, n) for n in numbers]
        for i in range(len(steps)):
            batch.put(at + 4 * i, [row[i] for row in rows])
        if kind in (ADD, GET):
            batch.put(20, [FIRST + n for n in numbers])
        for errno, times in errors(c, batch, len(numbers)).items():
            seen[errno] = seen.get(errno, 0) + times
    return seen


def native(plan):
    """How many SAs and policies of a plan native has, asked for all of them."""
    base, steps = PLANS[plan]
    there = [text_of(base, steps, n) for n in range(COUNT)]
    lab.ip("".join(
        f"xfrm state add src 2001:db8:ffff::1 dst {dst} proto esp spi {FIRST + n} "
        f"mode transport enc ecb(cipher_null) ''\n"
        f"xfrm policy add src 2001:db8:ffff::1/128 dst {dst}/128 dir out\n"
        for n, dst in enumerate(there)))
    return tuple(lab.run("ip", "xfrm", what, "count").split()[at]
                 for what, at in (("state", 2), ("policy", 4)))


def inside():
    c = Client()
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    for plan in PLANS:
        lab.equal(f"{COUNT} SAs for {plan} are taken, and are there",
                  ({}, {}), (load(c, ADD, plan), load(c, GET, plan)))
        c.sock.send(message(FLUSH, 0))
        c.drain_all()
        lab.equal(f"{COUNT} policies for {plan} are taken, and are there",
                  ({}, {}), (load(c, SPDADD, plan), load(c, SPDDELETE, plan)))
        c.sock.send(message(SPDFLUSH, 0))
        c.drain_all()


def body():
    lab.ip("netns add a\nnetns add n\n")
    with lab.Host("n").entered():
        # The debug kernel has no ESP for IPv6 of its own.
        DEBUG or lab.equal("native has room for a plan", (str(COUNT), str(COUNT)),
                  native("2001:db8:0:N::N"))
    with lab.Host("a").entered():
        inside()


lab.main(body)
