# SPDX-License-Identifier: GPL-2.0-only
"""Tens of thousands of policies, of each shape that a table may dislike."""
import struct

from batch import Batch
from pfkey_client import SPDADD, ends, ext, message, policy

TUPLES = 512            # of masks in one direction and family, see ipsec(4)
SRC_MASK, SRC, DST_MASK, DST = 21, 28, 45, 52           # where they are in a message


def spdadd(kind=SPDADD, lifetime=0, mask=32, direction=2):
    return message(kind, 0, ends("0.0.0.0", "0.0.0.0", prefix=mask)
                   + policy(direction, kind=1)
                   + (ext(3, struct.pack("=IQQQ", 0, 0, lifetime, 0)) if lifetime else b""))


def one(batch, numbers):
    """All share what is left of their selectors by their masks."""
    for at in SRC_MASK, DST_MASK:
        batch.bytes[at:len(numbers) * batch.size:batch.size] = bytes(len(numbers))
    batch.put(SRC, numbers)


def apart(batch, numbers):
    """All have the same masks."""
    batch.put(SRC, [0x0b000000 + n for n in numbers])


def tuples(batch, numbers):
    """Each has other masks than the one before, twice as many as there may be."""
    end = len(numbers) * batch.size
    batch.bytes[SRC_MASK:end:batch.size] = bytes(n % 32 + 1 for n in numbers)
    batch.bytes[DST_MASK:end:batch.size] = bytes(n // 32 % 32 + 1 for n in numbers)
    batch.put(SRC, [0xffffffff - n for n in numbers])
    batch.put(DST, [0xffffffff] * len(numbers))


def mixed(batch, numbers):
    """Of each something: a crowd, loners, and the tuples that are allowed."""
    tuples(batch, [n % TUPLES for n in numbers])
    batch.put(SRC, [0xff000000 + n for n in numbers])
    batch.put(DST, [0xff000000 + n % 3 * n for n in numbers])


def fill(c, shape, low, high, lifetime=lambda: 0):
    """SPDADDs whose answers nobody reads; how many are refused."""
    refused = 0
    for start in range(low, high, Batch.ROOM):
        numbers = range(start, min(start + Batch.ROOM, high))
        raw = spdadd(lifetime=lifetime())
        if start == low or lifetime():
            batch = Batch(len(raw), raw)
        shape(batch, numbers)
        refused += len(batch.offer(c.sock, len(numbers)))
    return refused
