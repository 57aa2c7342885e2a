# SPDX-License-Identifier: GPL-2.0-only
"""Tables of algorithm x mode x family, all of it loaded at the same time.

Each row has a pair of addresses of its own, in 10.64 and 10.65 or fd00::1 and
fd00::2, and two SPIs: 0x1000 + 2n from a to b, one more back. Tunnels are
between a and b themselves or between gateways, see lab.py.
"""
import socket
from collections import Counter

from lab import A4, A6, B4, B6, Matrix, equal, family

PORT, TEXT = 7777, b"plaintext"
K8 = "0x0123456789abcdef"
K16 = "0x00112233445566778899aabbccddeeff"
K20 = "0x0123456789abcdef0123456789abcdef01234567"
K24 = K16 + "0011223344556677"
K32 = K16 + "ffeeddccbbaa99887766554433221100"
K48 = K32 + "0123456789abcdef0123456789abcdef"
K64 = K32 + K32[2:]
SALT = "01020304"


def cbc(key, cipher="aes"):
    return f"enc cbc({cipher}) {key}"


def hmac(name, key, bits):
    return f"auth-trunc hmac({name}) {key} {bits}"


def aead(name, key, bits):
    return f"aead {name} {key} {bits}"


def gcm(key, bits):
    return aead("rfc4106(gcm(aes))", key + SALT, bits)


NULL = 'enc ecb(cipher_null) ""'
# Name, as setkey calls it, as "ip xfrm" calls it.
ALGS = (
    ("null-null", "-E null -A null", NULL + ' auth-trunc digest_null "" 0'),
    ("null-sha1", f"-E null -A hmac-sha1 {K20}",
     f"{NULL} {hmac('sha1', K20, 96)}"),
    ("aes-sha1", f"-E aes-cbc {K16} -A hmac-sha1 {K20}",
     f"{cbc(K16)} {hmac('sha1', K20, 96)}"),
    ("aes192-sha256", f"-E aes-cbc {K24} -A hmac-sha2-256 {K32}",
     f"{cbc(K24)} {hmac('sha256', K32, 128)}"),
    ("aes256-sha384", f"-E aes-cbc {K32} -A hmac-sha2-384 {K48}",
     f"{cbc(K32)} {hmac('sha384', K48, 192)}"),
    ("aes-sha512", f"-E aes-cbc {K16} -A hmac-sha2-512 {K64}",
     f"{cbc(K16)} {hmac('sha512', K64, 256)}"),
    ("gcm8", f"-E aes-gcm-8 {K16}{SALT}", gcm(K16, 64)),
    ("gcm12", f"-E aes-gcm-12 {K24}{SALT}", gcm(K24, 96)),
    ("gcm16", f"-E aes-gcm-16 {K32}{SALT}", gcm(K32, 128)),
    ("des-md5", f"-E des-cbc {K8} -A hmac-md5 {K16}",
     f"{cbc(K8, 'des')} {hmac('md5', K16, 96)}"),
    ("3des-rmd160", f"-E 3des-cbc {K24} -A hmac-ripemd160 {K20}",
     f"{cbc(K24, 'des3_ede')} {hmac('rmd160', K20, 96)}"),
    ("cast128-xcbc", f"-E cast128-cbc {K16} -A aes-xcbc-mac {K16}",
     f"{cbc(K16, 'cast5')} auth-trunc xcbc(aes) {K16} 96"),
    ("blowfish-cmac", f"-E blowfish-cbc {K20} -A aes-cmac {K16}",
     f"{cbc(K20, 'blowfish')} auth-trunc cmac(aes) {K16} 96"),
    ("camellia-sha1", f"-E camellia-cbc {K16} -A hmac-sha1 {K20}",
     f"{cbc(K16, 'camellia')} {hmac('sha1', K20, 96)}"),
    ("twofish-sha256", f"-E twofish-cbc {K24} -A hmac-sha2-256 {K32}",
     f"{cbc(K24, 'twofish')} {hmac('sha256', K32, 128)}"),
    ("serpent-sha512", f"-E serpent-cbc {K32} -A hmac-sha2-512 {K64}",
     f"{cbc(K32, 'serpent')} {hmac('sha512', K64, 256)}"),
    ("ctr-sha1", f"-E aes-ctr {K16}{SALT} -A hmac-sha1 {K20}",
     f"enc rfc3686(ctr(aes)) {K16}{SALT} {hmac('sha1', K20, 96)}"),
    ("aes-alone", f"-E aes-cbc {K16}", f'{cbc(K16)} auth-trunc digest_null "" 0'),
    ("ccm8", f"-E aes-ccm-8 {K16}{SALT[:6]}",
     aead("rfc4309(ccm(aes))", K16 + SALT[:6], 64)),
    ("ccm12", f"-E aes-ccm-12 {K24}{SALT[:6]}",
     aead("rfc4309(ccm(aes))", K24 + SALT[:6], 96)),
    ("ccm16", f"-E aes-ccm-16 {K32}{SALT[:6]}",
     aead("rfc4309(ccm(aes))", K32 + SALT[:6], 128)),
    ("null-gmac", f"-E aes-gmac {K32}{SALT}",
     aead("rfc4543(gcm(aes))", K32 + SALT, 128)),
    ("chacha20", f"-E chacha20-poly1305 {K32}{SALT}",
     aead("rfc7539esp(chacha20,poly1305)", K32 + SALT, 128)),
)
ALGS += tuple((f"ah-{name}", f"-A {ours}", mac) for name, ours, mac in (
    ("md5", f"hmac-md5 {K16}", hmac("md5", K16, 96)),
    ("sha1", f"hmac-sha1 {K20}", hmac("sha1", K20, 96)),
    ("sha256", f"hmac-sha2-256 {K32}", hmac("sha256", K32, 128)),
    ("sha384", f"hmac-sha2-384 {K48}", hmac("sha384", K48, 192)),
    ("sha512", f"hmac-sha2-512 {K64}", hmac("sha512", K64, 256)),
    ("rmd160", f"hmac-ripemd160 {K20}", hmac("rmd160", K20, 96)),
    ("xcbc", f"aes-xcbc-mac {K16}", f"auth-trunc xcbc(aes) {K16} 96"),
    ("cmac", f"aes-cmac {K16}", f"auth-trunc cmac(aes) {K16} 96"),
))
# Mode, inner family, outer family.
MODES = (("transport", 4, 4), ("transport", 6, 6), ("tunnel", 4, 4),
         ("tunnel", 6, 6), ("tunnel", 4, 6), ("tunnel", 6, 4))


