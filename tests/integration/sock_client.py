# SPDX-License-Identifier: GPL-2.0-only
"""Policies of sockets as bytes, and the two system calls that carry them."""
import ctypes
import errno
import socket
import struct

from lab import LIBC
from pfkey_client import sockaddr

IN, OUT, FWD = 1, 2, 3
DISCARD, NONE, IPSEC, ENTRUST, BYPASS = range(5)
ESP, AH, IPCOMP = 50, 51, 108
TRANSPORT, TUNNEL = 1, 2
DEFAULT, USE, REQUIRE, UNIQUE = range(4)
POLICY = struct.Struct("=HHHBBII")
GUARD = 0xa5


def request(proto=ESP, mode=TRANSPORT, level=REQUIRE, src=None, dst=None, reqid=0):
    ends = sockaddr(src) + sockaddr(dst) if src else b""
    return struct.pack("=HHBBHII", 16 + len(ends), proto, mode, level, 0, reqid, 0) + ends


def policy(direction, kind, *requests, exttype=18, number=0, priority=0, reserved=0):
    body = b"".join(requests)
    return POLICY.pack((16 + len(body)) // 8, exttype, kind, direction, reserved, number,
                       priority) + body


def option(s):
    """Level and name for a socket."""
    if s.family == socket.AF_INET6:
        return socket.IPPROTO_IPV6, 34
    return socket.IPPROTO_IP, 16


def give(s, *policies):
    for p in policies:
        s.setsockopt(*option(s), p)


def ask(s, direction, room=512, opt=None, guard=0):
    """What getsockopt says: bytes, or the errno. No byte behind them changes."""
    buf = ctypes.create_string_buffer(bytes([GUARD]) * (room + guard), room + guard)
    head = POLICY.pack(2, 18, 0, direction, 0, 0, 0)[:room]
    ctypes.memmove(buf, head, len(head))
    length = ctypes.c_uint32(room)
    level, name = opt or option(s)
    if LIBC.getsockopt(s.fileno(), level, name, buf, ctypes.byref(length)):
        return ctypes.get_errno()
    if any(x != GUARD for x in buf.raw[max(length.value, len(head)):]):
        return "bytes behind the answer changed"
    return buf.raw[:length.value]


def tried(s, data, opt=None):
    """The errno of setsockopt, 0 for none."""
    try:
        s.setsockopt(*(opt or option(s)), data)
    except OSError as err:
        return err.errno
    return 0


def name(number):
    return errno.errorcode.get(number, number)


def both(*requests):
    """The policies of a socket that protects what it sends and receives."""
    return policy(IN, IPSEC, *requests), policy(OUT, IPSEC, *requests)
