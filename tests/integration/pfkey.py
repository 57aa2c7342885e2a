#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""PF_KEY as its clients use and misuse it: one row a request."""
import contextlib
import os
import socket
import sys
sys.path.insert(0, "/ipsec/tests/integration")
from pfkey_client import *


def claim(text, good, seen=""):
    print("%s %s: %s%s" % ("ok" if good else "not ok", "pfkey", text,
                           "" if good else " - saw %s" % (seen,)), flush=True)


# What fails the send itself: the base header (spec of clients, contract 4).
SENDS = [
    ("shorter than a header", b"\x02\x07" + bytes(13), "EMSGSIZE"),
    ("version 1", message(REGISTER, ESP, version=1), "EINVAL"),
    ("type 0", message(0, ESP), "EINVAL"),
    ("type 200", message(200, ESP), "EINVAL"),
    ("length 0", message(REGISTER, ESP, words=0), "EMSGSIZE"),
    ("length one word too long", message(REGISTER, ESP, words=3), "EMSGSIZE"),
    ("length one word too short", message(REGISTER, ESP, bytes(8), words=2),
     "EMSGSIZE"),
]

DES, DES3 = bytes.fromhex("0123456789abcdef"), bytes(range(2, 26))


def cipher(number, secret, flags=0, auth=0, replay=0):
    """ESP with some cipher, and with HMAC-SHA1 if auth is 3."""
    return sa(0x1000, encrypt=number, flags=flags, auth=auth, replay=replay) + ends() \
        + key(9, secret) + (key(8, KEY20) if auth else b"")


def ah(flags=0, replay=0):
    return sa(0x1000, auth=3, encrypt=0, flags=flags, replay=replay) + ends() \
        + key(8, KEY20)


# What each form of packets cannot be combined with.
FORMS = [
    ("RFC 1827 with a derived IV", ESP, cipher(2, DES, OLD | DERIV)),
    ("RFC 1827 with a hash", ESP, cipher(2, DES, OLD, auth=3)),
    ("RFC 1827 with a window", ESP, cipher(2, DES, OLD, replay=4)),
    ("RFC 1827 with a number", ESP, cipher(2, DES, OLD) + replay(0, 5)),
    ("RFC 1827 with ESN", ESP, cipher(2, DES, OLD | ESN)),
    ("RFC 1827 with 3DES", ESP, cipher(3, DES3, OLD)),
    ("RFC 1827 with AES", ESP, cipher(12, KEY20[:16], OLD)),
    ("RFC 1827 with AES-GCM", ESP, cipher(20, KEY20, OLD)),
    ("half an IV for null", ESP, cipher(11, b"", OLD | IV4B)),
    ("half an IV, not RFC 1827", ESP, cipher(2, DES, IV4B)),
    ("half an IV and a derived one", ESP, cipher(2, DES, IV4B | DERIV)),
    ("a derived IV for AES", ESP, cipher(12, KEY20[:16], DERIV, auth=3)),
    ("a derived IV for 3DES", ESP, cipher(3, DES3, DERIV)),
    ("a derived IV for Blowfish", ESP, cipher(7, KEY20, DERIV)),
    ("a derived IV for AES-GCM", ESP, cipher(20, KEY20, DERIV)),
    ("a derived IV for null", ESP, cipher(11, b"", DERIV)),
    ("a derived IV with ESN", ESP, cipher(2, DES, DERIV | ESN, auth=3)),
    ("the fourth kind of padding", ESP, cipher(2, DES, 0x300)),
    ("a weak key of DES", ESP, cipher(2, bytes(8))),
    ("a weak key of DES, other parity", ESP, cipher(2, b"\xff" * 8)),
    ("a semi-weak key of DES", ESP, cipher(2, b"\x01\xfe" * 4)),
    ("a weak key of DES in 3DES, first", ESP, cipher(3, b"\1" * 8 + DES3[8:])),
    ("a weak key of DES in 3DES, last", ESP, cipher(3, DES3[:16] + b"\1" * 8)),
    ("3DES that is DES", ESP, cipher(3, DES + DES + DES3[16:])),
    ("AH with a derived IV", AH, ah(DERIV)),
    ("AH with half an IV", AH, ah(IV4B)),
    ("RFC 1826 with a window", AH, ah(OLD, replay=4)),
    ("RFC 1826 with ESN", AH, ah(OLD | ESN)),
]
ACCEPTED = [
    ("RFC 1827 with DES", ESP, cipher(2, DES, OLD)),
    ("RFC 1827 with half an IV", ESP, cipher(2, DES, OLD | IV4B)),
    ("RFC 1827 with null", ESP, cipher(11, b"", OLD)),
    ("DES with a derived IV", ESP, cipher(2, DES, DERIV, replay=4)),
    ("DES with a derived IV and a hash", ESP, cipher(2, DES, DERIV, auth=3)),
    ("3DES of three keys", ESP, cipher(3, DES3, auth=3)),
    ("3DES of two keys", ESP, cipher(3, DES3[:16] + DES3[:8])),
    ("RFC 1826", AH, ah(OLD)),
]

