#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The module goes while packets that it gave to the stack wait there.

They wait in NFQUEUE, where a program may still let them pass, in a queueing
discipline, in backlogs and in GRO, and in an asynchronous cipher, all of it under
traffic. Other modules then take the memory. ROUNDS= of "make integration" says how
often. And they wait in a cipher of the test bed, which answers when it is told to.
"""
import array
import contextlib
import fcntl
import os
import random
import signal
import socket
import struct
import time

import crypto_drivers
import detectors
import lab
import packets
from crypto_drivers import prefer, removed
from lab import A4, B4, between
from nfqueue import ACCEPT, REPEAT, VERDICT, Queue

ROUNDS = int(os.environ.get("ROUNDS", "0")) or 3
MODULE = "/ipsec/ipsec.ko"
OTHERS = ["ipip", "ip_gre", "sit"]
KEY = "0x00112233445566778899aabbccddeeff01020304"
# Ports: of what waits when it was received, and before it is sent, and of traffic.
RECEIVED, SENT, TRAFFIC = 7000, 7001, 7002
# Which requests the test bed's cipher keeps, and how many.
KEPT = {"sent": 1, "received": 2}
REQUESTS = 5
SIOCETHTOOL, SGRO = 0x8946, 0x2c


def forked(work, *args):
    pid = os.fork()
    if not pid:
        try:
            work(*args)
        finally:
            os._exit(0)
    return pid


def flood(a):
    """Traffic; without memory or a route the next one is tried."""
    with a.socket(A4) as s:
        while True:
            try:
                s.sendto(bytes(900), (B4, TRAFFIC))
            except OSError:
                pass


def judge(b):
    """A program that lets all pass, some of it after another look."""
    queue = Queue(b, TRAFFIC)
    while True:
        try:
            ident = queue.take()
            if ident is not None:
                queue.tell(VERDICT, queue.verdict(ident, random.choice(
                    (ACCEPT, REPEAT))), 1)
        except OSError:
            pass


def gro(host, dev="eth0", seconds=0.02):
    """Received packets wait in GRO for others that continue them."""
    with host.entered():
        value = array.array("I", (SGRO, 1))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCETHTOOL, struct.pack("16sP", dev.encode(),
                                                    value.buffer_info()[0]))
    host.run("unshare", "-m", "bash", "-c", "mount -t sysfs sys /sys && echo "
             f"{int(seconds * 1e9)} >/sys/class/net/{dev}/gro_flush_timeout")


def rules(a, b):
    for host, hook, ports in ((b, "prerouting", (RECEIVED, TRAFFIC)),
                              (a, "postrouting", (SENT,))):
        text = "".join(f"udp dport {port} queue num {port}\n" for port in ports)
        host.run("nft", "-f", "-", stdin="table ip q { chain c {\n"
                 f"type filter hook {hook} priority 0;\n{text}}}\n}}\n")


def load(a, b):
    """The receiver has no policies, so that none of our hooks goes there with us: that
    would empty the queues."""
    for host in a, b:
        host.setkey(f"""flush; spdflush;
            add {A4} {B4} esp 0x1000 -E aes-gcm-16 {KEY};
            """)
    a.setkey(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")


def waits(a, queue, port):
    """A packet that waits in a queue: its number there."""
    with a.socket(A4) as s:
        s.sendto(b"waits", (B4, port))
    return queue.take()


def one_round(a, b, received, sent):
    """rmmod with all of it under way; the errnos of the verdicts that come later."""
    load(a, b)
    pids = [forked(judge, b), forked(flood, a), forked(flood, a)]
    kept = [(q, waits(a, q, q.number)) for q in (received, sent)]
    a.run("tc", "qdisc", "replace", "dev", "eth0", "root", "netem", "delay", "30ms",
          "limit", "100000")
    lab.run("rmmod", "ipsec")
    a.run("tc", "qdisc", "del", "dev", "eth0", "root")
    lab.run("modprobe", "-a", *OTHERS)
    errors = [q.ask(VERDICT, q.verdict(ident, ACCEPT)) for q, ident in kept]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    lab.run("rmmod", *reversed(OTHERS))
    lab.run("insmod", MODULE)
    return errors


def state():
    """Of the module."""
    try:
        with open("/sys/module/ipsec/initstate") as f:
            return f.read().strip()
    except OSError:
        return "gone"


def until(condition):
    while not condition():
        time.sleep(0.01)


def in_cipher(a, b, text, ways):
    """rmmod while a cipher has requests, and no other packet is under way."""
    load(a, b)
    detectors.spring(f"keep {ways}")
    with a.socket(A4) as s:
        for _ in range(REQUESTS):
            s.sendto(b"kept", (B4, TRAFFIC))
    until(lambda: detectors.told()[1] == REQUESTS)
    pid = forked(lab.run, "rmmod", "ipsec")
    until(lambda: state() != "live")
    # It comes to its end within a second otherwise.
    time.sleep(3)
    lab.equal(f"{text}: rmmod waits for what is in the cipher", ("going", REQUESTS),
              (state(), detectors.told()[1]))
    detectors.spring("answer")
    os.waitpid(pid, 0)
    lab.equal(f"{text}: it was answered, and the module is gone", ("gone", []),
              (state(), lab.left()))
    lab.run("modprobe", "-a", *OTHERS)
    lab.run("rmmod", *reversed(OTHERS))
    lab.run("insmod", MODULE)


def answered_late():
    a, b = lab.hosts()
    detectors.spring("offer")
    for text, ways in KEPT.items():
        in_cipher(a, b, text, ways)
    load(a, b)
    with a.socket(A4) as s, b.socket(B4, RECEIVED) as t:
        s.sendto(b"again", (B4, RECEIVED))
        lab.equal("through that cipher it works again", b"again", t.recv(100))
    for host in a, b:
        host.setkey("flush; spdflush;")
    until(lambda: crypto_drivers.drivers()["trap-rfc4106-gcm-aes"][0] == 1)
    detectors.spring("withdraw")


def segment(text, port):
    """A piece of a TCP connection in GRE, which may wait for the next one."""
    src, dst = "10.9.0.1", "10.9.0.2"
    data = struct.pack(">HHIIBBHHH", port, 4000, 1, 1, 5 << 4, 1 << 4, 1000, 0, 0) + text
    pseudo = packets.binary(src) + packets.binary(dst) + struct.pack(">HH", 6, len(data))
    total = struct.pack(">H", packets.checksum(pseudo + data))
    return bytes.fromhex("00000800") + packets.packet(
        src, dst, 6, data[:16] + total + data[18:])


def received_by(dev):
    """In this process's namespace."""
    with open("/proc/thread-self/net/dev") as f:
        return next(int(line.split()[2]) for line in f if line.split()[0] == dev + ":")


