#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What is too long for a tunnel or for its path, in every family.

Two gateways with a router between them. Who is told which MTU, to the byte and
for every algorithm; which ICMP errors are believed, and how long; that nothing
stalls where they do not arrive; the MSS of TCP.
"""
import os
import select
import socket
import struct
import threading
import time

import lab
import matrix
from lab import A4, A6, B4, B6, R4, R6

WAYS = ((4, 4), (6, 6), (4, 6), (6, 4))     # inner, outer
GATES = {4: (A4, B4), 6: (A6, B6)}
LEFT = {4: "10.1.0.0/24", 6: "fd01::/64"}
HOST = {4: "10.1.0.1", 6: "fd01::1"}
# Where each way leads: a network, b's address in it, one behind b, another of b.
RIGHT = {(4, 4): ("10.2.0.0/25", "10.2.0.1", "10.2.0.65", "10.2.0.2"),
         (4, 6): ("10.2.0.128/25", "10.2.0.129", "10.2.0.193", "10.2.0.130"),
         (6, 6): ("fd02::/112", "fd02::1", "fd02::8001", "fd02::2"),
         (6, 4): ("fd02::1:0/112", "fd02::1:1", "fd02::1:8001", "fd02::1:2")}
KEY = f"-E aes-gcm-16 {matrix.K16}{matrix.SALT}"
# IV, block and ICV of ESP; ICV of AH.
ESP = {"null-null": (0, 4, 0), "null-sha1": (0, 4, 12), "aes-sha1": (16, 16, 12),
       "aes192-sha256": (16, 16, 16), "aes256-sha384": (16, 16, 24),
       "aes-sha512": (16, 16, 32), "gcm8": (8, 4, 8), "gcm12": (8, 4, 12),
       "gcm16": (8, 4, 16), "des-md5": (8, 8, 12), "3des-rmd160": (8, 8, 12),
       "cast128-xcbc": (8, 8, 12), "blowfish-cmac": (8, 8, 12),
       "camellia-sha1": (16, 16, 12), "twofish-sha256": (16, 16, 16),
       "serpent-sha512": (16, 16, 32), "ctr-sha1": (8, 4, 12),
       "aes-alone": (16, 16, 0), "ccm8": (8, 4, 8), "ccm12": (8, 4, 12),
       "ccm16": (8, 4, 16), "null-gmac": (8, 4, 16), "chacha20": (8, 4, 16)}
AH = {"ah-md5": 12, "ah-sha1": 12, "ah-sha256": 16, "ah-sha384": 24,
      "ah-sha512": 32, "ah-rmd160": 12, "ah-xcbc": 12, "ah-cmac": 12}
IP = {4: 20, 6: 40}
NARROW = 1400       # the router's second link
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
IP_RECVERR, IPV6_RECVERR, MTU_DISCOVER, V6_MTU_DISCOVER = 11, 25, 10, 23
IP_MTU, IPV6_MTU, DONT, WANT, DO, PROBE = 14, 24, 0, 1, 2, 3
TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28


def protected(alg, outer, size):
    """How long a packet of that size is in a tunnel."""
    if alg in AH:
        unit = 8 if outer == 6 else 4
        return IP[outer] + -(-(12 + AH[alg]) // unit) * unit + size
    iv, block, icv = ESP[alg]
    return IP[outer] + 8 + iv + -(-(size + 2) // block) * block + icv


def fits(alg, outer, mtu):
    """The longest packet that is not longer than that in a tunnel."""
    return max(n for n in range(mtu) if protected(alg, outer, n) <= mtu)


def name(way):
    return f"{way[0]} in {way[1]}"


class Prober:
    """Sends what must not be fragmented, and hears who could not take it."""

    def __init__(self, host, v, source=None, discover=PROBE):
        self.v, self.host = v, host
        self.sock = s = host.socket(source or HOST[v])
        if v == 4:
            s.setsockopt(socket.IPPROTO_IP, MTU_DISCOVER, discover)
            s.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        else:
            s.setsockopt(socket.IPPROTO_IPV6, V6_MTU_DISCOVER, discover)
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)

    def send(self, dst, size, port=9):
        """A packet of that size, headers included."""
        try:
            self.sock.sendto(bytes(size - IP[self.v] - 8), (dst, port))
        except OSError:     # that of an error that came before
            self.sock.sendto(bytes(size - IP[self.v] - 8), (dst, port))

    def told(self, dst, size, timeout=2):
        """(MTU, who said it), or None when nobody minds."""
        while self.error(0):
            pass
        self.send(dst, size)
        return self.error(timeout)

    def error(self, timeout=2):
        poll = select.poll()
        poll.register(self.sock, 0)
        if not poll.poll(timeout * 1000):
            return None
        _, extra, _, _ = self.sock.recvmsg(0, 512, socket.MSG_ERRQUEUE)
        data = extra[0][2]
        who = data[20:24] if self.v == 4 else data[24:40]
        return (struct.unpack_from("=I", data, 8)[0],
                socket.inet_ntop(lab.family(HOST[self.v]), who))


def rows():
    """Algorithm, inner and outer family of each combination, numbered."""
    algs = {alg[0]: alg[1] for alg in matrix.ALGS}
    return [(n, alg, algs[alg], *way) for n, (alg, way) in enumerate(
        ((alg, way) for alg in (*ESP, *AH) for way in WAYS), 1)]


def every_algorithm(a, gw1):
    """gw1 tells a what fits, and what fits does fit."""
    text = "flush; spdflush;"
    dst = {4: "10.2.1.{}", 6: "fd02::2:{}"}
    for n, alg, keys, inner, outer in rows():
        (x, y), proto, spi = GATES[outer], "ah" if alg in AH else "esp", 0x4000 + n
        text += f"""
            add {x} {y} {proto} {spi} -m tunnel -u {n} {keys};
            spdadd {LEFT[inner]} {dst[inner].format(n)} any -P out ipsec
                {proto}/tunnel/{x}-{y}/unique:{n};
            """
    gw1.setkey(text)
    gw1.ip(f"route add 10.2.1.0/24 via {R4}")
    probers = {v: Prober(a, v) for v in (4, 6)}
    wire = lab.Wire(gw1)
    router = {4: "10.1.0.254", 6: "fd01::fe"}
    want = {}
    for n, alg, _, inner, outer in rows():
        mtu = fits(alg, outer, 1500)
        to = dst[inner].format(n)
        lab.equal(f"{alg} {inner} in {outer}: gw1 tells the MTU {mtu}",
                  (mtu, router[inner]), probers[inner].told(to, 1500))
        probers[inner].send(to, mtu)
        want[0x4000 + n] = f"{alg} {inner} in {outer}", [protected(alg, outer, mtu)]
    seen = {}
    for frame in wire.frames():
        seen.setdefault(frame.spi, []).append(len(frame.data) - 14)
    for spi, (text, length) in want.items():
        lab.equal(f"{text}: which is {length[0]} bytes outside", length, seen.get(spi))


def rules(host):
    """The tunnels of all ways, and ESP between the gateways themselves."""
    text = "flush; spdflush;"
    out, back = ("out", "in") if host.name == "gw1" else ("in", "out")
    for n, way in enumerate(WAYS):
        (x, y), spi = GATES[way[1]], 0x1000 + 2 * n
        there, here = f"esp/tunnel/{x}-{y}/unique", f"esp/tunnel/{y}-{x}/unique"
        text += f"""
            add {x} {y} esp {spi} -m tunnel -u {spi} -r 32 {KEY};
            add {y} {x} esp {spi + 1} -m tunnel -u {spi + 1} -r 32 {KEY};
            spdadd {LEFT[way[0]]} {RIGHT[way][0]} any -P {out} ipsec {there}:{spi};
            spdadd {RIGHT[way][0]} {LEFT[way[0]]} any -P {back} ipsec {here}:{spi + 1};
            """
    for v in 4, 6:
        (x, y), spi = GATES[v], 0x2000 + 2 * v
        text += f"""
            add {x} {y} esp {spi} -u {spi} -r 32 {KEY};
            add {y} {x} esp {spi + 1} -u {spi + 1} -r 32 {KEY};
            spdadd {x} {y} any -P {out} ipsec esp/transport//unique:{spi};
            spdadd {y} {x} any -P {back} ipsec esp/transport//unique:{spi + 1};
            """
    host.setkey(text)


def topology(b, gw1, gw2):
    for host in gw1, gw2:
        rules(host)
    b.ip("""link add d0 mtu 1280 type dummy
        link set d0 up
        addr add 10.2.0.2/24 dev eth0
        addr add 10.2.0.129/24 dev eth0
        addr add 10.2.0.130/24 dev eth0
        addr add fd02::2/64 dev eth0 nodad
        addr add fd02::1:1/64 dev eth0 nodad
        addr add fd02::1:2/64 dev eth0 nodad
        route add 10.2.0.64/26 dev d0
        route add 10.2.0.192/26 dev d0
        route add fd02::8000/113 dev d0
        route add fd02::1:8000/113 dev d0
        """)
    gw2.ip("""route add 10.2.0.64/26 via 10.2.0.1
        route add 10.2.0.192/26 via 10.2.0.1
        route add fd02::8000/113 via fd02::1
        route add fd02::1:8000/113 via fd02::1
        """)
    b.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")


def spi_of(way):
    return 0x1000 + 2 * WAYS.index(way)


class Listener:
    """UDP sockets of b."""

    def __init__(self, b):
        self.sockets = {way: b.socket(RIGHT[way][1], 7000) for way in WAYS}

    def arrives(self, way, timeout=2):
        """The length of the next packet, headers included; None without one."""
        s = self.sockets[way]
        s.settimeout(timeout)
        try:
            return len(s.recv(65536)) + 8 + IP[way[0]]
        except TimeoutError:
            return None


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


class Errors:
    """ICMP errors that r sends to gw1."""

    def __init__(self, r):
        with r.entered():
            self.sock = {4: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1),
                         6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, 58)}

    def send(self, v, mtu, quote, kind=None, code=None):
        kind, code = kind or {4: 3, 6: 2}[v], {4: 4, 6: 0}[v] if code is None else code
        data = struct.pack(">BBHI", kind, code, 0, mtu) + quote
        if v == 4:
            data = patched(data, 2, struct.pack(">H", checksum(data)))
        self.sock[v].sendto(data, (GATES[v][0], 0))


def packed(address):
    return socket.inet_pton(lab.family(address), address)


def patched(data, at, new):
    return data[:at] + new + data[at + len(new):]


def believed(a, gw1, r, listener, probers):
    """Which errors gw1 believes: E3 15 of the checklist of bad inputs."""
    errors = Errors(r)
    learned, refused = {"pmtu_learned": 1}, {"pmtu_refused": 1}
    for v in 4, 6:
        way, to = (v, v), RIGHT[(v, v)][1]
        wire = lab.Wire(gw1)
        probers[v].send(to, 1000, 7000)
        listener.arrives(way)
        esp = [f for f in wire.frames(0.02) if f.spi == spi_of(way)][0].data[14:]
        n = IP[v]
        quote, other = esp[:n + 8], {4: A4, 6: A6}[v].replace("1", "9")
        later = patched(quote, 6, b"\x00\x10") if v == 4 else \
            patched(esp[:n], 6, b"\x2c") + bytes([50, 0, 0, 0x10, 0, 0, 0, 1]) + esp[n:n + 8]
        for text, mtu, quoted, want, *more in (
                ("MTU 0", 0, quote, refused),
                ("MTU 68", 68, quote, refused),
                ("MTU 575", 575, quote, refused),
                *([("MTU 1279", 1279, quote, refused),
                   ("MTU 2^32 - 1", (1 << 32) - 1, quote, refused)] if v == 6 else []),
                ("MTU of the link", 1500, quote, refused),
                ("MTU 9000", 9000, quote, refused),
                ("another SPI", 1400, patched(quote, n, b"\x77"), {}),
                ("another destination", 1400, patched(quote, n - 1, b"\x63"), {}),
                ("another source", 1400,
                 patched(quote, 12 if v == 4 else 8, packed(other)), refused),
                ("a number never sent", 1400, patched(quote, n + 4, b"\x01"), refused),
                ("four bytes of ESP", 1400, esp[:n + 4], {}),
                ("no ESP", 1400, esp[:n], {}),
                ("a later fragment", 1400, later, {}),
                ("port unreachable", 1400, quote, {}, {4: 3, 6: 1}[v],
                 {4: 3, 6: 4}[v]),
                ("time exceeded", 1400, quote, {}, {4: 11, 6: 3}[v], 0)):
            before = gw1.stat()
            errors.send(v, mtu, quoted, *more)
            lab.equal(f"IPv{v}: {text}", want, changed(gw1, before, want))
        probers[v].send(to, 1420, 7000)
        lab.equal(f"IPv{v}: after all these 1420 bytes pass", 1420,
                  listener.arrives(way))
        for text, mtu, want in (("believed", 1450, learned), ("less", 1400, learned),
                                ("more again", 1450, refused),
                                ("the same again", 1400, learned)):
            before = gw1.stat()
            errors.send(v, mtu, quote)
            lab.equal(f"IPv{v}: MTU {mtu}: {text}", want, changed(gw1, before, want))
        lab.equal(f"IPv{v}: and a is told what fits into 1400 bytes",
                  fits("gcm16", v, 1400), probers[v].told(to, 1420)[0])
        # Less again, with a life of one second.
        gw1.sysctl(f"net.ipv{v}.route.mtu_expires=1")
        errors.send(v, 1300, quote)
        time.sleep(1.1)
        gw1.sysctl(f"net.ipv{v}.route.mtu_expires=600")
        probers[v].send(to, 1420, 7000)
        lab.equal(f"IPv{v}: forgotten when its time is over", 1420,
                  listener.arrives(way))


def changed(host, before, want):
    """What the counters of path MTUs rose by, as soon as it is what is wanted."""
    deadline = time.monotonic() + (60 if want else 0.01)
    while True:
        seen = {k: n - before[k] for k, n in host.stat().items()
                if n != before[k] and k.startswith("pmtu")}
        if want and seen == want or time.monotonic() > deadline:
            return seen
        time.sleep(0.01)


def path(a, gw1, r, listener, probers):
    """The router's next link is narrow: gw1 learns, and tells a."""
    r.ip(f"link set eth1 mtu {NARROW}")
    gw1.sysctl("net.inet.ipsec.dfbit=1")
    for way in WAYS:
        to = RIGHT[way][1]
        mtu = fits("gcm16", way[1], NARROW)
        before = gw1.stat()
        probers[way[0]].send(to, 1420, 7000)
        lab.equal(f"{name(way)}: too long for the router is lost", None,
                  listener.arrives(way, 0.2))
        learned = {"pmtu_learned": 1}
        lab.equal(f"{name(way)}: but learned", learned, changed(gw1, before, learned))
        lab.equal(f"{name(way)}: the next one makes gw1 tell a the MTU {mtu}", mtu,
                  probers[way[0]].told(to, 1420)[0])
        probers[way[0]].send(to, mtu, 7000)
        lab.equal(f"{name(way)}: and that arrives", mtu, listener.arrives(way))


