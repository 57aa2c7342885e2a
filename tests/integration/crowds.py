#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Crowds of SAs between the same two ends: they end all at once, by time, by request or
because they gave way, and no CPU stops meanwhile (the runner sees what the kernel's
watchdog says). Which of them sends is what a walk over all of them would say. GETSPI
finds the last free SPI of a small range, and can be killed."""
import os
import random
import signal
import socket
import struct
import time

import lab
from batch import Batch
from pfkey_client import *

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
CROWD = 1000 if DEBUG else 30000
FIRST, SPI_AT, LIFE = 0x10000, 16 + 4, 20


def lifetime(kind, seconds=0, packets=0):
    return ext(kind, struct.pack("=IQQQ", packets, 0, seconds, 0))


def fill(c, quiet, count, life=0):
    """ADDs whose answers nobody reads; everybody hears of them."""
    raw = message(ADD, ESP, sa(0, encrypt=11, replay=0) + sa2(0) + ends() + key(9, b"")
                  + (lifetime(3, life) if life else b""))
    batch = Batch(len(raw), raw)
    for start in range(0, count, batch.ROOM):
        spis = range(FIRST + start, FIRST + min(start + batch.ROOM, count))
        batch.put(SPI_AT, spis)
        batch.send(quiet.sock, len(spis))
        c.drain_all()


def any_left():
    c = Client()
    reply = c.ask(DUMP, 0)
    c.sock.close()
    return not reply.errno


def all_gone(seconds):
    end = time.monotonic() + seconds
    while (left := any_left()) and time.monotonic() < end:
        time.sleep(0.1)
    return not left


def why():
    """The kernel's answer for a datagram from one end to the other."""
    with open("/proc/thread-self/net/ipsec_why", "r+b", buffering=0) as f:
        f.write(b"out 10.0.0.1 0 10.0.0.2 0 17")
        f.seek(0)
        return f.read(1 << 16).decode().splitlines()


def chosen():
    """The SPI that sends, or 0."""
    return next((int(line.split()[1], 16) for line in why() if line.startswith("sa ")), 0)


def set_preference(oldest):
    with open("/proc/sys/net/key/preferred_oldsa", "w") as f:
        f.write(str(int(oldest)))


def crowd(c, quiet, s):
    c.ask(SPDADD, 0, ends(proto=17) + policy(requests=request()))
    fill(c, quiet, CROWD, LIFE)
    lab.claim(any_left(), f"{CROWD} SAs are there")
    lab.claim(all_gone(LIFE + 60), "all end in the same second")
    fill(c, quiet, CROWD)
    lab.equal("DELETE of all between two ends", (0, False),
              (c.ask(DELETE, ESP, ends()).errno, any_left()))
    fill(c, quiet, CROWD, 86400)
    last = FIRST + CROWD - 1
    lab.equal("ipsecwhy tells of a hundred of them, and how many more",
              (100, [f"more {CROWD - 100}"]),
              (sum(line.startswith("candidate ") for line in why()),
               [line for line in why() if line.startswith("more ")]))
    set_preference(oldest=False)
    lab.equal("the newest is preferred", last, chosen())
    s.sendto(b"", ("10.0.0.2", 9))
    end = time.monotonic() + 60
    while c.ask(GET, ESP, sa(last - 1) + ends()).errno == 0 and time.monotonic() < end:
        time.sleep(0.1)
    c.drain_all()
    counts = [line for line in why() if line.startswith("candidate ")]
    while len(counts) > 1 and time.monotonic() < end:
        time.sleep(0.1)
        counts = [line for line in why() if line.startswith("candidate ")]
    lab.equal("all but the newest give way to it", (1, last), (len(counts), chosen()))
    set_preference(oldest=True)
    c.ask(FLUSH, 0)
    fill(c, quiet, CROWD)
    lab.equal("a dump of another protocol finds none", "ENOENT",
              name(c.ask(DUMP, AH).errno))


def best(rows, mode, reqid, oldest):
    """What a walk over all SAs says; a row: serial, SPI, mode, reqid, dying."""
    fit = [row for row in rows if row[2] in (0, mode) and reqid in (0, row[3])]
    if not fit:
        return 0
    if oldest:
        return min(fit, key=lambda row: (not row[4], row[0]))[1]
    return max(fit, key=lambda row: (not row[4], row[0]))[1]


