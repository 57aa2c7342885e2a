#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""OpenIKED as Debian ships it, one daemon on each of two hosts, negotiates over
PF_KEY. A ping proves nothing, it may be in clear: each claim is about ESP or AH on
the wire, its SPIs and the counters of the SAs. When one fails, both logs follow."""
import contextlib
import os
import shutil
import signal
import struct
import subprocess
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import DUMP, ESP, REGISTER, SPDDUMP, Client

PLACE = "/tmp/iked"
PSK = 'psk "a secret of two hosts"'
MODES, PROTOS = ("any", "transport", "tunnel"), {2: "ah", 3: "esp"}
NATT, NATT_PORT = 20, 4500

# Each daemon has /etc/iked and the directory of its chroot to itself.
START = """
mount -t tmpfs none /etc/iked && mount -t tmpfs none /var/lib/openiked || exit
mkdir -p /var/lib/openiked/empty
cp -r {place}/etc/. /etc/iked/
exec iked -dv {options} -s {place}/sock -f {place}/conf
"""


class Daemon:
    """OpenIKED of one host, and a PF_KEY socket beside it."""

    def __init__(self, host):
        self.host, self.place, self.process = host, f"{PLACE}/{host.name}", None
        self.log = f"{self.place}/log"
        with host.entered():
            self.pfkey = Client()
        # The first one loads the modules of all ciphers.
        self.pfkey.ask(REGISTER, ESP)
        for name in ("ca", "certs", "crls", "private", "pubkeys/ipv4", "pubkeys/ipv6",
                     "pubkeys/fqdn", "pubkeys/ufqdn"):
            os.makedirs(f"{self.place}/etc/{name}", exist_ok=True)
        key = f"{self.place}/etc/private/local.key"
        lab.run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout",
                "-out", key)
        os.chmod(key, 0o600)
        lab.run("openssl", "ec", "-in", key, "-pubout", "-out", f"{self.place}/etc/local.pub")

    def trust(self, other):
        shutil.copy(f"{other.place}/etc/local.pub",
                    f"{self.place}/etc/pubkeys/fqdn/{other.host.name}.example")

    def start(self, text, options=""):
        with open(f"{self.place}/conf", "w", opener=lambda p, f: os.open(p, f, 0o600)) as f:
            f.write(text + "\n")
        with self.host.entered(), open(self.log, "ab") as log:
            # pylint: disable=consider-using-with
            self.process = subprocess.Popen(
                ["unshare", "-m", "bash", "-c",
                 START.format(place=self.place, options=options)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def listens(self):
        with self.host.entered(), open("/proc/thread-self/net/udp") as f:
            text = f.read()
        return any(port in text for port in (":01F4 ", ":1194 "))

    def stop(self, how=signal.SIGTERM):
        if not self.process:
            return
        if how == signal.SIGKILL:
            os.killpg(self.process.pid, how)
        else:
            self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def ctl(self, *words):
        return self.host.run("ikectl", "-s", f"{self.place}/sock", *words)

    def show(self):
        with open(self.log, errors="replace") as f:
            for line in f.read().splitlines()[-150:]:
                print(f"# iked {self.host.name}: {line}", flush=True)

    def dump(self, kind):
        """The records, without what else is said at that moment."""
        self.pfkey.drain()
        said = [self.pfkey.ask(kind, 0)] + self.pfkey.drain()
        return [m for m in said if m.type == kind and not m.errno]

    def sas(self, ends=None):
        """SPI: protocol, mode, packets of each SA, or of those between the ends."""
        found = {}
        for m in self.dump(DUMP):
            at = [lab.socket.inet_ntop(f, raw[12:16] if f == 2 else raw[16:32])
                  for f, raw in ((m.ext[e][8], m.ext[e]) for e in (5, 6))]
            if m.ext[1][9] and (not ends or set(at) == set(ends)):
                proto = PROTOS.get(m.satype, m.satype)
                found[m.spi()] = (proto + ("-udp" if NATT in m.ext else ""),
                                  MODES[m.ext[19][4]],
                                  struct.unpack_from("=I", m.ext[2], 4)[0])
        return found


def wait_for(condition, limit=60):
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.1)
    return False


class Pair:
    """Hosts a and b, a daemon on each, and the way to see what they do."""

    def __init__(self, a, b):
        self.hosts = a, b
        self.wire = lab.Wire(a, b)
        self.daemons = self.a, self.b = Daemon(a), Daemon(b)
        self.a.trust(self.b)
        self.b.trust(self.a)
        self.bad = False

    def claim(self, good, text, seen=""):
        if not lab.claim(good, text, seen):
            self.bad = True

    def start(self, a, b, options=""):
        """The responder first; nobody likes to wait for a repeated datagram."""
        self.b.start(b, options)
        wait_for(self.b.listens)
        self.a.start(a, options)

    def up(self, ends=None, but=()):
        """Two SAs on each side, the same ones."""
        def same():
            one, other = (set(d.sas(ends)) for d in self.daemons)
            return len(one) == 2 and one == other and not one & set(but)
        return wait_for(same)

    def sas(self):
        return [d.sas() for d in self.daemons]

    def end(self):
        for d in self.daemons:
            d.stop()
        for d in self.daemons:
            if self.bad:
                d.show()
            d.host.setkey("flush; spdflush;")
            with contextlib.suppress(FileNotFoundError):
                os.unlink(d.log)
        self.bad = False


def spi_of(frame):
    """The SPI, in UDP too; None for anything else."""
    if frame.proto == 17 and frame.first:
        sport, dport = struct.unpack_from(">HH", frame.data, frame.payload)
        spi = struct.unpack_from(">I", frame.data + bytes(4), frame.payload + 8)[0]
        return spi if sport == dport == NATT_PORT and spi else None
    return frame.spi


def exchange(pair, ends, port=7000, count=3):
    """Datagrams there and answers back; how many came, SPIs and protocols on the
    wire, and what was in clear."""
    pair.wire.frames(0)
    there = pair.b.host.socket(ends[1], port, timeout=2)
    here = pair.a.host.socket(ends[0], timeout=2)
    got = 0
    with contextlib.suppress(TimeoutError):
        for i in range(count):
            here.sendto(b"plain %d" % i, (ends[1], port))
            data, source = there.recvfrom(100)
            there.sendto(data, source[:2])
            got += here.recv(100) == b"plain %d" % i
    there.close()
    here.close()
    frames = pair.wire.frames()
    clear = [f for f in frames if f.clear() and b"plain" in f.data]
    return got, {(f.proto, spi) for f in frames if (spi := spi_of(f))}, len(clear)


def protected(pair, text, ends, kind, mode):
    """What goes back and forth is in SAs of that kind, and they count it.

    A daemon that begins loads its policies last.
    """
    wait_for(lambda: all(len(d.dump(SPDDUMP)) >= 3 for d in pair.daemons))
    before = pair.a.sas(ends)
    got, seen, clear = exchange(pair, ends)
    pair.claim((got, clear) == (3, 0), f"{text}: three answers, none in clear",
               (got, clear))
    after = [d.sas(ends) for d in pair.daemons]
    spis = {spi for _, spi in seen}
    number = {"esp": 50, "ah": 51, "esp-udp": 17}[kind]
    pair.claim(len(seen) == 2 and {p for p, _ in seen} == {number}
               and all(after[0].get(s, "  ")[:2] == (kind, mode) for s in spis),
               f"{text}: in two SAs, {kind} and {mode}", (seen, after))
    counts = [d.get(s, (0, 0, 0))[2] - before.get(s, (0, 0, 0))[2]
              for d in after for s in spis]
    pair.claim(counts == 4 * [3], f"{text}: which counted three packets each", counts)
    return spis


def conf(ends, extra="", how="active", mode="tunnel", proto="esp", auth=PSK,
         upper="proto udp"):
    own, peer = ends
    return (f'ikev2 "{own}" {how} {mode} {proto} {upper} from {own} to {peer} '
            f'local {own} peer {peer} {extra} {auth}')


# Ends, mode, protocol, authentication, more of the configuration. For Linux the
# daemon is built without AEADs and refuses HMAC-SHA2-256, which af_key cuts short.
PLAIN = [
    ((A4, B4), "tunnel", "esp", "PSK", ""),
    (("10.0.1.1", "10.0.1.2"), "transport", "esp", "public keys", ""),
    ((A6, B6), "transport", "esp", "PSK", "childsa enc aes-192 auth hmac-sha2-512"),
    (("fd00:1::1", "fd00:1::2"), "tunnel", "esp", "public keys", ""),
    (("10.0.2.1", "10.0.2.2"), "transport", "ah", "PSK", ""),
    (("fd00:2::1", "fd00:2::2"), "tunnel", "ah", "PSK", ""),
]
IN_UDP = [
    ((A4, B4), "tunnel", "esp-udp", "PSK", ""),
    ((A6, B6), "transport", "esp-udp", "public keys", ""),
    (("10.0.1.1", "10.0.1.2"), "transport", "esp-udp", "PSK", ""),
]
AUTH = {"PSK": (PSK, PSK), "public keys": ("srcid a.example dstid b.example",
                                           "srcid b.example dstid a.example")}


def kinds(pair, rows, options=""):
    """All of them between the same two daemons."""
    texts = [], []
    for ends, mode, proto, auth, extra in rows:
        for text, at, how, words in zip(texts, (ends, ends[::-1]), ("active", "passive"),
                                        AUTH[auth]):
            text.append(conf(at, extra, how, mode, proto.removesuffix("-udp"), words))
    pair.start(*map("\n".join, texts), options)
    for ends, mode, proto, auth, extra in rows:
        family = "IPv6" if ":" in ends[0] else "IPv4"
        name = " ".join(f"{auth}, {proto}, {mode}, {family} {extra[8:]}".split())
        pair.claim(pair.up(ends), f"{name}: SAs come up", pair.sas())
        protected(pair, name, ends, proto, mode)
    policies = [len(d.dump(SPDDUMP)) for d in pair.daemons]
    pair.claim(policies == 2 * [3 * len(rows)], f"{len(rows)} kinds{options}: "
               "policies in, out and fwd", policies)
    pair.end()


def flood(pair, ends, seconds, rekeys):
    """Datagrams from a to b a hundred times a second and their echo, so long, and until
    there were so many rekeys: how many were sent, lost on the way there and on the way
    back, and the SPIs of a's."""
    there = pair.b.host.socket(ends[1], 7001)
    here = pair.a.host.socket(ends[0])
    there.setblocking(False)
    here.setblocking(False)
    sent = arrived = back = 0
    spis = []

    def turn(wait):
        nonlocal arrived, back
        time.sleep(wait)
        with contextlib.suppress(BlockingIOError):
            while True:
                data, source = there.recvfrom(100)
                arrived += 1
                there.sendto(data, source[:2])
        with contextlib.suppress(BlockingIOError):
            while True:
                here.recv(100)
                back += 1

    def look():
        for f in pair.wire.frames(0):
            if f.host is pair.a.host and f.proto == 50 and f.spi not in spis:
                spis.append(f.spi)

    look()
    spis.clear()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or sent <= 500 or len(spis) <= rekeys:
        here.sendto(b"flood %d" % sent, (ends[1], 7001))
        sent += 1
        turn(0.008)
        if sent % 64 == 0:
            look()
    for _ in range(20):
        turn(0.01)
    look()
    there.close()
    here.close()
    return sent, sent - arrived, arrived - back, spis


