#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""SAs are replaced under a flood in both directions, and not a packet is lost,
whichever of two SAs net.key.preferred_oldsa prefers. Other processes send; this one
is both key managers, which renew an SA whenever its soft limit is told."""
import mmap
import os
import socket
import struct
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

HARD, SOFT = 3, 4
SECONDS, PORT = 0.7, 7000
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
RENEWED = 50 if DEBUG else 250      # an SA is, after that many packets
# SAs that the receiver still has: a CPU's queue, behind which packets may be under
# way, has room for a thousand.
KEPT = 1000 // RENEWED
UDP_SEGMENT = 103

# preferred_oldsa, whether SAs have a hard limit in time, the ends, the mode, and
# net.key.delete_grace. With a hard limit the kernel itself discards those that gave way
# to newer ones. With the grace a receiver deletes its SA before its peer has the new
# one, as OpenIKED does.
ROWS = [
    (1, True, (A4, B4), 1, 0), (0, True, (A4, B4), 1, 0),
    (1, False, (A6, B6), 2, 0), (0, False, (A6, B6), 2, 0),
    (1, False, (A4, B4), 2, 5),
]


def limits(kind, packets, seconds):
    return ext(kind, struct.pack("=IQQQ", packets, 0, seconds, 0))


class Manager:
    """A host's: what it asks, and what it is told."""

    def __init__(self, host):
        self.host = host
        with host.entered():
            self.asks, self.hears = Client(), Client()
        self.hears.ask(REGISTER, ESP)
        self.expired = set()

    def ask(self, kind, body):
        r = self.asks.ask(kind, ESP, body)
        assert (r.type, r.errno) == (kind, 0), (kind, r.type, name(r.errno))
        return r

    def listen(self):
        self.expired |= {m.spi() for m in self.hears.drain()
                         if m.type == EXPIRE and SOFT in m.ext}

    def close(self):
        self.asks.sock.close()
        self.hears.sock.close()


class Way:
    """One direction: its SAs, who sends, and what arrives."""

    def __init__(self, sender, receiver, ends_of, row):
        self.sender, self.receiver, self.ends = sender, receiver, ends_of
        self.oldest, self.limited, _, self.mode, self.grace = row
        self.spis, self.arrived, self.counted = [], [], 0
        self.renew()
        self.there = receiver.host.socket(ends_of[1], PORT)
        self.there.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, 64 << 20)
        self.there.setblocking(False)

    def named(self, spi):
        return sa(spi, replay=32) + ends(*self.ends)

    def renew(self):
        """First the one end, then the other, and only then the old one goes, but where
        its receiver has a grace for it."""
        spi = self.receiver.ask(GETSPI, ends(*self.ends)).spi()
        body = self.named(spi) + sa2(self.mode) + key(9, KEY20)
        self.receiver.ask(UPDATE, body)
        if self.spis and self.grace:
            self.receiver.ask(DELETE, self.named(self.spis[-1]))
        self.sender.ask(ADD, body + limits(SOFT, RENEWED, 0)
                        + limits(HARD, 0, 3600 if self.limited else 0))
        if self.spis and self.oldest:
            self.sender.ask(DELETE, self.named(self.spis[-1]))
        self.spis.append(spi)
        if len(self.spis) > KEPT and not self.grace:
            self.retire(self.spis[-KEPT - 1])

    def retire(self, spi):
        r = self.receiver.ask(GET, self.named(spi))
        self.counted += struct.unpack_from("=I", r.ext[2], 4)[0]
        self.receiver.ask(DELETE, self.named(spi))

    def turn(self):
        self.sender.listen()
        if self.spis[-1] in self.sender.expired:
            self.renew()
        try:
            while True:
                self.arrived.append(struct.unpack(">I", self.there.recv(64))[0])
        except BlockingIOError:
            pass

    def begin(self):
        """A process sends until it is told to stop, and tells how many there were."""
        sock = self.sender.host.socket(self.ends[0])
        self.shared = mmap.mmap(-1, 8)
        self.pid = os.fork()
        if not self.pid:
            sent = 0
            while not self.shared[0]:
                sock.sendto(struct.pack(">I", sent), (self.ends[1], PORT))
                sent += 1
            struct.pack_into("=I", self.shared, 4, sent)
            os._exit(0)
        sock.close()

    def ended(self):
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0]:
            self.pid, self.sent = 0, struct.unpack_from("=I", self.shared, 4)[0]
        return not self.pid


