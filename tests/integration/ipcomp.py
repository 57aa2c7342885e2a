#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""IPComp alone and in bundles: every packet on the wire is taken apart here.

Each row of the tables has a port of its own, by which policies tell them apart.
Its packets are text that shrinks, text that is too short to be tried (RFC 3173
section 2.2, 90 bytes) and by one byte not too short, and noise.
"""
import random
import struct
import zlib

import lab
from lab import A4, A6, B4, B6

K20 = "0x" + bytes(range(0x20, 0x34)).hex()
ESP, AH = f"-E null -A hmac-sha1 {K20}", f"-A hmac-sha1 {K20}"
NATIVE_AH = f"auth-trunc hmac(sha1) {K20} 96"
NATIVE = {"ipcomp": "comp deflate", "ah": NATIVE_AH,
          "esp": f'enc ecb(cipher_null) "" {NATIVE_AH}'}
COMP, RAW = "-C deflate", "-C deflate -R"
THRESHOLD, ICV, PORT = 90, 12, 7000
TEXT = b"the quick brown fox jumps over the lazy dog. " * 40
NOISE = random.Random(3173).randbytes(1400)
ENDS = {4: (A4, B4), 6: (A6, B6)}


def request(word):
    """ "ipcomp/tunnel6" is a request for a tunnel over IPv6."""
    proto, mode = word.split("/")
    return proto, mode.rstrip("46"), int(mode[-1]) if mode[-1] in "46" else 0


class Row:
    """Requests of a policy, the innermost first, for packets of one family."""

    def __init__(self, n, family, words, comp=RAW):
        self.family, self.port, self.n = family, PORT + n, n
        self.name = f"{words} for IPv{family}" + ("" if comp == RAW else ", CPI 2")
        self.requests = [request(w) for w in words.split()]
        self.alg = {"esp": ESP, "ah": AH, "ipcomp": comp}
        self.splits = family == 6 and self.requests[0][1] == "tunnel"

    def ways(self, host):
        """Of both directions: the ends, their ports, and what the host calls it."""
        for way in 0, 1:
            out = "out" if (host.name == "a") == (way == 0) else "in"
            yield (way, *ENDS[self.family][::1 - 2 * way],
                   *(0, self.port)[::1 - 2 * way], out)

    def sas(self, way):
        """Of each request: protocol, mode, ends, SPI, reqid."""
        ends = ENDS[self.family][::1 - 2 * way]
        for i, (proto, mode, outer) in enumerate(self.requests):
            if outer:
                ends = ENDS[outer][::1 - 2 * way]
            yield proto, mode, ends, self.spi(i, way), self.n * 8 + i + 1

    def setkey(self, host):
        text = ""
        for way, src, dst, sport, dport, out in self.ways(host):
            policy = ""
            for proto, mode, ends, spi, reqid in self.sas(way):
                between = "-".join(ends) if mode == "tunnel" else ""
                text += (f"add {ends[0]} {ends[1]} {proto} {spi} -m {mode} -u {reqid} "
                         f"{self.alg[proto]};\n")
                policy += f" {proto}/{mode}/{between}/unique:{reqid}"
            text += (f"spdadd {src}[{sport or 'any'}] {dst}[{dport or 'any'}] udp "
                     f"-P {out} ipsec{policy};\n")
        return text

    def xfrm(self, host):
        """The same for "ip -batch"."""
        text = ""
        for way, src, dst, sport, dport, out in self.ways(host):
            ports = f"sport {sport}" if sport else f"dport {dport}"
            policy = f"xfrm policy add src {src} dst {dst} proto udp {ports} dir {out}"
            for proto, mode, ends, spi, reqid in self.sas(way):
                name = f"src {ends[0]} dst {ends[1]} proto {proto.replace('ipc', 'c')}"
                flags = (["af-unspec"] if mode == "tunnel" else []) + (
                    ["align4"] if proto == "ah" and ":" not in ends[0] else [])
                cpi = 2 if proto == "ipcomp" and self.alg[proto] == COMP else spi
                text += (f"xfrm state add {name} spi {cpi} reqid {reqid} mode {mode} "
                         f"{'flag ' * bool(flags)}{' '.join(flags)} {NATIVE[proto]}\n")
                # XFRM lets no tunnel be optional on the way out.
                optional = proto == "ipcomp" and (mode == "transport" or out == "in")
                level = "use" if optional else "required"
                policy += f" tmpl {name} reqid {reqid} mode {mode} level {level}"
            text += policy + "\n"
        return text

    def spi(self, i, way):
        return 256 * (self.n + 1) + 2 * i + way

    def cpis(self):
        """(CPI, flags) that the wire should show."""
        comp = [i for i, r in enumerate(self.requests) if r[0] == "ipcomp"]
        return {(2 if self.alg["ipcomp"] == COMP else self.spi(i, way), 0)
                for i in comp for way in (0, 1)}

    def chain(self, size, shrinks):
        """The headers that the wire should show, and how often IPComp is left out."""
        chain, plain, family = [self.family, "udp"], 0, self.family
        length = 8 + size
        for proto, mode, outer in self.requests:
            if mode == "tunnel":
                chain.insert(0, outer)
                length += 20 if family == 4 else 40
                family = outer
            if proto == "ipcomp" and not (shrinks and length >= THRESHOLD):
                plain += 1
            else:
                chain.insert(1, proto)
        return chain, plain

    def threshold(self):
        """How long a datagram is whose IPComp payload has 90 bytes."""
        proto, mode, _ = next(r for r in self.requests if r[0] == "ipcomp")
        inner = {4: 20, 6: 40}[self.family] if mode == "tunnel" else 0
        return THRESHOLD - 8 - inner

    def sizes(self):
        if not any(r[0] == "ipcomp" for r in self.requests):
            return [("text", TEXT[:900], True)]
        edge = self.threshold()
        return [("text", TEXT[:1300], True), ("noise", NOISE[:1000], False),
                ("8000 bytes", (TEXT * 5)[:8000], True),
                ("90 bytes", bytes(edge), True), ("89 bytes", bytes(edge - 1), True)]


def peel(packet):
    """Every header of an IP packet, what the datagram says, CPI and flags."""
    chain, cpi, kind = [], None, {4: "ip", 6: "ip"}[packet[0] >> 4]
    while True:
        if kind == "ip":
            chain.append(packet[0] >> 4)
            number, head = ((packet[9], 4 * (packet[0] & 15)) if chain[-1] == 4
                            else (packet[6], 40))
            total = (struct.unpack_from(">H", packet, 2)[0] if chain[-1] == 4
                     else 40 + struct.unpack_from(">H", packet, 4)[0])
            if total != len(packet):
                return chain + [f"length {total} not {len(packet)}"], b"", cpi
            packet = packet[head:]
        elif kind == "esp":
            number, pad = packet[-ICV - 1], packet[-ICV - 2]
            packet = packet[8:-ICV - 2 - pad]
        elif kind == "ah":
            number, packet = packet[0], packet[4 * (packet[1] + 2):]
        elif kind == "ipcomp":
            number, flags, cpi = struct.unpack_from(">BBH", packet)
            cpi = cpi, flags
            stream = zlib.decompressobj(-15)
            plain = stream.decompress(packet[4:])
            if not stream.eof or stream.unused_data or len(packet) >= len(plain):
                return chain + ["bad stream"], b"", cpi
            packet = plain
        else:
            return chain, packet[8:], cpi
        kind = {4: "ip", 41: "ip", 17: "udp", 50: "esp", 51: "ah",
                108: "ipcomp"}.get(number, number)
        if kind != "ip":
            chain.append(kind)


def rows():
    plan = [(f, w) for f in (4, 6) for w in (
        "ipcomp/transport", f"ipcomp/tunnel{f}", f"ipcomp/tunnel{10 - f}",
        "ipcomp/transport esp/transport", "ipcomp/transport ah/transport",
        f"ipcomp/tunnel{f} esp/transport", f"ipcomp/tunnel{f} ah/transport",
        f"ipcomp/transport esp/tunnel{f}", f"ipcomp/tunnel{f} esp/tunnel{10 - f}",
        "esp/transport ah/transport", f"esp/tunnel{f} esp/tunnel{10 - f}",
        f"ipcomp/transport esp/transport ah/transport esp/tunnel{f} ah/transport")]
    plan += [(4, "ipcomp/transport", COMP), (6, "ipcomp/tunnel6", COMP)]
    return [Row(n, *row) for n, row in enumerate(plan)]


def native_rows():
    plan = [(4, "ipcomp/transport", COMP), (6, "ipcomp/tunnel6", COMP)]
    plan += [(f, w) for f in (4, 6) for w in (
        "ipcomp/transport", f"ipcomp/tunnel{f}", f"ipcomp/tunnel{10 - f}",
        "ipcomp/transport esp/transport", "ipcomp/transport ah/transport",
        f"ipcomp/tunnel{f} esp/transport", f"ipcomp/tunnel{f} ah/transport")]
    return [Row(n, *row) for n, row in enumerate(plan)]


def in_pieces(seen, want):
    """What an IPv6 tunnel shows of a datagram that is longer than fits.

    It is fragmented first, and each piece goes its own way; the last one may be
    too short to be compressed. Returns what peel() would, and how often IPComp is
    left out.
    """
    outer = [h for h in want[:-1] if h != "ipcomp"]
    for chain, _, _ in seen:
        if chain[-1] != 44 or [h for h in chain[:-1] if h != "ipcomp"] != outer:
            return chain, b"", 0
    plain = sum("ipcomp" not in chain for chain, _, _ in seen) if "ipcomp" in want else 0
    return want, b"".join(said for _, said, _ in seen)[8:], plain


def try_row(a, b, row, hosts):
    wire = {h.name: lab.Wire(h) for h in (a, b)}
    own, peer = ENDS[row.family]
    bad, cpis, left = [], set(), {"a": 0, "b": 0}
    with a.socket(own) as s, b.socket(peer, row.port) as t:
        # b has to know where to.
        s.sendto(b"first", (peer, row.port))
        where = t.recvfrom(100)[1][:2]
        wire["a"].frames(0)
        before = {h.name: h.stat()["out_uncompr"] for h in hosts}
        for name, text, shrinks in row.sizes():
            want, plain = row.chain(len(text), shrinks)
            for host, src, dst in (a, s, (peer, row.port)), (b, t, where):
                src.sendto(text, dst)
                try:
                    got = (t if host is a else s).recv(65536)
                except TimeoutError:
                    got = None
                frames = [f.data[14:] for f in wire[host.name].frames(0)
                          if f.proto not in (None, 0, 58)]
                seen = [peel(f) for f in frames] or [([], b"", None)]
                chain, said, cpi = seen[0]
                pieces, omitted = 1, plain
                if row.splits and chain[-1:] == [44]:
                    chain, said, omitted = in_pieces(seen, want)
                    pieces = len(seen)
                left[host.name] += omitted
                if (len(seen), got, chain, said) != (pieces, text, want, text):
                    bad.append((name, host.name, got == text, chain))
                if cpi:
                    cpis.add(cpi)
    lab.claim(not bad, f"{row.name}: each packet as it should be, and arrives", bad)
    for host in hosts:
        lab.equal(f"{row.name}: {host.name} counts what it left uncompressed",
                  left[host.name], host.stat()["out_uncompr"] - before[host.name])
    lab.equal(f"{row.name}: CPIs, flags", row.cpis(), cpis)


def ours(a, b):
    table = rows()
    for host in a, b:
        host.setkey("".join(r.setkey(host) for r in table))
    for row in table:
        try_row(a, b, row, (a, b))
    for host in a, b:
        lab.equal(f"{host.name} dropped nothing", {}, host.drops())


def native(a, b):
    """a is ours, b is native XFRM in the same kernel."""
    lab.run("modprobe", "-a", "esp4", "esp6", "ah4", "ah6", "ipcomp", "ipcomp6",
            "xfrm4_tunnel", "xfrm6_tunnel")
    table = native_rows()
    a.setkey("flush; spdflush;" + "".join(r.setkey(a) for r in table))
    b.setkey("flush; spdflush;")
    b.ip("".join(r.xfrm(b) for r in table))
    for row in table:
        row.name = f"native, {row.name}"
        try_row(a, b, row, (a,))
    lab.equal("a dropped nothing", {}, a.drops())


def never_enough(a, b):
    """What came by IPComp alone has not come by ESP or AH."""
    text, seen = TEXT[:1000], {}
    with a.socket(A4) as s, b.socket(B4, PORT) as t:
        for proto, alg in ("esp", ESP), ("ah", AH), ("nothing", ""):
            add = f"add {A4} {B4} ipcomp 0x3000 -m transport {RAW};"
            a.setkey(f"flush; spdflush; {add}"
                     f"spdadd {A4} {B4} udp -P out ipsec ipcomp/transport//require;")
            more = f"{proto}/transport//require" if alg else ""
            b.setkey(f"flush; spdflush; {add}" + (
                     f"add {A4} {B4} {proto} 0x3001 {alg};" if alg else "")
                     + f"spdadd {A4} {B4} udp -P in ipsec ipcomp/transport//require {more};")
            wire, before = lab.Wire(a), b.stat()
            s.sendto(text, (B4, PORT))
            t.settimeout(1 if alg else 20)
            try:
                came = t.recv(65536) == text
            except TimeoutError:
                came = None
            seen[proto] = (came, {f.proto for f in wire.frames() if f.proto},
                           *(b.stat()[k] - before[k] for k in ("in_comphist", "in_polvio")))
    lab.equal("IPComp alone is not ESP, not AH; it is IPComp",
              {"esp": (None, {108}, 1, 1), "ah": (None, {108}, 1, 1),
               "nothing": (True, {108}, 1, 0)}, seen)


def body():
    a, b = lab.hosts()
    ours(a, b)
    never_enough(a, b)
    native(a, b)


lab.main(body)
