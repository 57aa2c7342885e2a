#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ESP in UDP (RFC 3948) through a real NAT, against native XFRM and Python.

Host a is behind nat, which masquerades its port 4500 as 40000; b is outside and
has no route to a. IPv6 too, and from a second address of a that is not
translated. Every way has its own SAs and policies, all loaded at once.
"""
import os
import socket
import struct
import threading
import time

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6

DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
KEY = "0x00112233445566778899aabbccddeeff01020304"
GCM = (f"-E aes-gcm-16 {KEY}", f"aead rfc4106(gcm(aes)) {KEY} 128")
NULL = (f"-E null -A hmac-sha1 {KEY}", "")      # what Python can make as well
IN4, IN6, BARE6 = "10.1.0.1", "fd01::1", "fd01::2"
PORT, MAPPED = 4500, 40000
TEXT = b"plaintext" * 60
SOL_UDP, UDP_ENCAP, ESPINUDP, IPV6_V6ONLY = 17, 100, 2, 26
NAT = """
    table {ip} t {{
        chain post {{
            type nat hook postrouting priority srcnat;
            {ip} saddr {inside} udp sport 4500 masquerade to :{port}
        }}
    }}
    """


class Way:
    """One pair of SAs: a's addresses as a and as b know them, ports, policies."""

    def __init__(self, n, who, mode, v, behind=True, oa=False):
        self.mode, self.v, self.n = mode, v, n
        self.spi, self.port = 0x1000 + 2 * n, 7000 + n
        self.alg = NULL if (who, mode) == ("ours", "transport") else GCM
        self.native = who.split()[0] if "native" in who else None
        self.name = f"{who}, {mode}, IPv{v}" + ("" if behind else " without NAT") \
            + (", address known" if oa else "")
        self.inside, self.outside, self.b = {
            4: (IN4, A4, B4), 6: (IN6, A6, B6)}[v]
        self.mapped = MAPPED
        if not behind:
            self.inside = self.outside = BARE6
            self.mapped = PORT
        self.oa = self.inside if oa else ""
        # Where sockets are.
        self.own, self.peer = self.inside, self.b
        if mode == "tunnel":
            self.own, self.peer = {4: (f"10.9.1.{n}", f"10.9.2.{n}"),
                                   6: (f"fd09::1:{n}", f"fd09::2:{n}")}[v]

    def sas(self, host):
        """Of both directions: source, port, destination, port, SPI, "out" or "in"."""
        at_a = host.name == "a"
        left, port = (self.inside, PORT) if at_a else (self.outside, self.mapped)
        return ((left, port, self.b, PORT, self.spi, "out" if at_a else "in"),
                (self.b, PORT, left, port, self.spi + 1, "in" if at_a else "out"))

    def selectors(self, host, src, dst):
        """(source, destination, port at b, is b the source, protocol) to protect."""
        back = src == self.b
        if self.mode == "tunnel":
            pair = (self.own, self.peer)
            return [(*(pair[::-1] if back else pair), 0, back, "any")]
        return [(src, dst, self.port, back, proto) for proto in ("udp", "tcp")]

    def setkey(self, host, only=""):
        text = ""
        for src, sport, dst, dport, spi, direction in self.sas(host):
            oa = self.oa if direction == "in" and host.name == "b" else ""
            text += (f"add {src}[{sport}] {dst}[{dport}] esp-udp {oa} {spi} "
                     f"-m {self.mode} -u {self.n} -r 32 {self.alg[0]};\n")
            ends = f"{src}-{dst}" if self.mode == "tunnel" else ""
            for s, d, port, back, proto in self.selectors(host, src, dst):
                s, d = (f"{s}[{port}]", d) if back else (s, f"{d}[{port}]")
                if not port:
                    s, d = s.split("[")[0], d.split("[")[0]
                text += (f"spdadd {s} {d} {proto} -P {direction} ipsec "
                         f"esp/{self.mode}/{ends}/unique:{self.n};\n")
        return "".join(line + "\n" for line in text.split("\n") if line.startswith(only))

    def xfrm(self, host):
        text = ""
        for src, sport, dst, dport, spi, direction in self.sas(host):
            any_oa = "0.0.0.0" if self.v == 4 else "::"
            text += (f"xfrm state add src {src} dst {dst} proto esp spi {spi} "
                     f"reqid {self.n} mode {self.mode} replay-window 32 "
                     f"{self.alg[1]} "
                     f"encap espinudp {sport} {dport} {any_oa}\n")
            for s, d, port, back, proto in self.selectors(host, src, dst):
                upper = f"proto {proto} {'sport' if back else 'dport'} {port}" \
                    if port else ""
                text += (f"xfrm policy add src {s} dst {d} {upper} "
                         f"dir {direction} tmpl src {src} dst {dst} proto esp "
                         f"reqid {self.n} mode {self.mode}\n")
        return text


