#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""NetBSD's t_ipsec_misc: SAs and policies that come, change and go under traffic.

Every row has addresses of its own; which SA a packet took is seen on the wire. In
place of NetBSD's AH with null, which is refused here, stands hmac-md5.
"""
import struct
import time

import lab
import matrix
import pfkey_client as pfkey
from matrix import K16, K64, PORT, TEXT, Combo

# Name, for setkey, for PF_KEY: type of SA, algorithms and keys.
ALGS = (("esp null", "-E null", (pfkey.ESP, 0, 11, b"", b"")),
        ("esp rijndael-cbc", f"-E rijndael-cbc {K16}",
         (pfkey.ESP, 0, 12, b"", bytes.fromhex(K16[2:]))),
        ("ah hmac-md5", f"-A hmac-md5 {K16}",
         (pfkey.AH, 2, 0, bytes.fromhex(K16[2:]), b"")),
        ("ah hmac-sha512", f"-A hmac-sha512 {K64}",
         (pfkey.AH, 7, 0, bytes.fromhex(K64[2:]), b"")))
SECONDS = 5
NEWER = 0x8000          # between the SPIs of a row's older and newer SA
NOTHING, CLEAR = (False, [], 0), (True, [], 2)


def sealed(*spis):
    return True, list(spis), 0


def asked(client, *request):
    """The answer, not what others' requests have left in the socket."""
    client.drain()
    return client.ask(*request)


class Row(Combo):
    def __init__(self, n, kind, alg, v=4):
        proto = "ah-" if alg[0].startswith("ah") else "esp"
        super().__init__(n, (proto, alg[1], ""), "transport", v, v, f"{kind}, {alg[0]}")
        self.n, self.key, self.newer = n, alg[2], self.spi + NEWER

    def add(self, spi, back=False, options="", peer=None):
        ends = (self.a, peer or self.b)
        src, dst = ends[::-1] if back else ends
        return f"add {src} {dst} {self.proto} {spi} -m transport -r 4 {options} {self.ours};\n"

    def both(self):
        return self.add(self.spi) + self.add(self.spi + 1, back=True)

    def policies(self, host, what=None, command="spdadd"):
        what = what or f"ipsec {self.proto}/transport//require"
        return "".join(f"{command} {src} {dst} any -P {self.direction(host, outward)} {what};\n"
                       for src, dst, *_, outward in self.ways())

    def keyed(self, client, kind, spi, src, dst, hard=0):
        """ADD or UPDATE of an SA by PF_KEY; the errno."""
        satype, auth, encrypt, akey, ekey = self.key
        body = pfkey.sa(spi, auth, encrypt) + pfkey.sa2() + pfkey.ends(src, dst)
        body += pfkey.ext(3, struct.pack("=IQQQ", 0, 0, hard, 0)) if hard else b""
        body += pfkey.key(8, akey) if akey else b""
        body += pfkey.key(9, ekey) if ekey else b""
        return asked(client, kind, satype, body).errno

    def get(self, client):
        return asked(client, pfkey.GET, self.key[0],
                     pfkey.sa(self.spi) + pfkey.ends(self.a, self.b))

    def sas(self):
        return (self.spi, self.a, self.b), (self.spi + 1, self.b, self.a)


