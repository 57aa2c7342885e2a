# SPDX-License-Identifier: GPL-2.0-only
"""Many messages of one size at once: what sendmmsg(2) and recvmmsg(2) want."""
import ctypes
import socket
import struct

import lab


class Vector(ctypes.Structure):
    """struct iovec."""
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Message(ctypes.Structure):
    """struct msghdr."""
    _fields_ = [("name", ctypes.c_void_p), ("name_length", ctypes.c_uint),
                ("vectors", ctypes.c_void_p), ("count", ctypes.c_size_t),
                ("control", ctypes.c_void_p), ("control_length", ctypes.c_size_t),
                ("flags", ctypes.c_int)]


class Header(ctypes.Structure):
    """struct mmsghdr."""
    _fields_ = [("message", Message), ("length", ctypes.c_uint)]


class Batch:
    """Room for many messages, which one call sends or receives and a few lines fill or
    read: a loop over each of them takes an emulated machine longer than the kernel."""

    ROOM = 500

    def __init__(self, size, raw=b""):
        self.size, self.bytes = size, bytearray(raw.ljust(size, b"\0") * self.ROOM)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self.bytes))
        self.vectors = (Vector * self.ROOM)(*(
            (start + i * size, len(raw) or size) for i in range(self.ROOM)))
        start = ctypes.addressof(self.vectors)
        self.headers = (Header * self.ROOM)(*(
            (Message(None, 0, start + i * ctypes.sizeof(Vector), 1),)
            for i in range(self.ROOM)))

    def put(self, at, words):
        """A field of the first messages, in the order of the network."""
        raw, end = struct.pack(f">{len(words)}I", *words), len(words) * self.size
        for byte in range(4):
            self.bytes[at + byte:end:self.size] = raw[byte::4]

    def words(self, at, count):
        """The same field of the first messages, in the order of the machine."""
        raw, end = bytearray(4 * count), count * self.size
        for byte in range(4):
            raw[byte::4] = self.bytes[at + byte:end:self.size]
        return struct.unpack(f"={count}I", raw)

    def send(self, sock, count):
        sent = lab.LIBC.sendmmsg(sock.fileno(), self.headers, count, 0)
        if sent != count:
            raise OSError(ctypes.get_errno(), f"{sent} of {count} messages sent")

    def offer(self, sock, count):
        """Sends them although some are refused; the errnos of these."""
        at, refused = 0, []
        while at < count:
            sent = lab.LIBC.sendmmsg(sock.fileno(), ctypes.byref(
                self.headers, at * ctypes.sizeof(Header)), count - at, 0)
            if sent < 0:
                refused.append(ctypes.get_errno())
            at += max(sent, 1)
        return refused

    def receive(self, sock, most=ROOM):
        """How many of those that are there."""
        return max(0, lab.LIBC.recvmmsg(sock.fileno(), self.headers,
                                        min(most, self.ROOM), socket.MSG_DONTWAIT, None))
