#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Traffic of every size in each mode and family, over a wire of 1500 bytes.

50 MB of TCP without a stall and UDP of every size that a block, a packet or two
may end at in one mode; in the others as much as shows a stall, and fewer sizes.
The debug kernel works at a hundredth of the speed and gets a tenth of the work.
"""
import os
import socket
import threading

import lab
import matrix

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
FULL, LESS = (2, 1) if DEBUG else (50, 2)
BLOCK = bytes(range(1, 256)) * 257
ROOM = 1 << 18
BLOCKS = BLOCK * (2 + ROOM // len(BLOCK))
TEXT = bytes(range(256)) * 33
LOST = ("IpInDiscards", "IpReasmFails", "TcpInErrs", "Ip6InDiscards", "Ip6ReasmFails")
SOME = [*range(1, 18), *range(65, 1300, 97), *range(1370, 1450), *range(1600, 8001, 800)]
SIZES = SOME if DEBUG else [
    *range(1, 65), *range(65, 1300, 97), *range(1300, 1521), *range(1600, 8001, 400)]


def send(sender, own, peer, amount):
    with sender.socket(own, kind=socket.SOCK_STREAM, timeout=60) as s:
        s.connect((peer, 5001))
        for done in range(0, amount, len(BLOCK)):
            s.sendall(BLOCK[:amount - done])


def receive(conn, amount):
    """(bytes, were they what was sent)."""
    got, good = 0, True
    room = memoryview(bytearray(ROOM))
    while got < amount:
        size = conn.recv_into(room)
        if not size:
            break
        good = good and BLOCKS.startswith(room[:size], got % len(BLOCK))
        got += size
    return got, good


def lost(*hosts):
    """What would make TCP wait and send again, of what the stack counts."""
    return {k: v for host in hosts for k, v in host.mib().items() if v and k in LOST}


def tcp(a, b, c, mb):
    amount = mb << 20
    with b.socket(c.b, 5001, socket.SOCK_STREAM, timeout=60) as listener:
        listener.listen(1)
        sender = threading.Thread(target=send, args=(a, c.a, c.b, amount))
        sender.start()
        conn, _ = listener.accept()
        conn.settimeout(60)
        with conn:
            got = receive(conn, amount)
        sender.join()
    lab.equal(f"{c.name}: {mb} MB of TCP arrive unchanged", (amount, True), got)
    lab.equal(f"{c.name}: and nothing is lost on their way", {}, lost(a, b))


def udp(a, b, c, sizes):
    lost = []
    with a.socket(c.a) as s, b.socket(c.b, 5002) as t:
        for n in sizes:
            text = TEXT[n & 255:][:n]
            for last in False, True:
                try:
                    s.sendto(text, (c.b, 5002))
                    break
                except OSError:     # the path's MTU was learnt: once more
                    if last:
                        raise
            try:
                data, whom = t.recvfrom(65536)
                t.sendto(data, whom)
                if s.recv(65536) != text:
                    lost.append(n)
            except TimeoutError:
                lost.append(n)
    lab.equal(f"{c.name}: UDP of {len(sizes)} sizes is echoed", [], lost)


def body():
    a, b = lab.hosts()
    combos = [c for c in matrix.combos() if c.name.startswith("gcm16")]
    matrix.addresses(a, b)
    for host in a, b:
        host.setkey("".join(c.setkey(host) for c in combos))
    for c in combos:
        mb, sizes = (FULL, SIZES) if c.name.endswith("tunnel 4 in 4") else (LESS, SOME)
        wire = lab.Wire(a, b, only="tcp or udp")
        before = a.stat()["out_success"]
        tcp(a, b, c, mb)
        udp(a, b, c, sizes)
        lab.equal(f"{c.name}: nothing in clear", 0, len(wire.frames()))
        sent = a.stat()["out_success"] - before
        lab.claim(sent >= mb << 9, f"{c.name}: but in ESP packets", sent)
    for host in a, b:
        drops = host.drops()
        drops.pop("out_toobig", None)
        lab.equal(f"{host.name} dropped nothing", {}, drops)


if __name__ == "__main__":
    lab.main(body)
