#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The tables of NetBSD's tests of IPsec and of FreeBSD's of tunnels, row by row.

Each row talks in clear, then through its SAs, and in clear again when they are
flushed; every packet is counted on the wire. The rows of a table are loaded all
together. Where those tests ping, these send datagrams, whose bytes are compared.
"""
import glob
import os
import socket
import subprocess

import lab
import matrix
from matrix import K8, K16, K20, K24, K32, K48, K64, SALT, Combo

V4, V6 = ("ipv4", 4), ("ipv6", 6)
ESP = [("null", "null"), *((name, f"{name} {key}") for name, key in (
    ("des-cbc", K8), ("des-deriv", K8), ("3des-cbc", K24), ("blowfish-cbc", K20), ("cast128-cbc", K16),
    ("rijndael-cbc", K16), ("aes-ctr", K16 + SALT), ("camellia-cbc", K24),
    ("aes-gcm-16", K16 + SALT), ("aes-gmac", K16 + SALT)))]
AH = [("hmac-md5", K16), ("hmac-sha1", K20), ("keyed-md5", K16), ("keyed-sha1", K20),
      ("hmac-sha256", K32), ("hmac-sha384", K48), ("hmac-sha512", K64),
      ("hmac-ripemd160", K20), ("aes-xcbc-mac", K16)]
# Name and what setkey says; NetBSD has "ah null" as well, which protects nothing
# and is refused here.
ALGS = [(f"esp {name}", f"-E {text}") for name, text in ESP] \
    + [(f"ah {name}", f"-A {name} {key}") for name, key in AH]
FEW = [alg for alg in ALGS if alg[0] in ("esp null", "esp rijndael-cbc", "ah hmac-md5",
                                         "ah hmac-sha512")]
CBC_SHA1 = f"-E aes-cbc {K16} -A hmac-sha1 {K20}"
CBC_SHA256 = f"-E aes-cbc {K32} -A hmac-sha2-256 {K32}"
FREEBSD = [("aes_cbc_128_hmac_sha1", CBC_SHA1), ("aes_cbc_256_hmac_sha2_256", CBC_SHA256),
           ("aes_gcm_128", f"-E aes-gcm-16 {K16}{SALT}"),
           ("aes_gcm_256", f"-E aes-gcm-16 {K32}{SALT}")]
CHACHA = ("chacha20_poly1305", f"-E chacha20-poly1305 {K32}{SALT}")
NULL_AH = "ah null: refused"


class Rows:
    """Makes rows, each with addresses and SPIs that no other one has."""

    def __init__(self):
        self.n = 0

    def __call__(self, name, alg, mode, inner, outer):
        self.n += 1
        kind = "ah-" if alg.startswith("-A") else ""
        return Combo(self.n, (kind, alg, ""), mode, inner, outer, name)


row = Rows()


def transport_rows():
    return [row(f"{v} {name}", alg, "transport", n, n)
            for v, n in (V4, V6) for name, alg in ALGS]


def tunnel_rows(families):
    return [row(f"{name}, {text}", alg, "tunnel", inner, outer)
            for text, inner, outer in families for name, alg in ALGS]


def freebsd_rows(prefix, algs):
    return [row(f"{prefix}{name} {v}", alg, "tunnel", n, n)
            for name, alg in algs for v, n in (V4, V6)]


def in_clear(table, wire, asker, asked, rows, text):
    results = [matrix.answered(asker, asked, c.a, c.b, 80, 1) for c in rows]
    seen = matrix.Seen(wire)
    for c, result in zip(rows, results):
        table.equal(c.name, text, (1, (0, 0, 1, 1)), (result, seen.of(c)))


def flushed(host):
    """What is left of the databases."""
    host.setkey("flush; spdflush;")
    with host.entered():
        return [subprocess.run(["setkey", flag], text=True, capture_output=True).stdout.strip()
                for flag in ("-D", "-DP")]


def protected(tables, asker, asked, holders, wire):
    """In clear, through the SAs that the holders load, in clear again."""
    everything = [c for rows in tables.values() for c in rows]
    for table, rows in tables.items():
        in_clear(table, wire, asker, asked, rows, "in clear before")
    for host in holders:
        host.setkey("".join(c.setkey(host) for c in everything))
    for table, rows in tables.items():
        matrix.judge(table, wire, rows, [[matrix.answered(asker, asked, c.a, c.b, 200)]
                                         for c in rows])
    for host in holders:
        lab.equal(f"{host.name}: flush leaves both databases empty",
                  ["No SAD entries.", "No SPD entries."], flushed(host))
    for table, rows in tables.items():
        in_clear(table, wire, asker, asked, rows, "in clear after")


def null_ah(table, host, names):
    """Each row of AH with null is refused."""
    for name in names:
        done = "added"
        try:
            host.setkey("add 10.9.9.1 10.9.9.2 ah 0x9999 -A null;")
        except RuntimeError:
            done = "refused"
        table.equal(name, "AH that protects nothing", "refused", done)


def transport():
    """t_ipsec_transport, then t_ipsec_tcp between the same hosts."""
    a, b = lab.hosts()
    matrix.addresses(a, b)
    rows = transport_rows()
    refused = [f"{v} {NULL_AH}" for v, _ in (V4, V6)]
    table = lab.Matrix("t_ipsec_transport", [c.name for c in rows] + refused)
    protected({table: rows}, a, b, (a, b), lab.Wire(a, b))
    null_ah(table, a, refused)
    table.report()
    tcp(a, b)
    for host in a, b:
        host.close()
    lab.run("ip", "-batch", "-", stdin="netns del a\nnetns del b\n")


def transfer(a, b, own, peer, port=1234, amount=50000):
    """A file by TCP and its length back; whether both came unchanged."""
    data = bytes(range(251)) * (amount // 251)
    try:
        with b.socket(peer, port, socket.SOCK_STREAM) as listener, \
                a.socket(own, kind=socket.SOCK_STREAM) as s:
            listener.listen(1)
            s.connect((peer, port))
            conn, _ = listener.accept()
            conn.settimeout(5)
            got = b""
            with conn:
                for at in range(0, len(data), 16384):
                    s.sendall(data[at:at + 16384])
                    while len(got) < min(at + 16384, len(data)):
                        got += conn.recv(1 << 18)
                conn.sendall(b"%d" % len(got))
                return got == data and s.recv(10) == b"%d" % len(data)
    except OSError as err:
        return err


def counts(seen, c):
    """Whether packets went through the SAs, and whether some went in clear."""
    return tuple(n > 3 for n in seen.of(c)[:2]) + tuple(n > 0 for n in seen.of(c)[2:])


def tcp(a, b):
    """A file over IPv4, IPv6, and IPv4 from sockets of IPv6."""
    kinds = (("ipv4", 4, ""), ("ipv6", 6, ""), ("ipv4 mapped", 4, "::ffff:"))
    rows = [(row(f"{name} {alg[0]}", alg[1], "transport", n, n), mapped)
            for name, n, mapped in kinds for alg in [("none", "")] + FEW]
    table = lab.Matrix("t_ipsec_tcp", [c.name for c, _ in rows])
    for host in a, b:
        host.setkey("".join(c.setkey(host) for c, _ in rows if c.ours))
    wire = lab.Wire(a, b)
    for c, mapped in rows:
        table.equal(c.name, "the file arrives", True,
                    transfer(a, b, mapped + c.a, mapped + c.b))
        want = (True, True, False, False) if c.ours else (False, False, True, True)
        table.equal(c.name, "through the SAs, in clear", want,
                    counts(matrix.Seen(wire), c))
    table.report()


def gateways():
    """a - gw1 - router - gw2 - b, with routes for the rows' addresses."""
    a, b, gw1, gw2, router = lab.gateways(router=True)
    matrix.addresses(a, b, (("10.1.0.254", "fd01::fe"), ("10.2.0.254", "fd02::fe")))
    for host, left, right in (
            (gw1, ("10.1.0.1", "fd01::1"), (lab.R4, lab.R6)),
            (router, (lab.A4, lab.A6), (lab.B4, lab.B6)),
            (gw2, (lab.R4, lab.R6), ("10.2.0.1", "fd02::1"))):
        host.ip("".join(f"route add 10.{63 + n}.0.0/16 via {via4}\n"
                        f"route add fd00::{n}:0/112 via {via6}\n"
                        for n, (via4, via6) in ((1, left), (2, right))))
    return a, b, gw1, gw2


