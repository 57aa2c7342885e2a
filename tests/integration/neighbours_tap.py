#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A program feeds a gateway through a tap or tun device, as those do that run virtual
machines: packets of 64 KB, without checksums, datagrams that the device has to cut. What
is behind the device is protected, arrives whole, and no packet of a stream is sent as
fragments; also when the device is a port of the gateway's bridge."""
import fcntl
import functools
import os
import select
import socket
import struct
import threading

import lab
import neighbours
import packets
from neighbours import HOSTS, Row

ESP, AMOUNT, PORT = {50}, 400000, 7000
TUNSETIFF, TUNSETOFFLOAD = 0x400454ca, 0x400454d0
IFF_TUN, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 1, 2, 0x1000, 0x4000
CSUM, TSO4, TSO6, USO4, USO6 = 1, 2, 4, 0x20, 0x40
ALL = CSUM | TSO4 | TSO6
SOL_UDP, UDP_SEGMENT = 17, 103
NEEDS_CSUM, GSO_UDP = 1, 3      # of struct virtio_net_hdr
# The machine's addresses, and the gateway's.
GUEST = {4: ("10.1.5.1", "10.1.5.254"), 6: ("fd01:5::1", "fd01:5::fe")}
NET = {4: "10.1.0.0/16", 6: "fd01::/16"}
BITS = {4: 24, 6: 64}


class Device:
    """One end of what a program hands on: a device of a host."""

    def __init__(self, host, kind, offloads):
        with host.entered():
            self.fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.fd, TUNSETIFF, struct.pack(
            "16sH22x", b"tap0", kind | IFF_NO_PI | IFF_VNET_HDR))
        fcntl.ioctl(self.fd, TUNSETOFFLOAD, offloads)

    def close(self):
        os.close(self.fd)


class Machine:
    """A host on the other side of a program that hands on what two devices say."""

    def __init__(self, vm, gw, kind=IFF_TAP, offloads=ALL, bridge=False):
        self.ends = [Device(host, kind, offloads) for host in (vm, gw)]
        self.gw, self.bridge = gw, bridge
        self.dev = "br1" if bridge else "tap0"
        vm.ip("link set tap0 up\n")
        if bridge:
            gw.ip("link add br1 type bridge\nlink set tap0 master br1\nlink set br1 up\n")
        gw.ip("link set tap0 up\n")
        for v in 4, 6:
            for host, dev, address in zip((vm, gw), ("tap0", self.dev), GUEST[v]):
                host.ip(f"addr add {address}/{BITS[v]} dev {dev} nodad\n")
            vm.ip(f"route add default via {GUEST[v][1]}\n")
        self.stop = os.pipe()
        self.thread = threading.Thread(target=self.relay)
        self.thread.start()

    def relay(self):
        one, other = (end.fd for end in self.ends)
        while True:
            ready = select.select([one, other, self.stop[0]], [], [])[0]
            if self.stop[0] in ready:
                return
            for fd in ready:
                os.write(other if fd == one else one, os.read(fd, 1 << 17))

    def say(self, frame):
        """To the gateway, as the machine."""
        os.write(self.ends[1].fd, frame)

    def close(self):
        os.write(self.stop[1], b"x")
        self.thread.join()
        for end in self.ends:
            end.close()
        for fd in self.stop:
            os.close(fd)
        if self.bridge:
            self.gw.ip("link del br1\n")


def cut(sent):
    """How many packets of the first wire are fragments."""
    return sum(f.proto == 50 and bool(
        struct.unpack_from(">H", f.data, 20)[0] & 0x3fff if len(f.dst) == 4
        else f.data[20] == 44) for f in sent)


def stream(hosts, v, back=False):
    """TCP, from the machine or to it: what arrives, and fragments."""
    ends = (hosts[4], hosts[1], GUEST[v][0], HOSTS[v][1])
    if back:
        ends = (*ends[1::-1], *ends[:1:-1])
    with lab.Wire(hosts[3] if back else hosts[2]) as wire:
        return neighbours.stream(*ends, AMOUNT), cut(wire.frames())