class Combo:
    """One row. a and b are the packets' ends, ta and tb the SAs'.

    options and flags: what the SAs of setkey and of "ip xfrm" are made with.
    """

    def __init__(self, n, alg, mode, inner, outer, name=None, options="-r 32",
                 native_options="replay-window 32", flags=()):
        self.options, self.native_options = options, native_options
        self.flags = flags
        self.name = name or f"{alg[0]} {mode} {inner} in {outer}"
        self.ours, self.native = alg[1:]
        self.mode, self.spi = mode, 0x1000 + 2 * n
        self.proto = "ah" if alg[0].startswith("ah-") else "esp"
        self.secret = not alg[0].startswith(("ah-", "null"))
        ends = {4: tuple(f"10.{net}.{n >> 8}.{n & 255}" for net in (64, 65)),
                6: (f"fd00::1:{n:x}", f"fd00::2:{n:x}")}
        self.a, self.b = ends[inner]
        self.ta, self.tb = ends[outer]
        if mode == "tunnel":
            self.ta, self.tb = {4: (A4, B4), 6: (A6, B6)}[outer]

    def ways(self):
        """Both directions: packets' ends, SA's ends, SPI, whose outbound."""
        return ((self.a, self.b, self.ta, self.tb, self.spi, "a"),
                (self.b, self.a, self.tb, self.ta, self.spi + 1, "b"))

    def direction(self, host, outward):
        """Of a policy of a host or its gateway."""
        return "out" if (host.name in ("a", "gw1")) == (outward == "a") else "in"

    def setkey(self, host):
        """Both SAs and both policies for setkey."""
        text = ""
        for src, dst, tsrc, tdst, spi, outward in self.ways():
            tunnel = f"{tsrc}-{tdst}" if self.mode == "tunnel" else ""
            text += (f"add {tsrc} {tdst} {self.proto} {spi} -m {self.mode} -u {spi} "
                     f"{self.options} {self.ours};\n"
                     f"spdadd {src} {dst} any -P "
                     f"{self.direction(host, outward)} "
                     f"ipsec {self.proto}/{self.mode}/{tunnel}/unique:{spi};\n")
        return text

    def xfrm(self, host):
        """The same for "ip -batch"."""
        # Without af-unspec a state carries packets of its own outer family only,
        # without align4 AH is padded as if IPv4 were IPv6.
        flags = [*self.flags] + [word for word, wanted in (
            ("af-unspec", self.mode == "tunnel"),
            ("align4", self.proto == "ah" and ":" not in self.ta)) if wanted]
        flags = " ".join(["flag", *flags]) if flags else ""
        text = ""
        for src, dst, tsrc, tdst, spi, outward in self.ways():
            name = f"src {tsrc} dst {tdst} proto {self.proto}"
            text += (f"xfrm state add {name} spi {spi} reqid {spi} mode {self.mode} "
                     f"{flags} {self.native_options} {self.native}\n"
                     f"xfrm policy add src {src} dst {dst} dir "
                     f"{self.direction(host, outward)} "
                     f"tmpl {name} reqid {spi} mode {self.mode}\n")
        return text


