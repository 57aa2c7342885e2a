#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Lifetimes go on while the machine sleeps: what ended meanwhile is gone, and told
of, as soon as it is awake. Timers alone would not do it: they stand still."""
import contextlib
import os
import struct
import time

import lab
from lab import A4, B4
from pfkey_client import *

LIMIT, LATER, SLEEP = 5, 14, 8      # seconds
ALARM = "/sys/class/rtc/rtc0/wakealarm"
SECOND_CPU = "/sys/devices/system/cpu/cpu1/online"
DYING, DEAD, HARD, SOFT = 2, 3, 3, 4

# SPI: hard and soft limits (time, use time), whether a packet uses it, and when the
# machine is awake again (message, state, which limit), and whether it is there.
SAS = {
    0x1001: ("hard time", (LIMIT, 0), (0, 0), False, (EXPIRE, DEAD, HARD), False),
    0x1002: ("hard use time", (0, LIMIT), (0, 0), True, (EXPIRE, DEAD, HARD), False),
    0x1003: ("hard use time, never used", (0, LIMIT), (0, 0), False, None, True),
    0x1004: ("soft time, used", (60, 0), (LIMIT, 0), True, (EXPIRE, DYING, SOFT), True),
    0x1005: ("soft time, never used", (60, 0), (LIMIT, 0), False, None, False),
    0x1006: ("longer than the sleep", (LATER, 0), (0, 0), False, None, True),
}
POLICIES = {"lifetime": (LIMIT, 0, True), "validtime": (0, LIMIT, True),
            "longer than the sleep": (LATER, 0, False),
            "neither": (0, 0, False)}


def lifetime(kind, add, use):
    return ext(kind, struct.pack("=IQQQ", 0, 0, add, use))


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def now():
    """The clock that stands still during sleep, and the one that does not."""
    return [time.clock_gettime(c) for c in (time.CLOCK_MONOTONIC, time.CLOCK_BOOTTIME)]


def sleep():
    """The whole machine, to memory, until the alarm of its real-time clock.

    How long that was, awake and all of it.
    """
    write(ALARM, "0")
    write(ALARM, f"+{SLEEP}")
    start = now()
    write("/sys/power/state", "mem")
    awake, all_of_it = (b - a for a, b in zip(start, now()))
    return awake, all_of_it


def peer(spi):
    """Each SA has its own, so that packets choose."""
    return f"10.9.0.{spi & 255}"


class Manager:
    """A host's key manager, and what it hears."""

    def __init__(self, host, own):
        self.host, self.own, self.heard, self.ids = host, own, [], {}
        host.ip("route add 10.9.0.0/16 dev eth0")
        host.setkey("spdadd 0.0.0.0/0 10.9.0.0/16 udp -P out ipsec esp/transport//require;")
        with host.entered():
            self.km, self.asker = Client(), Client()
        self.km.ask(REGISTER, ESP)

    def load(self):
        self.host.sysctl(f"net.key.larval_lifetime={LIMIT}")
        self.larval = self.asker.ask(GETSPI, ESP, ends("10.9.0.1", self.own)).spi()
        with self.host.socket(self.own) as s:
            for spi, (_, hard, soft, used, *_) in SAS.items():
                r = self.asker.ask(ADD, ESP, sa(spi) + sa2() + ends(self.own, peer(spi))
                                   + key(9, KEY20) + lifetime(HARD, *hard)
                                   + lifetime(SOFT, *soft))
                assert r.errno == 0, name(r.errno)
                if used:
                    s.sendto(b"use", (peer(spi), 9))
        for n, (text, (add, use, _)) in enumerate(POLICIES.items()):
            r = self.asker.ask(SPDADD, 0, ends(self.own, f"10.9.1.{n}", proto=17)
                               + policy(2, 1) + lifetime(HARD, add, use))
            self.ids[text] = struct.unpack_from("=I", r.ext[18], 8)[0]

    def close(self):
        for client in self.km, self.asker:
            client.sock.close()
        self.host.close()
        lab.run("ip", "netns", "del", self.host.name)

    def listen(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.heard += [r for r in self.km.drain() if r.pid == 0]
            time.sleep(0.05)

    def there(self, spi, pair=None):
        self.asker.drain()
        return not self.asker.ask(GET, ESP, sa(spi) + ends(*pair or (self.own, peer(spi)))).errno

    def messages(self, spi):
        return [(r.type, r.ext[1][9], HARD if HARD in r.ext else SOFT)
                for r in self.heard if 1 in r.ext and r.spi() == spi]

    def expired(self, text):
        """How often a policy's end was told."""
        return [struct.unpack_from("=I", r.ext[18], 8)[0] for r in self.heard
                if r.type == SPDEXPIRE].count(self.ids[text])


def judge(m):
    where = m.host.name
    for spi, (text, _, _, _, want, there) in SAS.items():
        lab.equal(f"{where}: {text}: what is heard, and whether it is there",
                  ([want] if want else [], there), (m.messages(spi), m.there(spi)))
    lab.equal(f"{where}: a larval SA is gone without a word", ([], False),
              (m.messages(m.larval), m.there(m.larval, ("10.9.0.1", m.own))))
    for text, (_, _, ended) in POLICIES.items():
        r = m.asker.ask(SPDGET, 0, policy(2, 0, ident=m.ids[text]))
        lab.equal(f"{where}: policy with {text}: SPDEXPIRE, and whether it is there",
                  (int(ended), not ended), (m.expired(text), r.errno == 0))


def woken():
    """Two hosts' managers, the start, and how long the machine was awake meanwhile, and
    all of it.

    Now and then the emulator's second CPU does not start when the kernel wakes up, which
    waits ten seconds for it. This was no short sleep then: another one.
    """
    with open(os.environ["work"] + "/expected", "a", encoding="ascii") as f:
        f.write("? do_boot_cpu failed.* to wakeup CPU#1\n")
    for _ in range(3):
        managers = [Manager(*pair) for pair in zip(lab.hosts(), (A4, B4))]
        start = now()
        for m in managers:
            m.load()
        slept = sleep()
        with open(SECOND_CPU, encoding="ascii") as f:
            if f.read() == "1\n":
                return managers, start, slept
        print("# the second CPU did not start", flush=True)
        with contextlib.suppress(OSError):
            write(SECOND_CPU, "1")
        for m in managers:
            m.close()
    raise RuntimeError("the second CPU never started")


def body():
    managers, start, (awake, all_of_it) = woken()
    lab.claim(all_of_it - awake > LIMIT + 1, "the machine slept longer than the limits",
              (awake, all_of_it))
    for m in managers:
        m.listen(0.5)
        judge(m)
    awake = now()[0] - start[0]
    lab.claim(awake < LIMIT, "no timer has run so long", awake)
    m = managers[0]
    # Timers alone would take LATER seconds of those that the machine is awake.
    while now()[0] - start[0] < LATER - 1 and not (
            m.messages(0x1006) and m.expired("longer than the sleep")):
        m.listen(0.1)
    lab.equal("an SA that outlived the sleep ends at its time, the sleep included",
              ([(EXPIRE, DEAD, HARD)], False), (m.messages(0x1006), m.there(0x1006)))
    lab.claim(now()[1] - start[1] > LATER - 1, "and not before", now()[1] - start[1])
    lab.equal("so does a policy", 1, m.expired("longer than the sleep"))
    print(f"# awake for {awake:.1f} s of them", flush=True)


lab.main(body)