def fragments(a, gw1, listener):
    """What may be fragmented is: outside, to what was learned; IPv6 inside."""
    for way in (4, 4), (4, 6):
        s = Prober(a, 4, discover=DONT)
        wire = lab.Wire(gw1)
        s.send(RIGHT[way][1], 1420, 7000)
        lab.equal(f"{name(way)}: 1420 bytes without DF arrive", 1420,
                  listener.arrives(way))
        sizes = sorted(len(f.data) - 14 for f in wire.frames(0.02) if f.proto == 50)
        lab.claim(len(sizes) == 2 and sizes[1] <= NARROW,
                  f"{name(way)}: as two fragments that fit", sizes)
    for way in (6, 6), (6, 4):
        # From gw1 itself, out of an address that the policy covers.
        s = gw1.socket("fd01::fe")
        wire = lab.Wire(gw1)
        s.sendto(bytes(4000), (RIGHT[way][1], 7000))
        lab.equal(f"{name(way)}: 4000 bytes of gw1's own arrive", 4048,
                  listener.arrives(way))
        frames = [f for f in wire.frames(0.02) if f.spi == spi_of(way)]
        lab.claim(len(frames) == 4 and max(len(f.data) for f in frames) <= NARROW + 14,
                  f"{name(way)}: as four ESP packets that fit",
                  [len(f.data) for f in frames])


