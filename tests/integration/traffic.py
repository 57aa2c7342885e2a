#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Traffic of rarer kinds: to groups, SCTP, packets with options."""
import os
import socket
import struct

import lab
from lab import A4, A6, B4, B6

KEY = "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"
GROUP4, GROUP6, ALL4 = "224.0.1.99", "ff05::99", "10.0.0.255"
SCTP = socket.IPPROTO_SCTP
# Options that say nothing: four of a kind to skip, as IPv4 and as IPv6 has them.
NOOPS4, PADDING6 = b"\x01" * 4, b"\0\0\x01\x04\0\0\0\0"


def pair(a, b, src, dst, spi, mode="transport"):
    for host in a, b:
        host.setkey(lab.between(host, src, dst, spi, KEY, mode))


def received(*sockets):
    """What each got, None for nothing."""
    got = []
    for s in sockets:
        try:
            got.append(s.recv(65536))
        except TimeoutError:
            got.append(None)
    return got


def sender(a, source, group):
    s = a.socket(source)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if group == GROUP4:
        s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF,
                     socket.inet_aton(source))
    elif group == GROUP6:
        with a.entered():
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF,
                         socket.if_nametoindex("eth0"))
    return s


def member(host, group, own, timeout=5):
    s = host.socket(group, 7001, timeout=timeout)
    with host.entered():
        if group == GROUP4:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         socket.inet_aton(group) + socket.inet_aton(own))
        elif group == GROUP6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                         socket.inet_pton(socket.AF_INET6, group)
                         + struct.pack("@I", socket.if_nametoindex("eth0")))
    return s


def group(a, b, name, to, source, other):
    """A policy holds for packets to many as it does for packets to one."""
    for host in a, b:
        host.setkey("flush; spdflush;")
    s, t, own = sender(a, source, to), member(b, to, other), member(a, to, source)
    wire = lab.Wire(a, only="udp or proto 50 or ip6 proto 50")
    s.sendto(b"in clear", (to, 7001))
    lab.equal(f"{name}: arrives without a policy", 2 * [b"in clear"],
              received(t, own))
    lab.equal(f"{name}: in clear", 1, len(wire.frames()))

    a.setkey(f"spdadd {source} {to} udp -P out discard;")
    before = a.stat()["out_polvio"]
    try:
        s.sendto(b"discarded", (to, 7001))
    except PermissionError:
        pass
    lab.equal(f"{name}: policy discard leaves nothing on the wire", 0,
              len(wire.frames()))
    lab.equal(f"{name}: and is counted", before + 1, a.stat()["out_polvio"])

    sa = f"add {source} {to} esp 0x3000 {KEY};"
    for host, way in (a, "out"), (b, "in"):
        host.setkey(f"spdflush; {sa} spdadd {source} {to} udp -P {way} "
                    "ipsec esp/transport//require;")
    s.sendto(b"protected", (to, 7001))
    lab.equal(f"{name}: arrives through the group's SA, at the sender's host too",
              2 * [b"protected"], received(t, own))
    lab.equal(f"{name}: as one ESP packet", [0x3000], [f.spi for f in wire.frames()])
    a.setkey("spdflush;")
    before = b.stat()["in_polvio"]
    s.sendto(b"in clear", (to, 7001))
    t.settimeout(0.3)
    lab.equal(f"{name}: in clear no more", [None], received(t))
    lab.equal(f"{name}: which is counted", before + 1, b.stat()["in_polvio"])
    for each in s, t, own:
        each.close()


def sctp_echo(a, b, own, peer):
    def stream(host, address, port=0):
        with host.entered():
            s = socket.socket(lab.family(address), socket.SOCK_STREAM, SCTP)
        s.settimeout(5)
        s.bind((address, port))
        return s
    try:
        with stream(b, peer, 7002) as listener, stream(a, own) as s:
            listener.listen(1)
            s.connect((peer, 7002))
            conn, _ = listener.accept()
            with conn:
                s.sendall(bytes(1000))
                conn.sendall(conn.recv(65536))
                return len(s.recv(65536))
    except OSError as err:
        return err


