#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ACQUIRE and SPDACQUIRE: what is asked, how often, of whom, and what the packet
does meanwhile."""
import contextlib
import socket
import struct
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

IPCOMP_PROTO = 108
PROTO = {50: ESP, 51: AH, IPCOMP_PROTO: IPCOMP}
AEADS = {14, 15, 16, 18, 19, 20, 23, 31}
NO_MACS = {249, 250, 251}       # keyed hashes and null

# Policy, packet to, and then of the SA: protocol, ends.
ASKED = [
    (f"{A4} {B4} udp -P out ipsec esp/transport//require", B4, 50, A4, B4),
    (f"{A6} {B6} udp -P out ipsec esp/transport//require", B6, 50, A6, B6),
    (f"{A4}/24 {B4}/24 udp -P out ipsec ah/transport//require", B4, 51, A4, B4),
    (f"{A4} 0.0.0.0/0[7] any -P out prio 77 ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique:9",
     B4, 50, "192.0.2.1", "192.0.2.2"),
    (f"{A4} {B4} any -P out ipsec esp/tunnel/{A6}-{B6}/require", B4, 50, A6, B6),
    (f"{A6} {B6} udp -P out ipsec ah/tunnel/192.0.2.1-192.0.2.2/require",
     B6, 51, "192.0.2.1", "192.0.2.2"),
    (f"{A4} {B4} udp -P out ipsec esp/transport//require ah/transport//require",
     B4, 50, A4, B4),
    (f"{A4} {B4} udp -P out ipsec ipcomp/transport//require", B4, IPCOMP_PROTO, A4, B4),
]

# Level, deflev, what comes of the packet.
LEVELS = [
    ("require", 1, "dropped"), ("unique", 1, "dropped"), ("unique:5", 1, "dropped"),
    ("use", 2, "clear"), ("default", 1, "clear"), ("default", 2, "dropped"),
]


def parse_address(raw):
    proto, prefix, _, kind, port = struct.unpack_from("=xxxxBBHHH", raw)
    addr = socket.inet_ntop(kind, raw[12:16] if kind == 2 else raw[16:32])
    return addr, prefix, proto, port


def parse_policy(raw):
    size, _, kind, direction, _, ident, priority = struct.unpack_from("=HHHBBII", raw)
    return size * 8, kind, direction, ident, priority


def parse_proposal(raw):
    """Window, and of each combination: ids and least and most bits, lifetimes."""
    return raw[4], [struct.unpack_from("=BB2x4H4x2I6Q", raw, at)
                    for at in range(8, len(raw), 72)]


class Asker:
    """Host a with a key manager, and a socket that makes its packets."""

    def __init__(self, host):
        self.host = host
        with host.entered():
            self.km = Client()
        self.sockets = {v: host.socket(own) for v, own in ((2, A4), (10, A6))}
        reply = self.km.ask(REGISTER, ESP)
        self.algs = {}
        for kind in 14, 15:
            raw = reply.ext[kind]
            self.algs[kind] = {a: (low, high) for a, _, low, high in
                               struct.iter_unpack("=BBHHxx", raw[8:])}

    def send(self, to, port=7):
        with contextlib.suppress(OSError):
            self.sockets[lab.family(to)].sendto(b"plain text", (to, port))

    def asked(self, to, port=7):
        """The messages that one packet causes."""
        self.send(to, port)
        return self.km.drain()

    def load(self, text):
        self.host.setkey(f"flush; spdflush; {text}")
        # REGISTER forgets what was asked before.
        self.km.sock.close()
        with self.host.entered():
            self.km = Client()
        self.km.ask(REGISTER, ESP)

    def policies(self):
        first = self.km.ask(SPDDUMP, 0)
        return [first] + self.km.drain()


def contents(x):
    last = 0
    for text, to, proto, src, dst in ASKED:
        x.load(f"spdadd {text};")
        want = x.policies()[0].ext[18]
        seen = x.asked(to)
        name = text.split("ipsec ")[1]
        if not lab.equal(f"{name}: one ACQUIRE", [ACQUIRE], [m.type for m in seen]):
            continue
        m = seen[0]
        prefix = 128 if ":" in src else 32
        lab.equal(f"{name}: type, errno, pid", (PROTO[proto], 0, 0),
                  (m.satype, m.errno, m.pid))
        lab.claim(m.seq > last, f"{name}: a sequence number of its own", m.seq)
        last = m.seq
        lab.equal(f"{name}: extensions", [5, 6, 13, 18], sorted(m.ext))
        lab.equal(f"{name}: the SA's ends",
                  [(src, prefix, 255, 0), (dst, prefix, 255, 0)],
                  [parse_address(m.ext[e]) for e in (5, 6)])
        lab.equal(f"{name}: the policy without its requests",
                  (16,) + parse_policy(want)[1:], parse_policy(m.ext[18]))
        lab.claim(len(m.raw) <= 4096, f"{name}: fits strongSwan's buffer", len(m.raw))


def expected(x, proto, keymin, esp_auth, ah_keymin):
    """What should be proposed, after the algorithms that REGISTER told."""
    macs = {a: (max(low, ah_keymin), high) for a, (low, high) in x.algs[14].items()
            if a not in NO_MACS and high >= ah_keymin}
    ciphers = {e: (max(low, keymin) if high else 0, high)
               for e, (low, high) in x.algs[15].items() if high >= keymin}
    if proto == "ah":
        return {(a, 0) + bits + (0, 0) for a, bits in macs.items()}
    rows = set()
    for e, bits in ciphers.items():
        if esp_auth and e not in AEADS:
            rows |= {(a, e) + macs[a] + bits for a in macs}
        else:
            rows.add((0, e, 0, 0) + bits)
    return rows


def proposals(x):
    for proto, keymin, esp_auth, ah_keymin in (
            ("esp", 256, 0, 128), ("esp", 128, 0, 128), ("esp", 0, 0, 128),
            ("esp", 300, 0, 128), ("esp", 288, 1, 128), ("esp", 256, 1, 256),
            ("ah", 256, 0, 128), ("ah", 256, 0, 160), ("ah", 256, 0, 512)):
        x.host.sysctl(f"net.key.esp_keymin={keymin}", f"net.key.esp_auth={esp_auth}",
                      f"net.key.ah_keymin={ah_keymin}")
        x.load(f"spdadd {A4} {B4} udp -P out ipsec {proto}/transport//require;")
        window, combs = parse_proposal(x.asked(B4)[0].ext[13])
        name = f"{proto} with esp_keymin {keymin}, esp_auth {esp_auth}, ah_keymin {ah_keymin}"
        lab.equal(f"{name}: window", 32, window)
        rows = expected(x, proto, keymin, esp_auth, ah_keymin)
        lab.equal(f"{name}: what the kernel has, each once", (sorted(rows), len(rows)),
                  (sorted(c[:6] for c in combs), len(combs)))
        lab.equal(f"{name}: lifetimes", {(1, 1, 0, 0, 69120, 86400, 23040, 28800)},
                  {c[6:] for c in combs} or None)
    x.host.sysctl("net.key.esp_keymin=256", "net.key.esp_auth=1", "net.key.ah_keymin=0")
    x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    m = x.asked(B4)[0]
    lab.claim(4000 < len(m.raw) <= 4096, "more combinations than fit are cut off",
              len(m.raw))
    x.host.sysctl("net.key.esp_auth=0", "net.key.ah_keymin=128")


def levels(x, wire):
    for level, deflev, want in LEVELS:
        x.host.sysctl(f"net.inet.ipsec.esp_trans_deflev={deflev}")
        x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//{level};")
        wire.frames(0)
        before = x.host.stat()["out_nosa"]
        asked = [m.type for m in x.asked(B4)]
        clear = [f for f in wire.frames() if f.proto == 17]
        lost = x.host.stat()["out_nosa"] - before
        lab.equal(f"level {level}, esp_trans_deflev {deflev}: {want}, and asked for",
                  ([ACQUIRE], int(want == "clear"), int(want == "dropped")),
                  (asked, len(clear), lost))
    x.host.sysctl("net.inet.ipsec.esp_trans_deflev=1")


def first_packet(x, wire):
    """The first packet after the SA came is protected; a flush asks again."""
    for v, own, peer in ((4, A4, B4), (6, A6, B6)):
        x.load(f"spdadd {own} {peer} udp -P out ipsec esp/transport//require;")
        seqs = [m.seq for m in x.asked(peer)]
        for turn in range(2):
            lab.equal(f"IPv{v}: silent while the daemon works", [], x.asked(peer))
            wire.frames(0)
            pair = ends(own, peer)
            # By its own sequence number, as OpenIKED and strongSwan do.
            r = x.km.ask(ADD, ESP, sa(0x1000 + turn) + sa2() + pair + key(9, KEY20),
                         seq=4711)
            lab.equal(f"IPv{v}: the SA is taken", 0, r.errno)
            asked, frames = x.asked(peer), wire.frames()
            lab.equal(f"IPv{v}: the first packet then is protected, nothing is asked",
                      ([], [0x1000 + turn], 0),
                      (asked, [f.spi for f in frames if f.proto == 50],
                       sum(f.clear() for f in frames)))
            x.km.ask(FLUSH, ESP)
            seen = x.asked(peer)
            lab.equal(f"IPv{v}: asked again at once after a flush", 1, len(seen))
            seqs += [m.seq for m in seen]
        lab.equal(f"IPv{v}: each question has its own number", 3, len(set(seqs)))


def rates(x):
    """net.key.blockacq_count and _lifetime; each letter is one thing that happens:
    a packet that asks (A) or is silent (s), the failure report (f), GETSPI (g),
    UPDATE of that SPI (u), half of the time until the entry is too old (p)."""
    x.host.sysctl("net.key.blockacq_count=2", "net.key.blockacq_lifetime=1")
    for text, script in (
            ("count 2: three misses are silent, and the next one asks", "AsssAsssA"),
            ("a failure report starts over", "AssfsssA"),
            ("GETSPI starts over", "AsssgsssA"),
            ("UPDATE starts over", "AgsssusssA"),
            ("an entry too old is gone", "AsppAsss"),
            ("GETSPI keeps it from getting old", "ApgpsssA")):
        x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
        seen, seq, seqs, spi = "", 0, [], 0
        for step in script:
            if step in "As":
                got = x.asked(B4)
                seen += "A" if got else "s"
                if got:
                    seq = got[-1].seq
                    seqs.append(seq)
            elif step == "f":
                x.km.sock.send(message(ACQUIRE, ESP, seq=seq))
                seen += "f" if x.km.recv() is None else "?"
            elif step == "g":
                spi = x.km.ask(GETSPI, ESP, ends(B4, A4), seq=seq).spi()
                seen += "g"
            elif step == "u":
                x.km.ask(UPDATE, ESP, sa(spi) + sa2() + ends(B4, A4) + key(9, KEY20),
                         seq=seq)
                seen += "u"
            else:
                time.sleep(0.55)
                seen += "p"
        lab.equal(text, script, seen)
        lab.equal(f"{text}: questions with numbers of their own",
                  2 if "pp" in script else 1, len(set(seqs)))
    x.host.sysctl("net.key.blockacq_count=0", "net.key.blockacq_lifetime=60")
    x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    lab.equal("count 0: every second miss asks", "AsAsA",
              "".join("A" if x.asked(B4) else "s" for _ in range(5)))
    x.host.sysctl("net.key.blockacq_count=10", "net.key.blockacq_lifetime=20")
    x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    lab.equal("defaults: the first, and after eleven the next", "A" + 11 * "s" + "A",
              "".join("A" if x.asked(B4) else "s" for _ in range(13)))


def audience(x, wire):
    x.load(f"spdadd {A4} {B4} udp -P out ipsec esp/transport//require;")
    with x.host.entered():
        other, second, promisc = Client(), Client(), Client()
    second.ask(REGISTER, AH)
    promisc.ask(PROMISC, 1)
    for c in x.km, other, second:
        c.drain()
    promisc.drain_all()
    x.send(B4)
    lab.equal("registered sockets hear it, of whatever type",
              ([ACQUIRE], [ACQUIRE], []),
              tuple([m.type for m in c.drain()] for c in (x.km, second, other)))
    lab.equal("a promiscuous one sees it", 1, len(promisc.drain_all()))
    for c in second, promisc:
        c.sock.close()
    x.km.sock.close()
    before = x.host.stat()["out_nosa"]
    x.send(B4)
    lab.equal("without a key manager: nobody is asked", (1, []),
              (x.host.stat()["out_nosa"] - before, other.drain()))
    with x.host.entered():
        x.km = Client()
    x.km.ask(REGISTER, ESP)
    lab.equal("the first miss after one came asks it", 1, len(x.asked(B4)))
    lab.equal("nothing left the host meanwhile", [],
              [f for f in wire.frames() if f.proto == 17])


def many(x):
    """More destinations than the table remembers."""
    n = 1200
    x.host.ip("route add 10.0.0.0/8 dev eth0")
    x.load(f"spdadd {A4} 10.0.0.0/8 udp -P out ipsec esp/transport//require;")
    seqs = []
    for i in range(n):
        seqs += [m.seq for m in x.asked(f"10.7.{i >> 8}.{i & 255}")]
    lab.equal(f"{n} peers: each is asked for", n, len(set(seqs)))
    last, first = f"10.7.{(n - 1) >> 8}.{(n - 1) & 255}", "10.7.0.0"
    lab.equal("the latest is remembered, the oldest gave way", (0, 1),
              (len(x.asked(last)), len(x.asked(first))))


def userland(x):
    """A key manager asks: another one is to negotiate."""
    x.load("")
    with x.host.entered():
        asker = Client()
    body = ends(A4, B4) + ext(13, bytes(4 + 72))
    r = asker.ask(ACQUIRE, ESP, body, seq=99)
    seen = x.km.drain()
    lab.equal("ACQUIRE from userland: the kernel asks, the request is shown",
              [(False, True), (True, False)],
              sorted((m.pid != 0, m.seq != 99) for m in seen))
    lab.equal("the asker gets its own back, whole", (99, message(ACQUIRE, ESP, body, seq=99)),
              (r.seq, r.raw))
    lab.equal("the kernel's own has no policy", [5, 6, 13],
              [sorted(m.ext) for m in seen if not m.pid][0])
    x.km.ask(ADD, ESP, sa(0x900) + sa2(0) + ends() + key(9, KEY20))
    r = asker.drain() and asker.ask(ACQUIRE, ESP, body, seq=100)
    lab.equal("EEXIST when an SA of any mode is there", "EEXIST", name(r.errno))
    x.km.sock.send(message(ACQUIRE, ESP, seq=12345))
    lab.equal("a failure report for no question: silence", None, x.km.recv())


def requestless(x, wire):
    """SPDSETIDX makes a policy without requests, SPDACQUIRE asks for them."""
    x.load("")
    sel = ends(A4, B4, proto=17)
    r = x.km.ask(SPDSETIDX, 0, sel + policy(2, 2, priority=5), seq=3)
    lab.equal("SPDSETIDX of ipsec without requests", (0, SPDSETIDX, 3),
              (r.errno, r.type, r.seq))
    ident = parse_policy(r.ext[18])[3]
    r = x.km.ask(SPDSETIDX, 0, sel + policy(2, 2))
    lab.equal("SPDSETIDX again: EEXIST", "EEXIST", name(r.errno))
    wire.frames(0)
    before = x.host.stat()["out_nosa"]
    seen = x.asked(B4)
    lab.equal("a packet that meets it: SPDACQUIRE with all zero",
              [(SPDACQUIRE, 0, 0, 0, 0)],
              [(m.type, m.satype, m.errno, m.seq, m.pid) for m in seen])
    lab.equal("its policy, and nothing else", ([18], (16, 2, 2, ident, 5)),
              (sorted(seen[0].ext), parse_policy(seen[0].ext[18])))
    lab.equal("as rarely as ACQUIRE", [], x.asked(B4))
    lab.equal("the packets are dropped", (2, []),
              (x.host.stat()["out_nosa"] - before,
               [f for f in wire.frames() if f.proto == 17]))
    r = x.km.ask(SPDUPDATE, 0, sel + policy(2, 2, request(), priority=5))
    lab.equal("SPDUPDATE gives it requests", 0, r.errno)
    lab.equal("and now an SA is asked for", [ACQUIRE], [m.type for m in x.asked(B4)])
    x.km.ask(ADD, ESP, sa(0x950) + sa2() + ends(A4, B4) + key(9, KEY20))
    x.send(B4)
    lab.equal("and protects", [0x950], [f.spi for f in wire.frames() if f.proto == 50])


def body():
    a, _ = lab.hosts()
    x = Asker(a)
    wire = lab.Wire(a)
    contents(x)
    proposals(x)
    levels(x, wire)
    first_packet(x, wire)
    rates(x)
    audience(x, wire)
    many(x)
    userland(x)
    requestless(x, wire)


lab.main(body)