TUNNEL = request(mode=2, pair=("192.0.2.1", "192.0.2.2"))
SEL = ends()

# Type, satype, body, errno of the reply.
ERRORS = [
    ("ADD without addresses", ADD, ESP, sa(0x1000) + key(9, KEY20), "EINVAL"),
    ("ADD without SA", ADD, ESP, sa2() + ends() + key(9, KEY20), "EINVAL"),
    ("ADD of SA type 0", ADD, 0, esp(0x1000), "EINVAL"),
    ("ADD of SA type 5", ADD, 5, esp(0x1000), "EOPNOTSUPP"),
    ("ADD of SA type 1", ADD, 1, esp(0x1000), "EINVAL"),
    ("ADD of SA type 250", ADD, 250, esp(0x1000), "EINVAL"),
    ("ADD with SPI 0", ADD, ESP, esp(0), "EINVAL"),
    ("ADD with SPI 255", ADD, ESP, esp(255), "EINVAL"),
    ("ADD of an unknown cipher", ADD, ESP, esp(0x1000, encrypt=99), "ENOSYS"),
    ("ADD of an unknown hash", ADD, ESP, esp(0x1000, auth=99), "ENOSYS"),
    ("ADD of an AEAD with a hash", ADD, ESP,
     esp(0x1000, auth=3) + key(8, KEY20), "EINVAL"),
    ("ADD without a cipher", ADD, ESP, esp(0x1000, encrypt=0), "EINVAL"),
    ("ADD with a key too short", ADD, ESP,
     sa(0x1000) + ends() + key(9, bytes(19)), "EINVAL"),
    ("ADD with more key bits than bytes", ADD, ESP,
     sa(0x1000) + ends() + key(9, bytes(16), bits=288), "EINVAL"),
    ("ADD without a key", ADD, ESP, sa(0x1000) + ends(), "EINVAL"),
    ("ADD of mode 3", ADD, ESP, sa(0x1000) + sa2(3) + ends() + key(9, KEY20),
     "EINVAL"),
    ("ADD with families mixed", ADD, ESP,
     sa(0x1000) + address(5, "10.0.0.1") + address(6, "fd00::1") + key(9, KEY20),
     "EINVAL"),
    ("ADD with prefix 33", ADD, ESP,
     sa(0x1000) + ends(prefix=33) + key(9, KEY20), "EINVAL"),
    ("ADD of an RFC 1827 SA with AES-GCM", ADD, ESP, esp(0x1000, replay=0, flags=1),
     "EINVAL"),
    ("ADD of ESP in UDP without ports", ADD, ESP, esp(0x1000) + natt_type(2),
     "EINVAL"),
    ("ADD of ESP in UDP without destination port", ADD, ESP,
     esp(0x1000) + natt_type(2) + natt_port(21, 4500), "EINVAL"),
    ("ADD of ESP in UDP with port 0", ADD, ESP, esp(0x1000) + natt(0, 4500),
     "EINVAL"),
    ("ADD of ESP in UDP as in the draft", ADD, ESP,
     esp(0x1000) + natt(4500, 4500, kind=1), "EOPNOTSUPP"),
    ("ADD of NAT-T type 3", ADD, ESP, esp(0x1000) + natt(4500, 4500, kind=3),
     "EINVAL"),
    ("ADD with a NAT-T type of 16 bytes", ADD, ESP,
     esp(0x1000) + ext(20, b"\2" + bytes(11)), "EINVAL"),
    ("ADD with a NAT-T port of 16 bytes", ADD, ESP,
     esp(0x1000) + natt_type(2) + ext(21, bytes(12)) + natt_port(22, 4500),
     "EINVAL"),
    ("ADD with an original address of another family", ADD, ESP,
     esp(0x1000) + natt(4500, 4500) + address(23, "fd00::1"), "EINVAL"),
    ("ADD with an original address of no family", ADD, ESP,
     esp(0x1000) + natt(4500, 4500) + ext(23, struct.pack("=BBH", 0, 0, 0)
                                          + bytes(16)), "EAFNOSUPPORT"),
    ("ADD with an original address cut short", ADD, ESP,
     esp(0x1000) + natt(4500, 4500) + ext(23, struct.pack("=BBHH2x", 0, 0, 0, 2)),
     "EINVAL"),
    ("ADD of AH in UDP", ADD, AH, sa(0x1000, auth=3, encrypt=0) + ends()
     + key(8, KEY20) + natt(4500, 4500), "EINVAL"),
    ("ADD with one identity", ADD, ESP, esp(0x1000) + ext(10, bytes(12)),
     "EINVAL"),
    ("ADD with identities of two types", ADD, ESP,
     esp(0x1000) + identity(10, 2, b"a.example") + identity(11, 3, b"b@example"), "EINVAL"),
    ("ADD of IPComp without an algorithm", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=0) + ends(), "EINVAL"),
    ("ADD of IPComp with an unknown algorithm", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=99) + ends(), "ENOSYS"),
    ("ADD of IPComp with LZS", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=3) + ends(), "ENOSYS"),
    ("ADD of IPComp with a hash", ADD, IPCOMP,
     sa(0x1000, auth=3, encrypt=2) + ends() + key(8, KEY20), "EINVAL"),
    ("ADD of IPComp with a key", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=2) + ends() + key(9, KEY20), "EINVAL"),
    ("ADD of IPComp with SPI 0", ADD, IPCOMP,
     sa(0, auth=0, encrypt=2) + ends(), "EINVAL"),
    ("ADD of IPComp with SPI 0x10000", ADD, IPCOMP,
     sa(0x10000, auth=0, encrypt=2) + ends(), "EINVAL"),
    ("ADD of IPComp with SPI 0x10000 as the CPI", ADD, IPCOMP,
     sa(0x10000, auth=0, encrypt=2, flags=0x80) + ends(), "EINVAL"),
    ("ADD of IPComp in the form of RFC 1827", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=2, flags=1) + ends(), "EINVAL"),
    ("GETSPI of IPComp beyond 16 bits", GETSPI, IPCOMP,
     ends() + spirange(0x10000, 0x20000), "EINVAL"),
    ("ADD of AH without an algorithm", ADD, AH,
     sa(0x1000, auth=0, encrypt=0) + ends(), "EINVAL"),
    ("ADD of AH with null", ADD, AH, sa(0x1000, auth=251, encrypt=0) + ends(),
     "EINVAL"),
    ("ADD of AH with a short key", ADD, AH,
     sa(0x1000, auth=3, encrypt=0) + ends() + key(8, KEY20[:19]), "EINVAL"),
    ("ADD of AH with an unknown hash", ADD, AH,
     sa(0x1000, auth=99, encrypt=0) + ends() + key(8, KEY20), "ENOSYS"),
    ("ADD of ESP with a keyed hash", ADD, ESP,
     sa(0x1000, auth=249, encrypt=11) + ends() + key(8, KEY20[:16]), "EINVAL"),
    ("ADD of a window beyond 2^20", ADD, ESP, esp(0x1000) + replay((1 << 20) + 1),
     "EINVAL"),
    ("ADD from beyond 2^32 without ESN", ADD, ESP,
     esp(0x1000) + replay(32, 1 << 32), "EINVAL"),
    ("ADD with ESN and without integrity", ADD, ESP,
     sa(0x1000, encrypt=11, flags=ESN) + ends(), "EINVAL"),
    ("ADD with ESN and the null hash", ADD, ESP,
     sa(0x1000, auth=251, encrypt=11, flags=ESN) + ends(), "EINVAL"),
    ("ADD of IPComp with ESN", ADD, IPCOMP,
     sa(0x1000, auth=0, encrypt=2, flags=ESN) + ends(), "EINVAL"),
    ("an extension twice", ADD, ESP, esp(0x1000) + sa2(), "EINVAL"),
    ("an extension of length 0", GET, ESP, sa(0x1000) + bytes(8), "EINVAL"),
    ("an extension beyond the end", GET, ESP,
     sa(0x1000) + struct.pack("=HHI", 9, 5, 0), "EINVAL"),
    ("GET of nothing", GET, ESP, sa(0x9999) + ends(), "ESRCH"),
    ("DELETE of nothing", DELETE, ESP, sa(0x9999) + ends(), "ESRCH"),
    ("UPDATE of nothing", UPDATE, ESP, esp(0x9999), "ESRCH"),
    ("GETSPI with min > max", GETSPI, ESP, ends() + spirange(0x300, 0x200),
     "EINVAL"),
    ("DUMP of an empty SAD", DUMP, 0, b"", "ENOENT"),
    ("GETSPI of reserved SPIs", GETSPI, ESP, ends() + spirange(255, 0x200), "EINVAL"),
    ("GETSPI with a range of zeros", GETSPI, ESP, ends() + spirange(0, 0), "EINVAL"),
    ("DUMP of SA type 7", DUMP, 7, b"", "EOPNOTSUPP"),
    ("FLUSH of SA type 7", FLUSH, 7, b"", "EOPNOTSUPP"),
    ("FLUSH of SA type 1", FLUSH, 1, b"", "EINVAL"),
    ("REGISTER of SA type 5", REGISTER, 5, b"", "EOPNOTSUPP"),
    ("EXPIRE from below", EXPIRE, ESP, b"", "EOPNOTSUPP"),
    ("PCHANGE", PROMISC + 1, 0, b"", "EOPNOTSUPP"),
    ("NAT_T_NEW_MAPPING from above", SPDDELETE2 + 1, ESP, b"", "EOPNOTSUPP"),
    ("MIGRATE", SPDDELETE2 + 2, 0, SEL + policy(), "EOPNOTSUPP"),
    ("SPDACQUIRE from above", SPDACQUIRE, 0, policy(), "EOPNOTSUPP"),
    ("SPDEXPIRE from above", SPDEXPIRE, 0, SEL + policy(), "EOPNOTSUPP"),
    ("ACQUIRE without a proposal", ACQUIRE, ESP, ends(), "EINVAL"),
    ("ACQUIRE without ends", ACQUIRE, ESP, ext(13, bytes(4)), "EINVAL"),
    ("ACQUIRE of SA type 0", ACQUIRE, 0, b"", "EINVAL"),
    ("PROMISC of SA type 2", PROMISC, 2, b"", "EINVAL"),
    ("PROMISC with half a message", PROMISC, 0, bytes(8), "EINVAL"),
    ("PROMISC with a message of another length", PROMISC, 0,
     message(REGISTER, ESP, words=3), "EINVAL"),
    ("PROMISC with a message of version 3", PROMISC, 0,
     message(REGISTER, ESP, version=3), "EINVAL"),
    ("SPDFLUSH with an extension", SPDFLUSH, 0, policy(), "EINVAL"),
    ("SPDDUMP of an empty SPD", SPDDUMP, 0, b"", "ENOENT"),
    ("SPDADD without policy", SPDADD, 0, SEL, "EINVAL"),
    ("SPDADD of direction 0", SPDADD, 0, SEL + policy(0, 1), "EINVAL"),
    ("SPDADD of direction 4", SPDADD, 0, SEL + policy(4, 1), "EINVAL"),
    ("SPDADD of entrust", SPDADD, 0, SEL + policy(2, 3), "EINVAL"),
    ("SPDADD of bypass", SPDADD, 0, SEL + policy(2, 4), "EINVAL"),
    ("SPDSETIDX of direction 0", SPDSETIDX, 0, SEL + policy(0, 2), "EINVAL"),
    ("SPDUPDATE of ipsec without a request", SPDUPDATE, 0, SEL + policy(2, 2), "EINVAL"),
    ("SPDADD of none with a request", SPDADD, 0, SEL + policy(2, 1, request()), "EINVAL"),
    ("SPDADD of ipsec without a request", SPDADD, 0, SEL + policy(2, 2),
     "EINVAL"),
    ("SPDADD with a request of length 0", SPDADD, 0,
     SEL + policy(requests=request(length=0)), "EINVAL"),
    ("SPDADD with a request too long", SPDADD, 0,
     SEL + policy(requests=request(length=64)), "EINVAL"),
    ("SPDADD of a tunnel without ends", SPDADD, 0,
     SEL + policy(requests=request(mode=2)), "EINVAL"),
    ("SPDADD for TCP transforms", SPDADD, 0,
     SEL + policy(requests=request(proto=6)), "EPROTONOSUPPORT"),
    ("SPDADD of six requests", SPDADD, 0,
     SEL + policy(requests=request() * 6), "EINVAL"),
    ("SPDADD of transport between ends of another family", SPDADD, 0,
     SEL + policy(requests=request(pair=("fd00::1", "fd00::2"))), "EINVAL"),
    ("SPDADD of transport between such ends behind a tunnel", SPDADD, 0,
     SEL + policy(requests=TUNNEL + request(pair=("fd00::1", "fd00::2"))),
     "EINVAL"),
    ("SPDDELETE of nothing", SPDDELETE, 0, SEL + policy(2, 0), "ENOENT"),
    ("SPDDELETE2 of nothing", SPDDELETE2, 0, policy(2, 0, ident=77), "ENOENT"),
    ("SPDGET of nothing", SPDGET, 0, policy(2, 0, ident=77), "ENOENT"),
]


