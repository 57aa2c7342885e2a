#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A namespace can be deleted whatever is in it, and SAs end whatever they do.

Each row makes a host c with a wire of its own to a, brings it into one state
and deletes it. The kernel takes the wire away after our stack: when a's end is
gone, ours is.
"""
import contextlib
import os
import signal
import socket
import struct
import time

import lab
from pfkey_client import *

KEY = "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"
A, C = "10.7.0.1", "10.7.0.2"
MACS = "02:00:00:00:00:0c", "02:00:00:00:00:0a"
SPI = 0x1000


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def ip4(src, dst, proto, body, frag=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 7, frag, 64,
                       proto, 0, socket.inet_aton(src), socket.inet_aton(dst))
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def too_big(spi):
    """A router's complaint about an ESP packet that c is said to have sent."""
    quote = ip4(C, A, 50, struct.pack(">II", spi, 1), 0x4000)
    body = struct.pack(">BBHHH", 3, 4, 0, 0, 1300) + quote
    return ip4(A, C, 1, body[:2] + struct.pack(">H", checksum(body)) + body[4:])


class Pair:
    """a and c, and what the states do with them."""

    def __init__(self, a):
        self.a = a
        lab.run("ip", "-batch", "-",
                stdin="netns add c\n" + lab.link("a", "c0", "c", "eth0"))
        self.c = lab.Host("c")
        a.ip(f"link set c0 up address {MACS[1]}\naddr add {A}/24 dev c0")
        self.c.ip(f"link set lo up\nlink set eth0 up address {MACS[0]}\n"
                  f"addr add {C}/24 dev eth0")
        self.keep, self.inside, self.outside = [], [], []

    def rules(self, mode="transport", alg=KEY):
        """a's name comes first in lab.between()."""
        for host in self.a, self.c:
            host.setkey(lab.between(host, A, C, SPI, alg, mode))

    def client(self):
        with self.c.entered():
            return Client()

    def child(self, body):
        """A process that goes on until it is killed."""
        pid = os.fork()
        if not pid:
            self.c.close()      # it would keep the namespace
            with contextlib.suppress(OSError):
                body()
            os._exit(0)
        return pid

    def flood(self, *packets):
        """From a, as fast as it goes."""
        with self.a.entered():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        s.bind(("c0", 0))
        head = bytes.fromhex("".join(MACS).replace(":", "")) + b"\x08\x00"
        frames = [head + p for p in packets]

        def body():
            while True:
                for f in frames:
                    s.send(f)
        self.outside.append(self.child(body))

    def datagrams(self, host, own, peer, later=0):
        """Sent for ever, from so many seconds on."""
        s = host.socket(own)

        def body():
            time.sleep(later)
            while True:
                with contextlib.suppress(ConnectionRefusedError, PermissionError):
                    s.sendto(bytes(200), (peer, 7000))
        # A socket keeps its namespace: who has one there has to go first.
        where = self.inside if host is self.c else self.outside
        where.append(self.child(body))
        s.close()

    @staticmethod
    def kill(pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def gone(self, limit=20):
        """Delete c; whether a's end of the wire went with it."""
        self.c.close()
        lab.run("ip", "netns", "del", "c")
        for thing in self.keep:
            thing.close()
        self.kill(self.inside)
        deadline = time.monotonic() + limit
        path = "/proc/thread-self/net/dev"
        while time.monotonic() < deadline:
            with self.a.entered(), open(path) as f:
                if "c0:" not in f.read():
                    break
            time.sleep(0.02)
        else:
            return f"still there after {limit} s"
        self.kill(self.outside)
        return "gone"


def untouched(_):
    pass


def knobs(p):
    p.c.sysctl("net.inet.ipsec.def_policy=0", "net.inet6.ipsec6.def_policy=0")


def policies_only(p):
    p.c.setkey(f"spdadd {C} {A} any -P out ipsec esp/transport//require;"
               "spdadd ::/0 ::/0 tcp -P fwd none; spdadd 0.0.0.0/0 0.0.0.0/0 any "
               "-P in discard;")
    p.datagrams(p.c, C, A)


def sas_only(p):
    p.c.setkey(f"add {A} {C} esp 0x1000 {KEY}; add {C} {A} esp 0x1001 {KEY};"
               f"add {A} {C} ah 0x1002 -A hmac-sha1 0x{bytes(20).hex()};")


def reserved(p):
    c = p.client()
    lab.equal("20 SPIs are reserved", 20 * [0],
              [c.ask(GETSPI, ESP, ends(A, C)).errno for _ in range(20)])
    c.sock.close()


def early(p):
    """Packets that came before the keys of their SA."""
    c = p.client()
    spi = c.ask(GETSPI, ESP, ends(A, C)).spi()
    c.sock.close()
    p.a.setkey(f"add {A} {C} esp {spi} {KEY};"
               f"spdadd {A} {C} udp -P out ipsec esp/transport//require;")
    before = p.c.stat()["in_early"]
    with p.a.socket(A) as s:
        for _ in range(5):
            s.sendto(b"early", (C, 7000))
    deadline = time.monotonic() + 60
    while p.c.stat()["in_early"] < before + 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    lab.equal("packets wait for keys", before + 5, p.c.stat()["in_early"])


def limits(p):
    p.c.setkey("".join(f"add {A} {C} esp {spi} -lh 2 -ls 1 {KEY};\n"
                       for spi in range(0x2000, 0x2010)))


def dying(p):
    p.rules()
    p.c.setkey(f"flush; add {A} {C} esp {SPI} -ls 1 -lh 600 {KEY};"
               f"add {C} {A} esp {SPI + 1} -ls 1 -lh 600 {KEY};")
    p.datagrams(p.a, A, C, later=1.2)
    time.sleep(2.2)


def many(p):
    p.c.setkey("".join(f"add {A} {C} esp {spi} {KEY};\n"
                       for spi in range(0x2000, 0x2000 + 200))
               + "".join(f"spdadd {A} {C}[{n}] udp -P in ipsec "
                         "esp/transport//require;\n" for n in range(1, 101)))


def listeners(p):
    """Sockets keep a namespace; it ends when they are closed."""
    p.rules()
    p.c.setkey("".join(f"add {A} {C} esp {spi} {KEY};\n"
                       for spi in range(0x2000, 0x2000 + 100)))
    promisc, dump = p.client(), p.client()
    promisc.ask(PROMISC, 1)
    promisc.ask(REGISTER, ESP)
    dump.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    dump.sock.send(message(DUMP, 0))
    p.keep += [promisc.sock, dump.sock]


def waiting(p):
    """Packets that came through SAs wait: in a socket, for more fragments."""
    p.rules("tunnel")
    t = p.c.socket(C, 7000)
    s = p.a.socket(A)
    for _ in range(20):
        s.sendto(bytes(100), (C, 7000))
    p.keep += [t]
    with p.a.entered():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for n in range(5):
        raw.sendto(ip4(A, C, 17, bytes(64), 0x2000 | n * 64), (C, 0))
    raw.close()
    deadline = time.monotonic() + 60
    while p.c.stat()["in_success"] < 25 and time.monotonic() < deadline:
        time.sleep(0.02)
    lab.claim(p.c.stat()["in_success"] >= 25, "packets wait in the namespace",
              p.c.stat())


def leaving(p):
    """SAs that were deleted and still receive."""
    p.c.sysctl("net.key.delete_grace=3600")
    p.rules()
    p.datagrams(p.a, A, C)
    time.sleep(0.1)
    p.c.setkey(f"delete {A} {C} esp {SPI}; delete {C} {A} esp {SPI + 1};")
    lab.equal("deleted SAs are still there", 2,
              p.c.run("setkey", "-D", "-a").count("state=dead"))


def traffic(p):
    p.rules()
    p.datagrams(p.a, A, C)
    p.datagrams(p.c, C, A)


def errors(p):
    """ESP and ICMP errors about it come in until the wire is gone."""
    p.rules()
    p.flood(too_big(SPI + 1), ip4(A, C, 50, struct.pack(">II", SPI, 5) + bytes(64)),
            ip4(A, C, 50, struct.pack(">II", 0x9999, 5) + bytes(64)))


def rerouted(p):
    """Packets leave by a device of the namespace that holds our route."""
    p.c.ip("link add d0 type dummy\nlink set d0 up\naddr add 10.8.0.1/24 dev d0\n"
           "neigh add 10.8.0.2 lladdr 02:00:00:00:00:01 dev d0")
    p.c.setkey(f"add 10.8.0.1 10.8.0.2 esp 0x3000 -m tunnel {KEY};"
               f"spdadd {C} {A} any -P out ipsec "
               "esp/tunnel/10.8.0.1-10.8.0.2/require;")
    p.datagrams(p.c, C, A)
    time.sleep(0.1)


STATES = (
    ("untouched", untouched),
    ("default policy discard", knobs),
    ("policies that discard what is sent", policies_only),
    ("SAs without policies", sas_only),
    ("reserved SPIs", reserved),
    ("packets that wait for the keys of their SA", early),
    ("SAs about to end", limits),
    ("dying SAs in use", dying),
    ("200 SAs, 100 policies", many),
    ("a promiscuous socket and a dump half read", listeners),
    ("packets out of SAs in queues", waiting),
    ("SAs that are deleted but still receive", leaving),
    ("traffic both ways", traffic),
    ("ESP and ICMP errors coming in", errors),
    ("a tunnel's route in use", rerouted),
)


def ends_while_used(a):
    """Timers, packets and requests end the same SAs at the same time."""
    p = Pair(a)
    p.rules()
    with a.entered():
        mine = Client()
    c = p.client()
    c.ask(REGISTER, ESP)
    expired = 0
    # Limits of time are passed in two seconds, some SAs' bytes before: shortly
    # before, as it happens, and after. Traffic before that would be work for nothing.
    for n, pause in enumerate((1.7, 1.95, 2.6)):
        p.datagrams(p.a, A, C, later=1.5)
        for host in p.a, p.c:
            host.setkey("flush;" + "".join(
                f"add {A} {C} esp {spi} -lh 1 -bh {3000 + 100 * n} {KEY};\n"
                for spi in range(SPI, SPI + 12)))
        time.sleep(pause)
        c.sock.send(message(UPDATE, ESP, sa(SPI + 5) + ends(A, C) + key(9, KEY20)))
        c.sock.send(message(DELETE, ESP, ends(A, C)))
        mine.sock.send(message(FLUSH, 0))
        expired += sum(r[1] == EXPIRE for r in c.drain_all())
        mine.drain_all()
        p.kill(p.outside)
        p.outside.clear()
    lab.claim(expired > 0, "SAs expired meanwhile", expired)
    time.sleep(0.5)
    lab.equal("SAs that were updated, deleted, flushed and expired at once: gone",
              "ENOENT", name(c.ask(DUMP, 0).errno))
    p.keep += [c.sock, mine.sock]
    lab.equal("and so is their namespace", "gone", p.gone())


def body():
    # Said by the core when a raw socket's sender, on its way in, was late for the device.
    with open(os.environ["work"] + "/expected", "a") as f:
        f.write("? c0 selects TX queue 0, but real number of TX queues is 0\n")
    lab.run("ip", "netns", "add", "a")
    a = lab.Host("a")
    a.run("ip", "link", "set", "lo", "up")
    for text, state in STATES:
        p = Pair(a)
        state(p)
        lab.equal(f"deleted with {text}", "gone", p.gone())
    ends_while_used(a)


lab.main(body)
