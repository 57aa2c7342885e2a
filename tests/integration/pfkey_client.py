# SPDX-License-Identifier: GPL-2.0-only
"""A PF_KEY client that sends any bytes, for the cases of pfkey.sh."""
import errno
import os
import socket
import struct

AF_KEY, PF_KEY_V2 = 15, 2
GETSPI, UPDATE, ADD, DELETE, GET, ACQUIRE, REGISTER, EXPIRE, FLUSH, DUMP, \
    PROMISC = range(1, 12)
NEW_MAPPING = 23
SPDUPDATE, SPDADD, SPDDELETE, SPDGET, SPDACQUIRE, SPDDUMP, SPDFLUSH, \
    SPDSETIDX, SPDEXPIRE, SPDDELETE2 = range(13, 23)
AH, ESP, IPCOMP = 2, 3, 9
OLD, IV4B, DERIV, ESN = 0x01, 0x10, 0x20, 0x400     # of sadb_sa_flags
BASE = struct.Struct("=BBBBHHII")
KEY20 = bytes(range(20))


def ext(kind, body):
    raw = struct.pack("=HH", 0, kind) + body
    raw += bytes(-len(raw) % 8)
    return struct.pack("=HH", len(raw) // 8, kind) + raw[4:]


def sockaddr(addr, port=0):
    if ":" in addr:
        return struct.pack("=H", 10) + struct.pack(">HI", port, 0) \
            + socket.inet_pton(socket.AF_INET6, addr) + bytes(4)
    return struct.pack("=H", 2) + struct.pack(">H", port) \
        + socket.inet_aton(addr) + bytes(8)


def address(kind, addr, prefix=None, proto=255, port=0):
    if prefix is None:
        prefix = 128 if ":" in addr else 32
    return ext(kind, struct.pack("=BBH", proto, prefix, 0) + sockaddr(addr, port))


def ends(src="10.0.0.1", dst="10.0.0.2", **kw):
    return address(5, src, **kw) + address(6, dst, **kw)


def sa(spi, auth=0, encrypt=20, replay=4, flags=0, state=0):
    return ext(1, struct.pack(">I", spi)
               + struct.pack("=BBBBI", replay, state, auth, encrypt, flags))


def sa2(mode=1, reqid=0):
    return ext(19, struct.pack("=BBHII", mode, 0, 0, 0, reqid))


def replay(window=0, sequence=0):
    """Our own extension, SADB_X_EXT_SA_REPLAY."""
    return ext(29, struct.pack("=IQ", window, sequence))


def key(kind, data, bits=None):
    return ext(kind, struct.pack("=HH", len(data) * 8 if bits is None else bits, 0)
               + data)


def identity(kind, how, name):
    """Of type 1 a prefix, 2 a host name, 3 a mailbox."""
    return ext(kind, struct.pack("=HHQ", how, 0, 0) + name)


def natt_type(kind):
    return ext(20, struct.pack("=B3x", kind))


def natt_port(which, port):
    return ext(which, struct.pack(">HH", port, 0))


def natt(sport, dport, kind=2):
    return natt_type(kind) + natt_port(21, sport) + natt_port(22, dport)


def spirange(low, high):
    return ext(16, struct.pack("=III", low, high, 0))


def request(proto=50, mode=1, level=2, reqid=0, pair=None, length=None):
    tail = sockaddr(pair[0]) + sockaddr(pair[1]) if pair else b""
    return struct.pack("=HHBBHII", 16 + len(tail) if length is None else length,
                       proto, mode, level, 0, reqid, 0) + tail


def policy(direction=2, kind=2, requests=b"", ident=0, priority=0x80000000):
    return ext(18, struct.pack("=HBBII", kind, direction, 0, ident, priority)
               + requests)


def esp(spi, **kw):
    return sa(spi, **kw) + sa2() + ends() + key(9, KEY20)


def message(kind, satype, body=b"", seq=0, pid=None, version=2, words=None):
    return BASE.pack(version, kind, 0, satype,
                     (16 + len(body)) // 8 if words is None else words, 0, seq,
                     os.getpid() if pid is None else pid) + body


# What is no field of an extension, as (offset, length); it has to be zero.
UNUSED = {5: [(6, 2)], 6: [(6, 2)], 8: [(6, 2)], 9: [(6, 2)], 14: [(4, 4)],
          15: [(4, 4)], 18: [(7, 1)], 19: [(5, 1), (6, 2)], 20: [(5, 3)],
          21: [(6, 2)], 22: [(6, 2)], 23: [(6, 2)]}


def unused_of_sockaddr(raw, at):
    """Its length, and what is no field of it."""
    if struct.unpack_from("=H", raw, at)[0] == 2:
        return 16, [(at + 8, 8)]
    return 28, [(at + 4, 4), (at + 24, 4)]


def unused(kind, raw):
    """The parts of an extension that carry nothing."""
    parts = list(UNUSED.get(kind, ()))
    if kind in (5, 6, 23):
        size, more = unused_of_sockaddr(raw, 8)
        parts += more + [(8 + size, len(raw) - 8 - size)]
    elif kind in (8, 9):
        size = (struct.unpack_from("=H", raw, 4)[0] + 7) // 8
        parts.append((8 + size, len(raw) - 8 - size))
    elif kind in (14, 15):
        parts += [(at + 6, 2) for at in range(8, len(raw), 8)]
    elif kind == 18:
        at = 16
        while at < len(raw):
            end = at + struct.unpack_from("=H", raw, at)[0]
            parts += [(at + 6, 2), (at + 12, 4)]
            at += 16
            while at < end:
                size, more = unused_of_sockaddr(raw, at)
                parts += more
                at += size
    return parts


class Reply:
    def __init__(self, raw):
        self.raw = raw
        (self.version, self.type, self.errno, self.satype, words, _, self.seq,
         self.pid) = BASE.unpack(raw[:16])
        assert words * 8 == len(raw), "length"
        self.ext = {}
        at = 16
        while at < len(raw):
            size, kind = struct.unpack_from("=HH", raw, at)
            assert size and kind not in self.ext, "extension"
            self.ext[kind] = raw[at:at + size * 8]
            for start, length in unused(kind, self.ext[kind]):
                dirt = self.ext[kind][start:start + length]
                assert not any(dirt), f"extension {kind} at {start}: {dirt.hex()}"
            at += size * 8

    def spi(self):
        return struct.unpack_from(">I", self.ext[1], 4)[0]


class Client:
    def __init__(self):
        self.sock = socket.socket(AF_KEY, socket.SOCK_RAW, PF_KEY_V2)

    def recv(self):
        """The next message that is there already, or None."""
        try:
            return Reply(self.sock.recv(65536, socket.MSG_DONTWAIT))
        except BlockingIOError:
            return None

    def ask(self, *args, **kw):
        self.sock.send(message(*args, **kw))
        return self.recv()

    def drain(self):
        seen = []
        while (r := self.recv()) is not None:
            seen.append(r)
        return seen

    def drain_all(self):
        """The base headers of all that is there, whatever follows them."""
        seen = []
        while True:
            try:
                raw = self.sock.recv(65536, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return seen
            seen.append(raw[:16])


def name(number):
    if number == errno.EOPNOTSUPP:  # Python prefers the other name
        return "EOPNOTSUPP"
    return errno.errorcode.get(number, str(number)) if number else "0"
