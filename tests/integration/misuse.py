#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""PF_KEY misused: a clear error, nothing that was loaded is lost, and nobody
learns what is not his.
"""
import ctypes
import errno
import os
import random
import socket
import struct

import lab
import sock_client
from pfkey_rows import ERRORS, SENDS
from pfkey_client import *

TUNNEL = request(mode=2, pair=("192.0.2.1", "192.0.2.2"))
SECRET = bytes(range(100, 120))
LIBC = lab.LIBC
CLONE_NEWUSER = 0x10000000
LIFE = struct.pack("=IQQQ", 0, 0, 86400, 0)


def loaded():
    """Two SAs and two policies, byte for byte, as a new client sees them."""
    c, seen = Client(), []
    for kind, body in ((GET, (ESP, sa(0x4001) + ends())),
                       (GET, (AH, sa(0x4002) + ends())),
                       (SPDDUMP, (0,))):
        seen += [r.raw for r in [c.ask(kind, *body, pid=7)] + c.drain()]
    c.sock.close()
    return seen


def load_sa(c):
    r = c.ask(ADD, ESP, sa(0x4001) + sa2(2, 9) + ends() + key(9, SECRET)
              + ext(3, LIFE))
    lab.equal("loaded: an ESP SA", 0, r.errno)


def load(c):
    load_sa(c)
    for text, args in (
            ("an AH SA", (ADD, AH, sa(0x4002, auth=3, encrypt=0) + ends()
                          + key(8, SECRET))),
            ("a policy out", (SPDADD, 0, ends("10.5.0.1", "10.5.0.2")
                              + policy(requests=TUNNEL))),
            ("a policy in", (SPDADD, 0, ends("fd05::1", "fd05::2")
                             + policy(1, requests=request())))):
        lab.equal(f"loaded: {text}", 0, c.ask(*args).errno)
    return loaded()


def refused(c, before):
    for text, raw, want in SENDS:
        try:
            c.sock.send(raw)
            lab.claim(False, f"send of {text}", "no error")
        except OSError as err:
            if name(err.errno) != want:
                lab.claim(False, f"send of {text}: {want}", name(err.errno))
    wrong = []
    for text, kind, satype, body, want in ERRORS:
        if "empty" in text:
            continue
        r = c.ask(kind, satype, body)
        if r is None or name(r.errno) != want:
            wrong.append((text, want, r and name(r.errno)))
    lab.equal(f"{len(SENDS) + len(ERRORS)} refused requests, SAs and policies there",
              [], wrong)
    lab.equal("all of them are as they were", True, loaded() == before)


def mutated(c, before):
    """Requests with some bytes wrong: whatever they do, the kernel lives."""
    rnd = random.Random(2367)
    samples = [message(*args) for args in (
        (GETSPI, ESP, sa2(2, 7) + ends() + spirange(0x500, 0x5ff)),
        (ADD, ESP, esp(0x5001, auth=251)),
        (ADD, ESP, sa(0x5002, auth=3, encrypt=12) + sa2() + ends("fd00::1", "fd00::2")
         + key(8, KEY20) + key(9, KEY20[:16]) + ext(3, LIFE) + ext(4, LIFE)),
        (ADD, AH, sa(0x5003, auth=5, encrypt=0) + ends() + key(8, bytes(32))),
        (UPDATE, ESP, esp(0x5001)),
        (GET, ESP, sa(0x5001) + ends()),
        (SPDADD, 0, ends(prefix=24) + policy(requests=TUNNEL + request())),
        (SPDADD, 0, ends("fd00::1", "fd00::2") + policy(
            3, requests=request(51, 2, 3, 0, ("fd00::3", "fd00::4")))),
        (SPDUPDATE, 0, ends(port=5, proto=6) + policy(1, 1)),
        (SPDGET, 0, policy(ident=9)),
        (REGISTER, 0))]
    answers = set()
    for _ in range(3000):
        raw = bytearray(rnd.choice(samples))
        for _ in range(rnd.randint(1, 3)):
            if len(raw) > 16:
                raw[rnd.randrange(16, len(raw))] = rnd.choice((0, 1, 0xff, 0x80, 3))
        cut = rnd.randrange(16, len(raw) + 1, 8) if rnd.random() < .2 else len(raw)
        raw[4:6] = struct.pack("=H", cut // 8)
        try:
            c.sock.send(raw[:cut])
        except OSError as err:
            lab.claim(False, "a sound base header is accepted", err)
            return
        replies = c.drain()
        if len(replies) != 1:
            lab.claim(False, "each request has one reply", len(replies))
            return
        answers.add(replies[0].errno)
    lab.claim({0, errno.EINVAL, errno.EEXIST} <= answers,
              "3000 requests with wrong bytes have one reply each", answers)
    policies = [x for x in loaded() if x[1] == SPDDUMP]
    lab.equal("they took no SA away", before[:2], loaded()[:2])
    lab.claim(all(any(x[16:] == y[16:] for y in policies) for x in before[2:]),
              "and no policy", len(policies))


def short_recvmsg(sock, size):
    """(length, flags); Python's own recvmsg() knows no addresses of PF_KEY."""
    room = ctypes.create_string_buffer(size)
    iov = ctypes.create_string_buffer(struct.pack("@PN", ctypes.addressof(room), size))
    hdr = ctypes.create_string_buffer(struct.pack(
        "@PIPNPNi", 0, 0, ctypes.addressof(iov), 1, 0, 0, 0))
    got = LIBC.recvmsg(sock.fileno(), hdr, 0)
    return got, struct.unpack_from("@i", hdr.raw, struct.calcsize("@PIPNPN"))[0]


