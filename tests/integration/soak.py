#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Everything at once for a while: SAs and policies that come, change, expire and go,
dumps, namespaces that end, the module that goes and comes back, and traffic both ways.

At the end the memory is what it was, and nothing was seen in clear on the wire where
IPsec is required. A short one is part of each run; SECONDS_OF_SOAK= makes it longer.
"""
import contextlib
import errno
import mmap
import os
import random
import re
import signal
import socket
import struct
import subprocess
import time
import traceback

import lab
from pfkey_client import *

SECONDS = int(os.environ.get("SECONDS_OF_SOAK") or "12")
SEED = os.environ.get("SEED") or "1"
DEBUG = os.path.isdir("/sys/kernel/debug/kunit")
PROGRESS = 30
ALG = "-E aes-gcm-16 0x" + "5a" * 20
# How many SAs and policies come and go beside those that traffic needs.
CROWD = 2000
# So many protected packets are looked at before anything is said about clear ones.
ENOUGH = 20
PAIRS = ((lab.A4, lab.B4), (lab.A6, lab.B6))
SECRET = b"only to be seen by the other end"
# The kernel's own caches breathe by so much; a leak of what is done thousands of times
# is a multiple.
ROOM = {"Slab": 6000, "Percpu": 1000, "VmallocUsed": 1500}
if DEBUG:           # KASAN keeps what is freed for a while; kmemleak knows better
    del ROOM["Slab"]


class Count:
    """How often each worker did what it does, for all processes."""

    def __init__(self, names):
        self.names, self.mem = names, mmap.mmap(-1, 4096)

    def bump(self, name):
        at = 8 * self.names.index(name)
        struct.pack_into("=Q", self.mem, at, struct.unpack_from("=Q", self.mem, at)[0] + 1)

    def all(self):
        return {n: struct.unpack_from("=Q", self.mem, 8 * i)[0]
                for i, n in enumerate(self.names)}


def base(host, spi=0x1000, also=""):
    """The SAs that traffic needs; with them go all that there are."""
    host.setkey("flush;" + "".join(
        f"add {src} {dst} esp {spi + 2 * family} {ALG};"
        f"add {dst} {src} esp {spi + 2 * family + 1} {ALG};"
        for family, (src, dst) in enumerate(PAIRS)) + also)


def required(host):
    """Policies in front of all others, which stay. Neighbours may look for each other."""
    way = ("out", "in") if host.name == "a" else ("in", "out")
    return "spdflush;" + "".join(
        f"spdadd {one} {other} any -P {out} prio high ipsec esp/transport//require;"
        for src, dst in PAIRS
        for one, other, out in ((src, dst, way[0]), (dst, src, way[1]))) + "".join(
        f"spdadd ::/0 ::/0 icmp6 {kind},0 -P {out} prio high + 9 none;"
        for kind in (135, 136) for out in way)


def crowd_sa(rng):
    spi = 0x10000 + rng.randrange(CROWD)
    life = ext(3, struct.pack("=IQQQ", 0, 0, rng.choice((0, 1, 2)), rng.choice((0, 1))))
    pair = rng.choice((("10.0.0.1", "10.0.0.7"), ("fd00::7", "fd00::1")))
    return spi, ends(*pair), sa2() + key(9, KEY20) + (life if rng.randrange(2) else b"")


def say(client, raw):
    """A request. The queue may be full of what others did meanwhile: then its reply is
    lost, and the kernel says so."""
    try:
        client.sock.send(raw)
    except OSError as err:
        if err.errno != errno.ENOBUFS:
            raise


def tell(client, raw):
    """The same, and nobody reads the reply."""
    say(client, raw)
    client.drain_all()


def sas(host, rng, count):
    """SAs added, made anew, asked for, deleted, and left to expire."""
    client = Client()
    yield
    while True:
        spi, pair, rest = crowd_sa(rng)
        kind = rng.choice((ADD, ADD, UPDATE, GET, DELETE, GETSPI))
        body_ = pair + (spirange(0x10000, 0x10000 + CROWD) if kind == GETSPI else sa(spi))
        tell(client, message(kind, ESP, body_ + (rest if kind in (ADD, UPDATE) else b"")))
        yield


def policies(host, rng, count):
    client = Client()
    yield
    while True:
        n = rng.randrange(CROWD)
        pair = address(5, f"10.5.{n >> 8}.{n & 255}") + address(6, "10.0.0.0", 8)
        rule = policy(rng.randrange(1, 4), rng.randrange(3), request(), priority=n)
        tell(client, message(rng.choice((SPDADD, SPDADD, SPDUPDATE, SPDDELETE)), 0,
                             pair + rule + (ext(3, struct.pack("=IQQQ", 0, 0, 1, 0))
                                            if n % 3 == 0 else b"")))
        yield


def dumps(host, rng, count):
    client = Client()
    yield
    while True:
        say(client, message(rng.choice((DUMP, SPDDUMP)), 0))
        for _ in range(rng.randrange(200)):     # and leaves the rest of it
            client.recv()
        if rng.randrange(3) == 0:
            client.sock.close()
            client = Client()
        else:
            client.drain_all()
        yield


def flushes(host, rng, count):
    """All SAs go and come back, while packets need them."""
    client = Client()
    yield
    while True:
        time.sleep(0.3)
        tell(client, message(FLUSH, rng.choice((0, AH, ESP))))
        base(host)
        yield


def sender(host, rng, count):
    """To the other one, in clear for nobody; what comes is thrown away."""
    src, dst = (0, 1) if host.name == "a" else (1, 0)
    pairs = [(p[src], p[dst]) for p in PAIRS]
    socks = [host.socket(one, 7000, timeout=0) for one, _ in pairs]
    yield
    while True:
        for s, (_, other) in zip(socks, pairs):
            with contextlib.suppress(OSError):
                s.sendto(SECRET * rng.randrange(1, 60), (other, 7000))
            with contextlib.suppress(OSError):
                s.recv(4096)
        yield


def namespaces(host, rng, count):
    """Made, filled, used and killed."""
    yield
    while True:
        pid = os.fork()
        if not pid:
            lab.LIBC.unshare(lab.CLONE_NEWNET)
            lab.loopback()
            client = Client()
            for spi in range(0x100, 0x120):
                client.ask(ADD, ESP, sa(spi) + sa2() + ends("127.0.0.1", "127.0.0.1")
                           + key(9, KEY20))
            client.ask(SPDADD, 0, ends("127.0.0.1", "127.0.0.1") + policy(2, 2, request()))
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            with contextlib.suppress(OSError):
                s.sendto(b"x", ("127.0.0.1", 9))
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        yield


ROWS = {"SAs": (sas, "a"), "policies": (policies, "a"), "dumps": (dumps, "a"),
        "flushes": (flushes, "b"), "datagrams from a": (sender, "a"),
        "datagrams from b": (sender, "b"), "namespaces": (namespaces, "a")}


def start(hosts, count, stop, round_):
    pids = []
    for name, (work, where) in ROWS.items():
        pids.append(os.fork())
        if not pids[-1]:
            status, host = 1, next(h for h in hosts if h.name == where)
            try:
                with host.entered():
                    for _ in work(host, random.Random(f"{SEED} {round_} {name}"), count):
                        count.bump(name)
                        if stop[0]:
                            break
                status = 0
            except BaseException:       # the claim only has the number
                print("# note soak: " + traceback.format_exc().replace("\n", " | "),
                      flush=True)
            os._exit(status)
    return pids


class Watch:
    """The wires, all the time. The kernel picks out every frame that is in clear; of the
    others, which come faster than they are looked at, some are."""

    CLEAR = "(ip and not (proto 50 or proto 51)) or (ip6 and not (proto 50 or proto 51))"
    SOME = 200

    def __init__(self, hosts):
        self.open, self.wire = lab.Wire(*hosts, only=self.CLEAR), lab.Wire(*hosts)
        self.seen, self.clear = 0, []

    def look(self, settle=0.1):
        for frame in self.open.frames(settle, self.SOME):
            if frame.clear():
                self.clear.append(frame.data.hex())
        for frame in self.wire.frames(0, self.SOME):
            self.seen += frame.proto in (50, 51)
            if SECRET in frame.data:
                self.clear.append(frame.data.hex())

    def close(self):
        for _, tap in self.open.taps + self.wire.taps:
            tap.close()


def memory():
    """In kilobytes, after all that waits to be freed was freed."""
    with contextlib.suppress(OSError):
        with open("/proc/sys/vm/drop_caches", "w") as f:
            f.write("3")
    with open("/proc/meminfo") as f:
        found = dict(re.findall(r"^(\w+): +(\d+)", f.read(), re.M))
    return {k: int(found[k]) for k in ROOM}


def settled(before):
    """What is more than before, when it does not get less any more."""
    deadline = time.monotonic() + 20
    while True:
        more = {k: v - before[k] for k, v in memory().items()}
        if all(more[k] <= ROOM[k] for k in ROOM) or time.monotonic() > deadline:
            return more
        time.sleep(1)


def progress(text):
    """Now, and not when the case has ended: where the runner prints."""
    with open(f"/proc/{os.getppid()}/fd/1", "a") as f:
        f.write(f"# soak: {text}\n")


def soak(hosts, seconds, round_):
    """One stretch of it, from hosts to their end."""
    count, stop = Count(list(ROWS)), mmap.mmap(-1, 1)
    for host in hosts:
        base(host, also=required(host))
    watch, begin = Watch(hosts), time.monotonic()
    pids, told = start(hosts, count, stop, round_), begin
    while time.monotonic() < begin + seconds or watch.seen <= ENOUGH or \
            not all(count.all().values()):
        watch.look()
        if os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            break               # a worker did not wait for the end: see its status
        if time.monotonic() > told + PROGRESS:
            told = time.monotonic()
            progress(f"{told - begin:.0f} s, {count.all()}, {watch.seen} protected")
    stop[0] = 1
    ended = [os.waitpid(pid, 0)[1] for pid in pids]
    watch.look(0.5)
    watch.close()
    return count.all(), ended, watch


def module(load):
    """The module goes, or comes back."""
    return subprocess.run(["insmod", "/ipsec/ipsec.ko"] if load else ["rmmod", "ipsec"],
                          capture_output=True, text=True).stderr


def stretch(seconds, round_):
    hosts = lab.hosts()
    done, ended, watch = soak(hosts, seconds, round_)
    text = f"round {round_}: "
    lab.equal(text + "every worker came to its end", [0] * len(ended), ended)
    lab.claim(watch.seen > ENOUGH and not watch.clear, text + "nothing was in clear",
              (watch.seen, watch.clear[:2]))
    lab.equal(text + "the module goes in the middle of it, and comes back", ["", ""],
              [module(False), module(True)])
    for host in hosts:
        host.close()
    lab.ip("netns del a\nnetns del b\n")
    return done


def body():
    # What is made once is there: caches, modules, ciphers.
    stretch(min(SECONDS / 4, 10), 0)
    time.sleep(2)
    before = memory()
    begin, round_, total = time.monotonic(), 0, {}
    while time.monotonic() < begin + SECONDS:
        round_ += 1
        progress(f"round {round_}, {time.monotonic() - begin:.0f} of {SECONDS} s")
        left = begin + SECONDS - time.monotonic()
        done = stretch(min(max(left, 1), 60), round_)
        total = {k: total.get(k, 0) + v for k, v in done.items()}
    more = settled(before)
    lab.claim(all(more[k] <= ROOM[k] for k in ROOM), "memory is as before",
              f"{more} kB more")
    print(f"# note soak: seed {SEED}, {SECONDS} s: {total}; {more} kB more", flush=True)


lab.main(body)