def texts(tap):
    """The ends of the packets that the kernel handed on."""
    seen = []
    with contextlib.suppress(BlockingIOError):
        while True:
            seen.append(tap.recv(2000)[-4:])
    return seen


def held(s, tap):
    """How many segments were sent until GRO had one: what was on its way while the clock
    ticked is handed on at once."""
    for sent in range(1, 100):
        s.sendto(segment(b"when" * 200, 4000 + sent), (B4, 0))
        until(lambda: received_by("t0") == sent)
        time.sleep(0.1)
        if not texts(tap):
            break
    return sent


def in_gro():
    """What was opened waits in the GRO of the tunnel device whose packet it is, as long
    as the case wants it to."""
    a, b = lab.hosts()
    b.ip(f"link add t0 type gre local {B4} remote {A4}\nlink set t0 up\n")
    gro(b, "t0", 3600)
    for host in a, b:
        host.setkey(between(host, A4, B4, 0x1000, f"-E aes-gcm-16 {KEY}", upper="gre"))
    with a.entered():
        s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_GRE)
    with b.entered():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        tap.bind(("t0", 3))
        tap.setblocking(False)
        # Each CPU has a GRO of its own.
        cpus = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cpus)})
        sent = held(s, tap)
        opened = b.stat()["in_success"]
        lab.run("rmmod", "ipsec")
        lab.run("modprobe", "-a", *OTHERS)
        lab.equal("the module goes while what it opened waits in GRO", (sent, []),
                  (opened, seen := texts(tap)))
        gro(b, "t0", 0)
        s.sendto(segment(b"then" * 200, 4000), (B4, 0))
        until(lambda: received_by("t0") == sent + 1)
        until(lambda: seen.extend(texts(tap)) or len(seen) == 2)
        lab.equal("it is handed on later, without the module", [b"when", b"then"], seen)
        os.sched_setaffinity(0, cpus)
    tap.close()
    s.close()
    lab.ip("netns del a\nnetns del b\n")
    lab.run("rmmod", *reversed(OTHERS))
    lab.run("insmod", MODULE)


def body():
    prefer()
    a, b = lab.hosts()
    for host in a, b:
        gro(host)
    rules(a, b)
    received, sent = Queue(b, RECEIVED), Queue(a, SENT)
    errors = [one_round(a, b, received, sent) for _ in range(ROUNDS)]
    lab.equal(f"{ROUNDS} times the module goes while packets wait: they are dropped",
              [[2, 2]] * ROUNDS, errors)
    for queue in received, sent:
        queue.close()
    for host in a, b:
        host.run("nft", "flush", "ruleset")
    load(a, b)
    with a.socket(A4) as s, b.socket(B4, RECEIVED) as t:
        s.sendto(b"again", (B4, RECEIVED))
        lab.equal("and it works again", b"again", t.recv(100))
    for host in a, b:
        host.setkey("flush; spdflush;")


lab.main(body)
lab.main(removed)
lab.ip("netns del a\nnetns del b\n")
lab.main(answered_late)
lab.ip("netns del a\nnetns del b\n")
lab.main(in_gro)
