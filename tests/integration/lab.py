# SPDX-License-Identifier: GPL-2.0-only
"""What the cases in Python use: hosts made of namespaces, claims, the wire.

One process plays all hosts: it makes each socket in the namespace it belongs
to. Starting a program costs a guest up to fifty milliseconds.
"""
import contextlib
import ctypes
import errno
import functools
import os
import signal
import socket
import struct
import sys
import threading
import time

import netlink
import packets

CASE = os.environ.get("case", "case")
A4, B4, A6, B6 = "10.0.0.1", "10.0.0.2", "fd00::1", "fd00::2"
R4, R6 = "10.0.0.254", "fd00::fe"
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26
ETH_P_ALL, PACKET_OUTGOING = 3, 4
ARRIVES = "arrives"
# For the kernel's packet filter: what leaves the host goes on, and all of it is seen.
ONLY_OUTGOING = b"".join(struct.pack("=HBBI", *row) for row in (
    (0x30, 0, 0, 0xfffff004),           # A = the packet's type
    (0x15, 1, 0, PACKET_OUTGOING),      # over the next one, if it is this
    (0x06, 0, 0, 0)))
ALL = struct.pack("=HBBI", 0x06, 0, 0, 0x40000)
# What there is only as long as the module is.
OURS = [f"/proc/net/{name}" for name in ("ipsec_stat", "ipsec_why", "pfkey")] + [
    f"/proc/sys/net/{name}" for name in ("inet", "inet6", "key")] + ["/sys/module/ipsec"]
# Of the counters of packets those that do not tell of a drop.
HARMLESS = ("in_comphist", "in_early", "in_uncompr", "out_comphist", "out_uncompr")


def left():
    """What is still there of a module that is not loaded."""
    return [path for path in OURS if os.path.exists(path)]


def claim(good, text, seen=""):
    """One line of the result."""
    if good:
        print(f"ok {CASE}: {text}", flush=True)
    else:
        seen = str(seen).replace("\n", " ")[:300]
        print(f"not ok {CASE}: {text} - {seen}", flush=True)
    return good


def equal(text, want, seen):
    return claim(want == seen, text, f"wanted {want}, saw {seen}")


class Matrix:
    """A table of named rows: one claim a row, however much is asked of it.

    Announced at the start, so that tests/run misses a row that was not judged.
    """

    def __init__(self, name, rows):
        self.name, self.wrong = name, {row: [] for row in rows}
        assert len(self.wrong) == len(rows), "two rows of one name"
        print(f"# matrix {CASE} {name} {len(rows)}", flush=True)

    def equal(self, row, text, want, seen):
        if want != seen:
            self.wrong[row].append(f"{text}: wanted {want}, saw {seen}")

    def report(self):
        for row, wrong in self.wrong.items():
            claim(not wrong, f"{self.name}: {row}", "; ".join(wrong))


def run(*command, stdin=""):
    """Run a command that has to work: eight hundred of them in a guest, so without what
    subprocess does for those that may wait for each other."""
    files = [os.memfd_create(name) for name in ("in", "out", "err")]
    try:
        os.pwrite(files[0], stdin.encode(), 0)
        child = os.posix_spawnp(
            command[0], command, os.environ, setsigdef=[signal.SIGPIPE],
            file_actions=[(os.POSIX_SPAWN_DUP2, fd, n) for n, fd in enumerate(files)])
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out, err = (os.pread(fd, os.fstat(fd).st_size, 0).decode() for fd in files[1:])
    finally:
        for fd in files:
            os.close(fd)
    if status:
        raise RuntimeError(f"{' '.join(command)}: {err.strip() or status}")
    return out


def ip(text):
    """Commands of ip(8), one a line."""
    netlink.batch(text, lambda rest: run("ip", "-batch", "-", stdin=rest))


def loopback():
    """The loopback device goes up, and policies hold for it, where the thread is: by
    default its settings exempt it."""
    ip("link set lo up\n")
    for name in "disable_xfrm", "disable_policy":
        with open(f"/proc/sys/net/ipv4/conf/lo/{name}", "w") as f:
            f.write("0")


# Kernels of 7.x lost it.
UDP_LITE = socket.SOCK_DGRAM, 136


def speaks(kind, proto):
    """Whether the kernel has such sockets."""
    try:
        socket.socket(socket.AF_INET, kind, proto).close()
    except OSError as err:
        if err.errno != errno.EPROTONOSUPPORT:
            raise
        return False
    return True


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Place(threading.local):
    """Which network namespace a thread is in. Opened once for each thread: cases go
    from one to another ten thousand times."""

    def __init__(self):
        self.home = open("/proc/thread-self/ns/net", "rb", buffering=0)
        self.fd = self.home.fileno()

    def go(self, fd):
        if LIBC.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
        self.fd = fd


