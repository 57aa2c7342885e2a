# SPDX-License-Identifier: GPL-2.0-only
"""What the cases about neighbours in the stack share: the same rules for native XFRM and
for ours, one after the other in one kernel, and what of it is on the wire."""
import contextlib
import os
import re
import socket
import string
import threading
import typing

import lab

GCM = "0x00112233445566778899aabbccddeeff01020304"
# The debug kernel has neither native ESP nor VLANs nor sit, and looks for no module by
# itself.
DEBUG = os.path.exists("/sys/kernel/debug/kmemleak")
RELEASE = tuple(map(int, re.match(r"(\d+)\.(\d+)", os.uname().release).groups()))
WHO = ("ours",) if DEBUG else ("native", "ours")
SO_MARK = 36
EXTENSIONS = (0, 43, 60)        # of IPv6: hop-by-hop, routing, destination options
NEIGHBOURS = (*range(130, 138), 143)     # MLD, routers and neighbours that look for each other


def flush(host):
    host.ip("xfrm state flush\nxfrm policy flush\n")
    host.setkey("flush; spdflush;")


def policy(who, src, dst, direction, level="require"):
    """One policy for transport of ESP, for the tool that who names."""
    if who == "ours":
        return f"spdadd {src} {dst} any -P {direction} ipsec esp/transport//{level};\n"
    return f"xfrm policy add src {src} dst {dst} dir {direction} tmpl proto esp mode transport\n"


def load(who, host, text):
    (host.setkey if who == "ours" else host.ip)(text)


def protect(who, host, own, peer, spi):
    """SAs of AES-GCM and policies for all between two hosts; the lower address sends
    with the lower SPI."""
    first, second = sorted((own, peer))
    text = ""
    for n, (src, dst) in enumerate(((first, second), (second, first))):
        if who == "ours":
            text += (f"add {src} {dst} esp {spi + n} -m transport -r 32"
                     f" -E aes-gcm-16 {GCM};\n")
        else:
            text += (f"xfrm state add src {src} dst {dst} proto esp spi {spi + n} mode"
                     f" transport replay-window 32 aead rfc4106(gcm(aes)) {GCM} 128\n")
        text += policy(who, src, dst, "out" if src == own else "in")
    load(who, host, text)


def late(s, again):
    """Wait for what was sent again: it may only have been late, and is not to arrive while
    the next row is tried."""
    for _ in range(again):
        with contextlib.suppress(OSError):
            s.recv(1 << 16)


def datagram(a, b, own, peer, size, timeout=5, port=7000):
    """Sent until it arrives, because neighbours may have to be found first; "arrives", or
    what went wrong."""
    with a.socket(own, timeout=timeout) as s, b.socket(peer, port, timeout=timeout / 5) as t:
        s.connect((peer, port))
        wrong = ""
        for again in range(5):
            try:
                s.send(b"q" * size)
                length = len(t.recv(1 << 16))
                late(t, again)
                return lab.ARRIVES if length == size else "cut short"
            except OSError as err:
                wrong = repr(err)
    return wrong


def stream(a, b, own, peer, amount, timeout=20):
    """How many bytes of a TCP connection arrive."""
    def send():
        with contextlib.suppress(OSError), \
                a.socket(own, kind=socket.SOCK_STREAM, timeout=timeout) as s:
            s.connect((peer, 7001))
            s.sendall(bytes(amount))

    got = 0
    with b.socket(peer, 7001, socket.SOCK_STREAM, timeout=timeout) as listener:
        listener.listen(1)
        sender = threading.Thread(target=send)
        sender.start()
        with contextlib.suppress(OSError), listener.accept()[0] as s:
            s.settimeout(timeout)
            while data := s.recv(1 << 16):
                got += len(data)
        sender.join()
    return got


def protocols(frames):
    """Of the packets on the wire, behind extension headers; neighbours that look for each
    other are left out, and what they say of groups."""
    seen = set()
    for f in frames:
        proto, at = f.proto, f.payload if f.proto is not None else 0
        while proto in EXTENSIONS and len(f.dst) == 16:
            proto, at = f.data[at], at + 8 * (f.data[at + 1] + 1)
        if proto not in (None, 2) and not (proto == 58 and f.data[at] in NEIGHBOURS):
            seen.add(proto)
    return seen


def association(who, src, dst, spi, mode="transport", reqid=0, proto="esp"):
    """One SA: AES-GCM, or for AH HMAC-SHA1."""
    sha = "0x000102030405060708090a0b0c0d0e0f10111213"
    if who == "ours":
        alg = f"-A hmac-sha1 {sha}" if proto == "ah" else f"-E aes-gcm-16 {GCM}"
        unique = f" -u {reqid}" if reqid else ""
        return f"add {src} {dst} {proto} {spi} -m {mode} -r 32{unique} {alg};\n"
    alg = f"auth hmac(sha1) {sha}" if proto == "ah" else f"aead rfc4106(gcm(aes)) {GCM} 128"
    return (f"xfrm state add src {src} dst {dst} proto {proto} spi {spi} reqid {reqid}"
            f" mode {mode} replay-window 32 {alg}\n")


