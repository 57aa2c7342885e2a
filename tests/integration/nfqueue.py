# SPDX-License-Identifier: GPL-2.0-only
"""A program's end of netfilter's queue."""
import contextlib
import socket
import struct
import threading

ACCEPT, REPEAT = 1, 4
NETLINK_NETFILTER, QUEUE, ACK = 12, 3, 1 | 4
VERDICT, CONFIG = 1, 2
PACKET_HDR, PAYLOAD = 1, 10


def attr(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


class Queue:
    """A program's end of an NFQUEUE."""

    def __init__(self, host, number):
        self.number = number
        with host.entered():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                      NETLINK_NETFILTER)
        self.sock.bind((0, 0))
        self.sock.settimeout(10)
        self.ask(CONFIG, attr(1, struct.pack("=BBH", 1, 0, 0)))         # bind
        self.ask(CONFIG, attr(2, struct.pack(">IB", 0xffff, 2)))        # whole packets

    def tell(self, what, attrs, flags):
        body = struct.pack("=BB", 0, 0) + struct.pack(">H", self.number) + attrs
        self.sock.send(struct.pack("=IHHII", 16 + len(body), QUEUE << 8 | what, flags,
                                   1, 0) + body)

    def ask(self, what, attrs):
        """The errno of the answer."""
        self.tell(what, attrs, ACK)
        return -struct.unpack_from("=i", self.sock.recv(1 << 16), 16)[0]

    def receive(self):
        """The number of the next packet, and its bytes."""
        data, at, found = self.sock.recv(1 << 16), 20, {}
        while at + 4 <= len(data):
            length, kind = struct.unpack_from("=HH", data, at)
            found[kind & 0x7fff] = data[at + 4:at + length]
            at += length + 3 & ~3
        return struct.unpack_from(">I", found[PACKET_HDR])[0], found.get(PAYLOAD)

    def take(self):
        """The number of the next packet."""
        return self.receive()[0]

    @staticmethod
    def verdict(ident, what, packet=None):
        """The packet may have been changed."""
        changed = attr(PAYLOAD, packet) if packet else b""
        return attr(2, struct.pack(">II", what, ident)) + changed

    def close(self):
        self.sock.close()


@contextlib.contextmanager
def program(host, number, change=None):
    """A program that accepts what it is asked about; change makes another packet of it."""
    queue = Queue(host, number)
    queue.sock.settimeout(0.05)
    stop = threading.Event()

    def answer():
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                ident, packet = queue.receive()
                queue.tell(VERDICT, queue.verdict(
                    ident, ACCEPT, change and change(packet)), 1)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        queue.close()
