#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The peer has the new SA before we have its keys: what it sends in it waits for
UPDATE, for a second, sixteen packets of each SA."""
import struct
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

ROOM, PORT, NATT = 16, 7000, 4500
SOL_UDP, UDP_ENCAP, ESPINUDP = 17, 100, 2
HEX = f"0x{KEY20.hex()}"
# Protocol, its number in PF_KEY, what setkey says and what PF_KEY says of its keys.
PROTOS = {
    "esp": (ESP, f"-E aes-gcm-16 {HEX}", dict(), key(9, KEY20)),
    "esp-udp": (ESP, f"-E aes-gcm-16 {HEX}", dict(), key(9, KEY20) + natt(NATT, NATT)),
    "ah": (AH, f"-A hmac-sha1 {HEX}", dict(auth=3, encrypt=0), key(8, KEY20)),
}
ROWS = [("esp", "transport", (A4, B4)), ("esp", "tunnel", (A6, B6)),
        ("ah", "transport", (A6, B6)), ("esp-udp", "tunnel", (A4, B4))]


class Way:
    """From a, which has the SA, to b, where this key manager has reserved it."""

    def __init__(self, a, b, proto, mode, pair):
        self.a, self.b, self.pair, self.mode = a, b, pair, mode
        self.satype, _, self.algs, self.keys = PROTOS[proto]
        with b.entered():
            self.client = Client()
        self.spi = self.client.ask(GETSPI, self.satype, ends(*pair)).spi()
        there = "-".join(pair) if mode == "tunnel" else ""
        kind = proto.removesuffix("-udp")
        src, dst = (f"{x}[{NATT}]" for x in pair) if proto == "esp-udp" else pair
        for host, out in (a, "out"), (b, "in"):
            host.setkey(f"spdadd {pair[0]} {pair[1]} udp -P {out} "
                        f"ipsec {kind}/{mode}/{there}/require;")
        a.setkey(f"add {src} {dst} {proto} {self.spi} -m {mode} {PROTOS[proto][1]};")
        self.there, self.here = b.socket(pair[1], PORT, timeout=0.5), a.socket(pair[0])
        self.udp = [h.socket(x, NATT) for h, x in zip((a, b), pair)]
        for s in self.udp:
            s.setsockopt(SOL_UDP, UDP_ENCAP, ESPINUDP)

    def send(self, count):
        for n in range(count):
            self.here.sendto(b"%d" % n, (self.pair[1], PORT))

    def request(self, kind, keys=b""):
        self.client.drain()
        body = sa(self.spi, replay=32, **self.algs) + ends(*self.pair)
        r = self.client.ask(kind, self.satype,
                            body + (sa2(1 + (self.mode == "tunnel")) + keys if keys else b""))
        assert (r.type, r.errno) == (kind, 0), (r.type, name(r.errno))

    def come(self):
        """What has arrived, in its order."""
        got = []
        try:
            while True:
                got.append(int(self.there.recv(100)))
        except TimeoutError:
            return got

    def close(self):
        for s in self.there, self.here, self.client.sock, *self.udp:
            s.close()
        for host in self.a, self.b:
            host.setkey("flush; spdflush;")


def kept(way, text):
    opened = "in_ahauthsucc" if way.satype == AH else "in_espauthsucc"
    lab.counted(way.b, f"{text}: three wait", {"in_early": 3}, lambda: way.send(3))
    lab.counted(way.b, f"{text}: they are opened when the keys come",
                {"in_success": 3, opened: 3}, lambda: way.request(UPDATE, way.keys))
    lab.equal(f"{text}: and arrive", [0, 1, 2], way.come())
    way.send(1)
    lab.equal(f"{text}: as do later ones", [0], way.come())


def overtaken(way, text):
    """A packet that is opened before them, and starts the SA's limit of use."""
    lab.counted(way.b, f"{text}: three wait", {"in_early": 3}, lambda: way.send(3))
    way.request(UPDATE, way.keys + ext(3, struct.pack("=IQQQ", 0, 0, 0, 60)))
    way.send(1)
    lab.equal(f"{text}: another one does not keep them waiting", [0, 0, 1, 2],
              sorted(way.come()))


def full(way, text):
    lab.counted(way.b, f"{text}: no more than {ROOM} wait",
                {"in_early": ROOM, "in_badspi": 4}, lambda: way.send(ROOM + 4))
    way.request(UPDATE, way.keys)
    lab.equal(f"{text}: which arrive", list(range(ROOM)), way.come())


def too_late(way, text):
    start = time.monotonic()
    lab.counted(way.b, f"{text}: without keys they end", {"in_early": 3, "in_badspi": 3},
                lambda: way.send(3))
    took = time.monotonic() - start
    # Not how much later: a busy machine has its own idea of that.
    lab.claim(took > 0.5, f"{text}: after a second", took)
    way.request(UPDATE, way.keys)
    lab.equal(f"{text}: for good", [], way.come())


def forged(way, text):
    lab.counted(way.b, f"{text}: three wait", {"in_early": 3}, lambda: way.send(3))
    lab.counted(way.b, f"{text}: keys that are not theirs open none",
                {"in_espauthfail": 3},
                lambda: way.request(UPDATE, key(9, KEY20[::-1])))


def deleted(way, text):
    lab.counted(way.b, f"{text}: three wait", {"in_early": 3}, lambda: way.send(3))
    lab.counted(way.b, f"{text}: they end with their SA", {"in_badspi": 3},
                lambda: way.request(DELETE))


def device_gone(way, text):
    """It is the last step: the wire is gone."""
    lab.counted(way.b, f"{text}: three wait", {"in_early": 3}, lambda: way.send(3))
    start = time.monotonic()
    way.b.ip("link del eth0")
    took = time.monotonic() - start
    lab.claim(took < 5, f"{text}: their device can go", took)


def body():
    a, b = lab.hosts()
    for step, rows in ((kept, ROWS), (overtaken, ROWS[:2]), (full, ROWS[:1]), (too_late, ROWS[1:2]),
                       (forged, ROWS[:1]), (deleted, ROWS[:1]), (device_gone, ROWS[:1])):
        for proto, mode, pair in rows:
            way = Way(a, b, proto, mode, pair)
            step(way, f"{proto}, {mode}, IPv{6 if ':' in pair[0] else 4}")
            way.close()


lab.main(body)
