#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""PF_KEY requests that are odd, but no mistake: what is made of each; and sends, dumps
and sockets that go wrong. What was loaded before is there after all of it."""
import array
import contextlib
import ctypes
import errno
import mmap
import os
import signal
import socket
import struct
import time

import lab
import sock_client
from pfkey_client import *
from pfkey_rows import SEL, TUNNEL, strange

LIBC = lab.LIBC
EVERYTHING = (1 << 32) - 1
STORM = 200         # packets
NOWHERE = 8         # an address in no process
SCOPED = struct.pack("=HHI16sI", 10, 0, socket.htonl(0xabcde),
                     socket.inet_pton(socket.AF_INET6, "fe80::1"), 0x7fffffff)
PLAIN = SCOPED[:4] + bytes(4) + SCOPED[8:24] + bytes(4)


def loaded():
    """Every SA and policy byte for byte, as a new client sees them."""
    c, seen = Client(), []
    for kind in DUMP, SPDDUMP:
        seen += [r.raw for r in [c.ask(kind, 0, pid=7)] + c.drain()]
    c.sock.close()
    return seen


def load(c):
    for args in ((ADD, ESP, esp(0x4001)),
                 (ADD, AH, sa(0x4002, auth=3, encrypt=0) + ends() + key(8, KEY20)),
                 (SPDADD, 0, ends("10.5.0.1", "10.5.0.2") + policy(requests=TUNNEL)),
                 (SPDADD, 0, ends("fd05::1", "fd05::2") + policy(1, requests=request()))):
        lab.equal(f"loaded: message {args[0]}", 0, c.ask(*args).errno)
    return loaded()


def policy_id(r):
    return struct.unpack_from("=I", r.ext[18], 8)[0]


def reqid_of(r):
    return struct.unpack_from("=I", r.ext[18], 16 + 8)[0]


def made(r):
    """What a reply says was made."""
    return (r.errno, sorted(r.ext))


SAME = (0, [1, 2, 3, 4, 5, 6, 19])      # an SA, whatever else was said
BASIC = sa(0x600) + sa2() + ends() + key(9, KEY20)
V6 = sa(0x600) + address(6, "fe80::2") + key(9, KEY20)
RULE = ends(proto=17) + policy(2, 1)

# Message, body, what is seen of the reply, and what should be.
ODD = (
    ("the greatest number and pid", ADD, BASIC, lambda r: (r.errno, r.seq, r.pid),
     (0, EVERYTHING, EVERYTHING)),
    ("an extension of type 27", ADD, BASIC + ext(27, bytes(4)), made, SAME),
    ("extensions of types 28, 30 and 65535, one of them twice", ADD,
     ext(28, bytes(12)) + ext(30, b"") * 2 + BASIC + ext(65535, bytes(100)), made, SAME),
    ("all extensions the other way round", ADD, key(9, KEY20) + ext(4, bytes(28))
     + address(6, "10.0.0.2") + address(5, "10.0.0.1") + sa2() + sa(0x600), made, SAME),
    ("sensitivity whose counts are wrong", ADD,
     BASIC + ext(12, struct.pack("=IBBBBI", 1, 2, 255, 3, 255, 0)), made, SAME),
    ("a proposal that ends within a combination", ADD, BASIC + ext(13, bytes(4 + 40)),
     made, SAME),
    ("supported algorithms, as if it were REGISTER's answer", ADD,
     BASIC + ext(14, bytes(12)) + ext(15, bytes(4)), made, SAME),
    ("identities of no known type", ADD, BASIC + identity(10, 9, b"") + identity(11, 9, b""),
     made, (0, [1, 2, 3, 4, 5, 6, 10, 11, 19])),
    ("current lifetime", ADD, BASIC + ext(2, struct.pack("=IQQQ", 5, 6, 1, 8)),
     lambda r: struct.unpack_from("=IQ", r.ext[2], 4), (0, 0)),
    ("a proxy address of no family", ADD, BASIC + strange(7, bytes(16)), made, SAME),
    ("a key with bytes behind it", ADD,
     sa(0x600) + ends() + ext(9, struct.pack("=HH", 160, 0) + KEY20 + b"x" * 20), made, SAME),
    ("an address of IPv4 within IPv6", ADD, sa(0x600) + key(9, KEY20)
     + ends("::ffff:10.0.0.1", "::ffff:10.0.0.2"), lambda r: r.ext[5][8:36],
     sockaddr("::ffff:10.0.0.1")),
    ("flow label and scope of an address", ADD, V6 + strange(5, SCOPED, 128),
     lambda r: r.ext[5][8:36], PLAIN),
    ("a limit that ends before it began", ADD,
     BASIC + ext(3, struct.pack("=IQQQ", 0, 0, 2, 0))
     + ext(4, struct.pack("=IQQQ", 0, 0, 2**64 - 1, 1)), made, SAME),
    ("ports of NAT-T without its type", ADD, BASIC + natt_port(21, 0), made, SAME),
    ("an SA type 255", SPDADD, RULE, lambda r: (r.errno, r.satype), (0, 255)),
    ("an id that is another policy's", SPDADD, None,
     lambda r: (r.errno, policy_id(r) % 8), (0, 1)),
    ("unique with the greatest reqid", SPDADD,
     SEL + policy(requests=request(level=3, reqid=EVERYTHING)),
     lambda r: (r.errno, reqid_of(r)), (0, EVERYTHING)),
    ("require with a reqid", SPDADD, SEL + policy(requests=request(level=2, reqid=5)),
     lambda r: (r.errno, reqid_of(r)), (0, 0)),
    ("prefixes of nothing", SPDADD, ends(prefix=0) + policy(2, 1),
     lambda r: (r.errno, r.ext[5][5]), (0, 0)),
    ("a policy between addresses of IPv4 within IPv6", SPDADD,
     ends("::ffff:10.0.0.1", "::ffff:10.0.0.2") + policy(2, 1),
     lambda r: (r.errno, r.ext[5][8:36]), (0, sockaddr("::ffff:10.0.0.1"))),
)


def odd(c, before):
    """Taken, and taken back by what its own reply says of it."""
    ident = struct.unpack_from("=I", Reply(before[2]).ext[18], 8)[0]
    for text, kind, body_, look, want in ODD:
        if body_ is None:
            body_ = ends(proto=17) + policy(2, 1, ident=ident)
        satype = ESP if kind == ADD else 255
        raw = bytearray(message(kind, satype, body_, seq=EVERYTHING, pid=EVERYTHING))
        raw[2] = errno.EINVAL               # nor does it fail for what it says of itself
        raw[6:8] = b"\xff\xff"
        c.sock.send(raw)
        r = c.recv()
        seen = None if r is None else made(r) if r.errno else look(r)
        lab.equal(f"{text}: taken", want, seen)
        if r is None or r.errno:
            continue
        if kind == ADD:
            back = c.ask(DELETE, ESP, sa(0x600) + r.ext[5] + r.ext[6])
        else:
            back = c.ask(SPDDELETE2, 0, policy(2, 0, ident=policy_id(r)))
        lab.equal(f"{text}: and taken back", 0, back.errno)
    lab.equal("odd requests leave what was loaded", before, loaded())


def ranges(c, before):
    """Every SPI of a range, then none; and the widest range of all."""
    c.drain()
    got = [c.ask(GETSPI, ESP, ends() + spirange(0x700, 0x703)) for _ in range(5)]
    lab.equal("GETSPI: each of a range of four once, then EEXIST",
              ([0x700, 0x701, 0x702, 0x703], "EEXIST"),
              (sorted(r.spi() for r in got[:4]), name(got[4].errno)))
    wide, took = [], []
    # The best of some: another one may have been kept waiting by what it shares a CPU with.
    for _ in range(5):
        start = time.monotonic()
        wide.append(c.ask(GETSPI, ESP, ends() + spirange(0x100, EVERYTHING)))
        took.append(time.monotonic() - start)
    lab.claim(all(r.errno == 0 and r.spi() >= 0x100 for r in wide) and min(took) < 1,
              "GETSPI: the widest range is as quick", ([r.errno for r in wide], took))
    for spi in 0x700, 0x701, 0x702, 0x703, *(r.spi() for r in wide):
        c.ask(DELETE, ESP, sa(spi) + ends())
    lab.equal("GETSPI: reserved and given back", before, loaded())


def socket_ids(a, c, before):
    """The policy of a socket has an id, which is no entry's."""
    with a.socket("127.0.0.1") as s:
        mine = sock_client.policy(sock_client.OUT, sock_client.BYPASS)
        sock_client.give(s, mine)
        seen = sock_client.ask(s, sock_client.OUT)
        ident = struct.unpack_from("=I", seen, 8)[0]
        lab.equal("the id of a socket's policy: for SPDGET and SPDDELETE2 there is none",
                  (4, "ENOENT", "ENOENT"),
                  (ident % 8, *(name(c.ask(kind, 0, policy(2, 0, ident=ident)).errno)
                                for kind in (SPDGET, SPDDELETE2))))
        lab.equal("and the socket keeps it", seen, sock_client.ask(s, sock_client.OUT))
    lab.equal("and what was loaded is left", before, loaded())