def beyond(a, gw2, probers):
    """A router behind the tunnel tells a, through the tunnel."""
    for way in WAYS:
        wire = lab.Wire(gw2)
        to = RIGHT[way][2]
        lab.equal(f"{name(way)}: a narrow link behind b: b tells a", 1280,
                  probers[way[0]].told(to, 1281)[0])
        frames = wire.frames(0.02)
        lab.claim(frames and not any(f.clear() for f in frames),
                  f"{name(way)}: through the tunnel", [f.data[:60] for f in frames])


def transport(gw1, gw2):
    """ESP between the gateways: the SA learns what fits, the route what fits inside."""
    for v in 4, 6:
        own, peer = GATES[v]
        before = gw1.stat()
        wire = lab.Wire(gw1)
        lab.equal(f"IPv{v}: TCP in transport mode over the narrow link", 1 << 16,
                  tcp(gw1, gw2, own, peer, 1 << 16))
        seen = changed(gw1, before, {})
        lab.claim(seen.get("pmtu_learned"), f"IPv{v}: the path is learned", seen)
        frames = [len(f.data) for f in wire.frames() if f.proto == 50]
        late = frames[len(frames) // 2:]
        lab.claim(max(frames) > NARROW + 14 >= max(late),
                  f"IPv{v}: and then no packet is too long", (max(frames), max(late)))
        s = gw1.socket(own)
        s.connect((peer, 7001))
        lab.equal(f"IPv{v}: sockets are told what fits", fits("gcm16", v, NARROW) + IP[v],
                  s.getsockopt(*{4: (socket.IPPROTO_IP, IP_MTU),
                                 6: (socket.IPPROTO_IPV6, IPV6_MTU)}[v]))
        prober = Prober(gw1, v, own, DO)
        try:
            prober.send(peer, NARROW)
            lab.claim(False, f"IPv{v}: too long with DF is an error", "sent")
        except OSError as err:
            lab.equal(f"IPv{v}: too long with DF is an error", "Message too long",
                      err.strerror)
        with gw2.socket(peer, 7001) as t:
            wire = lab.Wire(gw1)
            gw1.socket(own).sendto(bytes(3000), (peer, 7001))
            lab.equal(f"IPv{v}: 3000 bytes without it arrive", 3000,
                      len(t.recv(65536)))
            frames = [len(f.data) - 14 for f in wire.frames(0.02) if f.proto == 50]
            lab.claim(len(frames) == 3 and max(frames) <= NARROW,
                      f"IPv{v}: in fragments that fit", frames)


def send(host, own, peer, amount, timeout):
    with host.socket(own, kind=socket.SOCK_STREAM, timeout=timeout) as s:
        try:
            s.connect((peer, 5001))
            s.sendall(b"\xa5" * amount)
        except TimeoutError:
            pass


def tcp(a, b, own, peer, amount, timeout=20):
    """How many bytes of a's b gets, before nothing comes for so long."""
    with b.socket(peer, 5001, socket.SOCK_STREAM, timeout=timeout) as listener:
        listener.listen(1)
        thread = threading.Thread(target=send, args=(a, own, peer, amount, timeout))
        thread.start()
        got = 0
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(timeout)
            try:
                while data := conn.recv(1 << 18):
                    got += data.count(0xa5)
            except TimeoutError:
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("=ii", 1, 0))
        thread.join()
    return got


