#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""32-bit programs on a 64-bit kernel: PF_KEY and getsockopt serve them byte for byte;
the core lets none of them set a socket's policy."""
import errno
import socket
import struct
import subprocess

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6
from sock_client import (BYPASS, ENTRUST, ESP, GUARD, IN, IPSEC, OUT, POLICY, TUNNEL, ask,
                         give, option, policy, request)

# The calls by their numbers for 32-bit programs.
READ, WRITE, GETPID, SOCKET, GETSOCKOPT, SETSOCKOPT = 3, 4, 20, 359, 365, 366
CALL, ROOM = struct.Struct("=iI5I"), 16384


class Program:
    """A 32-bit program, in a host's namespace, that makes the calls it is told."""

    def __init__(self, host, fds):
        with host.entered():
            self.run = subprocess.Popen(["/ipsec/tests/call32"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, pass_fds=fds, bufsize=0)

    def call(self, number, *args, data=b""):
        """The call's result and the buffer; arguments in lists are offsets in it."""
        pointers = sum(1 << i for i, x in enumerate(args) if isinstance(x, list))
        plain = [x[0] if isinstance(x, list) else x for x in args] + [0] * (5 - len(args))
        text = CALL.pack(number, pointers, *plain) + data.ljust(ROOM, bytes([GUARD]))
        self.run.stdin.write(text)
        answer = b""
        while len(answer) < len(text):
            more = self.run.stdout.read(len(text) - len(answer))
            if not more:
                raise RuntimeError(f"it ended: {self.run.wait()}")
            answer += more
        return CALL.unpack_from(answer)[0], answer[CALL.size:]

    def give(self, s, data, length=None):
        """setsockopt; negative the errno."""
        return self.call(SETSOCKOPT, s.fileno(), *option(s), [0],
                         len(data) if length is None else length, data=data)[0]

    def ask(self, s, direction, room):
        """As ask() of sock_client."""
        head = POLICY.pack(2, 18, 0, direction, 0, 0, 0)
        data = struct.pack("=I4x", room) + head
        result, seen = self.call(GETSOCKOPT, s.fileno(), *option(s), [8], [0], data=data)
        if result:
            return -result
        length = struct.unpack_from("=I", seen)[0]
        if any(x != GUARD for x in seen[8 + max(length, len(head)):]):
            return "bytes behind the answer changed"
        return seen[8:8 + length]

    def end(self):
        self.run.stdin.close()
        return self.run.wait(5)


def policies(a, program, s4, s6):
    """What a 64-bit program set, a 32-bit one reads; it changes nothing."""
    for s, ends in (s4, (A4, B4)), (s6, (A6, B6)):
        v = 4 if s is s4 else 6
        give(s, policy(IN, IPSEC, request(ESP)),
             policy(OUT, IPSEC, request(ESP, TUNNEL, src=ends[0], dst=ends[1])))
        want = [ask(s, d) for d in (IN, OUT)]
        lab.equal(f"IPv{v}: getsockopt gives the same bytes, none behind them changes",
                  want, [program.ask(s, d, 512) for d in (IN, OUT)])
        lab.equal(f"IPv{v}: getsockopt into short buffers",
                  [errno.EINVAL] + [ask(s, OUT, n) for n in (16, 17, 47)],
                  [program.ask(s, OUT, n) for n in (15, 16, 17, 47)])
        lab.equal(f"IPv{v}: setsockopt is refused by the core",
                  [-errno.EOPNOTSUPP] * 4,
                  [program.give(s, x) for x in (
                      policy(OUT, BYPASS), policy(IN, ENTRUST),
                      policy(OUT, IPSEC, request(ESP)), bytes(200))])
        lab.equal(f"IPv{v}: and so are an empty and a long one", [-errno.EMSGSIZE] * 2,
                  [program.give(s, b"", 0), program.give(s, bytes(4097))])
        lab.equal(f"IPv{v}: nothing changed", want, [ask(s, d) for d in (IN, OUT)])
        lab.equal(f"IPv{v}: NULL takes the policies back", (0, [ENTRUST] * 2),
                  (program.call(SETSOCKOPT, s.fileno(), *option(s), 0, 0)[0],
                   [ask(s, d)[4] for d in (IN, OUT)]))


def exchanged(program, fd, text):
    """Messages that PF_KEY answers with, to a 32-bit program, and nobody else's."""
    while program.call(READ, fd, [0], ROOM)[0] > 0:
        pass
    lab.equal("PF_KEY: a message is written", len(text),
              program.call(WRITE, fd, [0], len(text), data=text)[0])
    seen = []
    while True:
        length, data = program.call(READ, fd, [0], ROOM)
        if length < 0:
            return seen if length == -errno.EAGAIN else seen + [length]
        seen.append(data[:length])


def differ(some, others):
    """Where two lists of messages do: their lengths, or message, offset and bytes."""
    if [len(x) for x in some] != [len(x) for x in others]:
        return [len(x) for x in some], [len(x) for x in others]
    return [(i, at, *pair) for i, (x, y) in enumerate(zip(some, others))
            for at, pair in enumerate(zip(x, y)) if pair[0] != pair[1]]


def pf_key(a, program):
    """Every kind of message is the same for programs of both sizes."""
    fd, _ = program.call(SOCKET, pfkey.AF_KEY,
                         socket.SOCK_RAW | socket.SOCK_NONBLOCK, pfkey.PF_KEY_V2)
    lab.claim(fd > 0, "PF_KEY: a socket", fd)
    with a.entered():
        other = pfkey.Client()
    pid, sa, ends = program.run.pid, pfkey.sa(0x1234), pfkey.ends()
    changes = (
        ("ADD", pfkey.ADD, pfkey.ESP, pfkey.esp(0x1234)),
        ("SPDADD", pfkey.SPDADD, 0, pfkey.ends() + pfkey.policy(
            OUT, IPSEC, pfkey.request(mode=2, pair=(A4, B4)))))
    for name, kind, satype, body in changes:
        seen = exchanged(program, fd, pfkey.message(kind, satype, body, pid=pid))
        lab.equal(f"PF_KEY: {name} is answered, and others hear the same",
                  (0, []), (pfkey.Reply(seen[0]).errno,
                            differ(seen, [m.raw for m in other.drain()])))
    for name, kind, satype, body in (
            ("REGISTER", pfkey.REGISTER, pfkey.ESP, b""), ("DUMP", pfkey.DUMP, 0, b""),
            ("GET", pfkey.GET, pfkey.ESP, sa + ends), ("SPDDUMP", pfkey.SPDDUMP, 0, b"")):
        text = pfkey.message(kind, satype, body, seq=7, pid=pid)
        seen = exchanged(program, fd, text)
        other.drain_all()
        other.sock.send(text)
        lab.equal(f"PF_KEY: {name} is answered, byte for byte as for 64 bits",
                  (True, []), (len(seen[0]) > 16,
                               differ(seen, [m.raw for m in other.drain()])))
    other.sock.close()


def body():
    a, _ = lab.hosts()
    with a.entered():
        s4, s6 = (socket.socket(f, socket.SOCK_DGRAM)
                  for f in (socket.AF_INET, socket.AF_INET6))
    program = Program(a, [s4.fileno(), s6.fileno()])
    lab.equal("its calls are those of 32 bits", program.run.pid, program.call(GETPID)[0])
    policies(a, program, s4, s6)
    pf_key(a, program)
    lab.equal("it ends", 0, program.end())
    for s in s4, s6:
        s.close()


lab.main(body)
