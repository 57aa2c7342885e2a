#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A hundred thousand SAs: a dump through a slow reader tells each of them and keeps
nobody waiting; GETSPI, GET and DELETE cost about what they cost among a hundred."""
import os
import socket
import statistics
import time

import lab
from batch import Batch
from pfkey_client import *

FIRST, SPI_AT = 0x10000, 16 + 4
MINE = b"\x0a\x00\x00\x02"         # the usual destination, of which there is one more
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
# ROUNDS= of "make integration": so many instead.
MANY = int(os.environ.get("ROUNDS", "0")) or (3000 if DEBUG else 100000)
EXTRA = 200


def fill(c, low, high, lonely=True):
    """ADDs whose answers nobody reads; each SA has a peer of its own, or all one."""
    raw = message(ADD, ESP, sa(0, encrypt=11, replay=0) + sa2() + ends() + key(9, b""))
    batch = Batch(len(raw), raw)
    for start in range(low, high, batch.ROOM):
        spis = range(start, min(start + batch.ROOM, high))
        batch.put(SPI_AT, spis)
        if lonely:
            batch.put(raw.index(MINE), [0x0b000000 + spi for spi in spis])
        batch.send(c.sock, len(spis))


def cost(c, first, count=EXTRA):
    """Nanoseconds of a GETSPI, GET and DELETE: what half of them cost at most, so that
    those are left out that somebody else had the CPU from."""
    took = {}
    for _ in range(5):
        for text, kind, extra in (("GETSPI", GETSPI, None), ("GET", GET, b""),
                                  ("DELETE", DELETE, b"")):
            raws = [message(kind, ESP, ends() + (spirange(spi, spi) if extra is None
                                                 else sa(spi)))
                    for spi in range(first, first + count)]
            for raw in raws:
                start = time.monotonic_ns()
                c.sock.send(raw)
                c.sock.recv(4096)
                took.setdefault(text, []).append(time.monotonic_ns() - start)
    return {text: statistics.median(times) for text, times in took.items()}


def read(c, batch, most):
    """Kind, number and SPI of each message that is there."""
    seen = []
    while count := batch.receive(c.sock, most - len(seen)):
        kinds = batch.bytes[1:count * batch.size:batch.size]
        seen += zip(kinds, batch.words(8, count), batch.words(SPI_AT, count))
        if len(seen) == most:
            break
    return seen


def slow_dump(c, other):
    """Stopped in the middle, while others work on the same SAD."""
    slow = Client()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    slow.sock.send(message(DUMP, 0))
    batch = Batch(512)
    seen = read(slow, batch, MANY // 2)
    half = len(seen)
    start = time.monotonic()
    fill(other, FIRST + MANY, FIRST + MANY + 10, False)
    other.drain_all()
    errors = [other.ask(DELETE, ESP, sa(FIRST + MANY + i) + ends()).errno for i in range(10)]
    last = f"11.{FIRST + MANY - 1 >> 16}.{FIRST + MANY - 1 >> 8 & 255}.{MANY - 1 & 255}"
    errors.append(other.ask(DELETE, ESP, sa(FIRST + MANY - 1) + ends(dst=last)).errno)
    second = Client()
    errors += [second.ask(DUMP, 0).errno]
    second.sock.close()
    waited = time.monotonic() - start
    lab.claim(not any(errors) and waited < 2,
              "in the middle of it SAs come and go, and others dump", (errors, waited))
    seen += read(slow, batch, 2 * MANY)
    # The requests of others came in between; the last SA was deleted meanwhile.
    records = [(seq, spi) for kind, seq, spi in seen if kind == DUMP]
    lab.equal(f"a slow reader gets each of {MANY} SAs once, and the end",
              (MANY // 2, MANY - 1, MANY - 1, 0),
              (half, len(records), len({spi for _, spi in records}), records[-1][0]))
    slow.sock.close()


def buffers(c):
    """The reader's own choice of a queue: racoon asks for 2 MB."""
    raw, held = message(DELETE, ESP, ends("10.0.0.8", "10.0.0.9")), {}
    batch = Batch(len(raw), raw)
    for size in None, 2 << 20:
        listener = Client()
        if size:
            listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
        for _ in range(4000 // batch.ROOM):
            batch.send(c.sock, batch.ROOM)
        held[size] = len(listener.drain_all())
        listener.sock.close()
    lab.claim(held[None] < 1000 and held[2 << 20] == 4000,
              "a queue of 2 MB holds 4000 messages, the usual one fewer", held)


def inside():
    c, other = Client(), Client()
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    buffers(other)
    fill(c, FIRST, FIRST + 100)
    other.drain_all()
    few = cost(other, 0x1000)
    start = time.monotonic()
    fill(c, FIRST + 100, FIRST + MANY)
    print(f"# {MANY} SAs in {time.monotonic() - start:.1f} s", flush=True)
    other.drain_all()
    many = cost(other, 0x1000)
    for text in few:
        # Times on a shared machine are rough; to look through all would be thousands.
        lab.claim(many[text] < 5 * few[text],
                  f"{text} among {MANY} SAs does not look through them",
                  (few[text], many[text]))
    print("# ns:", few, many, flush=True)
    slow_dump(c, other)
    lab.equal("FLUSH of all", 0, other.ask(FLUSH, 0).errno)
    few = MANY // 5
    fill(c, FIRST, FIRST + few, False)
    other.drain_all()
    start = time.monotonic()
    lab.equal(f"FLUSH of {few} between the same two ends", 0, other.ask(FLUSH, 0).errno)
    took = time.monotonic() - start
    lab.claim(took < 5, "which does not take long", took)


def body():
    lab.run("ip", "netns", "add", "a")
    with open("/proc/sys/net/core/rmem_max", "r+") as f:
        f.write(str(2 << 20))
    with lab.Host("a").entered():
        inside()


lab.main(body)
