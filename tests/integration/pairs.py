#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams between the pairs of addresses that lib.sh makes.

pairs.py serve NS COMBOS        echo what comes to NS's addresses, for ever
pairs.py ask NS COMBOS SIZE     three datagrams from each, and a claim for each
"""
import os
import select
import socket
import sys

PORT = 7777


def pairs(ns, combos):
    """(name, family, own address, the other's) of each line of COMBOS."""
    me, other = (1, 2) if ns == "a" else (2, 1)
    for line in open(combos):
        n, name, _, _, inner, _ = line.split("|")[:6]
        if inner == "4":
            yield name, socket.AF_INET, f"10.0.{me}.{n}", f"10.0.{other}.{n}"
        else:
            yield name, socket.AF_INET6, f"fd00::{me}:{n}", f"fd00::{other}:{n}"


def bound(family, address, port):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind((address, port))
    return s


def serve(ns, combos):
    poll = select.poll()
    socks = {}
    for _, family, own, _ in pairs(ns, combos):
        s = bound(family, own, PORT)
        socks[s.fileno()] = s
        poll.register(s, select.POLLIN)
    print("ready", flush=True)
    while True:
        for fd, _ in poll.poll():
            data, peer = socks[fd].recvfrom(65536)
            socks[fd].sendto(data, peer)


def ask(ns, combos, size):
    text = (b"plaintext" * size)[:size]
    for name, family, own, other in pairs(ns, combos):
        s = bound(family, own, 0)
        s.settimeout(5)
        good = 0
        try:
            for _ in range(3):
                s.sendto(text, (other, PORT))
                good += s.recv(65536) == text
        except OSError as err:
            print("not", end=" ")
            name += f": {err}"
        print(f"ok {os.environ['case']}: {name}: {good} of 3 answered",
              flush=True)


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
else:
    ask(sys.argv[2], sys.argv[3], int(sys.argv[4]))
