#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Memory that a packet shares with somebody else is never written.

Packets made of a file's pages, of a program's, of a pipe's: encrypting them must
not change what they were made of. Packets that arrive in the sender's own pages,
as veth passes them on: nor must decrypting. Then packets of odd shape: other
tunnels' super-packets, VLANs, a device that goes away.
"""
import ctypes
import mmap
import os
import select
import socket
import struct
import threading
import time

import lab
import matrix
from lab import A4, A6, B4, B6

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
STOCK = os.uname().release.endswith("amd64")
# No window: the same packet may come twice.
KEY = f"-E aes-cbc {matrix.K16} -A hmac-sha1 {matrix.K20}"
SO_ZEROCOPY, MSG_ZEROCOPY, MSG_MORE = 60, 0x4000000, 0x8000
SOL_PACKET, PACKET_TX_RING = 263, 13
SEND_REQUEST = 1
SOL_UDP, UDP_ENCAP, ESPINUDP = 17, 100, 2
SYS_BPF, PROG_LOAD, LINK_CREATE, XDP, AS_XDP, BY_DRIVER = 321, 5, 28, 6, 37, 4
PASS = bytes.fromhex("b700000002000000" "9500000000000000")     # return XDP_PASS
TEXT = bytes(range(1, 251)) * 40
LIBC = ctypes.CDLL(None, use_errno=True)


class Vec(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def gift(pipe, memory, length):
    """Put pages of memory into a pipe."""
    vec = Vec(ctypes.addressof(memory), length)
    done = LIBC.vmsplice(pipe, ctypes.byref(vec), 1, 0)
    if done != length:
        raise OSError(ctypes.get_errno(), "vmsplice")


def rules(host, mode, src, dst):
    out, back = ("out", "in") if host.name == "a" else ("in", "out")
    there, here = (f"{src}-{dst}", f"{dst}-{src}") if mode == "tunnel" else ("", "")
    host.setkey(f"""
        flush; spdflush;
        add {src} {dst} esp 0x1000 -m {mode} {KEY};
        add {dst} {src} esp 0x1001 -m {mode} {KEY};
        spdadd {src} {dst} any -P {out} ipsec esp/{mode}/{there}/require;
        spdadd {dst} {src} any -P {back} ipsec esp/{mode}/{here}/require;
        """)


def from_file(s, length, pipes, place):
    with open(place, "rb") as f:
        os.sendfile(s.fileno(), f.fileno(), 0, length)


def from_file_by_pipe(s, length, pipes, place):
    with open(place, "rb") as f:
        os.splice(f.fileno(), pipes[1], length)
        os.splice(pipes[0], s.fileno(), length)


def from_memory(s, length, pipes, memory):
    gift(pipes[1], memory, length)
    os.splice(pipes[0], s.fileno(), length)


def without_copy(s, length, pipes, memory):
    s.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    s.send(memoryview(memory)[:length], MSG_ZEROCOPY)
    poll = select.poll()
    poll.register(s, 0)
    if poll.poll(5000):
        s.recvmsg(0, 512, socket.MSG_ERRQUEUE)
    else:
        lab.claim(False, "zero copy is reported as done", "not")


def received(t, length):
    got = b""
    while len(got) < length:
        data = t.recv(1 << 16)
        if not data:
            break
        got += data
    return got


def senders(a, b, mode, src, dst):
    """Every way to send pages that are somebody's."""
    place = "/tmp/pages"
    with open(place, "wb") as f:
        f.write(TEXT)
    area = mmap.mmap(-1, 16384)
    memory = (ctypes.c_char * 16384).from_buffer(area)
    memory[:len(TEXT)] = TEXT
    with open(place, "rb") as f:
        mapped = mmap.mmap(f.fileno(), len(TEXT), prot=mmap.PROT_READ)
    pipes = os.pipe()
    for text, way, source in (
            ("sendfile", from_file, place), ("splice of a file", from_file_by_pipe, place),
            ("vmsplice", from_memory, memory), ("MSG_ZEROCOPY", without_copy, memory)):
        for kind, length in (socket.SOCK_DGRAM, 1000), (socket.SOCK_STREAM, 9000):
            name = f"{src}, {mode}, {'UDP' if kind == socket.SOCK_DGRAM else 'TCP'}: {text}"
            with b.socket(dst, 7000, kind) as t, a.socket(src, kind=kind) as s:
                if kind == socket.SOCK_STREAM:
                    t.listen(1)
                s.connect((dst, 7000))
                conn = t.accept()[0] if kind == socket.SOCK_STREAM else t
                conn.settimeout(5)
                way(s, length, pipes, source)
                lab.claim(received(conn, length) == TEXT[:length],
                          f"{name}: arrives", "something else")
                if conn is not t:
                    conn.close()
            with open(place, "rb") as f:
                same = f.read() == TEXT == mapped[:] == memory[:len(TEXT)]
            lab.claim(same, f"{name}: the source is as it was", "changed")
    os.close(pipes[0])
    os.close(pipes[1])


