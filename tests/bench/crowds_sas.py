#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU is kept from its most urgent task while there are crowds of SAs
between the same two ends, in instructions: they end all at once, by time, by requests,
because they gave way or with their namespace, or are walked past. Run by
tests/bench/guest.

The same memory is freed without us as a control: of 100,000 SAs it is 200 MB, and the
kernel gives pages back by the thousand, with interrupts off.
"""
import socket
import struct
import sys
import time

from watch import lab, crowd
from batch import Batch
import pfkey_client as pfkey
from pfkey_client import ends, ext, key, message, policy, request, sa, sa2

FIRST, SPI_AT, LIFE = 0x10000, 16 + 4, 60
SNDBUFFORCE = 32


def lifetime(seconds):
    return ext(3, struct.pack("=IQQQ", 0, 0, seconds, 0))


def fill(c, count, life=0, kind=pfkey.ADD, reqid=0):
    """SAs between two ends, with keys or only reserved."""
    if kind == pfkey.ADD:
        raw = message(kind, pfkey.ESP, sa(0, encrypt=11, replay=0) + sa2(0, reqid) + ends()
                      + key(9, b"") + (lifetime(life) if life else b""))
        at = SPI_AT
    else:
        raw = message(kind, pfkey.ESP, sa2(0, reqid) + ends() + pfkey.spirange(1, 1))
        at = raw.index(pfkey.spirange(1, 1)) + 4
    batch = Batch(len(raw), raw)
    for start in range(FIRST, FIRST + count, batch.ROOM):
        spis = range(start, min(start + batch.ROOM, FIRST + count))
        if kind == pfkey.ADD:
            batch.put(at, spis)
        else:
            for i, spi in enumerate(spis):
                struct.pack_into("=II", batch.bytes, i * batch.size + at, spi, spi)
        batch.send(c.sock, len(spis))
        if kind != pfkey.ADD:
            c.drain_all()


def left():
    """SAs that a dump tells of, at most one is asked for."""
    c = pfkey.Client()
    c.sock.send(message(pfkey.DUMP, 0))
    reply = c.recv()
    c.sock.close()
    return reply.type == pfkey.DUMP and not reply.errno


def gone(seconds):
    end = time.monotonic() + seconds
    while left() and time.monotonic() < end:
        time.sleep(0.05)
    if left():
        raise RuntimeError("SAs stay")


def datagrams(s, count):
    for port in range(count):
        try:
            s.sendto(b"", ("10.0.0.2", 1000 + port))
        except OSError:
            pass


def control(watches, count):
    """As many buffers of the socket layer, as large as an SA is, are freed one by one."""
    pairs = []
    for start in range(0, count, 250):
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        pair[0].setsockopt(socket.SOL_SOCKET, SNDBUFFORCE, 1 << 21)
        for _ in range(250):
            pair[0].send(bytes(1500))
        pairs.append(pair)
    with watches.watch("control: datagrams of no IPsec are received"):
        for _, there in pairs:
            for _ in range(250):
                there.recv(1500)


def inside(watches):
    c, quiet = pfkey.Client(), pfkey.Client()
    quiet.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    c.ask(pfkey.SPDADD, 0, ends(proto=17) + policy(requests=request()))
    # What the ciphers need is loaded: the kernel verifies modules without a pause.
    fill(quiet, 1)
    c.ask(pfkey.FLUSH, 0)
    begin = time.monotonic()
    with watches.watch("ADD of all"):
        fill(quiet, COUNT, life=LIFE)
    wait = begin + LIFE - time.monotonic()
    if wait < 1:
        raise RuntimeError(f"loading {COUNT} SAs took {LIFE - wait:.1f} s")
    with watches.watch("datagrams among many that send"):
        datagrams(s, 50)
    with watches.watch("nothing"):
        time.sleep(max(0, wait - 2))
    with watches.watch("all end by their lifetime"):
        gone(60)
    fill(quiet, COUNT)
    with watches.watch("DELETE of all between two ends"):
        c.ask(pfkey.DELETE, pfkey.ESP, ends())
    fill(quiet, COUNT, life=86400)
    with open("/proc/sys/net/key/preferred_oldsa", "w") as f:
        f.write("0")
    with watches.watch("all but the newest give way"):
        datagrams(s, 2)
        time.sleep(5)
    c.ask(pfkey.FLUSH, 0)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    fill(c, COUNT, kind=pfkey.GETSPI)
    with watches.watch("datagrams among many that wait for keys"):
        datagrams(s, 50)
    with watches.watch("a dump of another protocol, none there"):
        c.ask(pfkey.DUMP, pfkey.AH)
    with watches.watch("ipsecwhy"):
        lab.run("bash", "-c", "ipsecwhy out 10.0.0.1 10.0.0.2 udp >/dev/null || :")
    with watches.watch("FLUSH"):
        c.ask(pfkey.FLUSH, 0)
    control(watches, COUNT)
    fill(quiet, COUNT)


def main():
    with open("/proc/sys/net/core/rmem_max", "w") as f:
        f.write(str(1 << 20))
    with open("/proc/sys/net/unix/max_dgram_qlen", "w") as f:
        f.write("512")
    return crowd("sas", f"{COUNT} SAs between two ends", inside)


COUNT = int(sys.argv[1])
sys.exit(main())
