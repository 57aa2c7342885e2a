#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How SAs and policies end: each limit alone, what the key manager hears and with
which counters, and that the date may be set meanwhile. All of it runs at once,
because the limits are in seconds."""
import struct
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

LARVAL, MATURE, DYING, DEAD = range(4)
CURRENT, HARD, SOFT = 2, 3, 4


def lifetime(kind, allocations=0, octets=0, add=0, use=0):
    return ext(kind, struct.pack("=IQQQ", allocations, octets, add, use))


def parse_lifetime(raw):
    return dict(zip(("allocations", "octets", "add", "use"),
                    struct.unpack_from("=IQQQ", raw, 4)))


# SPI: hard and soft limits (None: no such extension), packets sent, and after
# three seconds the messages (type, state, which limit) and whether it is there.
NEVER = (False, [(EXPIRE, DEAD, HARD)])
SAS = {
    0x1001: ("hard time without a soft extension", {"add": 1}, None, 0, *NEVER),
    0x1002: ("hard time with an empty soft one", {"add": 1}, {}, 0, *NEVER),
    0x1003: ("soft time, used", {"add": 60}, {"add": 1}, 1,
             True, [(EXPIRE, DYING, SOFT)]),
    0x1004: ("soft time, never used", {"add": 60}, {"add": 1}, 0, False, []),
    0x1005: ("hard use time, used", {"use": 1}, {}, 1, *NEVER),
    0x1006: ("hard use time, never used", {"use": 1}, {}, 0, True, []),
    0x1007: ("soft use time", {"use": 60}, {"use": 1}, 1, True, [(EXPIRE, DYING, SOFT)]),
    0x1008: ("hard packets, one too many", {"allocations": 3}, {}, 4, *NEVER),
    0x1009: ("hard packets, as many as allowed", {"allocations": 3}, {}, 3, True, []),
    0x100a: ("soft packets", {"allocations": 9}, {"allocations": 2}, 3,
             True, [(EXPIRE, DYING, SOFT)]),
    0x100b: ("soft and then hard packets", {"allocations": 3}, {"allocations": 1}, 4,
             False, [(EXPIRE, DYING, SOFT), (EXPIRE, DEAD, HARD)]),
    0x100c: ("hard bytes", {"octets": 150}, {}, 3, *NEVER),
    0x100d: ("soft bytes", {"octets": 1 << 40}, {"octets": 150}, 3,
             True, [(EXPIRE, DYING, SOFT)]),
    0x100e: ("hard before soft", {"add": 1}, {"add": 60}, 0, *NEVER),
    0x100f: ("limits beyond any clock", dict.fromkeys(("octets", "add", "use"), 2**64 - 1),
             dict.fromkeys(("octets", "add", "use"), 2**64 - 1), 2, True, []),
}


class Manager:
    """Host a's key manager. Each SA has a peer of its own, so that packets choose."""

    def __init__(self, host):
        self.host = host
        host.ip("route add 10.9.0.0/16 dev eth0")
        host.setkey("spdadd 0.0.0.0/0 10.9.0.0/16 udp -P out ipsec esp/transport//require;")
        with host.entered():
            self.km, self.asker = Client(), Client()
        self.km.ask(REGISTER, ESP)
        self.sock = host.socket(A4)

    def peer(self, spi):
        return f"10.9.0.{spi & 255}"

    def add(self, spi, hard, soft):
        text = sa(spi) + sa2(1, 5) + ends(A4, self.peer(spi)) + key(9, KEY20)
        if hard is not None:
            text += lifetime(HARD, **hard)
        if soft is not None:
            text += lifetime(SOFT, **soft)
        r = self.asker.ask(ADD, ESP, text, seq=spi << 4)
        assert r.errno == 0, (hex(spi), name(r.errno))

    def send(self, spi, packets):
        for _ in range(packets):
            try:
                self.sock.sendto(b"twenty bytes of text", (self.peer(spi), 9))
            except OSError:
                pass

    def get(self, spi):
        self.asker.drain()
        return self.asker.ask(GET, ESP, sa(spi) + ends(A4, self.peer(spi)))


def judge(m, heard, spi, row):
    text, _, _, packets, there, want = row
    mine = [r for r in heard if 1 in r.ext and r.spi() == spi]
    lab.equal(f"{text}: what is heard", want,
              [(r.type, r.ext[1][9], HARD if HARD in r.ext else SOFT) for r in mine])
    lab.equal(f"{text}: there afterwards", there, m.get(spi).errno == 0)
    for r in mine:
        now = parse_lifetime(r.ext[CURRENT])
        spent = [1, 2] if len(mine) > 1 else [packets]
        lab.claim(now["allocations"] <= packets
                  and (now["octets"] > 20 * now["allocations"] or not now["allocations"])
                  and (now["use"] > 0) == (packets > 0),
                  f"{text}: with the counters of that moment", (now, spent))
        lab.equal(f"{text}: from the kernel, to its maker's number",
                  (0, 0, spi << 4, [1, 2, 5, 6, 19]),
                  (r.pid, r.errno, r.seq,
                   sorted(e for e in r.ext if e not in (HARD, SOFT))))