class Ring:
    """A ring that packets are sent from where they are."""

    def __init__(self, host, dev="eth0"):
        with host.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.setsockopt(SOL_PACKET, PACKET_TX_RING,
                             struct.pack("=IIII", 8192, 1, 8192, 1))
        self.sock.bind((dev, 0))
        self.area = mmap.mmap(self.sock.fileno(), 8192)

    def send(self, frame):
        """The bytes of the ring, before and after all is done."""
        self.area[32:32 + len(frame)] = frame
        self.area[8:16] = struct.pack("=II", len(frame), 0)
        self.area[0:8] = struct.pack("=Q", SEND_REQUEST)
        self.sock.send(b"")
        return frame

    def content(self, length):
        return self.area[32:32 + length]


def arrivals(a, b, mode, src, dst):
    """The receiver opens packets that lie in pages of the sender."""
    wire = lab.Wire(a)
    with a.socket(src) as s, b.socket(dst, 7000) as t:
        s.sendto(TEXT[:1200], (dst, 7000))
        t.recv(2000)
        frame = [f.data for f in wire.frames(0.02) if f.spi == 0x1000][0]
        with b.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        lab.attach_filter(tap, lab.compiled("ip proto 50 or ip6 proto 50"))
        tap.bind(("eth0", lab.ETH_P_ALL))
        tap.settimeout(5)
        ring = Ring(a)
        before = b.stat()["in_espauthsucc"]
        ring.send(frame)
        lab.claim(t.recv(2000) == TEXT[:1200],
                  f"{src}, {mode}: a packet in the sender's pages is opened", "not")
        lab.equal(f"{src}, {mode}: by its SA", before + 1, b.stat()["in_espauthsucc"])
        lab.claim(ring.content(len(frame)) == frame,
                  f"{src}, {mode}: the sender's pages are as they were", "changed")
        lab.claim(tap.recv(4000) == frame,
                  f"{src}, {mode}: and what a tap has of it", "changed")
        tap.close()


def file_as_esp(a, b):
    """A file whose bytes are ESP, sent by sendfile through UDP: nobody but root
    can write the file, and anybody can send it."""
    for host, way in (a, "out"), (b, "in"):
        host.setkey(f"""
            flush; spdflush;
            add {A4}[4500] {B4}[4500] esp-udp 0x2000 -m tunnel {KEY};
            spdadd {A4} {B4}[7009] udp -P {way} ipsec esp/tunnel/{A4}-{B4}/require;
            """)
    wire = lab.Wire(a)
    with a.socket(A4, 4500) as s, b.socket(B4, 4500) as encap, \
            a.socket(A4) as plain, b.socket(B4, 7009) as t:
        encap.setsockopt(SOL_UDP, UDP_ENCAP, ESPINUDP)
        plain.sendto(TEXT[:1200], (B4, 7009))
        lab.claim(t.recv(2000) == TEXT[:1200], "ESP in UDP arrives", "not")
        payload = [f.data[42:] for f in wire.frames(0.02) if f.proto == 17][0]
        with open("/tmp/esp", "wb") as f:
            f.write(payload)
        s.connect((B4, 4500))
        with open("/tmp/esp", "rb") as f:
            os.sendfile(s.fileno(), f.fileno(), 0, len(payload))
        lab.claim(t.recv(2000) == TEXT[:1200], "ESP in UDP out of a file's pages, too",
                  "not")
        with open("/tmp/esp", "rb") as f:
            lab.claim(f.read() == payload, "the file is as it was", "decrypted")