def failed(call, *args):
    """The errno of a C function."""
    ctypes.set_errno(0)
    return name(ctypes.get_errno()) if call(*args) == -1 else "no error"


def faults(c, before):
    """Messages that are not all there, and what comes along with one."""
    fd, raw = c.sock.fileno(), message(FLUSH, 0)
    big = message(ADD, ESP, identity(10, 2, bytes(40000)) + identity(11, 2, bytes(8))
                  + esp(0x600))
    lab.equal("send of bytes that are nowhere", "EFAULT",
              failed(LIBC.send, fd, ctypes.c_void_p(NOWHERE), len(raw), 0))
    for text, whole, first in ("a word", raw, 8), ("pages", big, 36000):
        start = ctypes.create_string_buffer(whole[:first], first)
        iov = (ctypes.c_size_t * 4)(ctypes.addressof(start), first, NOWHERE,
                                    len(whole) - first)
        lab.equal(f"writev, nothing there behind {text}", "EFAULT",
                  failed(LIBC.writev, fd, iov, 2))
    lab.equal("out-of-band data", "EOPNOTSUPP",
              failed(LIBC.send, fd, raw, len(raw), socket.MSG_OOB))
    lab.equal("none of it has an answer", None, c.recv())
    lab.equal("and FLUSH was not among it", before, loaded())

    ours, theirs = socket.socketpair()
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
    c.sock.sendmsg([message(GET, ESP, sa(0x4001) + ends())], rights)
    r = c.recv()
    lab.equal("descriptors along with a request: it is answered", (GET, 0), (r.type, r.errno))
    theirs.close()
    ours.setblocking(False)
    lab.equal("and they are not kept", b"", ours.recv(1))
    ours.close()

    c.sock.send(message(GET, ESP, sa(0x4001) + ends()))
    lab.equal("recv to nowhere", "EFAULT",
              failed(LIBC.recv, fd, ctypes.c_void_p(NOWHERE), 4096, 0))
    c.drain()
    lab.equal("and the socket works", 0, c.ask(GET, ESP, sa(0x4001) + ends()).errno)


