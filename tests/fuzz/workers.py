# SPDX-License-Identifier: GPL-2.0-only
"""Processes that send random messages, policies, settings and frames at once.

Each has its own numbers from the seed, so a run is repeated but for the order in which
they get their turns. One of them, and with a time instead of rounds all that send
messages, keeps those that reach new places in the module and changes them again.
"""
import contextlib
import os
import random
import signal
import socket
import struct
import time
import traceback

import coverage
import frames
import lab
import messages
import sock_client
from pfkey_client import *

UDP_ENCAP, ESPINUDP = 100, 2
SOL_PACKET, PACKET_VNET_HDR = 263, 15
# Not those that tell the kernel log of every packet, or let a request take long.
SPARED = ("debug", "spi_trycnt")
KNOBS = ("/proc/sys/net/key", "/proc/sys/net/inet/ipsec", "/proc/sys/net/inet6/ipsec6")
KINDS = ((socket.AF_INET, socket.SOCK_DGRAM, 0), (socket.AF_INET6, socket.SOCK_DGRAM, 0),
         (socket.AF_INET, socket.SOCK_STREAM, 0), (socket.AF_INET6, socket.SOCK_STREAM, 0),
         (socket.AF_INET, socket.SOCK_RAW, 1), (socket.AF_INET6, socket.SOCK_RAW, 17))


class Rounds:
    """So many, or until a time."""

    def __init__(self, count, seconds):
        self.left, self.end = count, time.monotonic() + seconds if seconds else None

    def __iter__(self):
        while self.left if self.end is None else time.monotonic() < self.end:
            self.left -= 1
            yield


def read_all(client, wrong):
    """Replies that the kernel makes are whole, and have no dirt in them."""
    while True:
        try:
            raw = client.sock.recv(1 << 17, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            continue
        if len(raw) < 16 or raw[1] != DUMP and raw[1] != GET or raw[2]:
            continue            # others pass what they sent through PROMISC
        try:
            Reply(raw)
        except (AssertionError, struct.error) as err:
            # What its maker put behind a name or a context is given back as it came.
            if not any(f"extension {kind} " in str(err) for kind in (10, 11, 24)):
                wrong.append(f"{err!r}: {raw.hex()}")


class Corpus:
    """Messages that were the first to reach a place."""

    def __init__(self, rng, guided):
        self.rng, self.kept = rng, []
        self.cover = coverage.Coverage() if guided else None

    def next(self, maker):
        if self.kept and self.rng.randrange(3) == 0:
            return maker.damaged(self.rng.choice(self.kept))
        return maker.message()

    def sent(self, raw):
        if self.cover and self.cover.new() and len(self.kept) < 5000:
            self.kept.append(raw)


def honest(raw):
    """PROMISC hands on what is in it as it is: there nothing that looks like a reply."""
    if raw[1:2] == bytes([PROMISC]) and raw[17:18] in (bytes([GET]), bytes([DUMP])):
        return raw[:17] + bytes([ADD]) + raw[18:]
    return raw


def pfkey(rng, rounds, seconds, wrong, always=False):
    maker, clients, corpus = messages.Messages(rng), [Client() for _ in range(3)], \
        Corpus(rng, seconds or always)
    for _ in rounds:
        raw = honest(corpus.next(maker))
        if corpus.cover:
            corpus.cover.begin()
        with contextlib.suppress(OSError):
            rng.choice(clients).sock.send(raw, socket.MSG_DONTWAIT)
        corpus.sent(raw)
        for client in clients:
            if not maker.one_in(3):
                read_all(client, wrong)
        if maker.one_in(100):
            at = rng.randrange(len(clients))
            clients[at].sock.close()
            clients[at] = Client()
    if corpus.cover:
        print(f"# note fuzz: messages reached {len(corpus.cover.seen)} places,"
              f" {len(corpus.kept)} were new", flush=True)
        if not corpus.kept:
            wrong.append("nothing is known of the places that messages reach")


def guided(rng, rounds, seconds, wrong):
    pfkey(rng, rounds, seconds, wrong, True)


def sockets(rng, rounds, seconds, wrong):
    maker, pool = messages.Messages(rng), []
    for _ in rounds:
        if len(pool) < 20 or maker.one_in(10):
            s = socket.socket(*rng.choice(KINDS))
            s.setblocking(False)
            pool.append(s)
        if len(pool) > 40:
            pool.pop(rng.randrange(len(pool))).close()
        s = rng.choice(pool)
        sock_client.tried(s, maker.socket_policy())
        if maker.one_in(3):
            got = sock_client.ask(s, rng.randrange(4), rng.choice((16, 17, 376, 4096)),
                                  guard=64)
            if isinstance(got, str):
                wrong.append(f"getsockopt: {got}")
        with contextlib.suppress(OSError):
            to = ("fd00::2" if s.family == socket.AF_INET6 else "10.0.0.2", 7000)
            if s.type == socket.SOCK_STREAM:
                s.connect(to)
            else:
                s.sendto(rng.randbytes(rng.randrange(2000)), to)


def knobs(rng, rounds, seconds, wrong):
    maker = messages.Messages(rng)
    paths = [f"{where}/{name}" for where in KNOBS for name in sorted(os.listdir(where))
             if name not in SPARED]
    for _ in rounds:
        time.sleep(0.01)
        with contextlib.suppress(OSError), open(rng.choice(paths), "w") as f:
            f.write(str(rng.choice((0, 1, 2, -1, 0x100, maker.number(32)))))
        text = " ".join((rng.choice(("in", "out", "fwd", "")),
                         rng.choice(messages.V4 + messages.V6), str(maker.number(16)),
                         rng.choice(messages.V4 + messages.V6), str(maker.number(16)),
                         str(maker.number(8)))).encode()
        if maker.one_in(4):
            text = rng.randbytes(rng.randrange(5000))
        with contextlib.suppress(OSError), \
                open("/proc/thread-self/net/ipsec_why", "r+b", buffering=0) as f:
            f.write(text)
            f.read(1 << 16)


def dying(rng, rounds, seconds, wrong):
    """Namespaces that end with everything in them, while it is used."""
    for _ in rounds:
        numbers = rng.getrandbits(32)
        pid = os.fork()
        if not pid:
            lab.LIBC.unshare(lab.CLONE_NEWNET)
            lab.loopback()
            maker, client = messages.Messages(random.Random(numbers)), Client()
            client.ask(REGISTER, ESP)
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock_client.tried(s, sock_client.policy(
                sock_client.OUT, sock_client.IPSEC, sock_client.request()))
            for _ in range(maker.rng.randrange(60)):
                with contextlib.suppress(OSError):
                    client.sock.send(maker.message(), socket.MSG_DONTWAIT)
                    s.sendto(b"x", ("127.0.0.1", 9))
            with contextlib.suppress(OSError):
                client.sock.send(message(DUMP, 0))
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)


