#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A hundred thousand policies of one namespace, of each shape that a table may dislike:
each is found among them, no CPU stops when all of them go, and their namespace ends. What
it costs is counted by "bench/guest crowds".

The kernel's watchdog reports a CPU that stops, which fails the case. The longest time
that a CPU was busy is printed: exact where the clock counts instructions.
"""
import contextlib
import errno
import os
import socket
import struct
import time

import lab
from batch import Batch
from probe import Probe, note
from pfkey_client import *
from policies import TUPLES, apart, fill, mixed, one, spdadd, tuples

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
# ROUNDS= of "make integration": so many instead.
MANY = int(os.environ.get("ROUNDS") or 0) or (3000 if DEBUG else 100000)
# What need not be a hundred thousand to be seen; all of them with ROUNDS=.
SOME = MANY if os.environ.get("ROUNDS") else MANY // 5
FEW = 100


def left():
    """How many policies there are, by the number of the first record of a dump."""
    with contextlib.closing(Client().sock) as s:
        s.send(message(SPDDUMP, 0))
        first = Reply(s.recv(65536))
    return 0 if first.errno else first.seq + 1


def about_one(c, shape, n):
    """The answers to requests about one policy, and whether packets of new flows leave."""
    batch = Batch(len(spdadd()), spdadd())
    shape(batch, range(n, n + 1))
    raw = bytes(batch.bytes[:batch.size])
    seen = []
    for kind in SPDADD, SPDADD, SPDUPDATE, SPDDELETE, SPDDELETE:
        c.sock.send(raw[:1] + bytes([kind]) + raw[2:])
        seen.append(name(Reply(c.sock.recv(4096)).errno))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        return seen + [s.sendto(b"x", ("127.0.0.1", 1024 + port)) for port in range(5)]


def going(probe, text, action):
    """Something that ends all policies; how long it took, and a CPU."""
    probe.worst()
    start = time.monotonic()
    action()
    note(f"{text}: {time.monotonic() - start:.2f} s, a CPU was busy for {probe.worst()} us")


def crowd(probe, shape, count, c, other):
    text, fits = shape.__name__, shape is not tuples
    fill(c, shape, 1, FEW)
    # Those with one of the first tuples are taken, as many of them as there are.
    refused = 0 if fits else sum(not 1 <= n % 1024 <= TUPLES for n in range(count))
    going(probe, f"{text}: {count} SPDADD", lambda: lab.equal(
        f"{text}: so many SPDADDs are refused", refused - (not fits),
        fill(c, shape, FEW, count)))
    lab.equal(f"{text}: the others are there", count - 1 - refused + (not fits), left())
    other.drain_all()
    if fits:
        lab.equal(f"{text}: one among {count} is added, changed and deleted",
                  ["0", "EEXIST", "0", "0", "ENOENT"] + [1] * 5,
                  about_one(other, shape, count))
    else:
        lab.equal(f"{text}: one more is refused", errno.ENOSPC,
                  other.ask(SPDADD, 0, ends(prefix=0, proto=17) + policy(kind=1)).errno)
        lab.equal(f"{text}: but not in the other direction, or of the other family", [0, 0],
                  [other.ask(SPDADD, 0, extra).errno for extra in (
                      ends(prefix=0, proto=17) + policy(1, kind=1),
                      ends("::1", "::1", prefix=0, proto=17) + policy(kind=1))])
        other.drain_all()
    going(probe, f"{text}: SPDFLUSH", lambda: lab.equal(
        f"{text}: SPDFLUSH", (0, 0), (other.ask(SPDFLUSH, 0).errno, left())))


def expire(probe, c):
    """All at once, while nobody asks for anything."""
    end = time.monotonic() + (40 if SOME == MANY else 10)
    fill(c, one, 1, SOME, lambda: max(1, int(end - time.monotonic())))
    note(f"{left()} of {SOME} wait to expire")
    time.sleep(max(0, end - time.monotonic() - 2))

    def wait():
        while left():
            time.sleep(0.2)
    going(probe, "they expire", wait)
    lab.claim(True, f"{SOME} policies expire")


def inside(probe):
    lab.loopback()
    c, other = Client(), Client()
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    crowd(probe, one, MANY, c, other)
    for shape in apart, tuples, mixed:
        crowd(probe, shape, SOME, c, other)
    expire(probe, c)


def ending(probe, shape, count):
    """The end of a namespace with policies, and of another one after it."""
    lab.ip("netns add crowd\nnetns add later\n"
           "link add probe0 type veth peer name probe1 netns later\n")
    host = lab.Host("crowd")
    with host.entered():
        c = Client()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        fill(c, shape, 1, count)
        c.sock.close()
    host.close()

    def wait():
        lab.run("ip", "netns", "del", "crowd")
        lab.run("ip", "netns", "del", "later")
        while os.path.exists("/sys/class/net/probe0"):
            time.sleep(0.01)
    going(probe, f"{shape.__name__}: two namespaces end", wait)
    lab.claim(True, f"{shape.__name__}: a namespace ends after one with {count} policies")


def body():
    # Where it can be had: what is measured then is how long preemption is off.
    with contextlib.suppress(OSError), open("/sys/kernel/debug/sched/preempt", "w") as f:
        f.write("full")
    lab.ip("netns add a\n")
    with contextlib.closing(Probe()) as probe:
        with lab.Host("a").entered():
            inside(probe)
        ending(probe, one, MANY)
        ending(probe, mixed, SOME)


lab.main(body)
