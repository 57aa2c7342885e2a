#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU is kept from its most urgent task while there are crowds of SAs
between the same two ends, in instructions: they end all at once, by time, by requests,
because they gave way or with their namespace, or are walked past.

A task of the highest priority sleeps again and again; whatever has preemption or
bottom halves off, or does not reschedule, makes it oversleep. Run by tests/bench/guest,
where 2 ns of the clock are one instruction.
"""
import mmap
import os
import socket
import struct
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab                                                          # noqa: E402
from batch import Batch                                             # noqa: E402
import pfkey_client as pfkey                                        # noqa: E402
from pfkey_client import ends, ext, key, message, policy, request, sa, sa2  # noqa: E402

LIMIT, EXIT_LIMIT = 1000000, 2.0
FIRST, SPI_AT, LIFE = 0x10000, 16 + 4, 60
NAP = 200000        # nanoseconds


def oversleep(page):
    """The longest that this task slept too long goes into the page, until a word of it
    says that this is enough."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    worst = 0
    while not page[8]:
        begin = time.monotonic_ns()
        time.sleep(NAP / 1e9)
        worst = max(worst, time.monotonic_ns() - begin - NAP)
        struct.pack_into("=q", page, 0, worst)


class Watch:
    """What happens inside is watched; the worst is printed and kept."""
    worst = {}

    def __init__(self, text):
        self.text = text

    def __enter__(self):
        self.page = mmap.mmap(-1, 4096)
        self.task = os.fork()
        if not self.task:
            oversleep(self.page)
            os._exit(0)
        while not any(self.page[:8]):
            time.sleep(0.001)
        self.begin = time.monotonic()

    def __exit__(self, *_):
        took = time.monotonic() - self.begin
        self.page[8] = 1
        os.waitpid(self.task, 0)
        self.worst[self.text] = struct.unpack_from("=q", self.page)[0] // 2
        print(f"{self.text:40} {self.worst[self.text]:11} {took:9.2f}", flush=True)


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


def left(net):
    """SAs that a dump tells of, at most one is asked for."""
    c = pfkey.Client()
    c.sock.send(message(pfkey.DUMP, 0))
    reply = c.recv()
    c.sock.close()
    return reply.type == pfkey.DUMP and not reply.errno


def gone(net, seconds):
    end = time.monotonic() + seconds
    while left(net) and time.monotonic() < end:
        time.sleep(0.05)
    if left(net):
        raise RuntimeError("SAs stay")


def datagrams(s, count):
    for port in range(count):
        try:
            s.sendto(b"", ("10.0.0.2", 1000 + port))
        except OSError:
            pass


def inside(count):
    c, quiet = pfkey.Client(), pfkey.Client()
    quiet.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    c.ask(pfkey.SPDADD, 0, ends(proto=17) + policy(requests=request()))
    begin = time.monotonic()
    fill(quiet, count, life=LIFE)
    wait = begin + LIFE - time.monotonic()
    if wait < 1:
        raise RuntimeError(f"loading {count} SAs took {LIFE - wait:.1f} s")
    with Watch("datagrams among many that send"):
        datagrams(s, 50)
    with Watch("nothing"):
        time.sleep(max(0, wait - 2))
    with Watch("all end by their lifetime"):
        gone(c, 60)
    fill(quiet, count)
    with Watch("DELETE of all between two ends"):
        c.ask(pfkey.DELETE, pfkey.ESP, ends())
    fill(quiet, count, life=86400)
    with open("/proc/sys/net/key/preferred_oldsa", "w") as f:
        f.write("0")
    with Watch("all but the newest give way"):
        datagrams(s, 2)
        time.sleep(5)
    c.ask(pfkey.FLUSH, 0)
    c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    fill(c, count, kind=pfkey.GETSPI)
    with Watch("datagrams among many that wait for keys"):
        datagrams(s, 50)
    with Watch("a dump of another protocol, none there"):
        c.ask(pfkey.DUMP, pfkey.AH)
    with Watch("ipsecwhy"):
        lab.run("bash", "-c", "ipsecwhy out 10.0.0.1 10.0.0.2 udp >/dev/null || :")
    with Watch("FLUSH"):
        c.ask(pfkey.FLUSH, 0)
    fill(quiet, count)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100000
    lab.run("modprobe", "dummy", "numdummies=0")
    with open("/proc/sys/net/core/rmem_max", "w") as f:
        f.write(str(1 << 20))
    lab.ip("netns add crowd")
    host = lab.Host("crowd")
    host.ip("""link add dummy0 type dummy
        link set dummy0 up
        link set lo up
        addr add 10.0.0.1/24 dev dummy0
        neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev dummy0""")
    print(f"{count} SAs between two ends: longest wait in instructions, seconds of all.")
    pid = os.fork()
    if not pid:
        with host.entered():
            inside(count)
        os._exit(max(Watch.worst.values()) > LIMIT)
    failed = os.waitpid(pid, 0)[1]
    host.close()
    # A device of the namespace is gone when its stack is.
    lab.ip("link add probe0 type veth peer name probe1 netns crowd\n")
    with Watch("the namespace ends"):
        begin = time.monotonic()
        lab.run("ip", "netns", "del", "crowd")
        lab.run("rmmod", "ipsec")
        took = time.monotonic() - begin
    return failed or took > EXIT_LIMIT or max(Watch.worst.values()) > LIMIT


sys.exit(bool(main()))