def forwarding(a, b, gw1, gw2, wire):
    """Policies for one port of TCP: what else there is goes in clear."""
    rows = [row(f"{v} {name}", alg, "tunnel", n, n) for v, n in (V4, V6)
            for name, alg in ALGS if name in ("esp rijndael-cbc", "ah hmac-sha512")]
    table = lab.Matrix("t_ipsec_forwarding", [c.name for c in rows])
    for gw in gw1, gw2:
        text = "".join(c.setkey(gw) for c in rows)
        for c in rows:
            text = text.replace(f"spdadd {c.a} {c.b} any", f"spdadd {c.a} {c.b}[1234] tcp") \
                .replace(f"spdadd {c.b} {c.a} any", f"spdadd {c.b}[1234] {c.a} tcp")
        gw.setkey(text)
    for c in rows:
        table.equal(c.name, "the file arrives", True, transfer(a, b, c.a, c.b))
        table.equal(c.name, "TCP through the SAs, in clear", (True, True, False, False),
                    counts(matrix.Seen(wire), c))
    in_clear(table, wire, a, b, rows, "all else in clear")
    table.report()
    for gw in gw1, gw2:
        gw.setkey("flush; spdflush;")


def accelerated():
    """Load the CPU's own drivers of AES, if this kernel has them."""
    found = glob.glob(f"/lib/modules/{os.uname().release}/kernel/arch/x86/crypto/aesni*")
    if found:
        lab.run("modprobe", "aesni-intel")
    return bool(found)