class Lab:
    """Two hosts, and one row of each kind for every algorithm."""

    def __init__(self):
        self.hosts = self.a, self.b = lab.hosts()
        matrix.addresses(self.a, self.b)
        self.rows, self.clients = {}, []
        n = 0
        for kind in ("lifetime ipv4", "lifetime ipv6", "update sa", "update sp",
                     "getspi update", "new preferred, delete", "old preferred, delete",
                     "new preferred, timeout", "old preferred, timeout", "nosa",
                     "multiple sa"):
            self.rows[kind] = []
            for alg in ALGS:
                n += 1
                self.rows[kind].append(Row(n, kind, alg, 6 if kind[-1] == "6" else 4))
        self.table = lab.Matrix("t_ipsec_misc", [c.name for rows in self.rows.values()
                                                 for c in rows])
        for host in self.hosts:
            with host.entered():
                self.clients.append(pfkey.Client())
        self.wire = lab.Wire(*self.hosts)

    def load(self, text):
        """text(host) of all rows concerned, for setkey."""
        for host in self.hosts:
            host.setkey(text(host))

    def ask(self, c, peer=None, port=PORT, timeout=2):
        """One datagram there and back: (came back, SPIs from a, packets in clear)."""
        peer = peer or c.b
        with self.a.socket(c.a, timeout=timeout) as s, \
                self.b.socket(peer, port, timeout=timeout) as t:
            try:
                s.sendto(TEXT, (peer, port))
                t.sendto(*t.recvfrom(100))
                got = s.recv(100) == TEXT
            except OSError:
                got = False
        frames = self.wire.frames(0)
        return (got, [f.spi for f in frames if f.spi and f.host is self.a],
                sum(f.clear() for f in frames))

    def expect(self, text, kind, want):
        """want(row) is what ask() should say."""
        for c in self.rows[kind]:
            wanted = want(c)
            self.table.equal(c.name, text, wanted,
                             self.ask(c, timeout=2 if wanted[0] else 0.1))

    def dropped(self, text, kind):
        """Each row's datagram is dropped for want of an SA."""
        before = self.a.stat()["out_nosa"]
        self.expect(text, kind, lambda c: NOTHING)
        rose = self.a.stat()["out_nosa"] - before
        for c in self.rows[kind]:
            self.table.equal(c.name, "out_nosa", len(ALGS), rose)

    def prefer(self, old):
        self.a.sysctl(f"net.key.preferred_oldsa={int(old)}")


def updated_sp(t):
    """What a policy says changes, and what was decided before is forgotten."""
    rows = t.rows["update sp"]
    t.expect("policy ipsec", "update sp", lambda c: sealed(c.spi))
    t.load(lambda host: "".join(c.policies(host, "none", "spdupdate") for c in rows))
    t.expect("updated to none", "update sp", lambda c: CLEAR)
    t.load(lambda host: "".join(c.policies(host, None, "spdupdate") for c in rows))
    t.expect("updated to ipsec again", "update sp", lambda c: sealed(c.spi))


def updated_sa(t):
    """By its creator, over PF_KEY: lifetimes and keys anew."""
    for c in t.rows["update sa"]:
        for client in t.clients:
            done = [c.keyed(client, pfkey.ADD, *sa) for sa in c.sas()]
            t.table.equal(c.name, "added", [0, 0], done)
    t.expect("as it was added", "update sa", lambda c: sealed(c.spi))
    for c in t.rows["update sa"]:
        for client in t.clients:
            done = [c.keyed(client, pfkey.UPDATE, *sa, hard=1000) for sa in c.sas()]
            t.table.equal(c.name, "updated", [0, 0], done)
        reply = c.get(t.clients[0])
        t.table.equal(c.name, "its hard lifetime", 1000,
                      struct.unpack_from("=Q", reply.ext[3], 16)[0])
    t.expect("as it was updated", "update sa", lambda c: sealed(c.spi))


def reserved(t):
    """An SPI from GETSPI carries nothing until UPDATE gives it keys."""
    for c in t.rows["getspi update"]:
        for client in t.clients:
            for spi, src, dst in c.sas():
                reply = asked(client, pfkey.GETSPI, c.key[0], pfkey.sa2()
                              + pfkey.ends(src, dst) + pfkey.spirange(spi, spi))
                t.table.equal(c.name, "GETSPI", (0, spi), (reply.errno, reply.spi()))
    t.dropped("larval SAs", "getspi update")
    for c in t.rows["getspi update"]:
        for client in t.clients:
            done = [c.keyed(client, pfkey.UPDATE, *sa) for sa in c.sas()]
            t.table.equal(c.name, "updated", [0, 0], done)
    t.expect("with keys", "getspi update", lambda c: sealed(c.spi))