def rule(who, src, dst, direction, ends=None, reqid=0, protos=("esp",), upper="",
         level="require"):
    """One policy; in a tunnel if ends are given. Native XFRM has lists of its own for
    what is forwarded, ours asks that for "in"."""
    mode = "tunnel" if ends else "transport"
    if who == "ours":
        level = f"unique:{reqid}" if reqid else level
        there = "-".join(ends or ())
        requests = " ".join(f"{proto}/{mode}/{there}/{level}" for proto in protos)
        proto, _, port = upper.partition(" ")
        port = f"[{port}]" if port else ""
        return f"spdadd {src} {dst}{port} {proto or 'any'} -P {direction} ipsec {requests};\n"
    proto, _, port = upper.partition(" ")
    select = (f" proto {proto}" if proto else "") + (f" dport {port}" if port else "")
    outer = f" src {ends[0]} dst {ends[1]}" if ends else ""
    use = " level use" if level == "use" else ""
    tmpl = "".join(f" tmpl{outer} proto {proto} reqid {reqid} mode {mode}{use}"
                   for proto in protos)
    return "".join(f"xfrm policy add src {src} dst {dst}{select} dir {d}{tmpl}\n"
                   for d in ((direction, "fwd") if direction == "in" and ends
                             else (direction,)))


# Of lab.gateways(): the networks behind them, hosts in them, and the gateways' ends.
NETS = {4: ("10.1.0.0/24", "10.2.0.0/24"), 6: ("fd01::/64", "fd02::/64")}
HOSTS = {4: ("10.1.0.1", "10.2.0.1"), 6: ("fd01::1", "fd02::1")}
ENDS = {4: (lab.A4, lab.B4), 6: (lab.A6, lab.B6)}
SPI = {4: 0x4000, 6: 0x6000}


def tunnel(who, gw, v=4, nets=None, spi=None, reqid=0, level="require", outer=None,
           back=None):
    """What one of both gateways says so that the networks talk through a tunnel; back is
    the level of what comes in, if that is another one."""
    nets, spi, first = nets or NETS[v], spi or SPI[v], gw.name == "gw1"
    text = ""
    for n, way in enumerate((1, -1)):
        ends = (outer or ENDS[v])[::way]
        text += association(who, *ends, spi + n, "tunnel", reqid)
        out = (way == 1) == first
        text += rule(who, *nets[::way], "out" if out else "in", ends, reqid,
                     level=level if out else back or level)
    return text


def tunnels(who, gateways, **how):
    """The old rules go, and both gateways have tunnels for both families."""
    for gw in gateways:
        flush(gw)
        for v in 4, 6:
            load(who, gw, tunnel(who, gw, v, **how))


# A second host behind gw2 with addresses of its own, which no policy need know.
OTHERS = {4: "10.2.0.9", 6: "fd02::9"}


# What a case's own rules are made with besides.
EXTRA = {}


def words(v):
    """What rules of an address family are made with."""
    return {"l3": "ip" if v == 4 else "ip6", "a": HOSTS[v][0], "b": HOSTS[v][1],
            "c": OTHERS[v], "own": ENDS[v][0], "peer": ENDS[v][1], "v": v,
            "net": NETS[v][1]} | EXTRA.get(v, {})


def chain(hook, rules, priority="0", kind="filter", name="c"):
    return (f"chain {name} {{\ntype {kind} hook {hook} priority {priority};\n"
            f"{rules}\n}}\n")


class Either:
    """What native XFRM does on older kernels, or on newer ones."""

    def __init__(self, *ways):
        self.ways = ways

    def __eq__(self, seen):
        return seen in self.ways

    def __repr__(self):
        return " or ".join(map(repr, self.ways))


class Row(typing.NamedTuple):
    """A neighbour: what it is told on gateways; what is done; what comes of it and what
    is on the wire between both; the same for native XFRM, if that is not the same."""
    name: str
    rules: dict
    act: typing.Callable
    want: tuple
    native: tuple = None
    families: tuple = (4, 6)
    plan: str = ""      # which policies
    without: tuple = ()     # who cannot say that
    drops: frozenset = frozenset()      # which of our counters tell of it

    def wants(self, who):
        return self.want if who == "ours" or not self.native else self.native


def stock(*rows):
    """Rows that need what the debug kernel has not."""
    return () if DEBUG else rows