def preference(c, s, rounds=3 if DEBUG else 10):
    """Random rivals. Those that are to be dying have carried one packet too many."""
    c.ask(FLUSH, 0)
    wrong, seed = [], random.randrange(1 << 32)
    dice = random.Random(seed)
    for turn in range(rounds):
        c.ask(SPDFLUSH, 0)
        c.ask(FLUSH, 0)
        c.drain_all()
        rows = []
        for serial in range(40):
            spi, mode, reqid = 0x2000 + serial, dice.randrange(3), dice.randrange(4)
            r = c.ask(ADD, ESP, sa(spi, encrypt=11, replay=0) + sa2(mode, reqid) + ends()
                      + key(9, b"") + lifetime(4, packets=1 if serial % 2 else 0))
            assert not r.errno, name(r.errno)
            rows.append([serial, spi, mode, reqid, False])
        for _ in range(40):
            mode, reqid = dice.randrange(1, 3), dice.randrange(4)
            oldest = dice.randrange(2)
            pair = ("10.0.0.1", "10.0.0.2") if mode == 2 else None
            level = 3 if reqid else 2
            c.ask(SPDFLUSH, 0)
            c.ask(SPDADD, 0, ends(proto=17)
                  + policy(requests=request(mode=mode, level=level, reqid=reqid,
                                            pair=pair)))
            set_preference(oldest)
            want, got = best(rows, mode, reqid, oldest), chosen()
            if want != got:
                wrong.append((seed, turn, mode, reqid, oldest, hex(want), hex(got)))
            row = next((row for row in rows if row[1] == got), None)
            if not row:
                continue
            if row[0] % 2 and not row[4] and dice.randrange(2):
                for _ in range(2):
                    s.sendto(b"", ("10.0.0.2", 9))
                row[4] = True
            else:
                c.ask(DELETE, ESP, sa(got) + ends())
                rows.remove(row)
            c.drain_all()
    lab.equal("the rival that sends is the one that a walk over all finds", [], wrong[:5])
    set_preference(oldest=True)
    c.ask(SPDFLUSH, 0)
    c.ask(FLUSH, 0)


def set_tries(count):
    """Whether the knob takes that."""
    try:
        with open("/proc/sys/net/key/spi_trycnt", "wb", buffering=0) as f:
            f.write(str(count).encode())
    except OSError:
        return False
    return True


def spis(c):
    low, high, free = 0x5000, 0x5000 + 999, 0x5000 + 777
    for spi in range(low, high + 1):
        if spi != free:
            c.ask(ADD, ESP, esp(spi))
        c.drain_all()
    seen = []
    for _ in range(5):
        r = c.ask(GETSPI, ESP, ends() + spirange(low, high))
        seen.append(name(r.errno) if r.errno else r.spi())
        c.ask(DELETE, ESP, sa(free) + ends())
    lab.equal("GETSPI finds the only free SPI of a thousand", [free] * 5, seen)
    c.ask(ADD, ESP, esp(free))
    lab.claim(not set_tries(100001) and set_tries(500), "spi_trycnt has a limit")
    lab.equal("a full range is an error", "EEXIST",
              name(c.ask(GETSPI, ESP, ends() + spirange(low, high)).errno))


def kill_inside(raw, function):
    """Kills a program in the middle of a request. It has the CPU of whoever kills it, who
    gets it when the kernel pauses, and reads where that was. Whether it was in there."""
    ready, go = os.pipe()
    pid = os.fork()
    if not pid:
        own = Client()
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        os.write(go, b"x")
        own.sock.send(raw)
        os._exit(0)
    os.read(ready, 1)
    time.sleep(0.001)
    with open(f"/proc/{pid}/stack") as f:
        inside = function in f.read()
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(ready)
    os.close(go)
    return inside


def killed(c, quiet):
    """Of a request that goes through all SAs the rest is left undone."""
    free = FIRST + CROWD

    def is_free():
        """The only free SPI that GETSPI could find."""
        r = c.ask(GETSPI, ESP, sa2() + ends() + spirange(free, free))
        c.ask(DELETE, ESP, sa(free) + ends())
        return not r.errno
    rows = (("GETSPI", "ipsec_sad_alloc_spi", is_free,
             message(GETSPI, ESP, sa2() + ends() + spirange(FIRST, free))),
            ("DELETE", "ipsec_sad_delete_ends", any_left, message(DELETE, ESP, ends())),
            ("FLUSH", "ipsec_sad_flush", any_left, message(FLUSH, 0)))
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus)})
    set_tries(100000)
    for text, function, undone, raw in rows:
        seen = []
        # It may have ended before it is looked at; most are found at the first try.
        while len(seen) < 20 and (True, True) not in seen:
            c.ask(FLUSH, 0)
            fill(c, quiet, CROWD)
            seen.append((kill_inside(raw, function), undone()))
            c.drain_all()
        lab.claim((True, True) in seen, f"{text} ends when it is killed in the middle", seen)
    set_tries(1000)
    os.sched_setaffinity(0, cpus)
    lab.equal("FLUSH then works", (0, False), (c.ask(FLUSH, 0).errno, any_left()))


def inside():
    c, quiet = Client(), Client()
    quiet.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    crowd(c, quiet, s)
    preference(c, s)
    spis(c)
    killed(c, quiet)
    fill(c, quiet, CROWD)


def body():
    lab.ip("netns add a\nlink add probe type veth peer name eth0 netns a\n")
    host = lab.Host("a")
    host.ip("""link set eth0 up
        link set lo up
        addr add 10.0.0.1/24 dev eth0
        neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0
        """)
    lab.ip("link set probe up\n")
    with host.entered():
        inside()
    host.close()
    start = time.monotonic()
    lab.run("ip", "netns", "del", "a")
    while os.path.exists("/sys/class/net/probe") and time.monotonic() < start + 60:
        time.sleep(0.02)
    lab.claim(time.monotonic() < start + 60, f"a namespace with {CROWD} SAs ends")


lab.main(body)
