#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net.key.delete_grace: an SA that was deleted is gone for key managers and for who
sends, and opens for some seconds what its peer had sent before it heard of that."""
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

SPI, PORT = 0x1000, 7000
GRACE, LONG = 2, 600
KEY, OTHER = (f"-E aes-gcm-16 0x{byte * 20}" for byte in ("5a", "a5"))


class Way:
    """Datagrams from a to b, whose key manager this is."""

    def __init__(self, a, b, pair, mode):
        self.a, self.b, self.pair, self.mode = a, b, pair, mode
        self.there, self.here = b.socket(pair[1], PORT), a.socket(pair[0])
        with b.entered():
            self.keys = Client()

    def again(self, grace=LONG):
        """New SAs, the receiver's deleted."""
        self.b.sysctl(f"net.key.delete_grace={grace}")
        for host in self.a, self.b:
            host.setkey(lab.between(host, *self.pair, SPI, KEY, self.mode, upper="udp"))
        assert self.arrives(), self.b.stat()
        self.deleted = time.monotonic()
        r = self.ask(DELETE)
        assert (r.type, r.errno) == (DELETE, 0), (r.type, name(r.errno))

    def ask(self, kind):
        self.keys.drain()       # what setkey was answered
        return self.keys.ask(kind, ESP, sa(SPI) + ends(*self.pair))

    def send(self):
        self.here.sendto(b"grace", (self.pair[1], PORT))

    def arrives(self):
        self.send()
        try:
            return self.there.recv(100) == b"grace"
        except TimeoutError:
            return False

    def dumped(self):
        return "state=dead" in self.b.run("setkey", "-D", "-a")

    def close(self):
        for s in self.there, self.here, self.keys.sock:
            s.close()
        for host in self.a, self.b:
            host.setkey("flush; spdflush;")
        self.b.sysctl("net.key.delete_grace=0")


def received(way, text):
    way.again()
    lab.equal(f"{text}: deleted, it is not found", ["ESRCH"] * 2,
              [name(way.ask(kind).errno) for kind in (GET, DELETE)])
    lab.equal(f"{text}: but dumped as dead, and opens what comes", (True, True),
              (way.dumped(), way.arrives()))
    way.again(GRACE)
    while way.dumped() and time.monotonic() < way.deleted + 5 * GRACE:
        time.sleep(0.1)
    took = time.monotonic() - way.deleted
    lab.claim(GRACE - 0.1 < took < GRACE + 2, f"{text}: for {GRACE} seconds", took)
    lab.counted(way.b, f"{text}: no longer", {"in_nosa": 1}, way.send)


def ended(way, text):
    """What ends it before its time."""
    way.again()
    way.b.setkey(f"add {' '.join(way.pair)} esp {SPI:#x} -m {way.mode} {OTHER};")
    lab.equal(f"{text}: its SPI is free for another one", False, way.dumped())
    lab.counted(way.b, f"{text}: which has other keys", {"in_espauthfail": 1}, way.send)
    way.again()
    # Without any SA the packet would be native XFRM's.
    way.b.setkey(f"flush; add {' '.join(way.pair)} esp {SPI + 9} {OTHER};")
    lab.counted(way.b, f"{text}: FLUSH ends it at once", {"in_nosa": 1}, way.send)
    way.again()
    way.b.setkey(f"deleteall {' '.join(way.pair)} esp;")
    lab.equal(f"{text}: DELETE of all between two ends leaves it", True, way.arrives())
    way.again(grace=0)
    lab.counted(way.b, f"{text}: without the knob, DELETE does", {"in_nosa": 1},
                way.send)


def sent(way, text):
    """It is the sender's that is deleted."""
    way.again(grace=0)
    way.a.sysctl(f"net.key.delete_grace={LONG}")
    way.a.setkey(f"delete {' '.join(way.pair)} esp {SPI:#x};")
    wire = lab.Wire(way.a)
    lab.counted(way.a, f"{text}: a dead one sends nothing", {"out_nosa": 1}, way.send)
    seen = [f for f in wire.frames() if f.spi or b"grace" in f.data]
    lab.equal(f"{text}: neither in it nor in clear", [], seen)
    way.a.sysctl("net.key.delete_grace=0")


def body():
    a, b = lab.hosts()
    for pair, mode in ((A4, B4), "transport"), ((A6, B6), "tunnel"):
        way = Way(a, b, pair, mode)
        for step in received, ended, sent:
            step(way, f"IPv{6 if ':' in pair[0] else 4}, {mode}")
        way.close()


lab.main(body)
