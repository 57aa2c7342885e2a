#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that the look-up of a policy costs, among few policies and many.

Datagrams leave for a device that throws them away. The flow cache knows those of
one flow; of flows in turn, more than it has room for, it knows none. The difference
is the look-up, with what it costs to put one decision in place of another.
Run by tests/bench/guest, where 2 ns of the clock are one instruction.
"""
import socket
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab                                                          # noqa: E402
import pfkey_client as pfkey                                        # noqa: E402

MANY, FLOWS = 100000, 4096


def address(i):
    return f"10.{64 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"


def cost(s, ends):
    """Of a datagram to each of these ends."""
    begin = time.monotonic_ns()
    for end in ends:
        s.sendto(b"", end)
    return (time.monotonic_ns() - begin) / len(ends) / 2


def flows(n):
    """Datagrams of one flow, and of others, which each of n policies gets as often."""
    return ([(address(0), 9)] * FLOWS,
            [(address(i * n // FLOWS), 1000 + i) for i in range(FLOWS)])


def costs(s, n):
    """Of both kinds of flows; what else the guest does can only add to it."""
    return [min(cost(s, ends) for _ in range(3)) for ends in flows(n)]


def grow(client, have, want):
    for i in range(have, want):
        client.sock.send(pfkey.message(
            pfkey.SPDADD, 0, pfkey.ends("10.0.0.1", address(i), proto=17)
            + pfkey.policy(kind=1), seq=i))
        if any(reply[2] for reply in client.drain_all()):
            raise RuntimeError("SPDADD failed")
    return want


def main():
    lab.run("modprobe", "dummy", "numdummies=0")
    lab.ip("netns add lone")
    a = lab.Host("lone")
    a.ip("""link add dummy0 type dummy
        link set dummy0 up
        link set lo up
        addr add 10.0.0.1/24 dev dummy0
        route add 10.64.0.0/10 via 10.0.0.254""")
    with a.entered():
        client = pfkey.Client()
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("10.0.0.1", 7000))
    print("Instructions of a policy's look-up, and of the rest that policies cost.")
    sizes = 1, 100, 1000, 10000, MANY
    costs(s, 1)         # a guest that has just booted is slower
    # The sender's own share depends on the addresses: without policies it is alone.
    alone = {n: costs(s, n) for n in sizes}
    have, prices = 0, {}
    for n in sizes:
        have = grow(client, have, n)
        hit, miss = (x - y for x, y in zip(costs(s, n), alone[n]))
        prices[n] = miss - hit
        print(f"{n:7} policies {prices[n]:9.0f} {hit:9.0f}", flush=True)
    # A few flows may have their slot of the cache to themselves.
    if a.stat()["spdcachemiss"] < 0.9 * len(sizes) * 3 * FLOWS:
        raise RuntimeError("the flow cache knew them")
    return prices[MANY] > prices[1] * 1.1


sys.exit(main())