def filtered(a, b, gw1, gw2, r):
    """The router is silent about what it cannot forward."""
    r.run("nft", "-f", "-", stdin="""table inet silent {
        chain out {
            type filter hook output priority 0;
            icmp type destination-unreachable drop;
            icmpv6 type packet-too-big drop;
        }
    }""")
    amount = 1 << 16
    for host in gw1, gw2:
        rules(host)         # nothing is learned yet
        host.sysctl("net.inet.ipsec.dfbit=0")
    before = gw1.stat()
    for way in (4, 4), (6, 4):
        lab.equal(f"{name(way)}: without ICMP, DF clear: TCP arrives", amount,
                  tcp(a, b, HOST[way[0]], RIGHT[way][3], amount))
    lab.equal("IPv6 outside, without ICMP: TCP stalls", 0,
              tcp(a, b, HOST[6], RIGHT[6, 6][3], 5000, 1))
    gw1.sysctl("net.inet.ipsec.dfbit=1", "net.inet.ipsec.mss_clamp=1150",
               "net.inet6.ipsec6.mss_clamp=1150")
    for way in WAYS:
        lab.equal(f"{name(way)}: without ICMP, DF set, mss_clamp 1150: TCP arrives",
                  amount, tcp(a, b, HOST[way[0]], RIGHT[way][3], amount))
    lab.equal("nobody told a path's MTU", {}, changed(gw1, before, {}))


