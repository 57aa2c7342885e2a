#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A hundred thousand policies of one namespace, of each shape that a table may dislike:
what is done to one of them costs about what it costs among a few, no CPU stops when all
of them go, and the end of their namespace keeps nobody waiting.

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

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
# ROUNDS= of "make integration": so many instead.
MANY = int(os.environ.get("ROUNDS") or 0) or (3000 if DEBUG else 100000)
# What need not be a hundred thousand to be seen; all of them with ROUNDS=.
SOME = MANY if os.environ.get("ROUNDS") else MANY // 5
FEW, TURNS = 100, 50
TUPLES = 512            # of masks in one direction and family, see ipsec(4)
SRC_MASK, SRC, DST_MASK, DST = 21, 28, 45, 52           # where they are in a message


def spdadd(kind=SPDADD, lifetime=0, mask=32, direction=2):
    return message(kind, 0, ends("0.0.0.0", "0.0.0.0", prefix=mask)
                   + policy(direction, kind=1)
                   + (ext(3, struct.pack("=IQQQ", 0, 0, lifetime, 0)) if lifetime else b""))


def one(batch, numbers):
    """All share what is left of their selectors by their masks."""
    for at in SRC_MASK, DST_MASK:
        batch.bytes[at:len(numbers) * batch.size:batch.size] = bytes(len(numbers))
    batch.put(SRC, numbers)


def apart(batch, numbers):
    """All have the same masks."""
    batch.put(SRC, [0x0b000000 + n for n in numbers])


def tuples(batch, numbers):
    """Each has other masks than the one before, twice as many as there may be."""
    end = len(numbers) * batch.size
    batch.bytes[SRC_MASK:end:batch.size] = bytes(n % 32 + 1 for n in numbers)
    batch.bytes[DST_MASK:end:batch.size] = bytes(n // 32 % 32 + 1 for n in numbers)
    batch.put(SRC, [0xffffffff - n for n in numbers])
    batch.put(DST, [0xffffffff] * len(numbers))


def mixed(batch, numbers):
    """Of each something: a crowd, loners, and the tuples that are allowed."""
    tuples(batch, [n % TUPLES for n in numbers])
    batch.put(SRC, [0xff000000 + n for n in numbers])
    batch.put(DST, [0xff000000 + n % 3 * n for n in numbers])


def fill(c, shape, low, high, lifetime=lambda: 0):
    """SPDADDs whose answers nobody reads; how many are refused."""
    refused = 0
    for start in range(low, high, Batch.ROOM):
        numbers = range(start, min(start + Batch.ROOM, high))
        raw = spdadd(lifetime=lifetime())
        if start == low or lifetime():
            batch = Batch(len(raw), raw)
        shape(batch, numbers)
        refused += len(batch.offer(c.sock, len(numbers)))
    return refused


def left():
    """How many policies there are, by the number of the first record of a dump."""
    with contextlib.closing(Client().sock) as s:
        s.send(message(SPDDUMP, 0))
        first = Reply(s.recv(65536))
    return 0 if first.errno else first.seq + 1


def cost(c, n):
    """Nanoseconds of a request about one policy, and of a packet: the least of several
    turns, which nobody disturbed."""
    batch = Batch(len(spdadd()), spdadd())
    one(batch, range(n, n + 1))
    raw = bytes(batch.bytes[:batch.size])
    turns = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for port in range(5):
            for text, kind in (("SPDADD", SPDADD), ("SPDUPDATE", SPDUPDATE),
                               ("SPDDELETE", SPDDELETE), ("a packet", None)):
                start = time.monotonic_ns()
                for turn in range(TURNS):
                    if kind is None:
                        s.sendto(b"", ("127.0.0.1", 1024 + port * TURNS + turn))
                        continue
                    c.sock.send(raw[:1] + bytes([kind]) + raw[2:])
                    c.sock.recv(4096)
                took = (time.monotonic_ns() - start) // TURNS
                turns[text] = min(took, turns.get(text, took))
    return turns


def going(probe, text, action):
    """Something that ends all policies; how long it took, and a CPU."""
    probe.worst()
    start = time.monotonic()
    action()
    note(f"{text}: {time.monotonic() - start:.2f} s, a CPU was busy for {probe.worst()} us")


def crowd(probe, shape, count, c, other):
    name, fits = shape.__name__, shape is not tuples
    fill(c, shape, 1, FEW)
    few = cost(other, count // 2)
    # Those with one of the first tuples are taken, as many of them as there are.
    refused = 0 if fits else sum(not 1 <= n % 1024 <= TUPLES for n in range(count))
    going(probe, f"{name}: {count} SPDADD", lambda: lab.equal(
        f"{name}: so many SPDADDs are refused", refused - (not fits),
        fill(c, shape, FEW, count)))
    lab.equal(f"{name}: the others are there", count - 1 - refused + (not fits), left())
    other.drain_all()
    if fits:
        many = cost(other, count // 2)
        note(name, "ns:", few, many)
        # The last shape has many tuples, and each packet probes them.
        for text in few if shape is not mixed else list(few)[:3]:
            # Times on a shared machine are rough; to look through all would be thousands.
            lab.claim(many[text] < 20 * few[text],
                      f"{name}: {text} among {count} does not look through them",
                      (few[text], many[text]))
    else:
        lab.equal(f"{name}: one more is refused", errno.ENOSPC,
                  other.ask(SPDADD, 0, ends(prefix=0, proto=17) + policy(kind=1)).errno)
        lab.equal(f"{name}: but not in the other direction, or of the other family", [0, 0],
                  [other.ask(SPDADD, 0, extra).errno for extra in (
                      ends(prefix=0, proto=17) + policy(1, kind=1),
                      ends("::1", "::1", prefix=0, proto=17) + policy(kind=1))])
        other.drain_all()
    going(probe, f"{name}: SPDFLUSH", lambda: lab.equal(
        f"{name}: SPDFLUSH", (0, 0), (other.ask(SPDFLUSH, 0).errno, left())))


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
    start = time.monotonic()
    going(probe, f"{shape.__name__}: two namespaces end", wait)
    took = time.monotonic() - start
    lab.claim(took < 10, f"{shape.__name__}: a namespace that ends after one with {count} "
              "policies does not wait for long", took)


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
