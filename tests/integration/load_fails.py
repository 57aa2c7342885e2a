#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Loading fails: late, and in the debug kernel at every allocation of the module's first
function.

It says why, or does without, and leaves nothing behind: no files, no PF_KEY, nothing in
namespaces, old or new. Meanwhile sockets with policies of an earlier load send, and
PF_KEY is asked for. A module of the test bed makes the n-th allocation fail, see
guest/trap; what was lost is seen at the end of all cases, when kmemleak looks.
"""
import contextlib
import ctypes
import mmap
import os
import signal
import socket
import time

import detectors
import lab
import oom
import sock_client
from pfkey_client import *

MODULE = "/ipsec/ipsec.ko"
FINIT_MODULE, DELETE_MODULE = 313, 176
FAULTS = os.path.exists(oom.NTH)
ALG = "-E aes-gcm-16 0x" + "5a" * 20
MANY = 2000
# Of our handlers of protocols, see net/hook.c.
PRIORITY = 1000
# What the restless one is told, and what it tells: to keep its PF_KEY sockets, and how
# often it had one.
KEEP, OPENED = 0, 1


def load():
    """The errno's name."""
    fd = os.open(MODULE, os.O_RDONLY | os.O_CLOEXEC)
    err = lab.LIBC.syscall(FINIT_MODULE, fd, b"", 0) and ctypes.get_errno()
    os.close(fd)
    return name(err)


def load_short(nth):
    """The errno's name, and how many allocations there were, 0 when the n-th one failed."""
    detectors.spring(f"load {nth}")
    seen = load()
    left = detectors.told()[0]
    return seen, left and nth - left


def unload():
    """As soon as nobody has a PF_KEY socket."""
    while lab.LIBC.syscall(DELETE_MODULE, b"ipsec", os.O_NONBLOCK):
        if ctypes.get_errno() != errno.EAGAIN:
            raise OSError(ctypes.get_errno(), "delete_module")
        time.sleep(0.01)


def without():
    """What is wrong with a kernel that has no such module."""
    wrong = lab.left()
    try:
        Client().sock.close()
        wrong.append("PF_KEY")
    except OSError as err:
        if err.errno != errno.EAFNOSUPPORT:
            wrong.append(name(err.errno))
    return wrong


def restless(a, b, seen):
    """What may come between any two steps of loading that wait."""
    pid = os.fork()
    if pid:
        return pid
    with a.socket(lab.A4) as s, b.socket(lab.B4, 7000, timeout=0) as t:
        sock_client.give(s, *sock_client.both(sock_client.request()))
        while True:
            with contextlib.suppress(OSError):
                s.sendto(b"by policy", (lab.B4, 7000))
            with contextlib.suppress(OSError):
                t.recv(100)
            with contextlib.suppress(OSError), a.entered():
                client = Client()
                seen[OPENED] = min(seen[OPENED] + 1, 255)
                client.ask(ADD, ESP, esp(0x1000))
                while seen[KEEP]:
                    time.sleep(0.001)
                client.sock.close()
            time.sleep(0)


def passes(a, b, spi):
    """What two hosts send is protected, and arrives."""
    for host in a, b:
        host.setkey(lab.between(host, lab.A4, lab.B4, spi, ALG))
    with a.socket(lab.A4) as s, b.socket(lab.B4, 7009) as t:
        wire = lab.Wire(a)
        s.sendto(b"after", (lab.B4, 7009))
        got = t.recv(100)
        seen = {f.proto for f in wire.frames() if b"after" in f.data or f.proto == 50}
    for host in a, b:
        host.setkey("flush; spdflush;")
    return got, seen


def each_failure(whole):
    """Loads the module again and again, until none of its allocations fails. What it
    does without, as the kernel does without its notes for kmemleak, costs it nothing."""
    kinds, wrong = {}, []
    for nth in range(1, MANY):
        seen, total = load_short(nth)
        kinds[seen] = kinds.get(seen, 0) + 1
        if seen == "0":
            if total:
                break
            if lab.left() != whole:
                wrong.append((nth, lab.left()))
            unload()
        if seen not in ("0", "ENOMEM") or without():
            wrong.append((nth, seen, without()))
    lab.claim(not wrong and kinds.get("ENOMEM", 0) > 20 and total,
              "each allocation failed once: ENOMEM, and nothing is left",
              (nth, total, kinds, wrong[:5]))
    print(f"# note load_fails: {nth - 1} allocations, {kinds}", flush=True)


def late(seen):
    """Somebody else has the place of one of our handlers, so the last but one step fails;
    PF_KEY sockets, which hold a module that is loaded, must not be there yet."""
    seen[KEEP], seen[OPENED] = 1, 0
    detectors.spring(f"claim {PRIORITY}")
    errors = {load() for _ in range(10)}
    detectors.spring("yield")
    # Newer kernels say EEXIST only of a module that is there already.
    lab.claim(errors in ({"EEXIST"}, {"EBUSY"}), "a late step fails: errno", errors)
    lab.equal("PF_KEY sockets, and what is left", (0, []), (seen[OPENED], without()))
    seen[KEEP] = 0


def body():
    if FAULTS:
        oom.prepare()
    a, b, whole = *lab.hosts(), lab.left()
    for host in a, b:       # caches, ciphers
        host.setkey(lab.between(host, lab.A4, lab.B4, 0x100, ALG))
    with open(os.environ["work"] + "/expected", "a") as f:
        f.write("? ^sysctl could not get directory: /net/\n? ^CPU: 0 PID: .* Comm: run \n")
    seen = mmap.mmap(-1, 4096)
    pid = restless(a, b, seen)
    while not seen[OPENED]:
        time.sleep(0.01)
    unload()
    lab.equal("the module is gone", [], without())
    late(seen)
    if FAULTS:
        each_failure(whole)
    else:
        lab.equal("then it loads", "0", load())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    lab.equal("old namespaces do as ever", (b"after", {50}), passes(a, b, 0x3000))
    for host in a, b:
        host.close()
    lab.ip("netns del a\nnetns del b\n")
    lab.equal("and so do new ones", (b"after", {50}), passes(*lab.hosts(), 0x4000))


lab.main(body)