def option(segment):
    """The value of the MSS option in a TCP header."""
    at = 20
    while segment[at] != 2:
        at += segment[at + 1] if segment[at] > 1 else 1
    return struct.unpack_from(">H", segment, at + 2)[0]


def announced(a, b, own, peer):
    """The MSS in the SYN that b got, and in the answer that a got."""
    with b.socket(peer, 5002, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
        listener.listen(1)
        with a.socket(own, kind=socket.SOCK_STREAM) as s:
            s.connect((peer, 5002))
            conn, _ = listener.accept()
            with conn:
                syn = conn.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 200)
                # Less the timestamps that it sends with each segment.
                return (option(syn[IP[6 if ":" in own else 4]:]),
                        s.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG) + 12)


def mss(a, b, gw1, gw2):
    """What gw1 alone makes of the MSS in both directions, and of its own."""
    for way in WAYS:
        own, peer = HOST[way[0]], RIGHT[way][1]
        headers, full = IP[way[0]] + 20, 1500 - IP[way[0]] - 20
        fit = fits("gcm16", way[1], 1500) - headers
        for knob, want in ((0, full), (1, fit), (1100, 1100), (65535, fit)):
            gw1.sysctl(f"net.inet{'6' * (way[0] == 6)}.ipsec{'6' * (way[0] == 6)}"
                       f".mss_clamp={knob}")
            before = gw1.stat()["mss_clamped"]
            lab.equal(f"{name(way)}: mss_clamp {knob}: MSS there and back",
                      (want, want), announced(a, b, own, peer))
            lab.equal(f"{name(way)}: mss_clamp {knob}: counted", 2 * bool(knob),
                      gw1.stat()["mss_clamped"] - before)
    for v in 4, 6:
        own, peer = GATES[v]
        # The IP header stays outside.
        fit = fits("gcm16", v, 1500) - 20
        before = gw1.stat()["mss_clamped"]
        seen = announced(gw1, gw2, own, peer)
        lab.equal(f"IPv{v}: transport mode: MSS there and back", (fit, fit), seen)
        lab.equal(f"IPv{v}: transport mode: counted", 2,
                  gw1.stat()["mss_clamped"] - before)


