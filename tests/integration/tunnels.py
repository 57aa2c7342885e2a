#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The outer header put on and taken off, field by field, in every family.

ESP without encryption, so that both headers are seen on the wire: what host a
sends is taken apart there, and host b is sent what a test has put together.
"""
import socket
import struct

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6

WAYS = ((4, 4), (6, 6), (4, 6), (6, 4))     # inner, outer
ENDS = {4: (A4, B4), 6: (A6, B6)}
MACS = b"\x02\0\0\0\0\x0b\x02\0\0\0\0\x0a"
IPIP, IPV6, UDP, ESP = 4, 41, 17, 50
# RFC 6040's code points, and what figure 4 makes of them: inner, then outer.
NOT, ECT1, ECT0, CE = range(4)
NAMES = {NOT: "Not-ECT", ECT1: "ECT(1)", ECT0: "ECT(0)", CE: "CE", None: "a drop"}
FIGURE4 = {
    NOT: {NOT: NOT, ECT0: NOT, ECT1: NOT, CE: None},
    ECT0: {NOT: ECT0, ECT0: ECT0, ECT1: ECT1, CE: CE},
    ECT1: {NOT: ECT1, ECT0: ECT1, ECT1: ECT1, CE: CE},
    CE: {NOT: CE, ECT0: CE, ECT1: CE, CE: CE},
}
ODD = ((NOT, ECT0), (NOT, ECT1), (ECT1, ECT0), (CE, ECT1))
KNOB = {4: "net.inet.ipsec", 6: "net.inet6.ipsec6"}
# Of Linux, in sadb_sa_flags.
NOPMTUDISC, DECAP_DSCP, NOECN = 0x20000000, 0x40000000, 0x80000000
EF, AF11 = 0xb8, 0x28      # two DS fields, in their place


def port(inner, outer):
    return 7000 + 10 * inner + outer


def spi(inner, outer):
    return 0x1000 + 16 * inner + outer


def rules(a, b):
    """A tunnel from a to b for each way; the port tells which."""
    text = {a: "", b: ""}
    for way in WAYS:
        (src, dst), (x, y) = (ENDS[v] for v in way)
        for host, direction in (a, "out"), (b, "in"):
            text[host] += f"""
                add {x} {y} esp {spi(*way)} -m tunnel -u {spi(*way)} -E null -A null;
                spdadd {src} {dst}[{port(*way)}] udp -P {direction} ipsec
                    esp/tunnel/{x}-{y}/unique:{spi(*way)};
                """
    for host in a, b:
        host.setkey("flush; spdflush;" + text[host])


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data + bytes(len(data) % 2))
                if len(data) % 2 == 0 else
                struct.unpack(f">{len(data) // 2 + 1}H", data + b"\0"))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(address):
    return socket.inet_pton(lab.family(address), address)


def ip(src, dst, proto, payload, tos=0, ttl=64, length=None, first=None, label=0):
    """An IP packet; length and first byte may lie."""
    if ":" in src:
        word = 6 << 28 | tos << 20 | label
        size = len(payload) if length is None else length
        head = struct.pack(">IHBB", word, size, proto, ttl) + packed(src) + packed(dst)
        return (head if first is None else bytes([first]) + head[1:]) + payload
    size = 20 + len(payload) if length is None else length
    head = struct.pack(">BBHHHBBH", 0x45 if first is None else first, tos, size, 7, 0,
                       ttl, proto, 0) + packed(src) + packed(dst)
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def udp(src, dst, dport, data):
    head = struct.pack(">HHHH", 7, dport, 8 + len(data), 0)
    pseudo = packed(src) + packed(dst) + struct.pack(">II", 8 + len(data), UDP)
    return head[:6] + struct.pack(">H", checksum(pseudo + head + data) or 0xffff) + data


class Injector:
    """Sends b what it takes for a's packets of a way's SA."""

    def __init__(self, a):
        with a.entered():
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self.sock.bind(("eth0", 0))
        self.seq = 1000

    def send(self, way, inner, nexthdr=None, tos=0, ttl=64):
        if nexthdr is None:
            nexthdr = IPIP if way[0] == 4 else IPV6
        self.seq += 1
        pad = -(len(inner) + 2) % 4
        esp = struct.pack(">II", spi(*way), self.seq) + inner \
            + bytes(range(1, pad + 1)) + bytes([pad, nexthdr])
        kind = b"\x08\0" if way[1] == 4 else b"\x86\xdd"
        self.sock.send(MACS + kind + ip(*ENDS[way[1]], ESP, esp, tos, ttl))

    def datagram(self, way, data, tos=0, ttl=64, outer=(0, 64)):
        """One of UDP; outer: type of service and TTL outside."""
        src, dst = ENDS[way[0]]
        self.send(way, ip(src, dst, UDP, udp(src, dst, port(*way), data), tos, ttl),
                  None, *outer)


def header(packet):
    """The fields of an IP header, and what follows it."""
    if packet[0] >> 4 == 6:
        word, size, proto, ttl = struct.unpack_from(">IHBB", packet)
        return {"v": 6, "tos": word >> 20 & 255, "label": word & 0xfffff, "df": None,
                "ttl": ttl, "proto": proto, "good": size == len(packet) - 40,
                "ends": (packet[8:24], packet[24:40])}, packet[40:]
    _, tos, size, _, off, ttl, proto, _ = struct.unpack_from(">BBHHHBBH", packet)
    return {"v": 4, "tos": tos, "label": None, "df": off >> 14 & 1, "ttl": ttl,
            "proto": proto, "ends": (packet[12:16], packet[16:20]),
            "good": size == len(packet) and not checksum(packet[:20])
            and not off & 0xbfff}, packet[20:]


class Sender:
    """A socket of a for each way, and what its packets look like on the wire."""

    def __init__(self, a):
        self.sockets = {way: a.socket(ENDS[way[0]][0]) for way in WAYS}
        self.wire = lab.Wire(a, only="proto 50 or ip6 proto 50")

    def set(self, way, *option):
        self.sockets[way].setsockopt(*option)

    def sent(self, *ways):
        """The outer and the inner header of a packet of each way."""
        self.wire.frames(0)     # what was injected meanwhile
        for way in ways:
            self.sockets[way].sendto(b"tunnels", (ENDS[way[0]][1], port(*way)))
        seen = {}
        for frame in self.wire.frames(0.02):
            outer, esp = header(frame.data[14:])
            inner, rest = header(esp[8:8 + 20 + 15] if esp[8] >> 4 == 4 else
                                 esp[8:8 + 40 + 15])
            outer["inside"] = esp[-1]
            seen[frame.spi] = outer, inner, rest
        return [seen.get(spi(*way)) for way in ways]


TOS = {4: (socket.IPPROTO_IP, socket.IP_TOS),
       6: (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)}
TTL = {4: (socket.IPPROTO_IP, socket.IP_TTL),
       6: (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)}
MTU_DISCOVER, DO, DONT = 10, 2, 0


def name(way):
    return f"{way[0]} in {way[1]}"


def encap(sender):
    for way in WAYS:
        sender.set(way, *TTL[way[0]], 13)
    for way, (outer, inner, rest) in zip(WAYS, sender.sent(*WAYS)):
        text = name(way)
        lab.equal(f"{text}: the outer header is an SA's",
                  (way[1], *map(packed, ENDS[way[1]]), ESP, True),
                  (outer["v"], *outer["ends"], outer["proto"], outer["good"]))
        lab.equal(f"{text}: next header", IPIP if way[0] == 4 else IPV6,
                  outer["inside"])
        lab.equal(f"{text}: the inner packet is what was sent",
                  (way[0], *map(packed, ENDS[way[0]]), UDP, b"tunnels"),
                  (inner["v"], *inner["ends"], inner["proto"], rest[8:]))
        lab.equal(f"{text}: outer TTL is the default, the inner one kept", (64, 13),
                  (outer["ttl"], inner["ttl"]))
        if way[1] == 6:
            want = inner["label"] if way[0] == 6 else 0
            lab.equal(f"{text}: flow label", (want, way[0] == 6),
                      (outer["label"], outer["label"] != 0))


def encap_tos(a, sender):
    """DS field copied; congestion marks as the knob of the outer family says."""
    for knob, marks in ((0, (0, 0, 0, 0)), (-1, (0, 1, 2, 3)), (1, (0, 1, 2, 3))):
        a.sysctl(*(f"{KNOB[v]}.ecn={knob}" for v in (4, 6)))
        seen = {way: [] for way in WAYS}
        for mark in range(4):
            for way in WAYS:
                sender.set(way, *TOS[way[0]], EF | mark)
            for way, (outer, inner, _) in zip(WAYS, sender.sent(*WAYS)):
                seen[way].append((outer["tos"], inner["tos"]))
        for way in WAYS:
            lab.equal(f"{name(way)}: ecn {knob}: outer and inner type of service",
                      [(EF | marks[m], EF | m) for m in range(4)], seen[way])
    for way in WAYS:
        sender.set(way, *TOS[way[0]], 0)


def dfbit(a, sender):
    for knob, want in ((0, (0, 0)), (1, (1, 1)), (2, (1, 0))):
        a.sysctl(f"net.inet.ipsec.dfbit={knob}")
        for inner, discover in (1, DO), (0, DONT):
            sender.set((4, 4), socket.IPPROTO_IP, MTU_DISCOVER, discover)
            (seen, plain, _), = sender.sent((4, 4))
            lab.equal(f"4 in 4: dfbit {knob}, inner DF {inner}: outer and inner DF",
                      (want[1 - inner], inner), (seen["df"], plain["df"]))
        (seen, _, _), = sender.sent((6, 4))
        lab.equal(f"6 in 4: dfbit {knob}: outer DF", int(knob == 1), seen["df"])
    a.sysctl("net.inet.ipsec.dfbit=0")


IP_RECVTTL = 12
RECV = {4: (socket.IPPROTO_IP, socket.IP_RECVTOS, IP_RECVTTL),
        6: (socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, socket.IPV6_RECVHOPLIMIT)}


class Receiver:
    """A socket of b for each way."""

    def __init__(self, b):
        self.sockets = {}
        for way in WAYS:
            s = b.socket(ENDS[way[0]][1], port(*way))
            level, *options = RECV[way[0]]
            for option in options:
                s.setsockopt(level, option, 1)
            self.sockets[way] = s

    def got(self, way, last=b"end"):
        """{data: (type of service, TTL)} of all that came before the last."""
        seen = {}
        while True:
            data, extra, _, _ = self.sockets[way].recvmsg(2000, 200)
            if data == last:
                return seen
            numbers = {kind: cmsg[0] for _, kind, cmsg in extra}
            tos = numbers.get(socket.IP_TOS if way[0] == 4 else socket.IPV6_TCLASS)
            ttl = numbers.get(socket.IP_TTL if way[0] == 4 else
                              socket.IPV6_HOPLIMIT)
            seen[data] = tos, ttl


def rose(host, before):
    return {k: v - before[k] for k, v in host.stat().items()
            if v != before[k] and not k.startswith("spdcache")}


def decap_marks(b, injector, receiver, way):
    """All 16 combinations at once: {(inner, outer): marks that came out}."""
    before = b.stat()
    for inner in range(4):
        for outer in range(4):
            injector.datagram(way, bytes([inner, outer]), EF | inner, 33,
                              (AF11 | outer, 9))
    injector.datagram(way, b"end")
    got = receiver.got(way)
    lab.equal(f"{name(way)}: inner DS field and TTL are kept", {(EF, 33)},
              {(tos & 0xfc, ttl) for tos, ttl in got.values()})
    return ({(d[0], d[1]): tos & 3 for d, (tos, _) in got.items()}, rose(b, before))


def decap_ecn(b, injector, receiver):
    pairs = [(i, o) for i in range(4) for o in range(4)]
    for knob in 1, 0, -1:
        b.sysctl(*(f"{KNOB[v]}.ecn={knob}" for v in (4, 6)))
        for way in WAYS:
            marks, counters = decap_marks(b, injector, receiver, way)
            if knob == 1:
                for inner, outer in pairs:
                    want = FIGURE4[inner][outer]
                    lab.equal(f"{name(way)}: {NAMES[outer]} on {NAMES[inner]} gives "
                              f"{NAMES[want]}", want, marks.get((inner, outer)))
                lab.equal(f"{name(way)}: counters of them",
                          {"in_success": 16, "in_ecn": 1, "ecn_odd": len(ODD)},
                          counters)
            else:
                lab.equal(f"{name(way)}: ecn {knob}: inner marks are kept",
                          {(i, o): i for i, o in pairs}, marks)
                lab.equal(f"{name(way)}: ecn {knob}: counters",
                          {"in_success": 17}, counters)


def flagged(host, way, flags):
    """The way's SA anew, with flags that setkey has no word for."""
    ends = ENDS[way[1]]
    who = pfkey.ends(*ends)
    with host.entered():
        client = pfkey.Client()
    sa = pfkey.sa(spi(*way), auth=251, encrypt=11, replay=0, flags=flags)
    client.sock.send(pfkey.message(pfkey.DELETE, pfkey.ESP,
                                   pfkey.sa(spi(*way)) + who))
    client.sock.send(pfkey.message(pfkey.ADD, pfkey.ESP,
                                   sa + pfkey.sa2(2, spi(*way)) + who))
    client.sock.send(pfkey.message(pfkey.GET, pfkey.ESP,
                                   pfkey.sa(spi(*way)) + who))
    got = client.drain()[-1]
    client.sock.close()
    return struct.unpack_from("=I", got.ext[1], 12)[0] if 1 in got.ext else got.errno


