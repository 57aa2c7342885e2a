#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tunnels between gateways, for hosts behind them that know nothing of it.

gw1 is ours, gw2 native XFRM; every inner and outer family. Then both ours:
TCP that is forwarded in packets of 64 KB, what is too long for the tunnel, and
plaintext that comes where the tunnel is required. And which of the lists "fwd" and
"in" decides.
"""
import os
import socket
import threading

import lab
from lab import A4, A6, B4, B6

KEY = "0x00112233445566778899aabbccddeeff01020304"
NETS = {4: ("10.1.0.0/24", "10.2.0.0/24"), 6: ("fd01::/64", "fd02::/64")}
HOSTS = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
GATES = {4: (A4, B4), 6: (A6, B6)}
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")


def ours(host, inner, outer, spi=0x1000):
    (left, right), (x, y) = NETS[inner], GATES[outer]
    out, back = ("out", "in") if host.name == "gw1" else ("in", "out")
    host.setkey(f"""
        flush; spdflush;
        add {x} {y} esp {spi} -m tunnel -r 32 -E aes-gcm-16 {KEY};
        add {y} {x} esp {spi + 1} -m tunnel -r 32 -E aes-gcm-16 {KEY};
        spdadd {left} {right} any -P {out} ipsec esp/tunnel/{x}-{y}/require;
        spdadd {right} {left} any -P {back} ipsec esp/tunnel/{y}-{x}/require;
        """)


def native(host, inner, outer):
    (left, right), (x, y) = NETS[inner], GATES[outer]
    aead = f"mode tunnel flag af-unspec replay-window 32 aead rfc4106(gcm(aes)) {KEY} 128"
    host.ip(f"""xfrm state flush
        xfrm policy flush
        xfrm state add src {x} dst {y} proto esp spi 0x1000 {aead}
        xfrm state add src {y} dst {x} proto esp spi 0x1001 {aead}
        xfrm policy add src {right} dst {left} dir out tmpl src {y} dst {x} proto esp mode tunnel
        xfrm policy add src {left} dst {right} dir fwd tmpl src {x} dst {y} proto esp mode tunnel
        """)


def exchange(a, b, v, size=500, times=3, timeout=5):
    """How many of the datagrams come there and back."""
    good = 0
    with a.socket(HOSTS[v][0], timeout=timeout) as s, \
            b.socket(HOSTS[v][1], 7000, timeout=timeout) as t:
        try:
            for _ in range(times):
                s.sendto(bytes(size), (HOSTS[v][1], 7000))
                data, whom = t.recvfrom(65536)
                t.sendto(data, whom)
                good += len(s.recv(65536)) == size
        except OSError as err:
            return f"{good}, {err}"
    return good


def interop(a, b, gw1, gw2):
    for inner, outer in (4, 4), (6, 6), (4, 6), (6, 4):
        text = f"ours to native, {inner} in {outer}"
        ours(gw1, inner, outer)
        native(gw2, inner, outer)
        exchange(a, b, inner, times=1)      # the neighbours find each other
        wire = lab.Wire(gw1, gw2)
        lab.equal(f"{text}: answered", 3, exchange(a, b, inner))
        frames = wire.frames()
        spis = sorted(f.spi for f in frames if f.spi)
        lab.equal(f"{text}: three ESP packets each way",
                  3 * [0x1000] + 3 * [0x1001], spis)
        lab.equal(f"{text}: nothing in clear", [],
                  [f.data[:60].hex() for f in frames if f.clear()])


def send(host, own, peer, amount):
    with host.socket(own, kind=socket.SOCK_STREAM, timeout=60) as s:
        s.connect((peer, 5001))
        s.sendall(b"\xa5" * amount)


def tcp(a, b, v, amount):
    own, peer = HOSTS[v]
    with b.socket(peer, 5001, socket.SOCK_STREAM, timeout=60) as listener:
        listener.listen(1)
        thread = threading.Thread(target=send, args=(a, own, peer, amount))
        thread.start()
        conn, _ = listener.accept()
        conn.settimeout(60)
        got = 0
        while data := conn.recv(1 << 18):
            got += data.count(0xa5)
        thread.join()
    return got


def sizes(a, b, gw1, v):
    """What is too long for the tunnel: TCP learns it, UDP goes in pieces."""
    before = gw1.stat()
    amount = 1 << (19 if DEBUG else 22)
    wire = lab.Wire(gw1)
    lab.equal(f"IPv{v}: forwarded TCP arrives", amount, tcp(a, b, v, amount))
    frames = wire.frames()
    longest = max(len(f.data) for f in frames)
    lab.claim(1300 < longest <= 1514, f"IPv{v}: in ESP packets that fit the wire",
              longest)
    lab.claim(not any(f.clear() for f in frames), f"IPv{v}: nothing in clear", "some")
    rose = {k: n - before[k] for k, n in gw1.stat().items()}
    lab.claim(rose["out_toobig"] > 0, f"IPv{v}: out_toobig counts what was too long",
              rose)
    # In IPv6 only b itself can make the pieces: its first answer teaches it.
    exchange(a, b, v, 6000, times=1, timeout=1)
    lab.equal(f"IPv{v}: UDP of 6000 bytes goes in pieces", 3,
              exchange(a, b, v, 6000))


def plaintext(a, b, gw1, gw2):
    """gw2 forgets the tunnel: what it forwards in clear stops at gw1."""
    ours(gw1, 4, 4)
    gw2.setkey("flush; spdflush;")
    before = gw1.stat()["in_polvio"]
    with a.socket(HOSTS[4][0], 7000, timeout=1) as s, b.socket(HOSTS[4][1]) as t:
        t.sendto(b"clear", (HOSTS[4][0], 7000))
        try:
            lab.claim(False, "forwarded plaintext is dropped", s.recv(100))
        except TimeoutError:
            lab.claim(True, "forwarded plaintext is dropped")
    lab.equal("and counted", before + 1, gw1.stat()["in_polvio"])


OWN = {4: "10.1.0.254", 6: "fd01::fe"}      # gw1, towards a
# Policies of gw1; what becomes of packets that it forwards, and that are for itself.
LISTS = (
    ("neither", [], "arrives", "arrives"),
    ("in discard", ["in discard"], "in_polvio", "in_polvio"),
    ("fwd discard", ["fwd discard"], "in_polvio", "arrives"),
    ("fwd none, in discard", ["fwd none", "in discard"], "arrives", "in_polvio"),
    ("fwd discard, in none", ["fwd discard", "in none"], "in_polvio", "arrives"),
    ("in require", ["in ipsec esp/transport//require"], "in_polvio", "in_polvio"),
    ("fwd require, in none", ["fwd ipsec esp/transport//require", "in none"],
     "in_polvio", "arrives"),
    ("out discard", ["out discard"], "out_polvio", "arrives"),
)


def lists(a, b, gw1):
    """The list fwd decides about forwarded packets; what it does not match, in does."""
    table = lab.Matrix("fwd and in", [f"IPv{v}: {name}" for v in HOSTS for name, *_ in LISTS])
    for name, policies, *want in LISTS:
        gw1.setkey("spdflush;" + "".join(
            f"spdadd {src} {dst} udp -P {p};\n" for src, dst in
            (("10.1.0.1", "0.0.0.0/0"), ("fd01::1", "::/0")) for p in policies))
        for v, (here, there) in HOSTS.items():
            with a.socket(here) as s, b.socket(there, 7000) as far, \
                    gw1.socket(OWN[v], 7000) as near:
                seen = [lab.fate(t, gw1.drops,
                                 lambda t=t: s.sendto(b"x", t.getsockname()[:2]), b"x")
                        for t in (far, near)]
            table.equal(f"IPv{v}: {name}", "forwarded, own", want, seen)
    table.report()


def body():
    lab.run("modprobe", "-a", "esp4", "esp6")
    a, b, gw1, gw2 = lab.gateways()
    interop(a, b, gw1, gw2)
    lab.equal("ours dropped nothing", {}, gw1.drops())
    gw2.ip("xfrm state flush\nxfrm policy flush")
    for v in 4, 6:
        ours(gw1, v, v, 0x2000)
        ours(gw2, v, v, 0x2000)
        sizes(a, b, gw1, v)
    plaintext(a, b, gw1, gw2)
    lists(a, b, gw1)


lab.main(body)
