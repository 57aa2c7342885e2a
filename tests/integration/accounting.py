#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What an unprivileged user loads into a namespace of its own, its cgroup pays for.

What memory.current of the cgroup grows by is compared with what the machine's slabs and
per-CPU memory do. Debian's kernels only: the debug kernel has no cgroups for memory.
"""
import contextlib
import os
import time

import lab
import users
from pfkey_client import ADD, ESP, FLUSH, GETSPI, SPDADD, SPDFLUSH, Client, ends, esp, \
    key, name, policy, sa, sa2
from users import Identity

PLACE = "/run/accounting"
COUNT = 2000
MEGABYTE = 1 << 20
# Of what the kernel takes, this part at least is charged, but for what it takes meanwhile
# for itself, in whole pages.
SHARE, OWN = 0.8, MEGABYTE // 4


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


class Cgroup:
    def __init__(self, title):
        self.path = f"{PLACE}/{title.replace(' ', '_')}"
        os.mkdir(self.path)

    def current(self):
        return int(read(f"{self.path}/memory.current"))

    def limit(self, more):
        write(f"{self.path}/memory.max", str(self.current() + more))


def taken():
    """Bytes of the machine's slabs and per-CPU memory."""
    rows = dict(line.split(":") for line in read("/proc/meminfo").splitlines())
    return sum(int(rows[k].split()[0]) for k in ("Slab", "Percpu")) * 1024


def refused(answer):
    return None if answer and not answer.errno else name(answer.errno) if answer else "none"


def ring(cipher, hmac=0, keys=b""):
    return lambda n: (ADD, ESP, sa(0x1000 + n, auth=hmac, encrypt=cipher) + sa2() + ends()
                      + keys)


KINDS = {
    "larval SAs": lambda n: (GETSPI, ESP, ends()),
    "NULL": ring(11, 0, key(9, b"")),
    "AES-GCM": lambda n: (ADD, ESP, esp(0x1000 + n)),
    "AES-CBC, HMAC-SHA2-512": ring(12, 7, key(8, bytes(64)) + key(9, bytes(16))),
    "AES-CTR, AES-XCBC": ring(13, 9, key(8, bytes(16)) + key(9, bytes(20))),
    "policies": lambda n: (SPDADD, 0, ends(f"10.0.{n >> 8}.{n & 255}") + policy(kind=1)),
    "policies of a key each": lambda n: (SPDADD, 0, ends(
        f"10.0.{n >> 8}.{n & 255}", prefix=1 + n % 32, proto=n // 32 % 256) + policy(kind=1)),
}


class Loader:
    """A process of a user, in a cgroup and a namespace, that loads when it is told."""

    def __init__(self, cgroup, make):
        self.told, tell = os.pipe()
        wait, self.go = os.pipe()
        self.child = users.start(Identity(uid=1000, own=True),
                                 lambda: self.work(make, wait, tell))
        os.close(tell)
        os.close(wait)
        write(f"{cgroup.path}/cgroup.procs", str(self.child[0]))
        self.step()

    @staticmethod
    def work(make, wait, tell):
        os.read(wait, 1)
        c = Client()

        def load(numbers):
            for n in numbers:
                if text := refused(c.ask(*make(n))):
                    return text
            return "loaded"

        said = [load(range(100))]       # tables and caches begin
        os.write(tell, b".")
        os.read(wait, 1)
        said.append(load(range(100, 100 + COUNT)))
        os.write(tell, b".")
        os.read(wait, 1)
        c.ask(FLUSH, 0)
        c.ask(SPDFLUSH, 0)
        os.write(tell, b".")
        os.read(wait, 1)
        return said

    def step(self):
        """Go on to where it waits; False if it has ended."""
        os.write(self.go, b".")
        alive = bool(os.read(self.told, 1))
        time.sleep(0.3)
        return alive

    def end(self):
        with contextlib.suppress(BrokenPipeError):
            os.write(self.go, b".")
        said = users.ended(self.child)
        os.close(self.go)
        os.close(self.told)
        return said


def settled(read_it, want):
    """What is freed goes a grace period later."""
    deadline = time.monotonic() + 20
    while (seen := read_it()) > want and time.monotonic() < deadline:
        time.sleep(0.1)
    return seen


def charged(text, make):
    cgroup = Cgroup(text)
    loader = Loader(cgroup, make)
    before, slabs = cgroup.current(), taken()
    loader.step()
    paid, grown = cgroup.current() - before, taken() - slabs
    lab.claim(paid > MEGABYTE // 2 and paid >= SHARE * (grown - OWN),
              f"{text}: {COUNT} are charged to the cgroup", f"{paid} of {grown} bytes")
    loader.step()
    left = settled(cgroup.current, before + paid // 4) - before
    lab.claim(left <= paid // 4, f"{text}: and no longer when they are flushed",
              f"{left} of {paid} bytes are left")
    lab.equal(f"{text}: all were taken", ["loaded"] * 2, loader.end())


# What the kernel says when a cgroup is at its limit; no other warning begins like this.
OOM = (r"? invoked oom-killer|^(CPU|Tainted|Hardware name|Call Trace|RIP|Code|RSP|R[A-D]X|RBP"
       r"|R\d\d): ?|^ </?TASK>$|^ (\? )?[\w.]+\+0x[0-9a-f]+/0x[0-9a-f]+( \[\w+\])?$"
       r"|[Mm]emory cgroup (out of memory|stats)|[Oo]ut of memory and no killable"
       r"|^memory: usage|^test bed: ")


def held(text, make):
    """At its limit the cgroup gets no more: the kernel ends its process."""
    with open(os.environ["work"] + "/expected", "w") as f:
        f.write(OOM + "\n")
    cgroup = Cgroup(f"limit of {text}")
    loader = Loader(cgroup, make)
    cgroup.limit(MEGABYTE // 4)
    slabs, before = taken(), cgroup.current()
    with lab.own_reports():
        loader.step()
    grown = taken() - slabs
    lab.claim(cgroup.current() <= before + MEGABYTE // 4 and grown < MEGABYTE // 2,
              f"{text}: the cgroup's limit holds", f"{grown} bytes")
    events = dict(line.split() for line in read(f"{cgroup.path}/memory.events").splitlines())
    said = loader.end()
    lab.equal(f"{text}: the kernel ends the process", ("1", "no result"),
              (events["oom_kill"], said))


def body():
    os.makedirs(PLACE, exist_ok=True)
    lab.run("mount", "-t", "cgroup2", "cgroup", PLACE)
    write(f"{PLACE}/cgroup.subtree_control", "+memory")
    for text, make in KINDS.items():
        charged(text, make)
    for text in "AES-GCM", "policies":
        held(text, KINDS[text])
    lab.LIBC.umount2(PLACE.encode(), 2)


lab.main(body)
