#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Groups whose members share an SA (RFC 4552): one whose source is any serves every
source, as with native XFRM; a member's own SA comes first."""
import socket
import struct

import lab
import neighbours
from lab import A4, A6, ARRIVES, B4, B6

KEY = "0x000102030405060708090a0b0c0d0e0f10111213"
ANY = {4: "0.0.0.0", 6: "::"}
GROUP = {4: "224.0.0.99", 6: "ff05::99"}
ADDRESSES = {4: (A4, B4), 6: (A6, B6)}
PROTOCOLS = {"ah": 51, "esp": 50}
# Version of IP, protocol, to a group or to one host, whether the sender has one of its own.
ROWS = [(v, proto, group, own) for v in (4, 6) for proto in PROTOCOLS
        for group in (True, False) for own in (False, True)]


def name(who, row):
    v, proto, group, own = row
    return (f"{who}: IPv{v}, {proto} to {'a group' if group else 'one'},"
            f" {'its own SA beside it' if own else 'one SA from any source'}")


def sa(who, proto, src, dst, spi):
    """Of HMAC-SHA1, with NULL where it is ESP."""
    if who == "ours":
        alg = f"-E null -A hmac-sha1 {KEY}" if proto == "esp" else f"-A hmac-sha1 {KEY}"
        return f"add {src} {dst} {proto} {spi} -m transport {alg};\n"
    enc = "enc ecb(cipher_null) ''" if proto == "esp" else ""
    return (f"xfrm state add src {src} dst {dst} proto {proto} spi {spi} mode transport"
            f" {enc} auth-trunc hmac(sha1) {KEY} 96\n")


def say(who, hosts, row):
    v, proto, group, own = row
    a, b = hosts
    src, dst = ADDRESSES[v][0], GROUP[v] if group else ADDRESSES[v][1]
    for host, direction in (a, "out"), (b, "in"):
        neighbours.flush(host)
        neighbours.load(who, host, sa(who, proto, ANY[v], dst, 0x1000))
        if own:
            neighbours.load(who, host, sa(who, proto, src, dst, 0x2000))
        neighbours.load(who, host, neighbours.policy(
            who, src, dst, direction).replace("esp", proto))
    return src, dst


def spis(frames):
    """SPIs of what is on the wire, whichever protocol."""
    found = set()
    for f in frames:
        if f.proto in PROTOCOLS.values():
            at = f.payload + (4 if f.proto == PROTOCOLS["ah"] else 0)
            found.add(int.from_bytes(f.data[at:at + 4], "big"))
    return found


def try_row(table, who, row, hosts, wire):
    src, dst = say(who, hosts, row)
    wire.frames(0)
    got = neighbours.datagram(*hosts, src, dst, 100)
    frames = wire.frames()
    table.equal(name(who, row), "a datagram", ARRIVES, got)
    table.equal(name(who, row), "on the wire", {PROTOCOLS[row[1]]},
                neighbours.protocols(frames))
    # Native XFRM takes the one that came last; ours the sender's own.
    if who == "ours":
        table.equal(name(who, row), "SPI", {0x2000 if row[3] else 0x1000}, spis(frames))


def join(host):
    """Makes it a member, while what is returned is open."""
    members = []
    with host.entered():
        index = socket.if_nametoindex("eth0")
        for v, level, option in ((4, socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP),
                                 (6, socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP)):
            family = lab.family(GROUP[v])
            s = socket.socket(family, socket.SOCK_DGRAM)
            where = socket.inet_aton(B4) if v == 4 else struct.pack("=I", index)
            s.setsockopt(level, option, socket.inet_pton(family, GROUP[v]) + where)
            members.append(s)
    return members


def body():
    hosts = lab.hosts()
    for host in hosts:
        host.ip("route add 224.0.0.0/4 dev eth0\n")
    members = join(hosts[1])
    table = lab.Matrix("SAs of groups",
                       [name(who, row) for who in neighbours.WHO for row in ROWS])
    wire = lab.Wire(hosts[0])
    for who in neighbours.WHO:
        for row in ROWS:
            try_row(table, who, row, hosts, wire)
    table.report()
    for s in members:
        s.close()


lab.main(body)
