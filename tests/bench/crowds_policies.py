#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU is kept from its most urgent task while there are crowds of policies
whose masked selectors are equal, in instructions, and what a request about one of them
costs, and a packet that the flow cache does not know. Run by tests/bench/guest.
"""
import contextlib
import socket
import sys
import time

from watch import lab, crowd
from pfkey_client import SPDADD, SPDDELETE, SPDDUMP, SPDFLUSH, SPDUPDATE, Client, Reply, \
    message
from policies import TUPLES, fill, one, spdadd, tuples
from batch import Batch

FEW, TURNS, LIFE = 100, 50, 40


def left():
    """Whether a dump tells of any."""
    with contextlib.closing(Client().sock) as s:
        s.send(message(SPDDUMP, 0))
        return not Reply(s.recv(65536)).errno


def costs(c, n):
    """Instructions of a request about one policy, and of a packet of a new flow: the
    least of several turns, which nobody disturbed."""
    batch = Batch(len(spdadd()), spdadd())
    one(batch, range(n, n + 1))
    raw = bytes(batch.bytes[:batch.size])
    least = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for port in range(5):
            for text, kind in (("SPDADD", SPDADD), ("SPDUPDATE", SPDUPDATE),
                               ("SPDDELETE", SPDDELETE), ("a packet", None)):
                begin, turns = time.monotonic_ns(), 1 if kind else TURNS
                for turn in range(turns):
                    if not kind:
                        s.sendto(b"", ("127.0.0.1", 1024 + port * TURNS + turn))
                        continue
                    c.sock.send(raw[:1] + bytes([kind]) + raw[2:])
                    if Reply(c.sock.recv(4096)).errno:
                        raise RuntimeError(text)
                took = (time.monotonic_ns() - begin) // 2 // turns
                least[text] = min(took, least.get(text, took))
    return least


def inside(watches):
    c, quiet = Client(), Client()
    quiet.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    fill(quiet, one, 0, FEW)
    c.drain_all()
    with watches.unwatched():
        few = costs(c, COUNT)
    with watches.watch("SPDADD of all"):
        fill(quiet, one, FEW, COUNT)
    c.drain_all()
    with watches.unwatched():
        many = costs(c, COUNT)
    with watches.watch("SPDFLUSH"):
        c.ask(SPDFLUSH, 0)
    end = time.monotonic() + LIFE
    fill(quiet, one, 0, COUNT, lambda: max(1, int(end - time.monotonic())))
    if time.monotonic() > end - 2:
        raise RuntimeError(f"loading {COUNT} policies took too long")
    time.sleep(max(0, end - time.monotonic() - 2))
    with watches.watch("all expire"):
        while left():
            time.sleep(0.05)
    # The one that comes and goes has masks of its own.
    fill(quiet, tuples, 1, TUPLES)
    c.drain_all()
    with watches.watch(f"packets among {TUPLES} mask tuples"):
        costs(c, COUNT)
    with watches.unwatched():
        probing = costs(c, COUNT)["a packet"]
    c.ask(SPDFLUSH, 0)
    fill(quiet, one, 0, COUNT)
    print(f"Instructions among {FEW} and among {COUNT}, and to {TUPLES} masks.")
    for text in few:
        watches.compare(text, few[text], many[text])
    watches.compare("a packet, of one mask and of many", few["a packet"], probing, 20)


def main():
    return crowd("policies", f"{COUNT} policies of one masked selector", inside)


COUNT = int(sys.argv[1])
sys.exit(main())