def tcp(a, b, src, dst, amount, meanwhile=lambda: None):
    def send():
        with a.socket(src, kind=socket.SOCK_STREAM, timeout=60) as s:
            s.connect((dst, 5001))
            for at in range(0, amount, len(TEXT)):
                s.sendall(TEXT[:amount - at])
    with b.socket(dst, 5001, socket.SOCK_STREAM, timeout=60) as listener:
        listener.listen(1)
        thread = threading.Thread(target=send)
        thread.start()
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(60)
            got = bytearray(conn.recv(1 << 18))
            meanwhile()
            while len(got) < amount and (data := conn.recv(1 << 18)):
                got += data
        thread.join()
    return got == (TEXT * (1 + amount // len(TEXT)))[:amount]


def other_tunnel(a, b):
    """Super-packets of an IPIP device, which are TCP within IP."""
    if STOCK:
        lab.run("modprobe", "ipip")
    for host, own, peer, n in (a, A4, B4, 1), (b, B4, A4, 2):
        rules(host, "transport", A4, B4)
        host.ip(f"""link add t0 type ipip local {own} remote {peer}
            link set t0 up
            addr add 10.9.0.{n}/24 dev t0
            """)
    wire = lab.Wire(a)
    before = a.stat()
    lab.claim(tcp(a, b, "10.9.0.1", "10.9.0.2", 1 << (18 if DEBUG else 19)),
              "IPIP in ESP: TCP arrives unchanged", "not")
    frames = wire.frames()
    lab.claim(not any(f.clear() for f in frames), "IPIP in ESP: nothing in clear",
              "some")
    lab.claim(len(frames) > 100 and max(len(f.data) for f in frames) <= 1514,
              "IPIP in ESP: in packets that fit",
              (len(frames), max(len(f.data) for f in frames)))
    lab.equal("IPIP in ESP: nothing is dropped", before["out_inval"],
              a.stat()["out_inval"])


def vlan(a, b):
    lab.run("modprobe", "8021q")
    for host, n in (a, 1), (b, 2):
        host.ip(f"""link add link eth0 name eth0.5 type vlan id 5
            link set eth0.5 up
            addr add 10.5.0.{n}/24 dev eth0.5
            """)
        rules(host, "tunnel", "10.5.0.1", "10.5.0.2")
    wire = lab.Wire(a)
    lab.claim(tcp(a, b, "10.5.0.1", "10.5.0.2", 1 << 19),
              "VLAN: TCP arrives unchanged", "not")
    tagged = [f.data for f in wire.frames() if f.data[12:16] == b"\x81\0\0\x05"]
    lab.claim(all(d[27] == 50 for d in tagged), "VLAN: as ESP", "not")


def bpf(command, *fields):
    """One command of bpf(2); its file."""
    attributes = struct.pack("=" + "".join(kind for kind, _ in fields),
                             *(value for _, value in fields))
    fd = LIBC.syscall(SYS_BPF, command, attributes, len(attributes))
    if fd < 0:
        raise OSError(ctypes.get_errno(), "bpf")
    return fd


def pooled(a, b):
    """A device with an XDP program hands packets over in pages: its own on 6.1, on
    6.12 those of a page pool, which must come back to it."""
    text = ctypes.create_string_buffer(b"GPL")
    program = ctypes.create_string_buffer(PASS)
    prog = bpf(PROG_LOAD, ("I", XDP), ("I", len(PASS) // 8),
               ("Q", ctypes.addressof(program)), ("Q", ctypes.addressof(text)))
    links = []
    for host in a, b:
        with host.entered():
            links.append(bpf(LINK_CREATE, ("I", prog), ("I", socket.if_nametoindex("eth0")),
                             ("I", AS_XDP), ("I", BY_DRIVER)))
    for mode in "transport", "tunnel":
        for src, dst in (A4, B4), (A6, B6):
            for host in a, b:
                rules(host, mode, src, dst)
            wire, before = lab.Wire(a, b), b.stat()["in_success"]
            lab.claim(tcp(a, b, src, dst, 1 << 19),
                      f"{src}, {mode}: pages of XDP: TCP arrives unchanged", "not")
            frames = wire.frames()
            lab.claim(len(frames) > 300 and not any(f.clear() for f in frames),
                      f"{src}, {mode}: pages of XDP: all of it as ESP", len(frames))
            lab.claim(b.stat()["in_success"] - before > 300,
                      f"{src}, {mode}: pages of XDP: opened by the SA", b.drops())
    for fd in *links, prog:
        os.close(fd)


def going_down(a, b):
    """The device of a transfer goes down and comes back, then goes for good."""
    for host in a, b:
        rules(host, "tunnel", A4, B4)

    def blink():
        a.ip("link set eth0 down")
        time.sleep(0.2)
        a.ip(f"""link set eth0 up
            neigh replace {B4} lladdr 02:00:00:00:00:0b dev eth0
            """)

    amount = 1 << (20 if DEBUG else 22)
    lab.claim(tcp(a, b, A4, B4, amount, blink),
              "a device that was down for a moment: TCP arrives unchanged", "not")
    stop = threading.Event()

    def flood():
        with a.socket(A4) as s:
            while not stop.is_set():
                try:
                    s.sendto(TEXT[:1200], (B4, 9))
                except OSError:
                    pass
    thread = threading.Thread(target=flood)
    thread.start()
    time.sleep(0.1)
    start = time.monotonic()
    a.ip("link del eth0")
    took = time.monotonic() - start
    stop.set()
    thread.join()
    lab.claim(took < 5, "a device can be removed while it sends ESP", took)


def body():
    a, b = lab.hosts()
    for mode, src, dst in (("transport", A4, B4), ("tunnel", A4, B4),
                           ("transport", A6, B6), ("tunnel", A6, B6)):
        for host in a, b:
            rules(host, mode, src, dst)
        senders(a, b, mode, src, dst)
        arrivals(a, b, mode, src, dst)
    file_as_esp(a, b)
    other_tunnel(a, b)
    if STOCK:           # User Mode Linux is built without VLANs
        vlan(a, b)
        pooled(a, b)
    going_down(a, b)


lab.main(body)
