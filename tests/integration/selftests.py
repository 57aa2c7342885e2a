#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The rows of Linux's selftest net/ipsec.c, over PF_KEY instead of netlink.

Every algorithm in a tunnel over IPv4: in clear, with SAs and policies that are
dumped and compared field by field, and in clear again when they are deleted.
Deflate, the ACQUIRE monitor and the expiry of policies are not here.
"""
import select
import struct

import lab
import matrix
import pfkey_client as pfkey
from matrix import Combo

TUNNEL, SECONDS, PINGS = 2, 1, 10
A4, B4 = lab.A4, lab.B4
# As that test calls them; PF_KEY's number and bytes of key, salt included.
MACS = (("digest_null", 251, 0), ("hmac(md5)", 2, 16), ("hmac(sha1)", 3, 20),
        ("hmac(sha256)", 5, 32), ("hmac(sha384)", 6, 48), ("hmac(sha512)", 7, 64),
        ("hmac(rmd160)", 8, 20), ("xcbc(aes)", 9, 16), ("cmac(aes)", 248, 16))
CIPHERS = (("ecb(cipher_null)", 11, 0), ("cbc(des)", 2, 8), ("cbc(des3_ede)", 3, 24),
           ("cbc(cast5)", 6, 16), ("cbc(blowfish)", 7, 16), ("cbc(aes)", 12, 16),
           ("cbc(serpent)", 252, 16), ("cbc(camellia)", 22, 16), ("cbc(twofish)", 253, 16),
           ("rfc3686(ctr(aes))", 13, 20))
AEADS = (("rfc4106(gcm(aes))", 20, 20), ("rfc4309(ccm(aes))", 16, 19),
         ("rfc4543(gcm(aes))", 23, 20), ("rfc7539esp(chacha20,poly1305)", 31, 36))
NOTHING = ("", 0, 0)
REFUSED = "AH digest_null: refused"
COMPAT = ["alloc spi", "expire state", "spd info"]


class Row(Combo):
    def __init__(self, n, name, mac=NOTHING, cipher=NOTHING):
        super().__init__(n, ("" if cipher[1] else "ah-", "", ""), "tunnel", 4, 4, name)
        self.satype = pfkey.ESP if cipher[1] else pfkey.AH
        self.auth, self.encrypt = mac[1], cipher[1]
        self.akey, self.ekey = (bytes((n + i * 7) & 255 for i in range(alg[2]))
                                for alg in (mac, cipher))

    def sa(self, spi, src, dst):
        """The body of ADD."""
        return (pfkey.sa(spi, self.auth, self.encrypt) + pfkey.sa2(TUNNEL, spi)
                + pfkey.ends(src, dst)
                + (pfkey.key(8, self.akey) if self.akey else b"")
                + (pfkey.key(9, self.ekey) if self.ekey else b""))

    def sas(self):
        return [self.sa(spi, tsrc, tdst) for _, _, tsrc, tdst, spi, _ in self.ways()]

    def policies(self, host):
        """The bodies of SPDADD."""
        proto = 51 if self.satype == pfkey.AH else 50
        return [pfkey.ends(src, dst) + pfkey.policy(
                    2 if self.direction(host, outward) == "out" else 1,
                    requests=pfkey.request(proto, TUNNEL, 3, spi, (tsrc, tdst)))
                for src, dst, tsrc, tdst, spi, outward in self.ways()]


def all_rows():
    rows = [(f"AH {mac[0]}", mac, NOTHING) for mac in MACS[1:]]
    rows += [(f"ESP {cipher[0]} {mac[0]}", mac, cipher) for cipher in CIPHERS for mac in MACS]
    rows += [(f"ESP {aead[0]}", NOTHING, aead) for aead in AEADS]
    return [Row(n, *row) for n, row in enumerate(rows)]


def extensions(body):
    """{type: extension} of a request."""
    found, at = {}, 0
    while at < len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        found[kind] = body[at:at + 8 * size]
        at += 8 * size
    return found


def key_of(extension):
    """A key of no bits is none."""
    return extension if extension and any(extension[4:6]) else None


def meaning(exts):
    """What both a request and a dump of an SA say."""
    spi, replay, auth, encrypt, flags = struct.unpack_from("=IBxBBI", exts[1], 4)
    mode, reqid = exts[19][4], struct.unpack_from("=I", exts[19], 12)[0]
    return (spi, replay, auth, encrypt, flags, mode, reqid,
            *(exts[kind][8:] for kind in (5, 6)), *map(key_of, (exts.get(8), exts.get(9))))


def dumped(client, kind):
    client.drain()
    first = client.ask(kind, 0)
    return [first, *client.drain()] if first.errno == 0 else []


def compare(table, host, client, rows):
    """SAs and policies are dumped as they were loaded."""
    sas = {(m.satype, m.spi()): m.ext for m in dumped(client, pfkey.DUMP)}
    policies = {m.ext[5] + m.ext[6]: m.ext[18] for m in dumped(client, pfkey.SPDDUMP)}
    lab.equal(f"{host.name}: two SAs and two policies for each row",
              (2 * len(rows), 2 * len(rows)), (len(sas), len(policies)))
    for c in rows:
        for body, spi in zip(c.sas(), (c.spi, c.spi + 1)):
            seen = sas.get((c.satype, spi))
            table.equal(c.name, "SA as dumped", meaning(extensions(body)),
                        seen and meaning(seen))
            table.equal(c.name, "state", 1, seen and seen[1][9])
        for body in c.policies(host):
            want = extensions(body)
            seen = policies.get(want[5] + want[6], b"")
            # All but the id, which the kernel gives.
            table.equal(c.name, "policy as dumped", want[18][:8] + want[18][12:],
                        seen[:8] + seen[12:])


def load(table, host, client, rows):
    for c in rows:
        for body in c.sas():
            table.equal(c.name, "ADD", 0, asked(client, pfkey.ADD, c.satype, body).errno)
        for body in c.policies(host):
            table.equal(c.name, "SPDADD", 0, asked(client, pfkey.SPDADD, 0, body).errno)


def unload(table, host, client, rows):
    for c in rows:
        for _, _, tsrc, tdst, spi, _ in c.ways():
            reply = asked(client, pfkey.DELETE, c.satype,
                          pfkey.sa(spi) + pfkey.ends(tsrc, tdst))
            table.equal(c.name, "DELETE", 0, reply.errno)
        for body in c.policies(host):
            table.equal(c.name, "SPDDELETE", 0, asked(client, pfkey.SPDDELETE, 0, body).errno)
    lab.equal(f"{host.name}: nothing is left", ([], []),
              (dumped(client, pfkey.DUMP), dumped(client, pfkey.SPDDUMP)))


def asked(client, *request):
    client.drain()
    return client.ask(*request)


def pings(table, a, b, rows, wire, sealed, text):
    """Each row's datagrams are answered, and in its SAs or all in clear."""
    results = [matrix.answered(a, b, c.a, c.b, 64, PINGS if sealed else 1) for c in rows]
    seen = matrix.Seen(wire)
    for c, result in zip(rows, results):
        want = (PINGS, (PINGS, PINGS, 0, 0)) if sealed else (1, (0, 0, 1, 1))
        table.equal(c.name, text, want, (result, seen.of(c)))