def truncated(c):
    size = len(message(GET, ESP, sa(0x4001) + ends()))
    c.sock.send(message(GET, ESP, sa(0x4001) + ends()))
    full = len(c.sock.recv(65536, socket.MSG_PEEK))
    lab.claim(full > size, "MSG_PEEK shows a reply", full)
    lab.equal("MSG_PEEK with MSG_TRUNC tells its length", full, c.sock.recv_into(
        bytearray(16), 16, socket.MSG_PEEK | socket.MSG_TRUNC))
    lab.equal("a short buffer gets what fits and is told", (16, socket.MSG_TRUNC),
              short_recvmsg(c.sock, 16))
    lab.equal("and the message is gone", None, c.recv())


def deaf(c):
    """A socket that is not read: others go on, its own requests fail."""
    s = Client()
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    heard = 0
    for i in range(40):
        heard += c.ask(ADD, ESP, esp(0x6000 + i)).errno == 0
    lab.equal("a full queue elsewhere disturbs nobody", 40, heard)
    try:
        s.sock.send(message(GETSPI, ESP, ends() + spirange(0x7000, 0x7000)))
        seen = "no error"
    except OSError as err:
        seen = name(err.errno)
    lab.equal("GETSPI whose reply has no room fails", "ENOBUFS", seen)
    lab.equal("and reserves nothing", "ESRCH",
              name(c.ask(GET, ESP, sa(0x7000) + ends()).errno))
    lost = s.drain()
    lab.claim(0 < len(lost) < 40, "the queue had a limit", len(lost))
    lab.equal("read empty, the socket works again", 0x7000,
              s.ask(GETSPI, ESP, ends() + spirange(0x7000, 0x7000)).spi())
    lab.equal("a DUMP through a queue of two messages is complete",
              list(range(42, -1, -1)), dump_seqs(s))


def dump_seqs(c):
    c.sock.send(message(DUMP, 0))
    seqs = []
    while (r := c.recv()) is not None:
        seqs.append(r.seq)
    return seqs


def spies(a, b):
    """Who listens to everything elsewhere hears nothing of us."""
    with b.entered():
        neighbour = Client()
    neighbour.ask(PROMISC, 1)
    neighbour.ask(REGISTER, ESP)
    neighbour.drain_all()
    go, done = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        # root of a user namespace of his own, and of its network
        with a.entered():
            LIBC.unshare(CLONE_NEWUSER | lab.CLONE_NEWNET)
            c = Client()
            empty = name(c.ask(DUMP, 0).errno) + name(c.ask(SPDDUMP, 0).errno)
            c.ask(PROMISC, 1)
            c.ask(REGISTER, ESP)
            c.drain_all()
            os.write(done[1], b".")
            os.read(go[0], 1)
            os.write(done[1], f"{empty} {len(c.drain_all())}".encode())
            os._exit(0)
    started = os.read(done[0], 1)
    lab.equal("root of a user namespace gets a socket there", b".", started)
    with a.entered():
        c = Client()
    c.ask(REGISTER, ESP)
    c.ask(ADD, ESP, esp(0x8001) + ext(3, struct.pack("=IQQQ", 0, 0, 1, 0)))
    c.ask(GET, ESP, sa(0x8001) + ends())
    c.ask(DUMP, 0)
    c.drain()
    c.sock.settimeout(10)
    lab.equal("an SA expires", EXPIRE, Reply(c.sock.recv(65536)).type)
    os.write(go[1], b".")
    lab.equal("he sees an empty SAD and SPD, and hears nothing", b"ENOENTENOENT 0",
              os.read(done[0], 100))
    os.waitpid(pid, 0)
    lab.equal("nor does a promiscuous socket of another namespace", [],
              neighbour.drain_all())


PARAMETER = "/sys/module/ipsec/parameters/user_namespaces"
TRIED = {"Y": "0 0 0", "N": "EPERM EPERM EPERM"}


def tried():
    """PF_KEY, and a socket's policy, set and read: errnos."""
    said = []
    try:
        Client().sock.close()
        said.append("0")
    except OSError as err:
        said.append(name(err.errno))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        said.append(name(sock_client.tried(s, sock_client.policy(2, 4))))
        got = sock_client.ask(s, 2)
        said.append("0" if isinstance(got, bytes) else name(got))
    return " ".join(said)


def as_stranger():
    """What tried() says to an unprivileged user who makes his own namespaces."""
    told, tell = os.pipe()
    pid = os.fork()
    if not pid:
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        if LIBC.unshare(CLONE_NEWUSER | lab.CLONE_NEWNET):
            os._exit(1)
        os.write(tell, tried().encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(tell)
    with open(told, "rb") as f:
        return f.read().decode()


def confined(a):
    """The administrator may keep user namespaces out."""
    with open(PARAMETER, encoding="ascii") as f:
        lab.equal("user_namespaces at first", "Y\n", f.read())
    for value, want in TRIED.items():
        with open(PARAMETER, "w", encoding="ascii") as f:
            f.write(value)
        try:
            lab.equal(f"user_namespaces={value}: root of a user namespace", want,
                      as_stranger())
            with a.entered():
                lab.equal(f"user_namespaces={value}: root of the machine", "0 0 0",
                          tried())
        finally:
            with open(PARAMETER, "w", encoding="ascii") as f:
                f.write("Y")


def body():
    lab.ip("netns add a\nnetns add b\n")
    a, b = lab.Host("a"), lab.Host("b")
    with a.entered():
        c = Client()
        before = load(c)
        refused(c, before)
        truncated(c)
        deaf(c)
        c.ask(DELETE, ESP, ends())
        load_sa(c)
        mutated(c, loaded())
    spies(a, b)
    confined(a)


lab.main(body)