def rekeyed(pair):
    """One side's SAs live three seconds, and it has them replaced under traffic.

    It asks for the old SAs to be deleted before it has loaded the new ones, so it
    has to prefer those as soon as they are there. It deletes its own old ones at
    once, and its peer goes on with them until it has heard of that: delete_grace
    lets these packets in. And each end may send in SAs whose keys the other one has
    not loaded yet, where they wait.
    """
    ends, text = (A4, B4), "childsa enc aes-256 auth hmac-sha1 lifetime "
    pair.a.host.sysctl("net.key.preferred_oldsa=0")
    for host in pair.hosts:
        host.sysctl("net.key.delete_grace=2")
    pair.start(conf(ends, text + "3"), conf(ends[::-1], text + "600", "passive"))
    pair.claim(pair.up(), "SAs that live three seconds come up", pair.sas())
    before = [h.drops() for h in pair.hosts]
    sent, lost, unanswered, spis = flood(pair, ends, 11, 3)
    rekeys = len(spis) - 1
    pair.claim(rekeys >= 3 and sent > 500, "they are rekeyed under traffic, three times "
               "and more", (spis, sent))
    drops = [h.drops() for h in pair.hosts]
    pair.claim((lost, unanswered, drops) == (0, 0, before),
               "no datagram is lost meanwhile, and no echo", (lost, unanswered, drops))
    early = [h.stat()["in_early"] for h in pair.hosts]
    print(f"# {rekeys} times rekeyed: {sent} datagrams, {early} waited for keys",
          flush=True)
    for host in pair.hosts:
        host.sysctl("net.key.preferred_oldsa=1", "net.key.delete_grace=0")
    pair.end()