def datagrams(hosts, v):
    """Their checksums are the device's matter."""
    return [neighbours.datagram(hosts[4], hosts[1], GUEST[v][0], HOSTS[v][1], size)
            for size in (1, 100, 1201)]


def segments(hosts, v):
    """One buffer that the stack or the device cuts into datagrams."""
    with hosts[1].socket(HOSTS[v][1], PORT) as t, hosts[4].socket(GUEST[v][0]) as s:
        s.connect((HOSTS[v][1], PORT))
        s.setsockopt(SOL_UDP, UDP_SEGMENT, 1000)
        for _ in range(2):      # neighbours may have to be found first
            s.send(bytes(range(250)) * 40)
        t.settimeout(5)
        return {t.recv(1 << 16) == bytes(range(250)) * 4 for _ in range(10)}


def large(hosts, v):
    """A datagram of 4,000 bytes that the device would send as fragments: the stack knows
    it as such, with a checksum that is still to be made."""
    src, dst = GUEST[v][0], HOSTS[v][1]
    text = bytes(range(250)) * 16
    data = packets.udp(src, dst, text, PORT)
    pseudo = packets.binary(src) + packets.binary(dst) + (
        struct.pack(">HH", 17, len(data)) if v == 4 else
        struct.pack(">II", len(data), 17))
    partial = packets.checksum(pseudo) ^ 0xffff
    data = data[:6] + struct.pack(">H", partial) + data[8:]
    packet = packets.packet(src, dst, 17, data)
    at = len(packet) - len(data)
    header = struct.pack("=BBHHHH", NEEDS_CSUM, GSO_UDP, at + 8, 1480 if v == 4 else 1232,
                         at, 6)
    with hosts[1].socket(dst, PORT, timeout=5) as t:
        hosts.machine.say(header + packet)
        return t.recv(1 << 16) == text


ARRIVED = [lab.ARRIVES] * 3
EACH = [("UDP", datagrams, (ARRIVED, ESP)), ("TCP", stream, ((AMOUNT, 0), ESP)),
        ("TCP to it", functools.partial(stream, back=True), ((AMOUNT, 0), ESP))]
PLANS = {
    "tap": {},
    "tap of a bridge": {"bridge": True},
    "tap without offloads": {"offloads": 0},
    "tun": {"kind": IFF_TUN},
}
ROWS = [
    *(Row(f"{plan}, {what}", {}, act, want, plan=plan)
      for plan in PLANS for what, act, want in EACH),
    Row("tap, a buffer of ten datagrams", {}, segments, ({True}, ESP), plan="tap"),
    Row("tun, a datagram of 4,000 bytes", {}, large, (True, ESP), plan="tun"),
]


def prepare(hosts):
    """What the gateways say is for all that is behind gw1."""
    gw1, gw2 = hosts[2:4]
    gw1.ip("link set lo up\n")
    for v in 4, 6:
        gw2.ip(f"route add {GUEST[v][0]} via {neighbours.ENDS[v][0]}\n")


def say(rows, who, plan):
    hosts = rows.hosts
    if hosts.machine:
        hosts.machine.close()
    hosts.machine = Machine(hosts[4], hosts[2], **PLANS[plan])
    for gw in hosts[2:4]:
        neighbours.flush(gw)
        for v in 4, 6:
            neighbours.load(who, gw, neighbours.tunnel(
                who, gw, v, nets=(NET[v], neighbours.NETS[v][1])))


def body():
    lab.run("modprobe", "tun")
    hosts = lab.gateways()
    lab.ip("netns add vm\n")
    hosts.append(lab.Host("vm"))
    prepare(hosts)
    rows = neighbours.Rows("devices that a program feeds", sorted(
        ROWS, key=lambda row: list(PLANS).index(row.plan)), hosts, hosts[2:4])
    rows.hosts.machine = None
    rows.all(lambda who, plan: say(rows, who, plan))
    rows.hosts.machine.close()
    rows.close()


lab.main(body)
