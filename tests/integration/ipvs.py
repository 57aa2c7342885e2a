# SPDX-License-Identifier: GPL-2.0-only
"""A balancer of IPVS, of both address families, by its own netlink."""
import contextlib
import socket
import struct

import packets
from netlink import ACK, REQUEST, attr

NETLINK_GENERIC, GENL_ID_CTRL, GETFAMILY = 16, 16, 3
NEW_SERVICE, NEW_DEST, FLUSH = 1, 5, 17
NAT, DIRECT = 0, 3


def ask(sock, kind, command, body):
    """One request; what its answer holds behind the headers."""
    sock.send(struct.pack("=IHHIIBBxx", 20 + len(body), kind, REQUEST | ACK, 1, 0, command,
                          1) + body)
    answer = sock.recv(65536)
    if struct.unpack_from("=H", answer, 4)[0] != 2:     # data, and its end comes too
        sock.recv(65536)
    elif error := -struct.unpack_from("=i", answer, 16)[0]:
        raise OSError(error, f"IPVS, command {command}")
    return answer[20:]


def family_of(sock):
    """The number of IPVS's messages."""
    raw = ask(sock, GENL_ID_CTRL, GETFAMILY, attr(2, b"IPVS\0"))
    while raw:
        length, kind = struct.unpack_from("=HH", raw)
        if kind == 1:
            return struct.unpack_from("=H", raw, 4)[0]
        raw = raw[length + 3 & ~3:]
    raise OSError("there is no IPVS")


def u16(kind, value):
    return attr(kind, struct.pack("=H", value))


def address(kind, text):
    return attr(kind, packets.binary(text).ljust(16, b"\0"))


def port(kind, value):
    return attr(kind, struct.pack(">H", value))


@contextlib.contextmanager
def balanced(host, service, number, real, how):
    """The host balances datagrams to one address and port, with one server behind it."""
    six = ":" in service
    about = (u16(1, socket.AF_INET6 if six else socket.AF_INET)
             + u16(2, socket.IPPROTO_UDP) + address(3, service) + port(4, number))
    scheduled = about + attr(6, b"rr\0") + attr(7, struct.pack("=II", 0, 0xffffffff)) \
        + attr(8, 0) + attr(9, 128 if six else 0xffffffff)
    server = address(1, real) + port(2, number) + attr(3, how) + attr(4, 1) \
        + attr(5, 0) + attr(6, 0) + u16(11, socket.AF_INET6 if six else socket.AF_INET)
    with host.entered():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    with sock:
        kind = family_of(sock)
        ask(sock, kind, FLUSH, b"")
        ask(sock, kind, NEW_SERVICE, attr(1, scheduled))
        ask(sock, kind, NEW_DEST, attr(1, about) + attr(2, server))
        try:
            yield
        finally:
            ask(sock, kind, FLUSH, b"")