def odd_option(a, b, gw1):
    """An MSS at an odd place keeps the checksum right."""
    with b.entered():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    tap.bind(("eth0", lab.ETH_P_ALL))
    tap.settimeout(2)
    for v, kind in (4, socket.AF_INET), (6, socket.AF_INET6):
        src, dst = (socket.inet_pton(kind, x) for x in (HOST[v], RIGHT[v, v][1]))
        tcp_header = struct.pack(">HHIIBBHHH", 5003, 5003, 1, 0, 0x70, 2, 999, 0, 0) \
            + struct.pack(">BBBHBBB", 1, 2, 4, 1460, 1, 1, 0)
        pseudo = src + dst + struct.pack(">II", 28, 6)
        tcp_header = patched(tcp_header, 16, struct.pack(
            ">H", checksum(pseudo + tcp_header)))
        head = struct.pack(">BBHHHBBH", 0x45, 0, 48, 1, 0, 64, 6, 0) if v == 4 else \
            struct.pack(">IHBB", 6 << 28, 28, 6, 64)
        with a.entered():
            raw = socket.socket(kind, socket.SOCK_RAW, socket.IPPROTO_RAW)
        raw.sendto(head + src + dst + tcp_header, (RIGHT[v, v][1], 0))
        while True:
            seen = tap.recv(2000)[IP[v]:]
            if seen[:4] == tcp_header[:4] and seen[13] == 2:
                break
        lab.equal(f"IPv{v}: MSS at an odd place: lowered, checksum right",
                  (fits("gcm16", v, 1500) - IP[v] - 20, 0),
                  (option(seen[:28]), checksum(pseudo + seen[:28])))