def used_drivers():
    """Drivers of /proc/crypto that somebody uses."""
    text = open("/proc/crypto").read().split("\n\n")
    rows = [dict(map(str.strip, line.split(":", 1)) for line in t.split("\n") if ":" in line)
            for t in text]
    return [r["driver"] for r in rows if r and int(r["refcnt"]) > 1]


def aesni(table, rows, asker, asked, holders, wire):
    """The same ciphers by other drivers."""
    for host in holders:
        host.setkey("".join(c.setkey(host) for c in rows))
    drivers = used_drivers()
    for kind in "cbc", "gcm":
        lab.claim(any(kind in d and "aesni" in d for d in drivers),
                  f"AES in mode {kind} by the CPU's driver", drivers)
    matrix.judge(table, wire, rows, [[matrix.answered(asker, asked, c.a, c.b, 200)]
                                     for c in rows])


def tunnels():
    """t_ipsec_tunnel, t_ipsec_tunnel_odd, FreeBSD's tunnels, t_ipsec_forwarding."""
    a, b, gw1, gw2 = gateways()
    wire = lab.Wire(gw1, gw2)
    same = tunnel_rows((("ipv4", 4, 4), ("ipv6", 6, 6)))
    odd = tunnel_rows((("4in6", 4, 6), ("6in4", 6, 4)))
    free = freebsd_rows("", FREEBSD + [CHACHA])
    empty = freebsd_rows("empty", [("", "")])
    fast = freebsd_rows("aesni_", FREEBSD) if accelerated() else []
    nulls = {"t_ipsec_tunnel": [f"{NULL_AH}, {v}" for v in ("ipv4", "ipv6")],
             "t_ipsec_tunnel_odd": [f"{NULL_AH}, {v}" for v in ("4in6", "6in4")]}
    tables = {lab.Matrix(name, [c.name for c in rows] + nulls.get(name, [])): rows
              for name, rows in (("t_ipsec_tunnel", same), ("t_ipsec_tunnel_odd", odd),
                                 ("FreeBSD tunnel", free + empty + fast))}
    last = list(tables)[-1]
    tables[last] = free
    protected(tables, a, b, (gw1, gw2), wire)
    in_clear(last, wire, a, b, empty, "without IPsec")
    if fast:
        aesni(last, fast, a, b, (gw1, gw2), wire)
    for table in tables:
        null_ah(table, gw1, nulls.get(table.name, []))
        table.report()
    forwarding(a, b, gw1, gw2, wire)
    for gw in gw1, gw2:
        drops = gw.drops()
        drops.pop("out_toobig", None)       # TCP learns the MTU
        lab.equal(f"{gw.name} dropped nothing", {}, drops)


def body():
    transport()
    tunnels()


lab.main(body)