def network():
    """a - nat - b."""
    names = ("a", "nat", "b")
    lab.ip("".join(f"netns add {n}\n" for n in names)
           + lab.link("a", "eth0", "nat", "eth1") + lab.link("nat", "eth0", "b", "eth0"))
    a, nat, b = map(lab.Host, names)
    a.ip(f"""link set lo up
        link set eth0 up
        addr add {IN4}/24 dev eth0
        addr add {IN6}/64 dev eth0 nodad
        addr add {BARE6}/64 dev eth0 nodad
        route add default via 10.1.0.254
        route add default via fd01::fe
        """)
    nat.ip(f"""link set lo up
        link set eth1 up
        link set eth0 address 02:00:00:00:00:0a up
        addr add 10.1.0.254/24 dev eth1
        addr add fd01::fe/64 dev eth1 nodad
        addr add {A4}/24 dev eth0
        addr add {A6}/64 dev eth0 nodad
        """)
    b.ip(f"""link set lo up
        link set eth0 address 02:00:00:00:00:0b up
        addr add {B4}/24 dev eth0
        addr add {B6}/64 dev eth0 nodad
        neigh add {A4} lladdr 02:00:00:00:00:0a dev eth0
        neigh add {A6} lladdr 02:00:00:00:00:0a dev eth0
        route add {BARE6}/128 via {A6}
        """)
    nat.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    translate(nat, MAPPED)
    return a, nat, b


def translate(nat, port):
    """From now on a's port 4500 looks like this one."""
    nat.run("nft", "-f", "-", stdin="flush ruleset\n"
            + NAT.format(ip="ip", inside=IN4, port=port)
            + NAT.format(ip="ip6", inside=IN6, port=port))


def encap_socket(host, v):
    """What an IKE daemon has on port 4500."""
    with host.entered():
        s = socket.socket(socket.AF_INET if v == 4 else socket.AF_INET6,
                          socket.SOCK_DGRAM)
    if v == 6:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_V6ONLY, 1)
    s.bind(("0.0.0.0" if v == 4 else "::", PORT))
    s.setsockopt(SOL_UDP, UDP_ENCAP, ESPINUDP)
    s.settimeout(1)
    return s


def addresses(a, b, ways):
    """The inner addresses of tunnels."""
    for host in a, b:
        text = ""
        for w in ways:
            if w.mode == "tunnel":
                own, far = (w.own, w.peer) if host is a else (w.peer, w.own)
                bits, via = (32, A4) if w.v == 4 else (128, A6)
                nodad = "nodad" if w.v == 6 else ""
                text += f"addr add {own}/{bits} dev lo {nodad}\n"
                if host is b:
                    text += f"route add {far}/{bits} via {via}\n"
        host.ip(text)


class Datagram:
    """UDP as it was on the wire."""

    def __init__(self, frame):
        self.host, data = frame.host.name, frame.data
        self.src, self.dst = ((data[26:30], data[30:34]) if data[12:14] == b"\x08\x00"
                              else (data[22:38], data[38:54]))
        self.udp = data[frame.payload:]
        self.sport, self.dport, self.len, self.check = struct.unpack_from(
            ">HHHH", self.udp)
        self.spi = struct.unpack_from(">I", self.udp, 8)[0] if self.len > 16 else 0

    def right(self):
        """Is the checksum what the protocol asks for? None in IPv4."""
        return not self.check if len(self.src) == 4 else \
            bool(self.check) and not checksum(self.src, self.dst, 17, self.udp[:self.len])