def interrupted(pair):
    """SAs flushed, deleted by the daemon, the daemon stopped or killed."""
    ends = (A4, B4)
    one, other = conf(ends, upper=""), conf(ends[::-1], "", "passive", upper="")
    pair.start(one, other)
    pair.up()
    seen = protected(pair, "an hour's SAs", ends, "esp", "tunnel")
    for host in pair.hosts:
        host.setkey("flush;")
    s = pair.a.host.socket(A4)
    s.sendto(b"who is there", (B4, 9))
    pair.claim(pair.up(but=seen), "after a flush ACQUIRE brings other SAs", pair.sas())
    seen |= protected(pair, "after a flush", ends, "esp", "tunnel")
    pair.a.ctl("reset", "sa")
    pair.claim(wait_for(lambda: not any(pair.sas())),
               "ikectl reset sa: they are deleted on both hosts", pair.sas())
    for text, how in ("stopped", signal.SIGTERM), ("killed", signal.SIGKILL):
        # A daemon that was killed leaves SAs at its peer, which prefers new ones.
        for host in pair.hosts:
            host.sysctl(f"net.key.preferred_oldsa={int(how == signal.SIGTERM)}")
        pair.a.stop(how)
        pair.a.start(one)
        pair.claim(wait_for(lambda: len(pair.a.sas()) == 2 and not set(pair.a.sas()) & seen
                            and set(pair.a.sas()) <= set(pair.b.sas())),
                   f"a daemon that was {text} comes back and negotiates", pair.sas())
        seen |= protected(pair, f"after it was {text}", ends, "esp", "tunnel")
    s.close()
    for host in pair.hosts:
        host.sysctl("net.key.preferred_oldsa=1")
    pair.end()