def bad_requests():
    c = Client()
    for text, raw, want in SENDS:
        try:
            c.sock.send(raw)
            seen = "no error"
        except OSError as e:
            seen = name(e.errno)
        claim("send of %s fails: %s" % (text, want), seen == want, seen)
        claim("and has no reply", c.recv() is None)
    for text, kind, satype, body, want in ERRORS:
        r = c.ask(kind, satype, body, seq=4711, pid=42)
        good = r is not None and name(r.errno) == want and len(r.raw) == 16 \
            and (r.type, r.seq, r.pid) == (kind, 4711, 42)
        claim("%s: %s" % (text, want), good, r and (name(r.errno), len(r.raw)))


def forms():
    c = Client()
    for text, satype, body in FORMS:
        r = c.ask(ADD, satype, body)
        claim("ADD of %s: EINVAL" % text, name(r.errno) == "EINVAL", name(r.errno))
    for text, satype, body in ACCEPTED:
        r = c.ask(ADD, satype, body)
        claim("ADD of %s" % text, r.errno == 0
              and r.ext[1][12:16] == body[12:16], name(r.errno))
        c.ask(DELETE, satype, sa(0x1000) + ends())


def life_of_an_sa():
    c = Client()
    r = c.ask(GETSPI, ESP, sa2(2, 7) + ends() + spirange(0x500, 0x500), seq=9)
    claim("GETSPI: the SPI of a range of one", r.errno == 0 and r.spi() == 0x500)
    claim("GETSPI: sequence number and pid are echoed",
          (r.seq, r.pid) == (9, os.getpid()))
    r = c.ask(GETSPI, ESP, ends() + spirange(0x500, 0x500))
    claim("GETSPI: the range is used up", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(ADD, ESP, esp(0x500))
    claim("ADD of a reserved SPI: EEXIST", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(UPDATE, ESP, sa(0x500) + sa2(1) + ends() + key(9, KEY20), pid=1)
    claim("UPDATE of a larval SA, by another pid", r.errno == 0, r.errno)
    claim("no key in its reply", 9 not in r.ext)
    r = c.ask(UPDATE, ESP, esp(0x500), pid=2)
    claim("UPDATE of a mature SA by a stranger: EINVAL",
          name(r.errno) == "EINVAL", r.errno)
    r = c.ask(UPDATE, ESP, esp(0x500, encrypt=99), pid=1)
    claim("a failed UPDATE", r.errno != 0)
    r = c.ask(GET, ESP, sa(0x500) + ends(prefix=0, proto=0))
    claim("leaves the SA as it was", r.errno == 0 and r.ext[1][9] == 1
          and r.ext[9][8:28] == KEY20, r.errno)
    claim("GET: mode, lifetimes, addresses",
          set(r.ext) >= {1, 2, 3, 4, 5, 6, 9, 19}, sorted(r.ext))
    r = c.ask(ADD, ESP, esp(0x501, auth=251))
    claim("AES-GCM beside hash NULL", r.errno == 0, r.errno)
    names = identity(10, 2, b"a.example") + identity(11, 2, b"b.example" + bytes(2000))
    r = c.ask(ADD, ESP, esp(0x503) + names)
    claim("identities are repeated to everybody", r.ext[10] + r.ext[11] == names)
    r = c.ask(ADD, AH, sa(0x504, auth=3, encrypt=12) + sa2() + ends()
              + key(8, KEY20) + key(9, bytes(32)))
    claim("AH with a cipher, as OpenIKED sends it, is AH without",
          r.errno == 0 and r.ext[1][11] == 0, (r.errno, r.ext.get(1)))
    r = c.ask(GET, AH, sa(0x504) + ends())
    claim("and keeps no key for it", sorted(r.ext) == [1, 2, 3, 4, 5, 6, 8, 19],
          sorted(r.ext))
    c.ask(DELETE, AH, sa(0x504) + ends())
    r = c.ask(ADD, ESP, sa(0x502, auth=3, encrypt=11) + ends() + key(8, KEY20))
    claim("cipher NULL without a key extension", r.errno == 0, r.errno)
    c.ask(DELETE, ESP, sa(0x501) + ends())
    r = c.ask(GET, ESP, sa(0x501) + ends())
    claim("deleted", name(r.errno) == "ESRCH", r.errno)
    r = c.ask(DELETE, ESP, ends())
    claim("DELETE of all between two ends", r.errno == 0, r.errno)
    r = c.ask(DUMP, 0)
    claim("leaves none", name(r.errno) == "ENOENT", r.errno)


def life_of_ipcomp():
    c = Client()
    r = c.ask(GETSPI, IPCOMP, ends() + spirange(0xffff, 0xffffffff))
    claim("GETSPI of IPComp: CPIs have 16 bits", (r.errno, r.spi()) == (0, 0xffff),
          r.errno)
    r = c.ask(GETSPI, IPCOMP, ends())
    claim("without a range: a CPI to be negotiated",
          r.errno == 0 and 0x100 <= r.spi() <= 0xffff, r.errno)
    r = c.ask(UPDATE, IPCOMP, sa(0xffff, encrypt=2, flags=0x80) + sa2() + ends())
    claim("UPDATE of IPComp", r.errno == 0, r.errno)
    for text, spi, more in ("a low SPI", 2, b""), ("an empty key", 5, key(9, b"")):
        r = c.ask(ADD, IPCOMP, sa(spi, encrypt=2) + ends() + more)
        claim("ADD of IPComp with %s" % text, r.errno == 0, r.errno)
    r = c.ask(GET, IPCOMP, sa(0xffff) + ends())
    claim("GET of IPComp: algorithm and flags, no keys",
          (r.satype, r.ext[1][11], r.ext[1][12], 8 in r.ext, 9 in r.ext)
          == (IPCOMP, 2, 0x80, False, False), sorted(r.ext))
    c.ask(FLUSH, IPCOMP)


def natt_of(r):
    """NAT-T of a reply: type, ports, original address; ports of its addresses."""
    port = {n: struct.unpack_from(">H", r.ext[n], at)[0]
            for n, at in ((21, 4), (22, 4), (5, 10), (6, 10)) if n in r.ext}
    return (r.ext[20][4] if 20 in r.ext else None, port.get(21), port.get(22),
            r.ext[23][8:] if 23 in r.ext else None, port[5], port[6])


def esp_in_udp():
    c = Client()
    oa = address(23, "10.1.0.1", port=99)
    want = (2, 4500, 40000, sockaddr("10.1.0.1"), 0, 0)
    with_ports = sa(0x800) + sa2() + ends(port=500) + key(9, KEY20)
    for text, body in (
            ("behind the others", with_ports + natt(4500, 40000) + oa),
            ("in front of the others", oa + natt(4500, 40000) + with_ports)):
        r = c.ask(ADD, ESP, body)
        claim("NAT-T extensions %s: in the reply of ADD, no port in addresses" % text,
              r.errno == 0 and natt_of(r) == want, r.errno or natt_of(r))
        r = c.ask(GET, ESP, sa(0x800) + ends(port=4500))
        claim("and of GET, whatever port it asks with",
              r.errno == 0 and natt_of(r) == want, r.errno or natt_of(r))
        r = c.ask(DUMP, ESP)
        claim("and of DUMP", r.errno == 0 and natt_of(r) == want, r.errno)
        r = c.ask(UPDATE, ESP, with_ports + natt(4500, 40001))
        claim("UPDATE changes them", r.errno == 0
              and natt_of(r) == (2, 4500, 40001, None, 0, 0), r.errno or natt_of(r))
        r = c.ask(UPDATE, ESP, with_ports + natt(1, 2, kind=0) + oa)
        claim("UPDATE with type 0 removes them", r.errno == 0
              and natt_of(r) == (None, None, None, None, 0, 0), r.errno or natt_of(r))
        c.ask(FLUSH, 0)
    r = c.ask(ADD, ESP, sa(0x801) + ends("fd00::1", "fd00::2") + key(9, KEY20)
              + natt(4500, 4500) + address(23, "fd01::1"))
    claim("the same of IPv6", r.errno == 0
          and natt_of(r) == (2, 4500, 4500, sockaddr("fd01::1") + bytes(4), 0, 0),
          r.errno or natt_of(r))
    c.ask(FLUSH, 0)
    r = c.ask(GETSPI, ESP, ends() + spirange(0x802, 0x802) + natt(4500, 4500))
    claim("GETSPI with NAT-T extensions", r.errno == 0, r.errno)
    r = c.ask(DUMP, ESP)
    claim("a larval SA keeps them", natt_of(r) == (2, 4500, 4500, None, 0, 0), natt_of(r))
    c.ask(FLUSH, 0)


def life_of_a_policy():
    c = Client()
    body = ends(prefix=24) + policy(requests=TUNNEL, priority=5)
    r = c.ask(SPDUPDATE, 0, body)
    ident = struct.unpack_from("=I", r.ext[18], 8)[0]
    claim("SPDUPDATE creates", r.errno == 0, r.errno)
    claim("ids are 8n + direction - 1", ident % 8 == 1, ident)
    r = c.ask(SPDADD, 0, body)
    claim("SPDADD again: EEXIST", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(SPDADD, 0, ends(prefix=24) + policy(3, requests=TUNNEL))
    claim("direction fwd", r.errno == 0
          and struct.unpack_from("=I", r.ext[18], 8)[0] % 8 == 2, r.errno)
    r = c.ask(SPDGET, 0, policy(2, 0, ident=ident), seq=3)
    claim("SPDGET by id", r.errno == 0 and r.seq == 3
          and r.ext[18][16:] == TUNNEL, r.errno)
    r = c.ask(SPDADD, 0, ends() + policy(requests=request(level=3)))
    claim("unique: an automatic reqid from 0x4000",
          struct.unpack_from("=I", r.ext[18], 24)[0] >= 0x4000)
    r = c.ask(SPDADD, 0, ends() + policy(1, requests=request(
        mode=2, pair=("fd00::1", "fd00::2")) + request(
        pair=("fd00::1", "fd00::2"))))
    claim("IPv6 transport behind an IPv6 tunnel of IPv4", r.errno == 0, r.errno)
    c.ask(SPDDELETE, 0, ends() + policy(1, 0))
    c.drain()
    r = c.ask(SPDDUMP, 0)
    seqs = [r.seq] + [x.seq for x in c.drain()]
    claim("SPDDUMP counts down to 0", seqs == [2, 1, 0], seqs)
    r = c.ask(SPDDELETE, 0, ends(prefix=24) + policy(2, 0))
    claim("SPDDELETE looks at selector and direction", r.errno == 0, r.errno)
    r = c.ask(SPDGET, 0, policy(2, 0, ident=ident))
    claim("deleted", name(r.errno) == "ENOENT", r.errno)
    c.ask(SPDFLUSH, 0)
    r = c.ask(SPDDUMP, 0)
    claim("SPDFLUSH leaves none", name(r.errno) == "ENOENT", r.errno)


def audiences():
    asker, other, registered, promisc = Client(), Client(), Client(), Client()
    r = registered.ask(REGISTER, ESP)
    claim("REGISTER tells the algorithms", set(r.ext) == {14, 15}, sorted(r.ext))
    r = registered.ask(REGISTER, ESP)
    claim("REGISTER again: EEXIST", name(r.errno) == "EEXIST", r.errno)
    claim("others do not hear it", not other.drain() and not asker.drain())
    promisc.ask(PROMISC, 1)
    for c in asker, other, registered, promisc:
        c.drain()
    for text, args, everybody in (
            ("ADD", (ADD, ESP, esp(0x600)), True),
            ("GET", (GET, ESP, sa(0x600) + ends()), False),
            ("error", (GET, ESP, sa(0x601) + ends()), False),
            ("DUMP", (DUMP, 0), False),
            ("DELETE", (DELETE, ESP, sa(0x600) + ends()), True),
            ("SPDFLUSH", (SPDFLUSH, 0), True)):
        asker.sock.send(message(*args))
        seen = [len(c.drain()) for c in (asker, other, registered)]
        want = [1, 1, 1] if everybody else [1, 0, 0]
        claim("%s: who hears it" % text, seen == want, seen)
        wrapped = promisc.drain_all()
        claim("%s: the promiscuous socket sees request and reply" % text,
              len([x for x in wrapped if x[1] == PROMISC]) >= 2, wrapped)


def extension():
    """SADB_X_EXT_SA_REPLAY: only for those who have sent one."""
    classic, extended, overheard = Client(), Client(), Client()
    overheard.ask(PROMISC, 1)
    extended.ask(DUMP, 0, replay())
    for c in classic, extended, overheard:
        c.drain_all()
    extended.sock.send(message(ADD, ESP, esp(0x800, replay=4, flags=ESN)
                               + replay(1 << 20, (5 << 32) + 6)))
    said = [c.recv().ext for c in (extended, classic)]
    claim("its sender gets it", said[0].get(29) == replay(1 << 20, (5 << 32) + 6),
          said[0])
    claim("others do not", 29 not in said[1] and set(said[0]) == {29, *said[1]},
          sorted(said[1]))
    claim("but the flag, the largest window and the low half of the number",
          (said[1][1][8], said[1][1][12:16].hex(), said[1][19][8:12].hex())
          == (255, "00040000", "06000000"), (said[1][1], said[1][19]))
    seen = []
    while (raw := overheard.sock.recv(65536, socket.MSG_DONTWAIT))[1] != PROMISC:
        pass
    with contextlib.suppress(BlockingIOError):
        while True:
            seen.append(Reply(raw[16:]) if raw[1] == PROMISC else Reply(raw))
            raw = overheard.sock.recv(65536, socket.MSG_DONTWAIT)
    claim("a promiscuous socket overhears requests and replies without it",
          len(seen) >= 2 and not any(29 in r.ext for r in seen),
          [sorted(r.ext) for r in seen])
    dumps = []
    for c, body in (classic, b""), (extended, b""), (classic, replay()):
        c.sock.send(message(DUMP, ESP, body))
        dumps.append(c.recv().ext)
    claim("DUMP: nothing for the classic one, and for the extended one it is last",
          (29 in dumps[0], list(dumps[1])[-1]) == (False, 29), dumps[0].keys())
    claim("who asks becomes extended", 29 in dumps[2], sorted(dumps[2]))
    # What a classic client reads is the same, whoever made the SA.
    classic = Client()
    records = []
    for body in (esp(0x801, replay=255), sa(0x801, replay=0) + sa2() + ends()
                 + key(9, KEY20) + replay(255 * 8)):
        extended.ask(DELETE, ESP, sa(0x801) + ends())
        extended.ask(ADD, ESP, body)
        classic.drain()
        records.append(classic.ask(GET, ESP, sa(0x801) + ends()).ext)
    for r in records:
        r.pop(4)                            # the time of creation
    claim("a window of 2040 packets by either way: the same record",
          records[0] == records[1], records)
    extended.ask(FLUSH, 0)


def between_processes():
    """What is behind a PROMISC header goes to everybody (RFC 2367 3.1.11)."""
    asker, other = Client(), Client()
    inside = message(ACQUIRE, ESP, ends(), seq=77, pid=88)
    asker.sock.send(message(PROMISC, 0, inside))
    claim("PROMISC passes a message on, without its own header",
          [[r.raw for r in c.drain()] for c in (asker, other)] == [[inside], [inside]])


def reading():
    c = Client()
    parts = message(ADD, ESP, esp(0x700))
    os.writev(c.sock.fileno(), [parts[i:i + 8] for i in range(0, len(parts), 8)])
    head = c.sock.recv(16, socket.MSG_PEEK)
    claim("writev of many pieces is one message, MSG_PEEK keeps the reply",
          len(head) == 16 and c.recv().errno == 0)
    n = 3000
    for i in range(n):
        c.sock.send(message(ADD, ESP, esp(0x10000 + i)))
        c.recv()
    slow = Client()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    slow.sock.send(message(DUMP, ESP))
    r = slow.ask(DUMP, ESP)
    seqs = [r.seq]
    busy = 0
    while seqs[-1] or len(seqs) == 1:
        r = slow.recv()
        if r is None:
            break
        if r.errno:
            busy += name(r.errno) == "EBUSY"
            continue
        seqs.append(r.seq)
    claim("a slow reader gets all of %d SAs, counted down" % (n + 1),
          seqs == list(range(n, -1, -1)), (len(seqs), seqs[:3], seqs[-3:]))
    claim("a second DUMP meanwhile: EBUSY", busy == 1, busy)
    gone = Client()
    gone.sock.send(message(DUMP, ESP))
    gone.sock.close()
    r = c.ask(FLUSH, 0)
    claim("FLUSH with a dump that nobody reads", r.errno == 0)


def sockets():
    for text, args, want in (
            ("type DGRAM", (AF_KEY, socket.SOCK_DGRAM, 2), "ESOCKTNOSUPPORT"),
            ("protocol 1", (AF_KEY, socket.SOCK_RAW, 1), "EPROTONOSUPPORT")):
        try:
            socket.socket(*args)
            seen = "no error"
        except OSError as e:
            seen = name(e.errno)
        claim("socket of %s: %s" % (text, want), seen == want, seen)
    pid = os.fork()
    if not pid:
        os.setuid(65534)
        try:
            Client()
        except PermissionError:
            os._exit(0)
        os._exit(1)
    claim("an unprivileged user gets no socket", os.waitpid(pid, 0)[1] == 0)


def long_messages():
    """Whole pages of identities and of somebody's message come back unchanged."""
    c = Client()
    for words in 600, 3000:
        who = [identity(kind, 2, bytes(range(1, 9)) * words) for kind in (10, 11)]
        r = c.ask(ADD, ESP, esp(0x7000 + words) + who[0] + who[1])
        claim(f"identities of {8 * words} bytes: repeated whole",
              (r.errno, [r.ext.get(k) for k in (10, 11)]) == (0, who), r.errno)
    inner = message(REGISTER, 3, identity(10, 2, bytes(40000)))
    r = c.ask(PROMISC, 0, inner)
    claim("PROMISC with a message of 40,000 bytes: shown whole", r.raw == inner, r.raw[:32])
    c.ask(FLUSH, 0)
    c.sock.close()


if __name__ == "__main__":
    sockets()
    bad_requests()
    forms()
    life_of_an_sa()
    life_of_ipcomp()
    esp_in_udp()
    life_of_a_policy()
    audiences()
    extension()
    between_processes()
    reading()
    long_messages()