def policies(m):
    """Lifetimes of policies: since they were added, and since their last use."""
    made = {}
    for n, (text, limits) in enumerate((
            ("lifetime", {"add": 1}), ("validtime, unused", {"use": 1}),
            ("validtime, in use", {"use": 2}), ("both", {"add": 60, "use": 1}),
            ("neither", {}), ("beyond any clock", {"add": 2**64 - 1, "use": 2**63}))):
        r = m.asker.ask(SPDADD, 0, ends(A4, f"10.9.1.{n}", proto=17)
                        + policy(2, 1, priority=1) + lifetime(HARD, **limits))
        made[text] = struct.unpack_from("=I", r.ext[18], 8)[0]
        lab.equal(f"policy with {text}: its limits are shown",
                  {"add": 0, "use": 0, "allocations": 0, "octets": 0} | limits,
                  parse_lifetime(r.ext[HARD]))
    return made


def judge_policies(m, heard, made):
    gone = {struct.unpack_from("=I", r.ext[18], 8)[0]: r for r in heard
            if r.type == SPDEXPIRE}
    for text, want in (("lifetime", True), ("validtime, unused", True),
                       ("validtime, in use", False), ("both", True), ("neither", False),
                       ("beyond any clock", False)):
        r = m.asker.ask(SPDGET, 0, policy(2, 0, ident=made[text]))
        lab.equal(f"policy with {text}: SPDEXPIRE, and it is gone",
                  (want, "ENOENT" if want else "0"), (made[text] in gone, name(r.errno)))
    r = gone[made["lifetime"]]
    lab.equal("SPDEXPIRE: all of the policy, all zero in front",
              (0, 0, 0, 0, [2, 3, 5, 6, 18]), (r.satype, r.errno, r.seq, r.pid, sorted(r.ext)))


def all_at_once(a):
    m = Manager(a)
    a.sysctl("net.key.larval_lifetime=1")
    spi = m.asker.ask(GETSPI, ESP, ends(B4, A4)).spi()
    a.sysctl("net.key.larval_lifetime=30")
    kept = m.asker.ask(GETSPI, ESP, ends(B4, A4)).spi()
    for n, row in SAS.items():
        m.add(n, row[1], row[2])
    made = policies(m)
    for n, row in SAS.items():
        m.send(n, row[3])
    first = time.time()
    # The date jumps ahead and back; what counts is the boot-time clock.
    for jump in (365 * 86400, -86400, 0):
        time.clock_settime(time.CLOCK_REALTIME, first + jump)
        time.sleep(0.3)
    r = m.get(0x1003)
    lab.equal("setting the date ends nothing", 0, r.errno)
    deadline = time.monotonic() + 3.2
    heard = []
    while time.monotonic() < deadline:
        time.sleep(0.4)
        m.sock.sendto(b"use", ("10.9.1.2", 9))
        heard += [r for r in m.km.drain() if r.pid == 0]
    for n, row in SAS.items():
        judge(m, heard, n, row)
    judge_policies(m, heard, made)
    lab.equal("a larval SA is gone without a word",
              ("ESRCH", "0", []),
              (name(m.asker.ask(GET, ESP, sa(spi) + ends(B4, A4)).errno),
               name(m.asker.ask(GET, ESP, sa(kept) + ends(B4, A4)).errno),
               [r for r in heard if 1 in r.ext and r.spi() == spi]))
    m.km.sock.close()
    m.asker.sock.close()


def preferred(a, own, peer):
    """Which of two SAs sends: net.key.preferred_oldsa."""
    with a.entered():
        km = Client()
    km.ask(REGISTER, ESP)
    wire, s = lab.Wire(a), a.socket(own)

    def spis(count=1):
        for _ in range(count):
            s.sendto(b"which", (peer, 9))
        return [f.spi for f in wire.frames() if f.proto == 50]

    def load(knob, limits):
        a.sysctl(f"net.key.preferred_oldsa={knob}")
        a.setkey(f"flush; spdflush; spdadd {own} {peer} udp -P out ipsec esp/transport//require;")
        for spi in 0x2001, 0x2002, 0x2003:
            text = sa(spi) + sa2() + ends(own, peer) + key(9, KEY20)
            if limits:
                text += lifetime(HARD, add=60) + lifetime(SOFT, add=0)
            assert km.ask(ADD, ESP, text).errno == 0
        km.drain()

    load(1, True)
    lab.equal("preferred_oldsa 1: the oldest sends, none is discarded",
              ([0x2001], []), (spis(), km.drain()))
    km.ask(DELETE, ESP, sa(0x2001) + ends(own, peer))
    lab.equal("and when it goes, the next", [0x2002], spis())
    a.sysctl("net.key.preferred_oldsa=0")
    lab.equal("0: the newest at once", [0x2003], spis())
    load(0, False)
    lab.equal("preferred_oldsa 0: the newest sends; without a hard limit the others stay",
              ([0x2003], []), (spis(), km.drain()))
    load(0, True)
    lab.equal("with one they are discarded", [0x2003, 0x2003], spis(2))
    heard = km.drain()
    lab.equal("and the key manager hears DELETE",
              [(DELETE, 0, 0, 0x2001), (DELETE, 0, 0, 0x2002)],
              sorted((r.type, r.pid, r.errno, r.spi()) for r in heard))
    s.close()
    km.sock.close()


def body():
    a, _ = lab.hosts()
    all_at_once(a)
    for own, peer in ((A4, B4), (A6, B6)):
        preferred(a, own, peer)


lab.main(body)
