#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that a datagram costs its sender and receiver together.

Protected because the SPD says so, or because both sockets do. Run by
tests/bench/guest, where 2 ns of the clock are one instruction.
"""
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab                                                          # noqa: E402
from lab import A4, B4                                              # noqa: E402
from sock_client import IN, IPSEC, OUT, give, policy, request       # noqa: E402

SIZE, COUNT = 100, 1000
SAS = f"flush; spdflush; add {A4} {B4} esp 0x1001 -E null -A null;"


def cost(s, t, count=COUNT):
    data = bytes(SIZE)
    begin = time.monotonic_ns()
    for _ in range(count):
        s.send(data)
        t.recv(SIZE)
    return (time.monotonic_ns() - begin) // count // 2


def measure(a, b, spd, sockets):
    for host, way in (a, "out"), (b, "in"):
        host.setkey(SAS + (f"spdadd {A4} {B4} udp -P {way} ipsec esp/transport//require;"
                           if spd else ""))
    with a.socket(A4, 7001) as s, b.socket(B4, 7000) as t:
        s.connect((B4, 7000))
        t.connect((A4, 7001))
        if sockets:
            give(s, policy(OUT, IPSEC, request()))
            give(t, policy(IN, IPSEC, request()))
        cost(s, t, 100)
        return cost(s, t)


def main():
    a, b = lab.hosts()
    never = measure(a, b, False, False)
    spd = measure(a, b, True, False)
    sockets = measure(a, b, False, True)
    for host in a, b:
        host.setkey("spdflush;")
    time.sleep(30)      # the sockets' policies are swept away, then the hooks go
    flushed = measure(a, b, False, False)
    print("A datagram sent and received: instructions, with the program's own.")
    for text, n in (("no policy yet", never), ("an SPD entry each", spd),
                    ("a socket policy each", sockets), ("no policy any more", flushed)):
        print(f"{text:26} {SIZE:5} {n:9} {n - never:+9}")
    # The counts repeat to half a percent, which is more than 30 instructions.
    return sockets > spd * 1.005 or flushed - never > max(30, never * 0.005)


sys.exit(main())