def open_sas():
    """SAs that need no key, so that a frame's inside is reached."""
    c = Client()
    for family in frames.ADDRESSES.values():
        for src, dst in (family["a"], family["b"]), (family["b"], family["a"]):
            for mode, (spi, cpi) in enumerate(zip(frames.OPEN[frames.ESP],
                                                  frames.OPEN[frames.COMP]), 1):
                for kind, body in ((ESP, sa(spi, 0, 11, 0)), (AH, sa(spi + 2, 251, 0, 0)),
                                   (IPCOMP, sa(cpi, 0, 2, 0))):
                    c.sock.send(message(ADD, kind, body + sa2(mode) + ends(src, dst)))
    # What comes back may be anything: others pass it on through PROMISC.
    c.drain_all()
    c.sock.close()


def wire(rng, rounds, seconds, wrong, ends_=("a", "b")):
    """Frames from one host to the other, with and without a header of virtio's."""
    maker, taps = frames.Frames(rng), []
    for vnet in 0, 1:
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        tap.setsockopt(SOL_PACKET, PACKET_VNET_HDR, vnet)
        taps.append(tap)
    for n, _ in enumerate(rounds):
        if n % 300 == 0:
            open_sas()
        for frame in maker.frames(*ends_):
            with contextlib.suppress(OSError):
                if maker.one_in(5):
                    taps[1].sendto(maker.vnet(frame), ("eth0", 0))
                else:
                    taps[0].sendto(frame, ("eth0", 0))


def listen(host):
    """Sockets that take what comes, and hand ESP in UDP to us."""
    made = [host.socket(a, 7000) for a in (frames.ADDRESSES[f][host.name] for f in (4, 6))]
    for family in 4, 6:
        s = host.socket(frames.ADDRESSES[family][host.name], frames.NATT_PORT)
        s.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, ESPINUDP)
        made.append(s)
    return made


def worker(run, seed, host, count, seconds):
    """In a process of its own; its status tells."""
    wrong = []
    try:
        with host.entered():
            run(random.Random(seed), Rounds(count, seconds), seconds, wrong)
    except BaseException:       # the runner sees only what is printed
        wrong.append(traceback.format_exc().replace("\n", " | "))
    for text in wrong[:5]:
        print(f"# note fuzz: {run.__name__}: {text[-400:]}", flush=True)
    os._exit(bool(wrong))


def back(rng, rounds, seconds, wrong):
    wire(rng, rounds, seconds, wrong, ("b", "a"))


# What runs at once, where, and how many rounds without a time.
ROWS = ((pfkey, "a", 2000), (pfkey, "a", 1500), (guided, "b", 1500), (sockets, "a", 800),
        (knobs, "a", 100), (dying, "b", 10), (wire, "a", 2500), (back, "b", 1500))


def run_all(hosts, seed, seconds):
    """The names of the workers that found something wrong."""
    byname, pids = {h.name: h for h in hosts}, {}
    for n, (run, where, count) in enumerate(ROWS):
        pid = os.fork()
        if not pid:
            worker(run, f"{seed} {n}", byname[where], count, seconds)
        pids[pid] = run.__name__
    return [name for pid, name in pids.items() if os.waitpid(pid, 0)[1]]