def spoken(host, every):
    """Of these rows the ones whose algorithms the host's native XFRM knows: newer kernels
    have fewer names."""
    known = {}
    for c in every:
        if c.native in known:
            continue
        ends = f"src 10.9.9.1 dst 10.9.9.2 proto {c.proto} spi 0x999"
        try:
            host.ip(f"xfrm state add {ends} mode transport {c.native}\n"
                    f"xfrm state delete {ends}\n")
            known[c.native] = True
        except RuntimeError as err:
            if "algorithm not found" not in str(err):
                raise
            known[c.native] = False
    unknown = {c.name.split()[0] for c in every if not known[c.native]}
    if unknown:
        print(f"# note native XFRM does not know: {' '.join(sorted(unknown))}", flush=True)
    return [c for c in every if known[c.native]]


def combos():
    rows = [(alg, *mode) for alg in ALGS for mode in MODES]
    return [Combo(n, *row) for n, row in enumerate(rows, 1)]


def addresses(a, b, via=((B4, B6), (A4, A6))):
    """Give both hosts all addresses of the rows, and routes to the others'."""
    for host, own, peer, (via4, via6) in (a, 1, 2, via[0]), (b, 2, 1, via[1]):
        host.sysctl("net.ipv6.ip_nonlocal_bind=1")
        host.ip(f"""route add local 10.{63 + own}.0.0/16 dev lo
            route add local fd00::{own}:0/112 dev lo
            route add 10.{63 + peer}.0.0/16 via {via4}
            route add fd00::{peer}:0/112 via {via6}
            """)


def answered(asker, asked, own, peer, size, times=3):
    """How many datagrams come there and back unchanged."""
    text = (TEXT * size)[:size]
    good = 0
    with asker.socket(own) as s, asked.socket(peer, PORT) as t:
        try:
            for _ in range(times):
                s.sendto(text, (peer, PORT))
                data, whom = t.recvfrom(65536)
                t.sendto(data, whom)
                good += s.recv(65536) == text
        except OSError as err:
            return f"{good}, {err}"
    return good


class Seen:
    """What was on the wire, sorted."""

    def __init__(self, wire):
        self.frames = wire.frames()
        self.sealed = Counter((f.host.name in ("a", "gw1"), f.proto, f.spi)
                              for f in self.frames if f.spi)
        self.clear = Counter((f.src, f.dst) for f in self.frames if f.clear())
        self.shown = sum(TEXT in f.data for f in self.frames)

    def stray(self, rows):
        """Packets in clear that belong to none of the rows."""
        ends = {socket.inet_pton(family(x), x) for c in rows for x in (c.a, c.b)}
        return [f.data[12:60].hex() for f in self.frames
                if f.clear() and not {f.src, f.dst} <= ends]

    def of(self, c):
        """Packets of a row: (from a and from b in its SAs, the same in clear)."""
        proto = 51 if c.proto == "ah" else 50
        a, b = (socket.inet_pton(family(x), x) for x in (c.a, c.b))
        return (self.sealed[True, proto, c.spi], self.sealed[False, proto, c.spi + 1],
                self.clear[a, b], self.clear[b, a])


def judge(table, wire, tried, results, text="answered"):
    """Rows of a lab.Matrix: what answered() said, and each packet on the wire.

    results: for each of tried, a list with one number for each way asked. Returns
    how many packets show the plaintext.
    """
    seen = Seen(wire)
    for c, result in zip(tried, results):
        want = 3 * len(result)
        table.equal(c.name, text, [3] * len(result), result)
        table.equal(c.name, f"{c.proto.upper()} and clear packets each way",
                    (want, want, 0, 0), seen.of(c))
    equal("nothing else in clear", [], seen.stray(tried))
    return seen.shown


def claims(a, b, wire, tried, results, name="modes"):
    """The same as a table of its own."""
    table = Matrix(name, [c.name for c in tried])
    shown = judge(table, wire, tried, results)
    table.report()
    return shown