def compat(table, client):
    """What daemons ask for besides."""
    ends = pfkey.ends(A4, B4)
    reply = asked(client, pfkey.GETSPI, pfkey.ESP, ends + pfkey.spirange(0x4242, 0x4242))
    (larval,) = dumped(client, pfkey.DUMP)
    table.equal("alloc spi", "GETSPI, SPI and state as dumped", (0, 0x4242, 0),
                (reply.errno, larval.spi(), larval.ext[1][9]))
    asked(client, pfkey.REGISTER, pfkey.ESP)
    body = pfkey.sa(0x4243, 0, 11) + ends \
        + pfkey.ext(3, struct.pack("=IQQQ", 0, 0, SECONDS, 0))
    table.equal("expire state", "ADD", 0, asked(client, pfkey.ADD, pfkey.ESP, body).errno)
    select.select([client.sock], [], [], 10 * SECONDS)
    event = client.recv()
    table.equal("expire state", "EXPIRE, SPI, which lifetime passed",
                (pfkey.EXPIRE, 0x4243, True, False),
                (event.type, event.spi(), 3 in event.ext, 4 in event.ext))
    body = [pfkey.ends(A4, B4, port=port) + pfkey.policy(2, 1) for port in (1, 2, 3)]
    table.equal("spd info", "SPDADD", [0, 0, 0],
                [asked(client, pfkey.SPDADD, 0, each).errno for each in body])
    table.equal("spd info", "three policies, counted down", [2, 1, 0],
                [m.seq for m in dumped(client, pfkey.SPDDUMP)])


def body():
    a, b = lab.hosts()
    matrix.addresses(a, b)
    rows = all_rows()
    table = lab.Matrix("net/ipsec.c", [c.name for c in rows] + [REFUSED] + COMPAT)
    clients = {}
    for host in a, b:
        with host.entered():
            clients[host] = pfkey.Client()
    wire = lab.Wire(a, b)
    pings(table, a, b, rows, wire, False, "in clear before")
    for host, client in clients.items():
        load(table, host, client, rows)
        compare(table, host, client, rows)
    pings(table, a, b, rows, wire, True, "through the SAs")
    for host, client in clients.items():
        unload(table, host, client, rows)
    pings(table, a, b, rows, wire, False, "in clear after")
    refused = asked(clients[a], pfkey.ADD, pfkey.AH, Row(0, "", MACS[0]).sas()[0])
    table.equal(REFUSED, "ADD", "EINVAL", pfkey.name(refused.errno))
    compat(table, clients[a])
    table.report()
    for host in a, b:
        lab.equal(f"{host.name} dropped nothing", {}, host.drops())


lab.main(body)
