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


def inside(probe, host):
    sockets = going(probe, f"{MANY} sockets", lambda: fill(host, MANY))
    lab.equal("each has a policy", MANY, counted(host))
    ids = {ask(s, OUT)[8:12] for s in sockets[::97]}
    lab.equal("with an id of its own", len(sockets[::97]), len(ids))
    going(probe, "a knob is written",
          lambda: host.sysctl("net.inet.ipsec.esp_trans_deflev=2"))
    # Of the same request there is one policy, however many sockets have it.
    shared = policy(IN, IPSEC, request(ESP, level=DEFAULT))
    with host.entered():
        for s in sockets[:MANY // 10]:
            give(s, shared)
    lab.equal("a request that many make is one policy more", MANY + 1, counted(host))
    kept = sockets[:MANY // 10]
    del sockets[:MANY // 10]
    before = [ask(s, OUT) for s in kept[::7]]
    close(sockets)
    lab.claim(going(probe, "the sweep", lambda: until(
        lambda: counted(host) == len(kept) + 1)),
        "those of closed sockets go, and no other one", counted(host))
    lab.claim(before == [ask(s, OUT) for s in kept[::7]], "sockets keep theirs")
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
    with contextlib.closing(Probe()) as probe:
        kept = inside(probe, host)
        close(kept)
        going(probe, "the last ones", lambda: lab.claim(
            until(lambda: not counted(host)), "in the end none is left", counted(host)))


lab.main(body)