class Hosts(list):
    """Those of a case, for whom they try which row now, and what was on the wire since
    that was asked last."""
    who, row, seen = "", None, None


class Rows:
    """A table of them, tried by native XFRM and by ours."""

    def __init__(self, title, rows, hosts, gateways, devices=("eth0",), together=False):
        self.rows, self.hosts = rows, Hosts(hosts)
        self.gateways = {gw.name: gw for gw in gateways}
        self.hosts.seen, self.together = self.seen, together
        self.dirty = set()
        self.table = lab.Matrix(title, [self.name(who, v, row) for who in WHO
                                        for row in rows for v in row.families
                                        if who not in row.without])
        self.wires = {dev: lab.Wire(*gateways, dev=dev) for dev in devices}

    def close(self):
        for wire in self.wires.values():
            wire.close()

    @staticmethod
    def name(who, v, row):
        return f"{who}: IPv{v}: {row.name}"

    def rule(self, row):
        """Tables of nft, and commands."""
        for gw in self.dirty - set(row.rules):
            nft(self.gateways[gw])
        self.dirty = set(row.rules)
        for gw, text in row.rules.items():
            tables, commands = "", []
            for v in row.families:
                lines = string.Template(text).substitute(words(v)).splitlines()
                commands += [line if v == 4 else line.replace("iptables", "ip6tables")
                             for line in lines if line.startswith("iptables")]
                lines = [line for line in lines if not line.startswith("iptables")]
                if lines:
                    tables += "\n".join([f"table {words(v)['l3']} t {{", *lines, "}\n"])
            nft(self.gateways[gw], tables)
            for command in commands:
                self.gateways[gw].run(*command.split())

    def seen(self, settle=0.1):
        """Protocols on the wire; on each one, if there are several that are told apart."""
        seen = {}
        for dev, wire in self.wires.items():
            seen[dev] = protocols(wire.frames(settle))
            settle = 0
        if self.together or len(seen) == 1:
            return set().union(*seen.values())
        return {dev: protos for dev, protos in seen.items() if protos}

    def drops(self):
        """Of all gateways; ours only, native XFRM's are the kernel's own matter. Who
        sends what is too big once learns how long packets may be, which is no fault."""
        found = {}
        for gw in self.gateways.values():
            for k, n in gw.drops().items():
                if k != "out_toobig":
                    found[k] = found.get(k, 0) + n
        return found

    def attempt(self, who, v, row):
        name, before = self.name(who, v, row), self.drops()
        self.hosts.row = row
        self.seen(0)
        try:
            result = row.act(self.hosts, v)
        except OSError as err:
            result = repr(err)
        self.table.equal(name, "what comes of it, and on the wire", row.wants(who),
                         (result, self.seen()))
        self.table.equal(name, "which counters rise", row.drops if who == "ours" else set(),
                         {k for k, n in self.drops().items() if n > before.get(k, 0)})

    def all(self, say):
        """say(who, plan) loads the policies."""
        for who in WHO:
            self.hosts.who, plan = who, None
            for row in self.rows:
                if who in row.without:
                    continue
                if row.plan != plan:
                    plan = row.plan
                    say(who, plan)
                self.rule(row)
                for v in row.families:
                    self.attempt(who, v, row)
        for gw in self.gateways.values():
            nft(gw)
        self.table.report()


class Flow:
    """Two sockets that stay: one asks, the other answers."""

    def __init__(self, a, b, own, peer, port=7000, timeout=3):
        self.asks = a.socket(own, timeout=timeout)
        self.answers = b.socket(peer, port, timeout=timeout)
        self.asks.connect((peer, port))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.asks.close()
        self.answers.close()

    def go(self, times):
        """How many questions are answered, until the first that is not."""
        for n in range(times):
            try:
                self.asks.send(b"question %d" % n)
                self.answers.sendto(*self.answers.recvfrom(100))
                self.asks.recv(100)
            except OSError:
                return n
        return times


def talk(a, b, own, peer, port=7000, timeout=3, at=None, mark=0):
    """A datagram and its answer, both as the sockets expect them. at says where it
    arrives, if that is somewhere else: address and port."""
    with a.socket(own, timeout=timeout) as s, \
            b.socket(*(at or (peer, port)), timeout=timeout / 3) as t:
        s.setsockopt(socket.SOL_SOCKET, SO_MARK, mark)
        s.connect((peer, port))
        wrong = ""
        for again in range(3):
            try:
                s.send(b"question")
                t.sendto(*t.recvfrom(100))
                late(t, again)
                return "answered" if s.recv(100) == b"question" else "changed"
            except OSError as err:
                wrong = repr(err)
    return wrong


def nft(host, text=""):
    """The host's whole ruleset."""
    host.run("nft", "-f", "-", stdin="flush ruleset\n" + text)