def flags(a, b, sender, injector, receiver):
    """Linux's flags of one SA, whatever the knobs say."""
    every = NOPMTUDISC | DECAP_DSCP | NOECN
    for host in a, b:
        host.sysctl("net.inet.ipsec.dfbit=1", *(f"{KNOB[v]}.ecn=1" for v in (4, 6)))
    for way in WAYS:
        lab.equal(f"{name(way)}: flags are kept", [every, every],
                  [flagged(host, way, every) for host in (a, b)])
        sender.set(way, *TOS[way[0]], EF | ECT0)
        (outer, inner, _), = sender.sent(way)
        lab.equal(f"{name(way)}: NOECN: outer and inner type of service",
                  (EF, EF | ECT0), (outer["tos"], inner["tos"]))
        lab.claim(not outer["df"], f"{name(way)}: NOPMTUDISC: no DF outside", outer)
        receiver.sockets[way].recv(2000)
        injector.datagram(way, b"dscp", EF | ECT0, outer=(AF11 | CE, 64))
        injector.datagram(way, b"end")
        lab.equal(f"{name(way)}: DECAP_DSCP and NOECN: inner type of service",
                  AF11 | ECT0, receiver.got(way)[b"dscp"][0])
    for way in (4, 4), (6, 6):
        flagged(b, way, DECAP_DSCP)
        injector.datagram(way, b"dscp", EF | ECT0, outer=(AF11 | CE, 64))
        injector.datagram(way, b"end")
        lab.equal(f"{name(way)}: DECAP_DSCP alone: congestion comes in too",
                  AF11 | CE, receiver.got(way)[b"dscp"][0])
    for host in a, b:
        host.sysctl("net.inet.ipsec.dfbit=0", *(f"{KNOB[v]}.ecn=0" for v in (4, 6)))