PLACE = Place()


class Entered:
    """A host, and the way back to where the thread came from."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        self.back = PLACE.fd
        PLACE.go(self.host.fd)
        return self.host

    def __exit__(self, *_):
        PLACE.go(self.back)


class Host:
    """A network namespace."""

    def __init__(self, name):
        self.name = name
        self.fd = os.open(f"/run/netns/{name}", os.O_RDONLY)
        self.injector = None

    def close(self):
        os.close(self.fd)
        if self.injector:
            self.injector.close()

    def entered(self):
        """Sockets and processes made meanwhile belong to the host."""
        return Entered(self)

    def run(self, *command, stdin=""):
        with self.entered():
            return run(*command, stdin=stdin)

    def ip(self, text):
        """Commands of ip(8), one a line."""
        with self.entered():
            ip(text)

    def setkey(self, text):
        self.run("setkey", "-f", "-", stdin=text)

    def sysctl(self, *settings):
        """Settings as sysctl(8) takes them, "name=value"."""
        with self.entered():
            for name, value in (s.split("=") for s in settings):
                with open(f"/proc/sys/{name.replace('.', '/')}", "w") as f:
                    f.write(value)

    def stat(self):
        """The counters of /proc/net/ipsec_stat."""
        with self.entered():
            fd = os.open("/proc/thread-self/net/ipsec_stat", os.O_RDONLY)
            words = os.read(fd, 1 << 16).decode().split()
            os.close(fd)
        return dict(zip(words[::2], map(int, words[1::2])))

    def mib(self):
        """The stack's own counters: IpInHdrErrors, Ip6ReasmFails, ..."""
        found = {}
        with self.entered():
            for name in "snmp", "netstat":
                with open(f"/proc/thread-self/net/{name}") as f:
                    rows = [line.split() for line in f]
                for names, values in zip(rows[::2], rows[1::2]):
                    group = names[0].rstrip(":")
                    found |= {group + k: int(v) for k, v in zip(names[1:], values[1:])}
            with open("/proc/thread-self/net/snmp6") as f:
                found |= {k: int(v) for k, v in map(str.split, f)}
        return found

    def drops(self):
        """The counters of packets that did not get through, if not zero."""
        return {k: v for k, v in self.stat().items()
                if v and k.startswith(("in_", "out_")) and "succ" not in k
                and k not in HARMLESS}

    def socket(self, address, port=0, kind=socket.SOCK_DGRAM, timeout=5):
        with self.entered():
            s = socket.socket(family(address), kind)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((address, port))
        s.settimeout(timeout)
        return s

    def inject(self, *frames, dev="eth0"):
        """Put frames on the wire as they are."""
        if not self.injector:       # one for all: to close it takes milliseconds
            with self.entered():
                self.injector = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for frame in frames:
            self.injector.sendto(frame, (dev, 0))


def between(host, src, dst, spi, alg, mode="transport", proto="esp", upper="any"):
    """For setkey: both SAs and both policies between a, which is src, and b."""
    out, back = ("out", "in") if host.name == "a" else ("in", "out")
    there, here = (f"{src}-{dst}", f"{dst}-{src}") if mode == "tunnel" else ("", "")
    window = "" if proto.endswith("-old") else "-r 32"
    made, proto = proto, proto.removesuffix("-old")
    return f"""
        flush; spdflush;
        add {src} {dst} {made} {spi} -m {mode} {window} {alg};
        add {dst} {src} {made} {spi + 1} -m {mode} {window} {alg};
        spdadd {src} {dst} {upper} -P {out} ipsec {proto}/{mode}/{there}/require;
        spdadd {dst} {src} {upper} -P {back} ipsec {proto}/{mode}/{here}/require;
        """


def checksummed(frame):
    """A frame whose IPv4 header has its checksum made right."""
    return frame[:14] + packets.checked(frame[14:])


def cut(frame, length):
    """The IPv4 header and as many bytes behind it."""
    return checksummed(frame[:16] + struct.pack(">H", 20 + length)
                       + frame[18:34 + length])


class KernelLog:
    """What the kernel says, from now on."""

    def __init__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.fd, 0, os.SEEK_END)
        self.kept = []

    def keep(self):
        """What is there now is for the next lines(): the kernel has little room for it."""
        self.kept = self.lines()

    def lines(self):
        """Level and text of each line since the last call."""
        seen, self.kept = self.kept, []
        while True:
            try:
                numbers, _, text = os.read(self.fd, 1 << 13).decode(
                    errors="replace").partition(";")
            except BlockingIOError:
                return seen
            except BrokenPipeError:
                numbers, text = "4", "some lines were lost"
            seen.append((int(numbers.split(",")[0]) & 7, text.split("\n")[0]))

    def ours(self):
        return [text for _, text in self.lines() if text.startswith("ipsec: ")]


