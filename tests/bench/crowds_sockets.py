#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU is kept from its most urgent task while there are crowds of sockets
with a policy of their own each, in instructions. Run by tests/bench/guest.

What the kernel does for closed sockets, with a policy or not, is its own: the control
are as many sockets of which all have one policy of native XFRM.
"""
import resource
import socket
import struct
import sys
import time

from watch import lab, crowd
from sock_client import ESP, IPSEC, OUT, UNIQUE, give, policy, request


def stat(word):
    with open("/proc/thread-self/net/ipsec_stat") as f:
        words = f.read().split()
    return int(words[words.index(word) + 1])


def sockets(count):
    return [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]


def close(them):
    while them:
        them.pop().close()


def inside(watches):
    them = sockets(COUNT)
    with watches.watch("each gets a policy"):
        for s in them:
            give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE)))
    if stat("sock_policies") != COUNT:
        raise RuntimeError("policies are missing")
    with watches.watch("a knob is written"):
        with open("/proc/sys/net/inet/ipsec/esp_trans_deflev", "w") as f:
            f.write("2")
    with watches.watch("a sweep that frees none"):
        time.sleep(12)
    with watches.watch("all are closed"):
        close(them)
    with watches.watch("they are swept away"):
        while stat("sock_policies"):
            time.sleep(0.1)
    them = sockets(COUNT)
    for s in them:
        s.setsockopt(socket.IPPROTO_IP, 17, NATIVE)
    with watches.watch("control: sockets with native policies are closed"):
        close(them)
    time.sleep(1)
    them = sockets(COUNT)
    for s in them:
        give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE)))
    close(them)


# struct xfrm_userpolicy_info: any packet out may pass.
NATIVE = struct.pack("=40xH14x8Q32xIIBBBB4x", socket.AF_INET, *[2 ** 64 - 1] * 4, *[0] * 4,
                     0, 0, 1, 0, 0, 0)


def main():
    with open("/proc/sys/fs/nr_open", "w") as f:
        f.write(str(1 << 20))
    lab.run("modprobe", "xfrm_user")
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 20, 1 << 20))
    return crowd("sockets", f"{COUNT} sockets with policies", inside)


COUNT = int(sys.argv[1])
sys.exit(main())
