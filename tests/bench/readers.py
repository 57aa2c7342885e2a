#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that PF_KEY costs where there are many sockets: the longest message
before promiscuous ones, the end of a policy before key managers, and closing them.

Run by tests/bench/guest, where 2 ns of the clock are one instruction.
"""
import resource
import socket
import struct
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab                                                          # noqa: E402
from pfkey_client import *                                          # noqa: E402

SPIES, CROWD, UNITS = 80, 1000, 8188


def cost(action):
    begin = time.monotonic_ns()
    action()
    return (time.monotonic_ns() - begin) // 2


def overheard(units):
    """To send one message of so many extensions, half of them our own."""
    raw = message(ADD, ESP, (struct.pack("=HHI", 1, 77, 0)
                             + struct.pack("=HHI", 1, 29, 0)) * (units // 2))
    c, spies = Client(), [Client() for _ in range(SPIES)]
    for spy in spies:
        spy.ask(PROMISC, 1)
    for spy in spies:
        spy.drain_all()
    n = cost(lambda: c.sock.send(raw))
    for s in [c] + spies:
        s.sock.close()
    return n


def crowd():
    """To tell so many key managers of one FLUSH, and to close their sockets."""
    c, made = Client(), []
    for _ in range(CROWD):
        s = Client()
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        s.sock.send(message(REGISTER, ESP))
        made.append(s)
    for s in made:
        s.drain_all()
    told = cost(lambda: c.sock.send(message(FLUSH, 0)))
    asleep = min(cost(lambda: c.sock.send(message(FLUSH, 0))) for _ in range(5))
    closed = cost(lambda: [s.sock.close() for s in made]) // CROWD
    return told, asleep, closed


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    lab.ip("netns add readers")
    with lab.Host("readers").entered():
        for units in (UNITS // 4, UNITS):
            print(f"a message of {units} extensions before {SPIES} promiscuous sockets: "
                  f"{overheard(units)} instructions", flush=True)
        told, asleep, closed = crowd()
        print(f"a message to {CROWD} sockets: {told} instructions, {asleep} while they"
              f" sleep; to close one of them: {closed}", flush=True)


main()
