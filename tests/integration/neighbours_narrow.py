#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A link on the way becomes narrower in the middle of a TCP connection, whatever
net.ipv4.ip_no_pmtu_disc says: everything arrives, nothing of it in clear, and as native
XFRM has it: no more fragments."""
import contextlib
import socket
import struct
import threading

import lab
import neighbours
from neighbours import ENDS, HOSTS

BEFORE, AFTER = 100000, 400000      # bytes
# Below 1280 the router would have no IPv6 any more.
WIDE, NARROW = 1500, 1300
# Mode, version of IP, ip_no_pmtu_disc.
ROWS = [(mode, v, value) for mode in ("transport", "tunnel") for v, values in
        ((4, range(4)), (6, (0,))) for value in values]
# With DF as in the inner header, as native XFRM has it; and as it is by default.
CLEARED = "tunnel without DF", 4, 0


def rows(who):
    return ROWS + [CLEARED] if who == "ours" else ROWS


def name(who, row):
    mode, v, value = row
    return f"{who}: {mode}, IPv{v}" + (f", ip_no_pmtu_disc {value}" if v == 4 else "")


def say(who, gateways, row):
    mode, v, _ = row
    if mode != "transport":
        neighbours.tunnels(who, gateways)
        return
    for gw, way in zip(gateways, (1, -1)):
        neighbours.flush(gw)
        neighbours.protect(who, gw, *ENDS[v][::way], 0x100)


def feed(s, amount):
    with contextlib.suppress(OSError):
        s.sendall(bytes(amount))


def read(s, amount):
    """Bytes that come, until it is as many or no more."""
    got = 0
    with contextlib.suppress(OSError):
        while got < amount and (data := s.recv(1 << 16)):
            got += len(data)
    return got


def abort(s):
    """Closed later without a farewell: what is not acknowledged is not sent again when
    there are other policies."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))


def transfer(sender, receiver, own, peer, narrow):
    """How much arrives before and after the link becomes narrower."""
    with receiver.socket(peer, 7001, socket.SOCK_STREAM, timeout=60) as listener, \
            sender.socket(own, kind=socket.SOCK_STREAM, timeout=60) as s:
        listener.listen(1)
        s.connect((peer, 7001))
        with listener.accept()[0] as t:
            t.settimeout(60)
            abort(s)
            abort(t)
            got = []
            for amount in BEFORE, AFTER:
                thread = threading.Thread(target=feed, args=(s, amount))
                thread.start()
                got.append(read(t, amount))
                if amount == BEFORE:
                    narrow()
                thread.join()
    return got


def is_fragment(frame):
    if len(frame.dst) == 4:
        return bool(struct.unpack_from(">H", frame.data, 20)[0] & 0x3fff)
    return frame.data[20] == 44


def try_row(table, who, row, hosts, seen):
    mode, v, value = row
    a, b, gw1, gw2, r = hosts
    for host in hosts[:4]:
        host.sysctl(f"net.ipv4.ip_no_pmtu_disc={value}")
        host.ip("route flush cache\n")
        host.run("ip", "-6", "route", "flush", "cache")
    for gw in gw1, gw2:
        gw.sysctl(f"net.inet.ipsec.dfbit={0 if row == CLEARED else 2}")
    r.ip(f"link set eth1 mtu {WIDE}\n")
    say(who, (gw1, gw2), row)
    ends = (gw1, gw2, *ENDS[v]) if mode == "transport" else (a, b, *HOSTS[v])
    with lab.Wire(gw1, gw2) as sent, lab.Wire(r, dev="eth1") as wire:
        got = transfer(*ends, lambda: r.ip(f"link set eth1 mtu {NARROW}\n"))
        frames = [f for f in wire.frames() if f.proto in (50, 51)]
        protos = neighbours.protocols(sent.frames())
    table.equal(name(who, row), "on the wire", {50}, protos)
    here = len(frames), sum(map(is_fragment, frames))
    print(f"# {name(who, row)}: {got} bytes in {here[0]} packets, {here[1]} of them fragments")
    if who == "native":
        # In IPv6 tunnels its connections may come to a halt, and are no measure then.
        if got == [BEFORE, AFTER]:
            seen[row] = here
        return
    table.equal(name(who, row), "bytes before and after", [BEFORE, AFTER], got)
    if native := seen.get(row):
        # How many packets there are, acknowledgements and retransmissions, is a matter of
        # time, and so is a fragment more or less.
        table.equal(name(who, row), f"no more fragments than {native}",
                    True, here[1] <= native[1] + native[1] // 4 + 20)


def body():
    hosts = lab.gateways(router=True)
    table = lab.Matrix("a link becomes narrower", [name(who, row) for who in neighbours.WHO
                                                   for row in rows(who)])
    seen = {}
    for who in neighbours.WHO:
        for row in rows(who):
            try_row(table, who, row, hosts, seen)
    table.report()


lab.main(body)
