#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What key managers say, message by message and byte by byte, with the wrong and
the superfluous things that they say along with it: OpenIKED, racoon, strongSwan's
charon. Each negotiates an SA pair, rekeys it and takes it down, and packets show
that the kernel understood."""
import os
import socket
import struct

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

AES256, SHA384 = bytes(range(32)), bytes(range(48))
DEFAULT_PRIO = 0x80000000
TUNNEL, TRANSPORT, ANY = 2, 1, 0
IN, OUT, FWD = 1, 2, 3


def limits(kind, octets=0, add=0):
    return ext(kind, struct.pack("=IQQQ", 0, octets, add, 0))


def soft_first(hard):
    return limits(4, 0, hard * 9 // 10) + limits(3, 0, hard)


class Party:
    """One end: a daemon's sockets, and what it needs to see its packets."""

    def __init__(self, host, own, peer):
        self.host, self.own, self.peer = host, own, peer
        self.bits = 128 if ":" in own else 32
        with host.entered():
            self.km = Client()
        self.seq = 0

    def ask(self, kind, satype, body=b"", seq=None, pid=None):
        """A request by writev() of many pieces, as OpenIKED does it; its reply is
        there when the call returns."""
        if seq is None:
            self.seq += 1
            seq = self.seq
        raw = message(kind, satype, body, seq=seq, pid=pid)
        cut = [raw[i:i + 16] for i in range(0, len(raw), 16)]
        assert os.writev(self.km.sock.fileno(), cut) == len(raw)
        head = self.km.sock.recv(16, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        assert len(head) == 16
        r = self.km.recv()
        while r.pid == 0 and r.type != kind:
            r = self.km.recv()
        lab.claim((r.type, r.seq, r.pid, r.errno)
                  == (kind, seq, os.getpid() if pid is None else pid, 0),
                  f"{self.name}: message {kind} of satype {satype} is taken, number and pid "
                  "come back", (r.type, r.seq, r.pid, name(r.errno)))
        return r

    def events(self):
        return [r for r in self.km.drain() if r.pid == 0]


class Iked(Party):
    """openiked 7.2: no reqid, prefix 0 and protocol 0 in the ends of SAs, replay 64,
    SPDUPDATE only, X_SA2 in messages about policies."""
    name = "OpenIKED"
    satype, proto = ESP, 50
    mode = TUNNEL

    def start(self):
        self.ask(FLUSH, 0)
        self.ask(REGISTER, ESP)
        self.ask(REGISTER, AH)

    def ends(self, src, dst):
        return ends(src, dst, prefix=0, proto=0)

    def getspi(self, _seq):
        r = self.ask(GETSPI, self.satype,
                     spirange(0x100, 0xffffffff) + self.ends(self.peer, self.own))
        return r.spi()

    def sa(self, kind, spi, src, dst):
        keys = key(9, AES256) + key(8, SHA384)
        self.ask(kind, self.satype,
                 sa(spi, auth=6, encrypt=12, replay=64, state=1) + sa2(self.mode)
                 + self.ends(src, dst) + limits(4, 4294967296 * 9 // 10, 9720)
                 + limits(3, 4294967296, 10800) + keys)

    def inbound(self, spi, seq):
        self.sa(UPDATE, spi, self.peer, self.own)

    def outbound(self, spi, seq):
        self.sa(ADD, spi, self.own, self.peer)

    def flow(self, direction, text=SPDUPDATE):
        """With the whole request even when it deletes."""
        pair = (self.own, self.peer) if direction == OUT else (self.peer, self.own)
        rule = request(self.proto, self.mode, 2,
                       pair=pair if self.mode == TUNNEL else None)
        return self.ask(text, 0, sa2(ANY) + address(5, pair[0], self.bits)
                        + address(6, pair[1], self.bits)
                        + policy(direction, 2, rule, priority=0))

    def policies(self):
        return [self.flow(d) for d in (FWD, OUT, IN)]

    def acquired(self, m):
        """It reads DST and POLICY, then asks for the policy by its id alone."""
        ident = struct.unpack_from("=I", m.ext[18], 8)[0]
        r = self.ask(SPDGET, 0, policy(0, 0, ident=ident, priority=0))
        lab.claim({5, 6, 18} <= set(r.ext) and r.ext[5][5] == self.bits,
                  f"{self.name}: SPDGET by id has the selector", sorted(r.ext))
        return self.seq + 1000      # its own numbers, not the ACQUIRE's

    def delete(self, spi, src, dst):
        self.ask(DELETE, self.satype, sa(spi, auth=0, encrypt=0, replay=0) + sa2(ANY)
                 + self.ends(src, dst))

    def stop(self):
        for d in FWD, OUT, IN:
            self.flow(d, SPDDELETE)


class IkedAH(Iked):
    """AH carries the ESP cipher's number and key along."""
    name = "OpenIKED with AH"
    satype, proto = AH, 51
    mode = TRANSPORT


class Racoon(Party):
    """racoon: the ACQUIRE's number everywhere, ports 500 in the ends, replay 4,
    garbage in reserved fields, policies by SPDUPDATE with a lifetime."""
    name = "racoon"
    satype = ESP
    mode = TUNNEL

    def start(self):
        for satype in AH, ESP, IPCOMP:
            self.ask(REGISTER, satype)
        self.km.sock.send(message(SPDDUMP, 0, seq=0))
        lab.equal(f"{self.name}: SPDDUMP of nothing is ENOENT", "ENOENT",
                  name(self.km.recv().errno))

    def ends(self, src, dst):
        return ends(src, dst, port=500)

    def getspi(self, seq):
        return self.ask(GETSPI, ESP, sa2(self.mode, 0) + self.ends(self.peer, self.own),
                        seq=seq).spi()

    def sa(self, kind, spi, src, dst, seq):
        self.ask(kind, ESP, sa(spi, auth=3, encrypt=12, replay=4) + sa2(self.mode)
                 + self.ends(src, dst) + key(9, AES256[:16]) + key(8, KEY20)
                 + limits(3, 0, 30) + limits(4, 0, 24), seq=seq)

    def inbound(self, spi, seq):
        self.sa(UPDATE, spi, self.peer, self.own, seq)

    def outbound(self, spi, seq):
        self.sa(ADD, spi, self.own, self.peer, seq)

    def policies(self):
        """generate_policy: garbage wherever nobody should look."""
        made = []
        for direction in IN, FWD, OUT:
            pair = (self.own, self.peer) if direction == OUT else (self.peer, self.own)
            rule = struct.pack("=HHBBHII", 16 + 2 * len(sockaddr(pair[0])), 50, TUNNEL, 2,
                               0xcdcd, 0, 0xcdcdcdcd) \
                + sockaddr(pair[0], 500) + sockaddr(pair[1], 500)
            rule += bytes(-len(rule) % 8)
            where = ext(18, struct.pack("=HBBII", 2, direction, 0xcd, 0, DEFAULT_PRIO) + rule)
            made.append(self.ask(SPDUPDATE, 0, address(5, pair[0], self.bits)
                                 + address(6, pair[1], self.bits) + limits(3, 0, 3600)
                                 + where))
        return made

    def acquired(self, m):
        ident = struct.unpack_from("=I", m.ext[18], 8)[0]
        lab.claim(ident % 8 < 3, f"{self.name}: the policy is no socket's", ident)
        return m.seq

    def delete(self, spi, src, dst):
        self.ask(DELETE, ESP, sa(spi, auth=0, encrypt=0, replay=0) + self.ends(src, dst),
                 seq=0)

    def stop(self):
        for direction in IN, FWD, OUT:
            pair = (self.own, self.peer) if direction == OUT else (self.peer, self.own)
            self.ask(SPDDELETE, 0, policy(direction, 0) + address(5, pair[0], self.bits)
                     + address(6, pair[1], self.bits))
        self.ask(FLUSH, 0, seq=0)


class Charon(Party):
    """strongSwan: events on a second socket, DELETE and ADD where others UPDATE,
    level unique with a reqid, EEXIST of SPDADD answered by SPDUPDATE."""
    name = "charon"
    satype = ESP
    mode = TUNNEL
    reqid = 7

    def start(self):
        with self.host.entered():
            self.events_socket = Client()
        for satype in ESP, AH:
            r = self.events_socket.ask(REGISTER, satype)
            assert r.errno == 0

    def events(self):
        self.km.drain()
        return [r for r in self.events_socket.drain() if r.pid == 0]

    def ends(self, src, dst):
        return ends(src, dst, prefix=0, proto=0)

    def getspi(self, _seq):
        return self.ask(GETSPI, ESP, self.ends(self.peer, self.own)
                        + spirange(0xc0000000, 0xcfffffff)).spi()

    def sa(self, spi, src, dst, replay):
        self.km.drain()
        self.ask(ADD, ESP, sa(spi, auth=0, encrypt=20, replay=replay, state=1)
                 + sa2(self.mode, self.reqid) + self.ends(src, dst) + soft_first(3600)
                 + key(9, KEY20))

    def inbound(self, spi, seq):
        self.delete(spi, self.peer, self.own)
        self.sa(spi, self.peer, self.own, 32)

    def outbound(self, spi, seq):
        self.sa(spi, self.own, self.peer, 0)

    def policies(self):
        made = []
        for direction in IN, FWD, OUT:
            pair = (self.own, self.peer) if direction == OUT else (self.peer, self.own)
            body = policy(direction, 2, request(50, TUNNEL, 3, self.reqid, pair),
                          priority=375423) + ends(*pair)
            made.append(self.ask(SPDADD, 0, body))
            self.km.sock.send(message(SPDADD, 0, body, seq=77))
            r = self.km.recv()
            lab.equal(f"{self.name}: SPDADD again is EEXIST, in 16 bytes",
                      ("EEXIST", 16, 77), (name(r.errno), len(r.raw), r.seq))
            made[-1] = self.ask(SPDUPDATE, 0, body)
        return made

    def acquired(self, m):
        return m.seq

    def query(self, spi, src, dst):
        """Packets, bytes and time of last use of an SA."""
        r = self.ask(GET, ESP, sa(spi, auth=0, encrypt=0, replay=0) + self.ends(src, dst))
        return struct.unpack_from("=IQQQ", r.ext[2], 4)

    def delete(self, spi, src, dst):
        self.km.drain()
        self.ask(DELETE, ESP, sa(spi, auth=0, encrypt=0, replay=0) + self.ends(src, dst))

    def stop(self):
        for direction in IN, FWD, OUT:
            pair = (self.own, self.peer) if direction == OUT else (self.peer, self.own)
            self.km.drain()
            self.ask(SPDDELETE, 0, policy(direction, 2, priority=375423) + ends(*pair))


def arrives(one, other, wire, spi):
    """A datagram gets there, in the SA of that SPI and in no other way."""
    wire.frames(0)
    with other.host.socket(other.own, 4500, timeout=3) as there, \
            one.host.socket(one.own) as here:
        here.sendto(b"through the SA", (other.own, 4500))
        try:
            got = there.recv(100)
        except TimeoutError:
            got = b""
    seen = [f for f in wire.frames() if f.host is one.host]
    return (got, {f.spi for f in seen if f.proto in (50, 51)}, sum(f.clear() for f in seen)) \
        == (b"through the SA", {spi}, 0)


def negotiate(one, other, seq):
    """What the daemons would agree on: each one's SPI is the other's to send with."""
    spis = one.getspi(seq), other.getspi(seq)
    other.inbound(spis[1], seq)
    other.outbound(spis[0], seq)
    one.inbound(spis[0], seq)
    one.outbound(spis[1], seq)
    return spis


def session(kind, a, b, own, peer):
    one, other = kind(a, own, peer), kind(b, peer, own)
    ours = f"{kind.name}, {'IPv6' if ':' in own else 'IPv4'}"
    for p in one, other:
        p.start()
        made = p.policies()
        ids = [struct.unpack_from("=I", r.ext[18], 8)[0] for r in made]
        dirs = [r.ext[18][6] for r in made]
        lab.equal(f"{ours}: ids tell the direction", [d - 1 for d in dirs],
                  [i % 8 for i in ids])
    wire = lab.Wire(a, b)
    with a.socket(own) as s:
        s.sendto(b"no SA yet", (peer, 4500))
    lab.equal(f"{ours}: nothing leaves without an SA", [],
              [f for f in wire.frames() if f.clear()])
    asked = [m for m in one.events() if m.type == ACQUIRE]
    if not lab.equal(f"{ours}: one ACQUIRE", 1, len(asked)):
        return
    first = negotiate(one, other, one.acquired(asked[0]))
    lab.claim(arrives(one, other, wire, first[1]) and arrives(other, one, wire, first[0]),
              f"{ours}: packets both ways, protected by the new SAs")
    second = negotiate(one, other, 4242)
    for p, mine, theirs in (one, first[0], first[1]), (other, first[1], first[0]):
        p.delete(mine, p.peer, p.own)
        p.delete(theirs, p.own, p.peer)
    lab.claim(arrives(one, other, wire, second[1]) and arrives(other, one, wire, second[0]),
              f"{ours}: and after a rekey by its SAs")
    if kind is Charon:
        packets, octets, _, used = one.query(second[1], own, peer)
        lab.claim(packets == 1 and octets > 60 and used > 0, f"{ours}: what it asks for",
                  (packets, octets, used))
    for p in one, other:
        p.stop()
    lab.equal(f"{ours}: no policy is left", "No SPD entries.\n", a.run("setkey", "-DP"))
    for host in a, b:
        host.setkey("flush; spdflush;")
    for p in one, other:
        p.km.sock.close()
        if kind is Charon:
            p.events_socket.sock.close()


def body():
    a, b = lab.hosts()
    for kind in Iked, IkedAH, Racoon, Charon:
        session(kind, a, b, A4, B4)
        session(kind, a, b, A6, B6)
    lab.equal("nothing was dropped but what had no SA", [set(), set()],
              [set(h.drops()) - {"out_nosa"} for h in (a, b)])


lab.main(body)
