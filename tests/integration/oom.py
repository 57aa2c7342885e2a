#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Memory runs out: at every allocation of every request, one after the other.

The debug kernel can make the n-th allocation of a task fail, or copy from or to it; what
runs in no task, as what receives a packet, fails by turns. A request that
fails must say so, and leave the SAD and the SPD as they were or as it wanted
them; that nothing is lost is asked at the end of all cases, when kmemleak looks.
"""
import contextlib
import ctypes
import errno
import os
import socket

import lab
import sock_client
from pfkey_client import *
from suites import ah_suites, suites

NTH = "/proc/thread-self/fail-nth"
FAULTS = "/sys/kernel/debug"
TUNNEL = request(mode=2, pair=("192.0.2.1", "192.0.2.2"))
MCL_CURRENT, MCL_FUTURE = 1, 2
NEVER, ROUNDS, PORT, OURS = 100000, 4, 7100, 55


class Failure:
    """Lets the n-th allocation from here on fail, and tells whether it did."""

    def __init__(self):
        self.fd = os.open(NTH, os.O_RDWR)   # while that works

    def arm(self, n):
        os.pwrite(self.fd, str(n).encode(), 0)

    def disarm(self):
        """What is left of the count; 0 when the failure was had. Copies between the
        kernel and a program count too, so the last one may fail in here."""
        try:
            left = int(os.pread(self.fd, 16, 0).strip(b"\0\n"))
        except OSError:
            return 1
        # If this is what fails, nothing is left either.
        with contextlib.suppress(OSError):
            os.pwrite(self.fd, b"0", 0)
        return left


def lock():
    """No page of this process is made while allocations fail."""
    if lab.LIBC.mlockall(MCL_CURRENT | MCL_FUTURE):
        raise OSError(ctypes.get_errno(), "mlockall")


def prepare():
    lock()
    for kind in "failslab", "fail_page_alloc", "fail_usercopy":
        for knob, value in (("verbose", "0"), ("ignore-gfp-wait", "N"),
                            ("ignore-gfp-highmem", "N"), ("min-order", "0")):
            path = f"{FAULTS}/{kind}/{knob}"
            if os.path.exists(path):
                with open(path, "w") as f:
                    f.write(value)


def answer(c):
    """The errno of the reply, or of the read when there is none."""
    r = c.recv()
    return "none" if r is None else name(r.errno)


def attempt(c, raw):
    try:
        c.sock.send(raw)
        return None
    except OSError as err:
        return name(err.errno)


def loaded(c):
    return [[r.raw[16:] for r in [c.ask(kind, 0)] + c.drain()]
            for kind in (DUMP, SPDDUMP)]


def each_failure(c, text, raw, undo):
    """raw with its 1st, 2nd, ... allocation failing, until none of them does."""
    failure, kinds, wrong, n = Failure(), {}, [], 0
    while n < 400:
        n += 1
        before = loaded(c)
        failure.arm(n)
        err = attempt(c, raw)
        missed = failure.disarm()
        seen = err or answer(c)
        c.drain()
        kinds[seen] = kinds.get(seen, 0) + 1
        if seen not in ("0", "ENOMEM", "ENOBUFS", "none", "ENOSYS", "EAGAIN",
                        "EFAULT"):
            wrong.append((n, seen))
        if seen in ("ENOMEM", "ENOSYS", "EFAULT") and loaded(c) != before:
            wrong.append((n, "not as before"))
        for body in undo:
            c.sock.send(body)
        c.drain()
        if missed:
            break
    lab.claim(not wrong and n < 400, f"{text}: {n - 1} failures", (kinds, wrong[:5]))
    lab.claim(kinds.get("0"), f"{text}: works in the end", kinds)
    return n


def requests(a, b):
    with a.entered():
        c = Client()
    with b.entered():
        fresh = Client()
    flush = message(FLUSH, ESP)
    spdflush = message(SPDFLUSH, 0)
    c.ask(ADD, ESP, esp(0x1000))
    c.ask(SPDADD, 0, ends() + policy(1, 1))
    delete = message(DELETE, ESP, sa(0x2000) + ends())
    add = message(ADD, ESP, esp(0x2000))
    add_ah = message(ADD, AH, sa(0x2001, auth=5, encrypt=0) + ends() + key(8, bytes(32)))
    spdadd = message(SPDADD, 0, ends(prefix=24) + policy(requests=TUNNEL))
    spddelete = message(SPDDELETE, 0, ends(prefix=24) + policy(2, 0))
    total = each_failure(fresh, "the first SPDADD of a namespace", spdadd,
                         [spddelete])
    for text, raw, undo in (
            ("ADD of AES-GCM", add, [delete]),
            ("ADD of AES-CBC with HMAC-SHA1", message(
                ADD, ESP, sa(0x2000, auth=3, encrypt=12) + ends() + key(8, KEY20)
                + key(9, KEY20[:16])), [delete]),
            ("ADD of AH", add_ah, [message(DELETE, AH, sa(0x2001) + ends())]),
            ("GETSPI", message(GETSPI, ESP, ends() + spirange(0x2000, 0x2000)), [delete]),
            ("UPDATE", message(UPDATE, ESP, esp(0x1000, replay=8)),
             [message(UPDATE, ESP, esp(0x1000))]),
            ("GET", message(GET, ESP, sa(0x1000) + ends()), []),
            ("DELETE", message(DELETE, ESP, sa(0x1000) + ends()),
             [message(ADD, ESP, esp(0x1000))]),
            ("SPDADD", spdadd, [spddelete]),
            ("SPDUPDATE", message(SPDUPDATE, 0, ends() + policy(1, 1, priority=9)), []),
            ("SPDDELETE", message(SPDDELETE, 0, ends() + policy(1, 0)),
             [message(SPDADD, 0, ends() + policy(1, 1))]),
            ("REGISTER", message(REGISTER, 0), []),
            ("DUMP", message(DUMP, 0), []),
            ("FLUSH", flush, [message(ADD, ESP, esp(0x1000))]),
            ("SPDFLUSH", spdflush, [])):
        total += each_failure(c, text, raw, undo)
    lab.claim(total > 150, "allocations were made to fail", total)


def packets(a, b):
    """Packets out, each allocation on their way failing once."""
    for host in a, b:
        host.setkey(lab.between(
            host, lab.A4, lab.B4, 0x3000,
            "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"))
    with a.socket(lab.A4) as s, b.socket(lab.B4, 7000) as t:
        t.settimeout(0)
        got = failed = 0
        failure, wire = Failure(), lab.Wire(a)
        for n in range(1, 60):
            missed = 0
            # Every other allocation is kmemleak's, which does without; which ones these
            # are differs where a slab has to grow for every second packet.
            for _ in range(ROUNDS):
                failure.arm(n)
                try:
                    s.sendto(bytes(3000), (lab.B4, 7000))
                except OSError:
                    failed += 1
                missed += bool(failure.disarm())
                try:
                    got += t.recv(65536) == bytes(3000)
                except BlockingIOError:
                    failed += 1
            if missed == ROUNDS:
                break
        lab.claim(missed == ROUNDS and failed > 5, "packets: each allocation failed once",
                  (n, got, failed))
        t.settimeout(5)
        s.sendto(b"after", (lab.B4, 7000))
        while (last := t.recv(65536)) == bytes(3000):
            pass
        lab.equal("and then they pass", b"after", last)
        received(s, t)
        lab.equal("no packet was in clear", 0, sum(f.clear() for f in wire.frames()))


def turn(kind, **knobs):
    for knob, value in knobs.items():
        with open(f"{FAULTS}/{kind}/{knob.replace('_', '-')}", "w") as f:
            f.write(str(value))


def received(s, t):
    """Packets in: of all allocations of the machine the n-th one fails, once; the sender's
    are among them."""
    had = arrived = 0
    t.settimeout(0)
    for kind in "failslab", "fail_page_alloc":
        turn(kind, probability=100, task_filter="N")
        for n in range(1, 50):
            turn(kind, interval=n, times=1)
            with contextlib.suppress(OSError):
                s.sendto(bytes(3000), (lab.B4, 7000))
            with open(f"{FAULTS}/{kind}/times") as f:
                had += f.read().strip() == "0"
            turn(kind, times=0)
            with contextlib.suppress(OSError):
                arrived += t.recv(65536) == bytes(3000)
        turn(kind, probability=0, interval=1, task_filter="N", times=1)
    lab.claim(had > 30 and arrived > 5, "packets in: allocations failed by turns",
              (had, arrived))
    t.settimeout(5)
    s.sendto(b"later", (lab.B4, 7000))
    while (last := t.recv(65536)) == bytes(3000):
        pass
    lab.equal("and after that they pass", b"later", last)


# What is done to a socket that already has a policy, by which it has to protect.
ON_SOCKETS = {
    "another policy": lambda s: sock_client.tried(s, sock_client.policy(
        sock_client.OUT, sock_client.IPSEC, sock_client.request(level=sock_client.USE),
        sock_client.request(proto=sock_client.AH))),
    "the same again": lambda s: sock_client.tried(s, sock_client.both(
        sock_client.request())[1]),
    "getsockopt": lambda s: sock_client.ask(s, sock_client.OUT),
}


def on_sockets(a, b):
    """A socket keeps what it had, or has what it was given."""
    for host in a, b:
        host.setkey("spdflush;")
    failure, wire = Failure(), lab.Wire(a)
    for text, action in ON_SOCKETS.items():
        kinds, n, missed, wrong = {}, 0, 0, []
        while not missed and n < 200:
            n += 1
            with a.socket(lab.A4) as s:
                sock_client.give(s, *sock_client.both(sock_client.request()))
                before = sock_client.ask(s, sock_client.OUT)
                failure.arm(n)
                seen = action(s)
                missed = failure.disarm()
                if isinstance(seen, int):
                    kinds[name(seen)] = kinds.get(name(seen), 0) + 1
                if seen not in (0, errno.ENOMEM, errno.ENOBUFS, errno.EFAULT) \
                        and not isinstance(seen, bytes):
                    wrong.append((n, seen))
                if seen and sock_client.ask(s, sock_client.OUT) != before:
                    wrong.append((n, "not as before"))
                if seen:
                    with contextlib.suppress(OSError):
                        s.sendto(b"by policy", (lab.B4, 7000))
        lab.claim(missed and n > 1 and not wrong, f"sockets, {text}: {n - 1} failures",
                  (kinds, wrong[:5]))
    lab.equal("sockets: nothing was in clear", 0, sum(f.clear() for f in wire.frames()))


def prices(a):
    """How many allocations it takes to send a datagram: by each kind of SA no more
    than in clear."""
    kinds = [(s.name, "esp" if s.cipher else "ah", mode, s.ours)
             for s in (*suites("ours", False), *ah_suites("ours"))
             for mode in ("transport", "tunnel")]
    kinds += [("deflate", "ipcomp", mode, "-C deflate") for mode in ("transport", "tunnel")]
    table = lab.Matrix("allocations", [f"{name}, {mode}" for name, _, mode, _ in kinds])
    text = "flush; spdflush;"
    for n, (_, proto, mode, algs) in enumerate(kinds, 1):
        pair = f"{lab.A4}-{lab.B4}" if mode == "tunnel" else ""
        text += (f"add {lab.A4} {lab.B4} {proto} {0x4000 + n} -m {mode} -u {n} {algs};"
                 f"spdadd {lab.A4} {lab.B4}[{PORT + n}] udp -P out ipsec"
                 f" {proto}/{mode}/{pair}/unique:{n};")
    a.setkey(text)
    failure, before = Failure(), a.stat()["out_success"]
    with a.socket(lab.A4) as s:
        def count(port):
            failure.arm(NEVER)
            s.sendto(bytes(1000), (lab.B4, port))
            return NEVER - failure.disarm()

        clear = min(count(PORT) for _ in range(ROUNDS))
        for n, (name, _, mode, _) in enumerate(kinds, 1):
            more = min(count(PORT + n) for _ in range(ROUNDS)) - clear
            table.equal(f"{name}, {mode}", "allocations more than in clear", 0,
                        max(more, 0))
    table.report()
    lab.equal("and all of them are protected", ROUNDS * len(kinds),
              a.stat()["out_success"] - before)


def namespaces():
    """A new namespace, where our part of making it fails."""
    pid = os.fork()
    if not pid:
        lock()
        failure, totals = Failure(), []
        # The first one may have to grow what all of them share.
        for _ in range(3):
            failure.arm(NEVER)
            lab.LIBC.unshare(lab.CLONE_NEWNET)
            totals.append(NEVER - failure.disarm())
        n, had, made, failed = max(totals) + 20, 0, 0, 0
        # From the last one backwards, as their number is never quite the same. Ours are
        # the last 30 to 54; loopback's queues are some thirty before.
        while had < OURS and n:
            failure.arm(n)
            err = lab.LIBC.unshare(lab.CLONE_NEWNET)
            hit = not failure.disarm()
            had += hit
            made += not err
            failed += bool(err) and hit
            n -= 1
        lab.claim(failed > 5 and made, "making a namespace failed and was undone",
                  (totals, n, had, made, failed))
        os._exit(0)
    os.waitpid(pid, 0)


def body():
    prepare()
    a, b = lab.hosts()
    # What the kernel says of them, with its stack.
    with open(os.environ["work"] + "/expected", "a") as f:
        f.write("^sysctl could not get directory: /net/\n^CPU: 0 PID: .* Comm: run \n"
                # Where loopback's queues come later than usual.
                "? ^kobject_add_internal failed for [tr]x-0 .error: -12 parent: queues\n"
                "? ^kobject: can not set name properly!\n")
    requests(a, b)
    packets(a, b)
    on_sockets(a, b)
    prices(a)
    namespaces()


if __name__ == "__main__":
    lab.main(body)
