#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a namespace costs from its making to its end, in microseconds of a clock that
counts instructions, 500 to the microsecond, and goes on while the kernel waits.

Run by tests/bench/guest without our module as "without", and with it loaded as
"with FIGURES". Nothing may cost more than 1.2 times what it costs without; what loads a
policy and an SA is not counted, their end is.
"""
import os
import resource
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab
from pfkey_client import ADD, ESP, SPDADD, Client, ends, esp, policy

# How many are there together, and what the kernel does with a thousand at once is cheaper.
COUNTS = 100, 1000
LIMIT = 1.2


def unused():
    pass


def used():
    c = Client()
    assert not c.ask(ADD, ESP, esp(0x1000)).errno
    assert not c.ask(SPDADD, 0, ends() + policy(kind=1)).errno
    c.sock.close()


def marker(name):
    lab.ip(f"netns add {name}\nlink add {name} type veth peer name peer netns {name}\n")


def gone(name):
    lab.run("ip", "netns", "del", name)
    while os.path.exists(f"/sys/class/net/{name}"):
        time.sleep(0.001)


def cost(prepare, count):
    """Microseconds a namespace: to make it, and to end it with the others.

    The first marker's wire goes when the last namespaces lose their devices, the second
    one's when all is over.
    """
    home, held, making = lab.PLACE.fd, [], 0
    for _ in range(count):
        begin = time.monotonic_ns()
        lab.LIBC.unshare(lab.CLONE_NEWNET)
        making += time.monotonic_ns() - begin
        held.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        prepare()
    lab.PLACE.go(home)
    marker("m1")
    marker("m2")
    begin = time.monotonic_ns()
    for fd in held:
        os.close(fd)
    gone("m1")
    gone("m2")
    ending = time.monotonic_ns() - begin
    return making // count // 1000, ending // count // 1000


def costs(prepare):
    cost(prepare, 200)      # the first ones find caches empty
    return [n for count in COUNTS for n in cost(prepare, count)]


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (8192, 8192))
    if sys.argv[1] == "without":
        print(*costs(unused))
        return 0
    before, worse = list(map(int, sys.argv[2:])), 0
    print("A namespace of so many that end together: microseconds, 500 instructions each.")
    print(f"{'':26} {'count':>5} {'without':>15} {'with':>15} {'ratio':>5}")
    for prepare in unused, used:
        seen = costs(prepare)
        for i, count in enumerate(COUNTS):
            was, now = before[2 * i:2 * i + 2], seen[2 * i:2 * i + 2]
            ratio = sum(now) / sum(was)
            print(f"{prepare.__name__:26} {count:5} {was[0]:7}+{was[1]:<7} "
                  f"{now[0]:7}+{now[1]:<7} {ratio:5.2f}", flush=True)
            worse |= ratio > LIMIT
    return worse


sys.exit(main())
