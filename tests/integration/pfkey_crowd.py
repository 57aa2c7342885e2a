#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Crowds: the longest message before many sockets that overhear it, and a thousand key
managers. Each hears what is for it, once and in order, and no CPU stops meanwhile: the
guest's kernel would say so in its log. What it costs: tests/bench/crowd.py."""
import os
import resource
import select
import socket
import struct

import lab
from pfkey_client import *

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
SPIES, CROWD = 80, 200 if DEBUG else 1000
OURS, OTHER = 29, 77                # extensions that few know, and that nobody does
UNITS = 8188
ROOM = 4 * 65536


def unit(kind, n):
    return struct.pack("=HHI", 1, kind, n)


def wrapped(raw):
    return BASE.pack(2, PROMISC, 0, 0, len(raw) // 8 + 2, 0, 0, 0) + raw


def raws(c):
    """All that is there, unread by any parser."""
    seen = []
    while True:
        try:
            seen.append(c.sock.recv(ROOM, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return seen


def spies(n, extended):
    """Promiscuous sockets; those that are extended have shown it."""
    made = []
    for i in range(n):
        c = Client()
        c.sock.setsockopt(socket.SOL_SOCKET, lab.SO_RCVBUFFORCE, ROOM)
        if i in extended:
            c.ask(GET, ESP, sa(0x9999) + ends() + replay())
        c.ask(PROMISC, 1)
        made.append(c)
    for c in made:
        raws(c)
    return made


# What is between the base header and the end, and what a socket sees that is not
# extended.
FORMS = {
    "nothing but ours": (
        [unit(OURS, i) for i in range(UNITS)], []),
    "ours and another in turn": (
        [unit((OURS, OTHER)[i % 2], i) for i in range(UNITS)],
        [unit(OTHER, i) for i in range(1, UNITS, 2)]),
    "others, then ours": (
        [unit((OTHER, OURS)[i >= UNITS // 2], i) for i in range(UNITS)],
        [unit(OTHER, i) for i in range(UNITS // 2)]),
    "none of ours": (
        [unit(OTHER, i) for i in range(UNITS)],) * 2,
    "ours on both sides of a length of 0": (
        [unit(OURS, 1), unit(OTHER, 2), struct.pack("=HHI", 0, OTHER, 3), unit(OURS, 4)],
        [unit(OTHER, 2), struct.pack("=HHI", 0, OTHER, 3), unit(OURS, 4)]),
    "ours that goes beyond the end": (
        [unit(OURS, 1), struct.pack("=HHI", 9, OURS, 2)],
        [struct.pack("=HHI", 9, OURS, 2)]),
}


def forms():
    """Eighty sockets see one message, in the form that each of them knows."""
    extended = set(range(0, SPIES, 2))
    crowd, c = spies(SPIES, extended), Client()
    table = lab.Matrix("a message before eighty promiscuous sockets", FORMS)
    for row, (sent, plain) in FORMS.items():
        raw = message(ADD, ESP, b"".join(sent), seq=5)
        c.sock.send(raw)
        answer = wrapped(raws(c)[0])
        classic = message(ADD, ESP, b"".join(plain), seq=5)
        for i, spy in enumerate(crowd):
            want = [wrapped(raw if i in extended else classic), answer]
            seen = raws(spy)
            if seen != want:
                table.equal(row, f"socket {i}", [len(m) for m in want],
                            [len(m) for m in seen])
    table.report()
    for spy in crowd:
        spy.sock.close()


def crowd_of(n):
    """Key managers. Each hears how the next one registers, so their queues are short
    until the last has."""
    made = []
    for _ in range(n):
        c = Client()
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        c.sock.send(message(REGISTER, ESP))
        made.append(c)
    for c in made:
        raws(c)
        c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    return made


def types(c):
    return [raw[1] for raw in raws(c)]


def heard(text, crowd, want):
    select.select([crowd[-1].sock], [], [], 60)
    lab.equal(f"{text}: each of {len(crowd)} hears", [want] * len(crowd),
              [types(c) for c in crowd])


def packet(a, end):
    with a.socket("10.7.0.1") as s:
        try:
            s.sendto(b"", (end, 9))
        except OSError:
            pass


def managers(a):
    """What packets, timers and other key managers say, before a thousand of them."""
    crowd, c = crowd_of(CROWD), Client()
    udp = address(5, "10.7.0.1", proto=17) + address(6, "10.8.0.0", 16, proto=17)
    lab.equal("a policy", 0, c.ask(SPDADD, 0, udp + policy(requests=request())).errno)
    heard("the policy", crowd, [SPDADD])
    packet(a, "10.8.0.1")
    heard("a packet", crowd, [ACQUIRE])
    packet(a, "10.8.0.2")
    c.ask(ACQUIRE, ESP, ends("10.7.0.1", "10.8.0.3") + ext(13, bytes(4)))
    heard("a packet, then a question: what the kernel asks comes before the echo", crowd,
          [ACQUIRE, ACQUIRE, ACQUIRE])
    packet(a, "10.8.0.4")
    late = Client()
    late.ask(REGISTER, ESP)
    heard("who registers after a packet", crowd, [ACQUIRE, REGISTER])
    lab.equal("and has not heard of it", [], types(late))
    c.ask(SPDADD, 0, ends("10.9.0.1", "10.9.0.2") + policy(kind=1)
          + ext(4 - 1, struct.pack("=IQQQ", 0, 0, 1, 0)))
    heard("another policy", crowd, [SPDADD])
    heard("its end", crowd, [SPDEXPIRE])
    late.ask(PROMISC, 1)
    for kin in crowd:
        raws(kin)
    return crowd


def asleep(crowd):
    """Readers that sleep miss what has no room, and nobody else does."""
    for i, c in enumerate(crowd):
        if i % 2:
            c.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    c = Client()
    for _ in range(20):
        c.ask(FLUSH, AH)
    seen = [types(kin) for kin in crowd]
    lab.equal("of twenty messages readers get all", {20},
              {len(kinds) for kinds in seen[::2]})
    lab.claim(all(1 <= len(kinds) < 20 for kinds in seen[1::2]),
              "and those with the shortest queues their first", seen[1])


def lost():
    with open("/proc/thread-self/net/ipsec_stat") as f:
        return dict(line.split() for line in f)["km_lost"]


def body():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4096)), hard))
    lab.ip("netns add a\n")
    a = lab.Host("a")
    a.ip("link set lo up\nlink add d0 type dummy\nlink set d0 up\n"
         "addr add 10.7.0.1/24 dev d0\nroute add 10.8.0.0/16 dev d0\n")
    with a.entered():
        forms()
        crowd = managers(a)
        asleep(crowd)
        lab.equal("no message was lost before it came to a socket", "0", lost())
        for c in crowd:
            c.sock.close()
        lab.equal("all of them close, and one more client is served", 0,
                  Client().ask(FLUSH, 0).errno)


lab.main(body)