def half_dump(text, first=1):
    """A client that has read so much of a dump which does not fit its queue."""
    slow = Client()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.sock.send(message(DUMP, IPCOMP))
    seqs = [slow.recv().seq for _ in range(first)]
    lab.claim(seqs[-1] > 100, f"{text}: a dump in the middle", seqs)
    return slow


def comp(cpi):
    return sa(cpi, encrypt=2) + sa2() + ends() + ext(3, struct.pack("=IQQQ", 0, 0, 600, 0))


def fill(c):
    for cpi in range(0x1000, 0x1000 + 300):
        c.sock.send(message(ADD, IPCOMP, comp(cpi)))
        c.sock.recv(4096)


def dumps(c, before):
    """A dump whose SAs go while it is read, and one whose reader is killed."""
    c.drain()
    fill(c)
    slow = half_dump("flushed", 5)
    lab.equal("flushed: FLUSH goes on", 0, c.ask(FLUSH, IPCOMP).errno)
    rest = [r for r in slow.drain() if r.type == DUMP]
    lab.claim(0 < len(rest) < 200 and rest[-1].seq == 0 and not any(r.errno for r in rest),
              "flushed: the reader comes to an end", (len(rest), rest and rest[-1].seq))
    lab.equal("flushed: his next dump is of nothing", "ENOENT",
              name(slow.ask(DUMP, IPCOMP).errno))
    slow.sock.close()
    fill(c)
    started = os.pipe()
    pid = os.fork()
    if not pid:
        half_dump("killed")
        os.write(started[1], b".")
        signal.pause()
    os.read(started[0], 1)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    lab.equal("killed: a dump by somebody else is complete",
              list(range(299, -1, -1)), [r.seq for r in [c.ask(DUMP, IPCOMP)] + c.drain()])
    c.ask(FLUSH, IPCOMP)
    c.drain()
    lab.equal("and nothing but those SAs is gone", before, loaded())