def multiple_sa(t):
    """One policy for everybody, with SAs for each of two peers."""
    rows, second = t.rows["multiple sa"], {}

    def text(host):
        said, (out, back) = "", ("out", "in") if host.name == "a" else ("in", "out")
        for c in rows:
            second[c] = f"10.65.200.{c.n}"
            said += c.both() + c.add(c.newer, peer=second[c]) \
                + c.add(c.newer + 1, back=True, peer=second[c])
            rule = f"ipsec {c.proto}/transport//require"
            said += (f"spdadd 0.0.0.0/0 0.0.0.0/0[{8000 + c.n}] udp -P {out} {rule};\n"
                     f"spdadd 0.0.0.0/0[{8000 + c.n}] 0.0.0.0/0 udp -P {back} {rule};\n")
        return said

    def policies():
        first = asked(t.clients[0], pfkey.SPDDUMP, 0)
        return sorted(m.ext[5] + m.ext[6] + m.ext[18]
                      for m in [first, *t.clients[0].drain()])

    t.load(text)
    before = policies()
    for c in rows:
        for peer, spi in ((c.b, c.spi), (second[c], c.newer)) * 2:
            t.table.equal(c.name, f"to {peer}", sealed(spi), t.ask(c, peer, 8000 + c.n))
    for c in rows:
        t.table.equal(c.name, "policies are as they were loaded", before, policies())


def preferred(t):
    """The newest or the oldest SA sends; when it is deleted, the other one."""
    for old in 0, 1:
        kind = f"{('new', 'old')[old]} preferred, delete"
        t.prefer(old)
        t.expect("before", kind, lambda c: sealed((c.newer, c.spi)[old]))
        t.a.setkey("".join(f"delete {c.a} {c.b} {c.proto} {(c.newer, c.spi)[old]};"
                           for c in t.rows[kind]))
        t.expect("after", kind, lambda c: sealed((c.spi, c.newer)[old]))


def timeouts(t):
    """SAs whose time is over: all that a row has, or the preferred one of two."""
    dying = f"-lh {SECONDS}"
    lives = t.rows["lifetime ipv4"] + t.rows["lifetime ipv6"]
    new, old = (t.rows[f"{name} preferred, timeout"] for name in ("new", "old"))
    t.b.setkey("".join(c.both() for c in lives) + "".join(
        c.both() + c.add(c.newer) for c in new + old))
    t.a.setkey("".join(c.add(c.spi, options=dying) + c.add(c.spi + 1, back=True)
                       for c in lives)
               + "".join(c.both() + c.add(c.newer, options=dying) for c in new)
               + "".join(c.add(c.spi, options=dying) + c.add(c.newer)
                         + c.add(c.spi + 1, back=True) for c in old))
    for kind in "lifetime ipv4", "lifetime ipv6":
        t.expect("before", kind, lambda c: sealed(c.spi))
    t.expect("before", "old preferred, timeout", lambda c: sealed(c.spi))
    t.prefer(0)
    t.expect("before", "new preferred, timeout", lambda c: sealed(c.newer))
    # Whether it is gone is asked of the one that was added last.
    end = time.monotonic() + 10 * SECONDS
    while old[-1].get(t.clients[0]).errno == 0 and time.monotonic() < end:
        time.sleep(0.1)
    for kind in "lifetime ipv4", "lifetime ipv6":
        t.dropped("after", kind)
    t.expect("after", "new preferred, timeout", lambda c: sealed(c.spi))
    t.prefer(1)
    t.expect("after", "old preferred, timeout", lambda c: sealed(c.newer))


def body():
    t = Lab()

    def text(host):
        deleted = [c for name in ("new", "old") for c in t.rows[f"{name} preferred, delete"]]
        return "".join(c.policies(host) for kind, rows in t.rows.items() for c in rows
                       if kind != "multiple sa") \
            + "".join(c.both() for c in t.rows["update sp"]) \
            + "".join(c.both() + c.add(c.newer) for c in deleted)

    t.load(text)
    t.dropped("no SA at all", "nosa")
    for part in updated_sp, updated_sa, reserved, multiple_sa, preferred, timeouts:
        part(t)
    t.table.report()


lab.main(body)