def sctp(a, b):
    """Its checksum is not that of TCP and UDP, and veth leaves it to be made."""
    lab.run("modprobe", "sctp")
    for own, peer in (A4, B4), (A6, B6):
        for mode in "transport", "tunnel":
            pair(a, b, own, peer, 0x3100, mode)
            wire = lab.Wire(a, b)
            lab.equal(f"SCTP to {peer}, {mode}: echoed", 1000,
                      sctp_echo(a, b, own, peer))
            frames = wire.frames()
            lab.claim(len([f for f in frames if f.spi]) > 7,
                      f"SCTP to {peer}, {mode}: in ESP packets", len(frames))
            lab.equal(f"SCTP to {peer}, {mode}: nothing in clear", 0,
                      sum(f.clear() for f in frames))


def options(a, b):
    """Options for routers stay in front of ESP, those for the end go behind."""
    ip6 = socket.IPPROTO_IPV6
    for name, src, dst, option, seen in (
            ("IPv4 options", A4, B4, (socket.IPPROTO_IP, socket.IP_OPTIONS, NOOPS4),
             "46" + 16 * "." + "32"),
            ("hop-by-hop options", A6, B6, (ip6, socket.IPV6_HOPOPTS, PADDING6),
             "6" + 11 * "." + "00" + 66 * "." + "32"),
            ("destination options", A6, B6, (ip6, socket.IPV6_DSTOPTS, PADDING6),
             "6" + 11 * "." + "32")):
        pair(a, b, src, dst, 0x3200)
        wire = lab.Wire(a, only=f"dst host {dst}")
        with a.socket(src) as s, b.socket(dst, 7003) as t:
            s.setsockopt(*option)
            s.sendto(b"with options", (dst, 7003))
            lab.equal(f"{name}: arrives", [b"with options"], received(t))
        frames = [f.data[14:] for f in wire.frames()]
        lab.equal(f"{name}: one packet", 1, len(frames))
        text = frames[0].hex()
        lab.claim(len(text) > len(seen) and all(
                      c in (".", d) for c, d in zip(seen, text)),
                  f"{name}: ESP stands where it should", text)
        lab.claim(b"with options" not in frames[0], f"{name}: not in clear", text)


def neighbours(a, b):
    """A policy for all IPv6 packets, with the exemption that the README gives."""
    for host, out, back in (a, "out", "in"), (b, "in", "out"):
        host.setkey(f"""
            flush; spdflush;
            add {A6} {B6} esp 0x3300 {KEY};
            add {B6} {A6} esp 0x3301 {KEY};
            spdadd ::/0 ::/0 any -P out ipsec esp/transport//require;
            spdadd ::/0 ::/0 any -P in ipsec esp/transport//require;
            """)
        host.ip("neigh flush dev eth0 nud all")
    with a.socket(A6) as s, b.socket(B6, 7004, timeout=0.5) as t:
        s.sendto(b"unresolved", (B6, 7004))
        lab.equal("neighbours do not find each other through ESP", [None], received(t))
        for host in a, b:
            host.setkey("".join(
                f"spdadd ::/0 ::/0 icmp6 {kind},0 -P {way} prio high none;"
                for kind in (135, 136) for way in ("out", "in")))
            host.ip("neigh flush dev eth0 nud all")
        t.settimeout(5)
        wire = lab.Wire(a)
        s.sendto(b"resolved", (B6, 7004))
        lab.equal("with the exemption they do", [b"resolved"], received(t))
        lab.equal("and the rest is protected", [0x3300],
                  [f.spi for f in wire.frames() if f.spi or f.clear()])


def body():
    a, b = lab.hosts()
    group(a, b, "IPv4 multicast", GROUP4, A4, B4)
    group(a, b, "broadcast", ALL4, A4, B4)
    group(a, b, "IPv6 multicast", GROUP6, A6, B6)
    # The debug kernel has no SCTP; stock kernels must have it.
    if not os.path.exists("/sys/kernel/debug/kmemleak"):
        sctp(a, b)
    options(a, b)
    neighbours(a, b)


lab.main(body)
