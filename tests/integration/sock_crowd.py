#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Thousands of sockets with a policy of their own each: knobs reach all of them, what
the closed ones had goes, what the others have stays, and no CPU stops for them.

The longest time that a CPU was busy is printed: exact where the clock counts
instructions. ROUNDS= of "make integration": so many sockets.
"""
import contextlib
import os
import resource
import select
import socket
import time

import lab
from probe import Probe, note
from sock_client import ESP, IN, IPSEC, OUT, UNIQUE, DEFAULT, ask, give, policy, request

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
MANY = int(os.environ.get("ROUNDS") or 0) or (1000 if DEBUG else 20000)


def counted(host):
    return host.stat()["sock_policies"]


def until(what, seconds=60):
    """Waits for it; whether it came."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def going(probe, text, action):
    probe.worst()
    start = time.monotonic()
    result = action()
    note(f"{text}: {time.monotonic() - start:.2f} s, a CPU was busy for {probe.worst()} us")
    return result


def fill(host, count):
    """Sockets, each with a policy that no other one shares."""
    made = []
    with host.entered():
        for _ in range(count):
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE)))
            made.append(s)
    return made


def close(sockets):
    while sockets:
        sockets.pop().close()


def refused(host):
    return host.mib()["UdpInErrors"]


def in_clear(host, sockets):
    """Sends each a datagram in clear; how many get it."""
    before, ready = refused(host), select.poll()
    for s in sockets:
        ready.register(s, select.POLLIN)
    with host.entered(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for s in sockets:
            sender.sendto(b"x", s.getsockname())
    until(lambda: len(ready.poll(0)) + refused(host) - before == len(sockets))
    got = {fd for fd, _ in ready.poll(0)}
    for s in sockets:
        if s.fileno() in got:
            s.recv(1)
    return len(got)


def knobs(probe, host, sockets):
    """Each obeys, also those whose turn comes late in a walk."""
    some = sockets[::97] + sockets[-1:]
    for s in some:
        s.bind(("127.0.0.1", 0))
    lab.equal("what comes in clear arrives while the level is use", len(some),
              in_clear(host, some))
    going(probe, "a knob is written",
          lambda: host.sysctl("net.inet.ipsec.esp_trans_deflev=2"))
    lab.equal("and at none of them when it is require", 0, in_clear(host, some))
    host.sysctl("net.inet.ipsec.esp_trans_deflev=1")
    lab.equal("and at all of them when it is use again", len(some), in_clear(host, some))


def inside(probe, host):
    sockets = going(probe, f"{MANY} sockets", lambda: fill(host, MANY))
    lab.equal("each has a policy", MANY, counted(host))
    some = sockets[::97]
    lab.equal("with an id of its own", len(some), len({ask(s, OUT)[8:12] for s in some}))
    # Of the same request there is one policy, however many sockets have it.
    with host.entered():
        for s in sockets:
            give(s, policy(IN, IPSEC, request(ESP, level=DEFAULT)))
    lab.equal("a request that all make is one policy more", MANY + 1, counted(host))
    knobs(probe, host, sockets)
    kept = sockets[:MANY // 10]
    del sockets[:MANY // 10]
    before = [ask(s, OUT) for s in kept]
    close(sockets)
    del some
    lab.claim(going(probe, "the sweep", lambda: until(
        lambda: counted(host) == len(kept) + 1)),
        "those of closed sockets go, and no other one", counted(host))
    lab.claim(before == [ask(s, OUT) for s in kept], "sockets keep theirs")
    return kept


def body():
    # Where it can be had: what is measured then is how long preemption is off.
    with contextlib.suppress(OSError), open("/sys/kernel/debug/sched/preempt", "w") as f:
        f.write("full")
    with open("/proc/sys/fs/nr_open", "w") as f:
        f.write(str(1 << 20))
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))
    lab.ip("netns add a\n")
    host = lab.Host("a")
    with host.entered():
        lab.loopback()
    with contextlib.closing(Probe()) as probe:
        kept = inside(probe, host)
        close(kept)
        going(probe, "the last ones", lambda: lab.claim(
            until(lambda: not counted(host)), "in the end none is left", counted(host)))


lab.main(body)