@contextlib.contextmanager
def own_reports():
    """What the kernel reports meanwhile is the case's doing: on the console it is no
    failure. In the log the case has to announce it, and the lines written here."""
    def say(what):
        with open("/dev/kmsg", "w") as f:
            f.write(f"<3>test bed: reports {what} here\n")

    say("are made from")
    try:
        yield
    finally:
        say("end")


@contextlib.contextmanager
def kernel_log():
    """The lines that we say meanwhile, in the end."""
    log, lines = KernelLog(), []
    yield lines
    lines += log.ours()
    os.close(log.fd)


def risen(host, want, action):
    """What the action adds to the host's counters, when it settled.

    Ours, all of them; those of the stack if they are wanted, which begin with a
    capital letter.
    """
    stack = any(k[0].isupper() for k in want)

    def counters():
        ours = {k: v for k, v in host.stat().items() if k.startswith(("in_", "out_"))}
        return ours | ({k: v for k, v in host.mib().items() if k in want} if stack else {})

    before = counters()
    action()
    deadline = time.monotonic() + 5
    while True:
        seen = {k: v - before[k] for k, v in counters().items() if v != before[k]}
        if seen == want or time.monotonic() > deadline:
            return seen
        time.sleep(0.05)


def fate(receiver, drops, send, text):
    """What becomes of what is sent: it arrives, or the counters that it raises.

    drops is a function: the counters so far.
    """
    before = drops()
    send()
    receiver.settimeout(0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(BlockingIOError):
            data = receiver.recv(100)
            return ARRIVES if data == text else data
        if rose := [k for k, n in drops().items() if n > before.get(k, 0)]:
            return " ".join(rose)
    return "lost"


def counted(host, text, want, action):
    """The action raises these counters of the host, and no other one."""
    return equal(f"{text}: {', '.join(want)}", want, risen(host, want, action))


def link(one, dev1, other, dev2):
    """The ip(8) command for a wire between two namespaces."""
    return f"link add {dev1} netns {one} type veth peer name {dev2} netns {other}\n"


def hosts():
    """Two hosts a and b on one wire, eth0: 10.0.0.1/2 and fd00::1/2.

    They know each other's hardware address, so that policies for everything
    harm nobody.
    """
    ip("netns add a\nnetns add b\n"
       + link("a", "eth0", "b", "eth0"))
    made = []
    for name, own4, own6, mac, peer4, peer6, peer in (
            ("a", A4, A6, "0a", B4, B6, "0b"), ("b", B4, B6, "0b", A4, A6, "0a")):
        host = Host(name)
        host.ip(f"""link set lo up
            link set eth0 address 02:00:00:00:00:{mac} up
            addr add {own4}/24 dev eth0
            addr add {own6}/64 dev eth0 nodad
            neigh add {peer4} lladdr 02:00:00:00:00:{peer} dev eth0
            neigh add {peer6} lladdr 02:00:00:00:00:{peer} dev eth0
            """)
        made.append(host)
    return made


def gateways(router=False):
    """Host a - gateway gw1 - gateway gw2 - host b.

    The hosts are 10.1.0.1 and 10.2.0.1 (fd01::1, fd02::1); the gateways talk
    over eth0 as A4 and B4 (A6, B6). With a router they do so through it: its
    eth0 leads to gw1, its eth1 to gw2, and it is returned as the last one.
    """
    names = ("a", "b", "gw1", "gw2", *(["r"] if router else []))
    between = link("gw1", "eth0", "r", "eth0") + link("r", "eth1", "gw2", "eth0") \
        if router else link("gw1", "eth0", "gw2", "eth0")
    ip("".join(f"netns add {n}\n" for n in names)
       + link("a", "eth0", "gw1", "eth1") + between
       + link("gw2", "eth1", "b", "eth0"))
    made = a, b, gw1, gw2, *_ = [Host(n) for n in names]
    for host, n in (a, 1), (b, 2):
        host.ip(f"""link set lo up
            link set eth0 up
            addr add 10.{n}.0.1/24 dev eth0
            addr add fd0{n}::1/64 dev eth0 nodad
            route add default via 10.{n}.0.254
            route add default via fd0{n}::fe
            """)
    for host, n, own4, own6, m, peer4, peer6 in (
            (gw1, 1, A4, A6, 2, B4, B6), (gw2, 2, B4, B6, 1, A4, A6)):
        bits, far = (24, 64), ""
        if router:
            bits, far = (32, 128), f"""route add {R4} dev eth0
            route add {R6} dev eth0
            route add {peer4} via {R4}
            route add {peer6} via {R6}"""
            peer4, peer6 = R4, R6
        host.ip(f"""link set lo up
            link set eth0 up
            link set eth1 up
            addr add 10.{n}.0.254/24 dev eth1
            addr add fd0{n}::fe/64 dev eth1 nodad
            addr add {own4}/{bits[0]} dev eth0
            addr add {own6}/{bits[1]} dev eth0 nodad
            {far}
            route add 10.{m}.0.0/24 via {peer4}
            route add fd0{m}::/64 via {peer6}
            """)
    for host in made[2:]:
        host.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    if router:
        made[4].ip(f"""link set lo up
            link set eth0 up
            link set eth1 up
            addr add {R4}/32 dev eth0
            addr add {R6}/128 dev eth0 nodad
            addr add {R4}/32 dev eth1
            addr add {R6}/128 dev eth1 nodad
            route add {A4} dev eth0
            route add {A6} dev eth0
            route add {B4} dev eth1
            route add {B6} dev eth1
            route add 10.1.0.0/24 via {A4}
            route add fd01::/64 via {A6}
            route add 10.2.0.0/24 via {B4}
            route add fd02::/64 via {B6}
            """)
    return made


class Frame:
    """What a capture saw: the IP packet's protocol, SPI and bytes."""

    def __init__(self, host, data):
        self.host, self.data = host, data
        self.spi = self.src = self.dst = None
        kind = data[12:14]
        if kind == b"\x08\x00":
            self.proto, self.payload = data[23], 14 + 4 * (data[14] & 15)
            self.src, self.dst = data[26:30], data[30:34]
            self.first = not struct.unpack(">H", data[20:22])[0] & 0x1fff
        elif kind == b"\x86\xdd":
            self.proto, self.payload, self.first = data[20], 54, True
            self.src, self.dst = data[22:38], data[38:54]
            if self.proto == 44:
                self.proto, self.payload = data[54], 62
                self.first = not struct.unpack(">H", data[56:58])[0] & 0xfff8
        else:
            self.proto = None
        if self.proto in (50, 51) and self.first:
            self.spi, self.seq = struct.unpack_from(
                ">II", data, self.payload + (4 if self.proto == 51 else 0))

    def clear(self):
        """Does it carry anything but ESP or AH? Neighbours may look for each other."""
        if self.proto == 58 and 133 <= self.data[self.payload] <= 137:
            return False
        return self.proto not in (None, 0, 50, 51)


class Wire:
    """What hosts put on their wires, from now on.

    Only what leaves: what comes out of a tunnel is seen on the device too, as
    if it had arrived in clear. Without a device it is that of all of a host's.
    """

    def __init__(self, *where, only=None, dev="eth0"):
        self.taps = []
        for host in where:
            with host.entered():
                tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            attach_filter(tap, ONLY_OUTGOING + (compiled(only) if only else ALL))
            if dev:
                tap.bind((dev, ETH_P_ALL))
            else:
                bind_to_all(tap)
            tap.setblocking(False)
            self.taps.append((host, tap))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for _, tap in self.taps:
            tap.close()

    def frames(self, settle=0.1, most=100000):
        """The frames seen since the last call, in the order of each host. Not more than
        so many: they may come faster than they are read."""
        time.sleep(settle)
        seen = []
        for host, tap in self.taps:
            with contextlib.suppress(BlockingIOError):
                for _ in range(most):
                    seen.append(Frame(host, tap.recv(1 << 17)))
        return seen


def bind_to_all(tap):
    """A packet socket, to all devices of its namespace: as Python's bind() cannot."""
    address = struct.pack("=HHi12x", socket.AF_PACKET, socket.htons(ETH_P_ALL), 0)
    if LIBC.bind(tap.fileno(), address, len(address)):
        raise OSError(ctypes.get_errno(), "bind")


@functools.lru_cache(None)
def compiled(expression):
    """A filter in tcpdump's language for the kernel."""
    rows = run("tcpdump", "-ddd", "-y", "EN10MB", expression).split("\n")[1:-1]
    return b"".join(struct.pack("=HBBI", *map(int, row.split())) for row in rows)


def attach_filter(sock, code):
    program = ctypes.create_string_buffer(code)
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                    struct.pack("@HP", len(code) // 8, ctypes.addressof(program)))


def main(body):
    """Run a case; what it did not expect is a failure with its place."""
    try:
        body()
    except Exception as err:        # the runner counts claims, not traces
        tb = err.__traceback__
        while tb.tb_next and "lab.py" not in tb.tb_next.tb_frame.f_code.co_filename:
            tb = tb.tb_next
        claim(False, f"line {tb.tb_lineno} works", repr(err))
        sys.exit(1)