def firewall(a, gw1, listener):
    """Connection tracking puts fragments together before they are forwarded."""
    gw1.run("nft", "-f", "-", stdin="""table inet track {
        chain through { type filter hook forward priority 0; ct state new accept; }
    }""")
    for way in WAYS:
        s = a.socket(HOST[way[0]])
        for _ in range(2):      # IPv6 has to learn what fits
            s.sendto(bytes(4000), (RIGHT[way][1], 7000))
        lab.equal(f"{name(way)}: fragments through connection tracking arrive",
                  4008 + IP[way[0]], listener.arrives(way))
        listener.arrives(way, 0.1)


def narrowest(a, b, gw1, r, listener, probers):
    """Less room than the headers need: nobody is told less than any link has."""
    for host in gw1, r:
        host.ip("link set eth0 mtu 68")
    way = 4, 4
    to = RIGHT[way][1]
    lab.equal("a link of 68 bytes: a is told 68", 68, probers[4].told(to, 500)[0])
    probers[4].send(to, 68, 7000)
    lab.equal("a link of 68 bytes: 68 bytes with DF arrive", 68, listener.arrives(way))
    Prober(a, 4, discover=DONT).send(to, 500, 7000)
    lab.equal("a link of 68 bytes: 500 bytes without it, too", 500,
              listener.arrives(way))
    amount = 2000
    lab.equal("a link of 68 bytes: and TCP from gw1", amount,
              tcp(gw1, b, "10.1.0.254", to, amount))


def body():
    a, b, gw1, gw2, r = lab.gateways(router=True)
    every_algorithm(a, gw1)
    topology(b, gw1, gw2)
    listener, probers = Listener(b), {v: Prober(a, v) for v in (4, 6)}
    mss(a, b, gw1, gw2)
    odd_option(a, b, gw1)
    for v in "", "6":
        gw1.sysctl(f"net.inet{v}.ipsec{v}.mss_clamp=0")
    believed(a, gw1, r, listener, probers)
    beyond(a, gw2, probers)
    path(a, gw1, r, listener, probers)
    fragments(a, gw1, listener)
    transport(gw1, gw2)
    filtered(a, b, gw1, gw2, r)
    r.ip("link set eth1 mtu 1500")
    firewall(a, gw1, listener)
    narrowest(a, b, gw1, r, listener, probers)


lab.main(body)