def packet4(src=A4, dst=B4, data=b"inner", **lies):
    return ip(src, dst, UDP, udp(src, dst, port(4, 4), data), **lies)


def packet6(src=A6, dst=B6, data=b"inner", **lies):
    return ip(src, dst, UDP, udp(src, dst, port(6, 6), data), **lies)


def inner_checks(b, injector, receiver):
    """What comes out is dropped, by us or by the stack, or delivered as it is."""
    whole, bad, policy = ({"in_success": 1}, {"in_inner": 1},
                          {"in_success": 1, "in_tunnel": 1})
    for v, text, packet, nexthdr, want, delivered in (
            (4, "as it should be", packet4(), IPIP, whole, True),
            (6, "as it should be", packet6(), IPV6, whole, True),
            (4, "IPv6 under next header 4", packet6(), IPIP, bad, False),
            (6, "IPv4 under next header 41", packet4() + bytes(20), IPV6, bad, False),
            (4, "version 0", packet4(first=0x05), None, bad, False),
            (6, "version 15", packet6(first=0xf0), None, bad, False),
            (4, "header length 4 words", packet4(first=0x44), None, bad, False),
            (4, "header length beyond the packet", packet4(first=0x4f), None, bad,
             False),
            (4, "total length 19", packet4(length=19), None, bad, False),
            (4, "total length beyond the payload", packet4(length=34), None, bad,
             False),
            (4, "total length short of it: padding", packet4(length=33) + bytes(50),
             None, whole, True),
            (6, "payload length beyond the payload", packet6(length=14), None, bad,
             False),
            (6, "payload length short of it: padding", packet6(length=13) + bytes(50),
             None, whole, True),
            (4, "19 bytes of a header", packet4()[:19], None, {"in_hdrops": 1}, False),
            (6, "39 bytes of a header", packet6()[:39], None, {"in_hdrops": 1}, False),
            (4, "nothing", b"", None, {"in_hdrops": 1}, False),
            (6, "nothing", b"", None, {"in_hdrops": 1}, False),
            (4, "source is b's own", packet4(B4), None, whole, False),
            (6, "source is b's own", packet6(B6), None, policy, False),
            (4, "source 127.0.0.1", packet4("127.0.0.1"), None, whole, False),
            (6, "source ::1", packet6("::1"), None, whole, False),
            (4, "source of a group", packet4("224.0.0.1"), None, whole, False),
            (6, "source of a group", packet6("ff02::1"), None, whole, False),
            (4, "source that no policy names", packet4("10.0.0.99"), None, policy,
             False),
            (6, "source that no policy names", packet6("fd00::99"), None, policy,
             False),
            (4, "to a group", packet4(dst="224.0.0.1"), None, policy, False),
            (6, "to a group", packet6(dst="ff02::1"), None, policy, False),
            (4, "broadcast", packet4(dst="10.0.0.255"), None, policy, False),
            (4, "limited broadcast", packet4(dst="255.255.255.255"), None, policy,
             False),
            (4, "to an address that is not b's", packet4(dst="10.0.0.98"), None,
             whole, False),
            (6, "to an address that is not b's", packet6(dst="fd00::98"), None,
             whole, False),
            # Port 7044 comes in the SA of 4 in 4, 7066 in that of 6 in 6.
            (4, "IPv6 in an SA whose policy has IPv4", packet6(), IPV6, policy, False),
            (6, "IPv4 in an SA whose policy has IPv6", packet4(), IPIP, policy,
             False)):
        way = (v, v)
        lab.counted(b, f"{name(way)}: {text}", want,
                    lambda: injector.send(way, packet, nexthdr))
        injector.datagram((4, 4), b"end")
        injector.datagram((6, 6), b"end")
        seen = [*receiver.got((4, 4)), *receiver.got((6, 6))]
        lab.equal(f"{name(way)}: {text}: delivered", [b"inner"] * delivered, seen)


def body():
    a, b = lab.hosts()
    rules(a, b)
    sender, injector, receiver = Sender(a), Injector(a), Receiver(b)
    encap(sender)
    encap_tos(a, sender)
    dfbit(a, sender)
    for way in WAYS:
        injector.datagram(way, b"end")
        lab.claim(b"tunnels" in receiver.got(way), f"{name(way)}: all that arrives",
                  "nothing")
    decap_ecn(b, injector, receiver)
    inner_checks(b, injector, receiver)
    flags(a, b, sender, injector, receiver)


lab.main(body)