def answer(c, *args, seq):
    """The reply among what others cause meanwhile; any error but a wrong one."""
    c.sock.send(message(*args, seq=seq))
    with contextlib.suppress(BlockingIOError):
        while True:
            head = BASE.unpack(c.sock.recv(16, socket.MSG_DONTWAIT))
            _, kind, error, _, _, _, number, pid = head
            # Records of a dump have numbers of their own.
            if (kind, pid) == (args[0], os.getpid()) and (kind == DUMP or number == seq):
                return error
    return "none"


def racer(n, over):
    """One of several processes that do all of it at once, until they are told that it is
    over. What went wrong."""
    c, seq, count = Client(), 0, 0
    # A queue that others fill would lose what is asked for here.
    c.sock.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, 8 << 20)
    pair = ends(f"10.6.0.{n}", "10.6.1.1", proto=17)
    script = ((REGISTER, IPCOMP, b"", {0, errno.EEXIST}),
              (ADD, IPCOMP, comp(0x2000 + n), {0, errno.EEXIST}),
              (GETSPI, IPCOMP, ends(), {0}),
              (SPDADD, 0, pair + policy(2, 1), {0}),
              (DUMP, IPCOMP, b"", {0, errno.ENOENT, errno.EBUSY}),
              (SPDDELETE, 0, pair + policy(2, 0), {0}),
              (DELETE, IPCOMP, sa(0x2000 + n) + ends(), {0, errno.ESRCH}),
              (FLUSH, IPCOMP, b"", {0}))
    while not over[0] or count < 6:
        for *args, good in script:
            seq += 1
            seen = answer(c, *args, seq=seq)
            if seen not in good:
                return f"message {args[0]}: {seen}"
        count += 1
        if count % 5 == 0:
            c.sock.close()
            c = Client()
            c.sock.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, 8 << 20)
    return ""


def race(a, c, before):
    """REGISTER, ADD, FLUSH, dumps and policies at once, in a storm of ACQUIREs, and
    rmmod refused all the time."""
    a.ip("link add d0 type dummy\nlink set d0 up\naddr add 10.7.0.1/24 dev d0\n"
         "route add 10.8.0.0/16 dev d0")
    # The first REGISTER of all loads modules, for seconds.
    c.ask(REGISTER, IPCOMP)
    c.drain()
    rule = c.ask(SPDADD, 0, address(5, "10.7.0.1", proto=17)
                 + address(6, "10.8.0.0", 16, proto=17) + policy(requests=request()))
    told, tell = os.pipe()
    pids, end, over = [], time.monotonic() + 2, mmap.mmap(-1, 1)
    for n in range(1, 4):
        pids.append(os.fork())
        if not pids[-1]:
            os.write(tell, f"{racer(n, over)};".encode())
            os._exit(0)
    sent, unload, running = 0, set(), pids
    with a.socket("10.7.0.1") as s:
        while running := [p for p in running if not os.waitpid(p, os.WNOHANG)[0]]:
            # The race lasts until there was a storm, however slow both are.
            over[0] = sent >= STORM and time.monotonic() > end
            with contextlib.suppress(OSError):
                s.sendto(b"storm", (f"10.8.{sent >> 8 & 255}.{sent & 255}", 9))
            sent += 1
            time.sleep(0.001)
            if sent % 50 == 0:
                unload.add(failed(LIBC.delete_module, b"ipsec", os.O_NONBLOCK))
    lab.equal("three processes at once: each request has its one right answer", b";;;",
              os.read(told, 1000))
    lab.claim(sent >= STORM, "while packets ask for SAs", sent)
    lab.equal("and the module cannot go", {"EAGAIN"}, unload)
    c.drain_all()
    c.ask(FLUSH, IPCOMP)
    lab.equal("the policy of the storm", 0,
              c.ask(SPDDELETE2, 0, policy(2, 0, ident=policy_id(rule))).errno)
    c.drain_all()
    lab.equal("nothing of it is left, nothing else is gone", before, loaded())


def body():
    lab.ip("netns add a\n")
    a = lab.Host("a")
    a.ip("link set lo up\n")
    with a.entered():
        c = Client()
        before = load(c)
        odd(c, before)
        ranges(c, before)
        socket_ids(a, c, before)
        faults(c, before)
        dumps(c, before)
        race(a, c, before)


lab.main(body)
