#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Crypto that completes later, on a work queue: same packets, same refusals.

The kernel is asked for asynchronous drivers of the algorithms, which are then
the preferred ones: pcrypt where there are several CPUs, else cryptd. SAs and
namespaces go while requests are under way.
"""
import os
import socket
import time

import lab
import matrix
import natt
import neighbours
import packets
from bulk import receive, send
from crypto_drivers import DRIVERS, drivers, prefer, removed
from lab import A4, A6, B4, B6

def used(text):
    """Four SAs of each algorithm hold its asynchronous driver."""
    for prefix in {d.split("(")[0] for d in DRIVERS.values()}:
        users = [n for d, (n, later) in drivers().items()
                 if d.startswith(prefix) and later and n >= 4]
        lab.claim(len(users) >= len(DRIVERS), text, drivers())


def bulk(a, b, c):
    amount = 1 << 20
    with b.socket(c.b, 5001, socket.SOCK_STREAM, timeout=60) as listener:
        listener.listen(1)
        pid = os.fork()
        if not pid:
            send(a, c.a, c.b, amount)
            os._exit(0)
        conn, _ = listener.accept()
        conn.settimeout(60)
        with conn:
            got = receive(conn, amount)
        os.waitpid(pid, 0)
    lab.equal(f"{c.name}: TCP arrives unchanged", (amount, True), got)


def tampered(a, b, c):
    wire = lab.Wire(a)
    matrix.answered(a, b, c.a, c.b, 100)
    frame = bytearray([f.data for f in wire.frames() if f.spi == c.spi][0])
    for text, change, counter in (("replayed", 0, "in_espreplay"),
                                  ("ICV changed", 1, "in_espauthfail")):
        frame[-1] ^= change
        if change:      # a number that was not seen
            frame[-len(frame) + (38 if ":" not in c.a else 58)] ^= 0x40
        before = b.stat()[counter]
        a.inject(bytes(frame))
        deadline = time.monotonic() + 60
        while b.stat()[counter] == before and time.monotonic() < deadline:
            time.sleep(0.05)
        lab.equal(f"{c.name}: {text}: {counter}", before + 1, b.stat()[counter])


def in_udp(a, b):
    """ESP in UDP: its header is put on when the crypto is done."""
    sockets = [natt.encap_socket(host, v) for host in (a, b) for v in (4, 6)]
    ends = {4: (A4, B4), 6: (A6, B6)}
    for host in a, b:
        text = "".join(lab.between(host, *ends[v], 0x800 + 16 * v, natt.GCM[0],
                                   proto="esp-udp", upper="udp") for v in ends)
        host.setkey(text.replace("flush; spdflush;", "").replace("esp-udp/", "esp/"))
    for v, (x, y) in ends.items():
        wire = lab.Wire(a, b)
        lab.equal(f"ESP in UDP, IPv{v}: answered", 3, matrix.answered(a, b, x, y, 900))
        seen = [natt.Datagram(f) for f in wire.frames() if f.clear()]
        lab.equal(f"ESP in UDP, IPv{v}: three packets each way, nothing else",
                  [(h, 4500, 4500, spi, True) for h, spi in
                   (("a", 0x800 + 16 * v), ("b", 0x801 + 16 * v)) for _ in range(3)],
                  [(d.host, d.sport, d.dport, d.spi, d.right()) for d in seen])
    for s in sockets:
        s.close()


def in_overlay(a, b):
    """The socket of an IPv4 packet, or one that knows no IP, is still with the IPv6
    packet around it when its crypto is done, where no device's queue tells so."""
    ends = "fd00::71", "fd00::72"
    for n, host in enumerate((a, b)):
        host.ip(f"addr add {ends[n]}/64 dev eth0 nodad\n")
        # Before the device says anything.
        host.setkey(lab.between(host, *ends, 0xa00, natt.GCM[0]).replace(
            "flush; spdflush;", ""))
        host.run("ip", *f"link add t0 type vxlan id 42 local {ends[n]} remote {ends[1 - n]}"
                        " dstport 4789".split())
        host.ip(f"""link set t0 address 02:00:00:00:07:0{n} up
            addr add 192.168.7.{n}/24 dev t0
            neigh add 192.168.7.{1 - n} lladdr 02:00:00:00:07:0{1 - n} dev t0
            """)
    wire = lab.Wire(a, b)
    for size in 100, 4000:
        lab.equal(f"IPv4 in VXLAN over IPv6: {size} bytes", lab.ARRIVES,
                  neighbours.datagram(a, b, "192.168.7.0", "192.168.7.1", size))
    packet = packets.packet("192.168.7.0", "192.168.7.1", 17,
                            packets.udp("192.168.7.0", "192.168.7.1", bytes(1000), 7))
    with b.socket("192.168.7.1", 7, timeout=10) as s:
        a.inject(bytes.fromhex("020000000701" "020000000700" "0800") + packet, dev="t0")
        lab.equal("AF_PACKET in VXLAN over IPv6: bytes", 1000, len(s.recv(2000)))
    lab.equal("VXLAN over IPv6: on the wire", {50}, neighbours.protocols(wire.frames()))


def flood(a, c, seconds):
    """Datagrams in a process of its own, for whoever still takes them."""
    pid = os.fork()
    if pid:
        return pid
    end = time.monotonic() + seconds
    with a.socket(c.a) as s:
        while time.monotonic() < end:
            try:
                s.sendto(bytes(1200), (c.b, matrix.PORT))
            except OSError:
                pass
    os._exit(0)


def going(a, b, combos):
    """SAs, then a namespace, go while their packets are with the crypto."""
    pids = [flood(a, c, 2) for c in combos[:2]]
    for _ in range(5):
        time.sleep(0.2)
        for host in b, a:
            host.setkey("flush; spdflush;")
            host.setkey("".join(c.setkey(host) for c in combos))
    lab.claim(b.stat()["in_success"] > 0, "packets flowed while SAs went", b.stat())
    b.close()
    lab.run("ip", "netns", "del", "b")
    for pid in pids:
        os.waitpid(pid, 0)
    lab.claim(True, "a namespace goes under asynchronous traffic")
    a.setkey("flush; spdflush;")


def body():
    prefer()
    a, b = lab.hosts()
    combos = [c for c in matrix.combos() if c.name.split()[0] in DRIVERS]
    matrix.addresses(a, b)
    for host in a, b:
        host.setkey("".join(c.setkey(host) for c in combos))
    used("SAs use the asynchronous drivers")
    wire = lab.Wire(a, b)
    results = [[matrix.answered(a, b, c.a, c.b, 900)] for c in combos]
    matrix.claims(a, b, wire, combos, results)
    for c in combos:
        if c.name.endswith(("transport 4 in 4", "tunnel 6 in 6")):
            bulk(a, b, c)
            tampered(a, b, c)
    in_udp(a, b)
    in_overlay(a, b)
    going(a, b, combos)


lab.main(body)
lab.main(removed)