def checksum(src, dst, proto, data):
    """Over data with its checksum field; 0 if that is right."""
    text = src + dst + struct.pack(">II", len(data), proto) + data + bytes(len(data) % 2)
    total = sum(struct.unpack(f">{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total ^ 0xffff


def answered(a, b, w, size=500, times=3):
    """How many datagrams come to b and back unchanged."""
    text = TEXT[:size]
    good = 0
    with a.socket(w.own) as s, b.socket(w.peer, w.port) as t:
        try:
            for _ in range(times):
                s.sendto(text, (w.peer, w.port))
                data, whom = t.recvfrom(65536)
                t.sendto(data, whom)
                good += s.recv(65536) == text
        except OSError as err:
            return f"{good}, {err}"
    return good


def tcp(a, b, w, amount):
    """Bytes that arrived at b, and whether they were right."""
    block = bytes(range(256)) * 16

    def send():
        with a.socket(w.own, kind=socket.SOCK_STREAM, timeout=60) as s:
            s.connect((w.peer, w.port))
            s.sendall(block * (amount // len(block)))

    with b.socket(w.peer, w.port, socket.SOCK_STREAM, timeout=60) as listener:
        listener.listen(1)
        thread = threading.Thread(target=send)
        thread.start()
        conn, _ = listener.accept()
        conn.settimeout(60)
        got = b""
        while data := conn.recv(1 << 18):
            got += data
        thread.join()
    return len(got), got == block * (amount // len(block))


def seen(nat, b, w, frames):
    """What crossed the wire between nat and b: (from a, from b, what is wrong)."""
    count, wrong = {"nat": 0, "b": 0}, []
    for f in frames:
        if not f.clear():
            continue
        d = Datagram(f) if f.proto == 17 and f.first else None
        ports = {"nat": (w.mapped, PORT), "b": (PORT, w.mapped)}[f.host.name]
        if d and (d.sport, d.dport) == ports and d.right() and d.spi == w.spi + (f.host is b):
            count[f.host.name] += 1
        else:
            wrong.append((f.host.name, f.data[14:60].hex()))
    return count["nat"], count["b"], wrong


def through(a, nat, b, ways):
    """Datagrams and TCP of every way; nothing but UDP with the right ports."""
    amount = 1 << (17 if DEBUG else 18)
    for w in ways:
        wire = lab.Wire(nat, b)
        lab.equal(f"{w.name}: answered", 3, answered(a, b, w))
        lab.equal(f"{w.name}: three ESP packets in UDP each way, nothing else",
                  (3, 3, []), seen(nat, b, w, wire.frames()))
        lab.equal(f"{w.name}: TCP arrives unchanged", (amount, True),
                  tcp(a, b, w, amount))
        frames = wire.frames()
        there, back, wrong = seen(nat, b, w, frames)
        lab.claim(there > 80 and back > 2 and not wrong, f"{w.name}: in UDP as well",
                  (there, back, wrong[:3]))
        longest = max(len(f.data) for f in frames)
        lab.claim(1450 < longest <= 1514, f"{w.name}: in packets that fit the wire",
                  longest)


def narrow(a, nat, b, ways):
    """The wire behind the NAT is narrower: a learns it from ICMP."""
    nat.ip("link set eth0 mtu 1400")
    for w in ways:
        lab.equal(f"{w.name}: TCP over a path of 1400 bytes", (1 << 16, True),
                  tcp(a, b, w, 1 << 16))
    nat.ip("link set eth0 mtu 1500")


def raw_checks(a, b, w, proto):
    """The checksum that b's raw sockets see: "right", "none" or "wrong"."""
    v6 = w.v == 6
    with b.entered():
        raw = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET,
                            socket.SOCK_RAW, proto)
    raw.settimeout(5)
    src, dst = (socket.inet_pton(raw.family, x) for x in (w.outside, w.b))
    with raw:
        if proto == socket.IPPROTO_UDP:
            answered(a, b, w, 100, 1)
        else:
            tcp(a, b, w, 4096)
        while True:
            data = raw.recv(65536)
            if not v6:
                data = data[4 * (data[0] & 15):]
            if data[2:4] == struct.pack(">H", w.port):
                break
    at = 6 if proto == socket.IPPROTO_UDP else 16
    if data[at:at + 2] == bytes(2):
        return "none"
    return "wrong" if checksum(src, dst, proto, data) else "right"


def repaired(a, b, plain, known):
    """What becomes of checksums that the translation made wrong."""
    udp, tcp_ = socket.IPPROTO_UDP, socket.IPPROTO_TCP
    for w in plain:
        want = ("none" if w.v == 4 else "wrong", "wrong")
        lab.equal(f"{w.name}: UDP's checksum is taken out in IPv4, others stay", want,
                  (raw_checks(a, b, w, udp), raw_checks(a, b, w, tcp_)))
    for w in known:
        lab.equal(f"{w.name}: UDP's and TCP's checksum are put right", ("right",) * 2,
                  (raw_checks(a, b, w, udp), raw_checks(a, b, w, tcp_)))
    b.sysctl("net.inet.ipsec.natt_cksum_policy=1")
    for w in plain:
        lab.equal(f"{w.name}: with natt_cksum_policy 1 both are computed again",
                  ("right",) * 2,
                  (raw_checks(a, b, w, udp), raw_checks(a, b, w, tcp_)))
    b.sysctl("net.inet.ipsec.natt_cksum_policy=0")


def got(s, timeout=1.0):
    s.settimeout(timeout)
    try:
        return s.recv(65536)
    except TimeoutError:
        return None


class Listener:
    """A key manager's PF_KEY socket on b, and one that is not registered."""

    def __init__(self, b):
        with b.entered():
            self.km, self.other = pfkey.Client(), pfkey.Client()
        self.km.ask(pfkey.REGISTER, pfkey.ESP)
        self.other.drain_all()

    def tell(self, what, b, w):
        """ADD or UPDATE of both SAs of a way.

        Their window is 256 packets: veth has a queue for each CPU, so that TCP which
        sends from two of them arrives up to a super-packet later than it left.
        """
        key = bytes.fromhex(KEY[2:])
        for src, sport, dst, dport, spi, _ in w.sas(b):
            r = self.km.ask(what, pfkey.ESP, pfkey.sa(spi, auth=3, encrypt=11, replay=32)
                            + pfkey.sa2(1, w.n) + pfkey.ends(src, dst)
                            + pfkey.key(8, key) + pfkey.natt(sport, dport))
            if r.errno:
                raise OSError(r.errno, f"PF_KEY message {what}, SPI {spi}")
        self.km.drain()
        self.other.drain_all()

    def mappings(self, settle=0.2):
        time.sleep(settle)
        return [m for m in self.km.drain() if m.type == pfkey.NEW_MAPPING]


def address_of(ext):
    """(address, port) of an address extension."""
    fam, port = struct.unpack_from("=H", ext, 8)[0], struct.unpack_from(">H", ext, 10)[0]
    if fam == socket.AF_INET:
        return socket.inet_ntop(fam, ext[12:16]), port
    return socket.inet_ntop(fam, ext[16:32]), port


def decoded(m):
    """A mapping: SPI, old address and port, new address and port."""
    port = {n: struct.unpack_from(">H", m.ext[n], 4)[0] for n in (21, 22)}
    return (m.spi(), *address_of(m.ext[5]), port[21], *address_of(m.ext[6]), port[22])


def remapped(a, nat, b, listener, ways, port):
    """The NAT gives a another port; b's key manager learns it and moves the SAs."""
    listener.mappings()
    translate(nat, port)
    nat.run("conntrack", "-F")
    for w in ways:
        with a.socket(w.own) as s, b.socket(w.peer, w.port) as t:
            s.sendto(b"from elsewhere", (w.peer, w.port))
            lab.equal(f"{w.name}: new port: still received", b"from elsewhere", got(t, 5))
        lab.equal(f"{w.name}: new port: the key manager is told",
                  [(w.spi, w.outside, 0, w.mapped, w.outside, 0, port)],
                  [decoded(m) for m in listener.mappings()])
        w.mapped = port
    for w in ways:
        listener.tell(pfkey.UPDATE, b, w)
        wire = lab.Wire(nat, b)
        lab.equal(f"{w.name}: new port: answered after it moved the SAs", 3,
                  answered(a, b, w))
        lab.equal(f"{w.name}: new port: no more to tell", [], listener.mappings(0))
        lab.equal(f"{w.name}: new port: seen on the wire", (3, 3, []),
                  seen(nat, b, w, wire.frames()))


def shown(b, plain, known):
    """setkey -D says how each SA travels."""
    text = b.run("setkey", "-D")
    for w in plain:
        want = f"{w.outside}[{MAPPED}] {w.b}[{PORT}] \n\tesp-udp mode=transport spi={w.spi}("
        lab.claim(want in text, f"{w.name}: setkey -D", text)
    for w in known:
        want = (f"{w.outside}[{MAPPED}] {w.b}[{PORT}] \n\tNAT OA={w.inside} \n"
                f"\tesp-udp mode=transport spi={w.spi}(")
        lab.claim(want in text, f"{w.name}: setkey -D", text)


def body():
    lab.run("modprobe", "-a", "esp4", "esp6")
    a, nat, b = network()
    ike = {v: (encap_socket(a, v), encap_socket(b, v)) for v in (4, 6)}
    rows = [(who, mode, v) for v in (4, 6) for mode in ("transport", "tunnel")
            for who in ("ours", "a native", "b native")]
    rows += [("ours", mode, 6, False) for mode in ("transport", "tunnel")]
    ways = [Way(n, *row) for n, row in enumerate(rows, 1)]
    known = [Way(50 + v, "ours", "transport", v, oa=True) for v in (4, 6)]
    plain = [w for w in ways if w.mode == "transport" and not w.native
             and w.mapped == MAPPED]
    addresses(a, b, ways)
    for host in a, b:
        mine = [w for w in ways + known if w.native != host.name]
        # The key manager of remapped() has to own what it updates.
        host.setkey("".join(w.setkey(host, "spd" if host is b and w in plain else "")
                            for w in mine))
        host.ip("".join(w.xfrm(host) for w in ways if w.native == host.name))
    listener = Listener(b)
    for w in plain:
        listener.tell(pfkey.ADD, b, w)
    through(a, nat, b, ways)
    narrow(a, nat, b, [w for w in ways if not w.native])
    shown(b, plain, known)
    repaired(a, b, plain, known)
    remapped(a, nat, b, listener, plain, 40001)
    for host in a, b:
        drops = host.drops()
        drops.pop("out_toobig", None)
        lab.equal(f"{host.name} dropped nothing", {}, drops)


if __name__ == "__main__":
    lab.main(body)