def flood(hosts, row):
    preferred, limited, pair, mode, grace = row
    text = (f"preferred_oldsa {preferred}, {('transport', 'tunnel')[mode - 1]}, "
            f"IPv{6 if ':' in pair[0] else 4}, {'' if limited else 'no '}hard limit"
            f"{', deleted early' if grace else ''}")
    for host, out, back in zip(hosts, ("out", "in"), ("in", "out")):
        host.sysctl(f"net.key.preferred_oldsa={preferred}",
                    f"net.key.delete_grace={grace}")
        there, here = (f"{'-'.join(p)}" if mode == 2 else "" for p in (pair, pair[::-1]))
        kind = ("transport", "tunnel")[mode - 1]
        host.setkey(f"""flush; spdflush;
            spdadd {pair[0]} {pair[1]} udp -P {out} ipsec esp/{kind}/{there}/require;
            spdadd {pair[1]} {pair[0]} udp -P {back} ipsec esp/{kind}/{here}/require;""")
    managers = [Manager(h) for h in hosts]
    ways = [Way(*managers, pair, row), Way(*managers[::-1], pair[::-1], row)]
    clear = lab.Wire(*hosts, only="udp")
    before = [h.drops() for h in hosts]
    for w in ways:
        w.begin()
    start = time.monotonic()
    while not all([w.ended() for w in ways]):
        for w in ways:
            w.turn()
            since = time.monotonic() - start
            w.shared[0] = since > SECONDS and len(w.spis) > 5 or since > 30
        time.sleep(0.001)
    time.sleep(0.2)
    for w, which in zip(ways, ("there", "back")):
        w.turn()
        lab.claim(len(w.spis) > 5 and w.sent > 4 * RENEWED,
                  f"{text}, {which}: SAs were replaced again and again",
                  (len(w.spis), w.sent))
        missing = set(range(w.sent)) - set(w.arrived)
        lab.equal(f"{text}, {which}: every datagram arrived, once", (w.sent, []),
                  (len(w.arrived), sorted(missing)[:20]))
        if not grace:           # those that are gone cannot be asked
            for spi in w.spis[-KEPT:]:
                w.retire(spi)
            lab.equal(f"{text}, {which}: and is counted by the SAs", w.sent, w.counted)
        print(f"# {w.sent} datagrams in {len(w.spis)} SAs", flush=True)
        w.there.close()
    lab.equal(f"{text}: nothing was dropped, nothing was in clear", (before, 0),
              ([h.drops() for h in hosts], len(clear.frames())))
    for m in managers:
        m.close()


def super_packet(a, b):
    """The limit of an SA is passed in the middle of a packet that becomes ten: the
    others go out in the next SA."""
    wire = lab.Wire(a, only="proto 50")
    for preferred, old in (1, 0x3001), (0, 0x3002):
        a.sysctl(f"net.key.preferred_oldsa={preferred}")
        for host in a, b:
            host.setkey(lab.between(host, A4, B4, 0x2fff, "-E null -A null", upper="udp"))
            host.setkey(f"delete {A4} {B4} esp 0x2fff;")
        keys = [Manager(h) for h in (a, b)]
        for spi in 0x3001, 0x3002:
            body = sa(spi, replay=32) + ends(A4, B4) + sa2(1) + key(9, KEY20)
            keys[1].ask(ADD, body)
            keys[0].ask(ADD, body + limits(HARD, 5 if spi == old else 0, 0)
                        + limits(SOFT, 0, 0))
        there, here = b.socket(B4, PORT, timeout=1), a.socket(A4)
        here.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 100)
        wire.frames(0)
        here.sendto(b"".join(bytes([n]) * 100 for n in range(10)), (B4, PORT))
        lab.equal(f"preferred_oldsa {preferred}: an SA ends within a super-packet",
                  6 * [old] + 4 * [0x6003 - old], [f.spi for f in wire.frames()])
        got = []
        try:
            while True:
                got.append(there.recv(200)[0])
        except TimeoutError:
            pass
        lab.equal(f"preferred_oldsa {preferred}: all ten of it arrive", list(range(10)),
                  got)
        for m in keys:
            m.close()
        there.close()
        here.close()


def body():
    a, b = lab.hosts()
    with open("/proc/sys/net/core/netdev_max_backlog", "r+") as f:
        f.write("100000")
    super_packet(a, b)
    for row in ROWS:
        flood((a, b), row)


lab.main(body)