def both(pair):
    """Both sides begin at once, and may end with two pairs of SAs."""
    ends = (A4, B4)
    pair.a.start(conf(ends))
    pair.b.start(conf(ends[::-1]))
    pair.claim(wait_for(lambda: len(pair.a.sas()) >= 2
                        and set(pair.a.sas()) == set(pair.b.sas())),
               "both begin at once: they agree on SAs", pair.sas())
    got, seen, clear = exchange(pair, ends)
    pair.claim((got, clear) == (3, 0) and {p for p, _ in seen} == {50}
               and {s for _, s in seen} <= set(pair.a.sas()),
               "both begin at once: packets are protected", (got, clear, seen))
    pair.end()


def body():
    a, b = lab.hosts()
    for n, host in (1, a), (2, b):
        host.ip("".join(f"addr add 10.0.{k}.{n}/24 dev eth0\n"
                        f"addr add fd00:{k}::{n}/64 dev eth0 nodad\n" for k in (1, 2)))
    pair = Pair(a, b)
    try:
        for step in (lambda p: kinds(p, PLAIN), lambda p: kinds(p, IN_UDP, " -t"),
                     rekeyed, interrupted, both):
            start = time.monotonic()
            step(pair)
            print(f"# {time.monotonic() - start:.1f} s", flush=True)
    finally:
        pair.bad |= any(d.process for d in pair.daemons)
        pair.end()


lab.main(body)
