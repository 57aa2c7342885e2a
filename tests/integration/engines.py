#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Compression is made once for all namespaces, however many ask for it at once, and
none of them waits for another one: not for its memory, the modules of its ciphers, or its
end.

What is there can be counted: each CPU has one buffer, for which the kernel has a row
in /proc/vmallocinfo. Where a cipher is a module, modprobe hangs for the namespace of an
ordinary user as long as the case wants, while others ask. No time is measured: what is
to happen meanwhile has happened before modprobe goes on.
"""
import contextlib
import os
import signal
import time

import lab
import users
from lab import A4, B4
from modprobe import modprobe_is, take_away
from pfkey_client import ADD, ESP, FLUSH, IPCOMP, Client, ends, key, name, sa, sa2

DEBUG = os.path.exists("/sys/kernel/debug/kunit")       # there all is built in
DEFLATE, SERPENT, TWOFISH = 2, 252, 253
ROUNDS, CROWD = 10, 6
# What waits for another namespace would do so for ever; this is when to call it that.
PATIENCE = 60
# Of each host, for a datagram out and one in.
COUNTS = [dict.fromkeys(("in_comphist", "in_success", "out_comphist", "out_success"), 1)] * 2
WORKS = [True, True], COUNTS
HELD, GO = "/run/engines.held", "/run/engines.go"
TEXT = b"the quick brown fox jumps over the lazy dog. " * 20
# The kernel's call for Twofish with this number hangs until the case lets it go, and
# those before it find nothing.
HANGS = f"""
echo "$*" >>$log
case $* in *twofish*)
	[ $(grep -c twofish $log) -ge @FROM ] || exit 1
	if mkdir {HELD} 2>/dev/null; then
		while [ ! -e {GO} ]; do sleep 0.05; done
	fi
esac
exec $usual "$@"
"""


def cpus():
    """Those that there may be."""
    with open("/sys/devices/system/cpu/possible", encoding="ascii") as f:
        spans = [part.split("-") for part in f.read().strip().split(",")]
    return sum(int(span[-1]) - int(span[0]) + 1 for span in spans)


def buffers():
    """Of 64 kB and a page that guards it, which nothing else of ours has."""
    with open("/proc/vmallocinfo", encoding="ascii") as f:
        return sum("[ipsec]" in line and "pages=16 " in line for line in f)


def settle(want, seen):
    """What is seen, when it is what is wanted or does not get there."""
    deadline = time.monotonic() + PATIENCE
    while (now := seen()) != want and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def comp(spi, src=A4, dst=B4):
    return sa(spi, encrypt=DEFLATE, replay=0, flags=0x80) + sa2() + ends(src, dst)


def add(c, spi=0x3000):
    """Both ways; the errno of the first one that is refused."""
    wrong = [name(r.errno) for r in (c.ask(ADD, IPCOMP, comp(spi)),
                                     c.ask(ADD, IPCOMP, comp(spi + 1, B4, A4)))]
    return next((w for w in wrong if w != "0"), "0")


class Other:
    """A process that asks; in namespaces of its own, as an ordinary user, or a host."""

    def __init__(self, ask, host=None, wait=None):
        self.answer, told = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            os.close(self.answer)
            self.play(ask, host, wait, told)
        os.close(told)

    @staticmethod
    def play(ask, host, wait, told):
        """Never returns. The answer is told; the namespace stays until it is read."""
        try:
            if host:
                lab.PLACE.go(host.fd)
            else:
                users.become(users.Identity(uid=65534, own=True))
            c = Client()
            if wait is not None:
                os.read(wait, 1)
            os.write(told, ask(c).encode())
            signal.pause()
        finally:
            os._exit(1)

    def said(self, patience=PATIENCE):
        """Its answer, or None if it still waits."""
        os.set_blocking(self.answer, False)
        deadline = time.monotonic() + patience
        while True:
            with contextlib.suppress(BlockingIOError):
                return os.read(self.answer, 100).decode()
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)

    def end(self):
        """It dies, and its namespace if that has no other one, wherever it is."""
        os.kill(self.pid, signal.SIGKILL)
        status = os.waitpid(self.pid, 0)[1]
        os.close(self.answer)
        return status


def flushed(c):
    return name(c.ask(FLUSH, IPCOMP).errno)


def traffic(a, b):
    """One datagram each way: what arrives, and what both hosts count."""
    def counted():
        return [{k: n - before[h][k] for k, n in h.stat().items() if n != before[h][k]
                 and k.startswith(("in_", "out_"))} for h in (a, b)]

    before, got = {h: h.stat() for h in (a, b)}, []
    with a.socket(A4, 7000) as s, b.socket(B4, 7000) as t:
        for one, two, peer in (s, t, B4), (t, s, A4):
            one.sendto(TEXT, (peer, 7000))
            with contextlib.suppress(TimeoutError):
                got.append(two.recv(2000) == TEXT)
    return got, settle(COUNTS, counted)


def policies(a, b):
    for host, out, back in (a, "out", "in"), (b, "in", "out"):
        host.setkey("flush; spdflush;"
                    f"spdadd {A4} {B4} udp -P {out} ipsec ipcomp/transport//require;"
                    f"spdadd {B4} {A4} udp -P {back} ipsec ipcomp/transport//require;")


def at_once(a, b):
    """Both hosts, and strangers of whom each other one dies as it builds."""
    wrong = []
    for _ in range(ROUNDS):
        wait, gate = os.pipe()
        crowd = [Other(add, wait=wait) for _ in range(CROWD)]
        pair = [Other(add, host, wait) for host in (a, b)]
        # All of them are at the gate, or get there; it is open for each from now on.
        os.write(gate, bytes(CROWD + 2))
        for one in crowd[::2]:
            one.end()
        said = [one.said() for one in pair + crowd[1::2]]
        there = settle(cpus(), buffers)
        seen = traffic(a, b)
        for one in pair + crowd[1::2]:
            one.end()
        for host in a, b:
            with host.entered():
                flushed(Client())
        left = settle(0, buffers)
        os.close(wait)
        os.close(gate)
        if (said, there, left, seen) != (["0"] * len(said), cpus(), 0, WORKS):
            wrong.append((said, there, left, seen))
            break
    lab.equal(f"{ROUNDS} times {CROWD + 2} namespaces build at once, some die meanwhile: "
              "all get IPComp, each CPU one buffer, and none is left", [], wrong)


@contextlib.contextmanager
def hanging(who, first=1):
    """modprobe hangs for who asks now: from the first call on that is not to fail."""
    with contextlib.suppress(OSError):
        os.unlink(GO)
    with contextlib.suppress(OSError):
        os.rmdir(HELD)
    take_away(("serpent", "twofish"))
    with modprobe_is(HANGS.replace("@FROM", str(first))):
        one = Other(who)
        assert settle(True, lambda: os.path.exists(HELD)), "no modprobe"
        try:
            yield one
        finally:
            open(GO, "w", encoding="ascii").close()


def with_cipher(number):
    def ask(c):
        r = c.ask(ADD, ESP, sa(0x7000, encrypt=number, auth=0) + ends() + key(9, bytes(16)))
        return name(r.errno)

    return ask


def others_build(a, b):
    """While the modules of one namespace do not come."""
    with hanging(with_cipher(TWOFISH)) as one:
        pair = [Other(add, host) for host in (a, b)]
        serpent = Other(with_cipher(SERPENT), a)
        said = [other.said() for other in pair + [serpent]], one.said(0)
        if not lab.equal("modprobe hangs for one namespace: others get IPComp and ciphers "
                         "meanwhile", (["0"] * 3, None), said):
            return
        lab.equal("it works, and is counted", WORKS, traffic(a, b))
        ended = [Other(flushed, host) for host in (a, b)]
        lab.equal("their SAs end, and none waits for the one that asks",
                  ["0", "0"], [other.said() for other in ended])
        lab.equal("nor for each other: no buffer is left", 0, settle(0, buffers))
    lab.equal("modprobe goes on: that namespace gets its cipher too", "0", one.said())
    for other in [one, serpent] + pair + ended:
        other.end()


def dies(a, b):
    """A namespace that ends as it asks."""
    with hanging(with_cipher(TWOFISH)) as one:
        other = Other(add, a)
        said = other.said()
        lab.equal("it is killed while modprobe hangs", signal.SIGKILL, one.end())
        lab.equal("the others have what they have", ("0", cpus()), (said, buffers()))
        ended = Other(flushed, a)
        said = ended.said()
        lab.equal("and with their last SA the last buffer goes, before modprobe goes on",
                  ("0", 0), (said, settle(0, buffers)))
    with b.entered():
        lab.equal("the next one builds anew", ("0", cpus()), (add(Client()), buffers()))
        flushed(Client())
    for one in other, ended:
        one.end()
    lab.equal("none is left in the end", 0, settle(0, buffers))


def anew():
    """Not with what it remembers of times when modprobe found nothing."""
    lab.run("rmmod", "ipsec")
    lab.run("insmod", "/ipsec/ipsec.ko")


def calls(host):
    """How often Twofish is asked for when there is none: last by a work item."""
    anew()
    take_away(("twofish",))
    with modprobe_is("""echo "$*" >>$log
case $* in *twofish*) exit 1; esac
exec $usual "$@"
""") as log:
        other = Other(with_cipher(TWOFISH), host)
        lab.equal("without modules there is no Twofish", "ENOSYS", other.said())
        other.end()
        with open(log, encoding="ascii") as f:
            return sum("twofish" in line for line in f)


def others_ask(a, b):
    """Whether one namespace's cipher is there cannot be said yet: its process finds no
    module, then a work item asks."""
    last = calls(a)
    anew()
    with hanging(with_cipher(TWOFISH), first=last) as one:
        pair = [Other(add, a), Other(with_cipher(SERPENT), b)]
        said = [other.said() for other in pair], one.said(0)
        lab.equal("it hangs for the answer about one algorithm: others have theirs",
                  (["0", "0"], None), said)
    lab.equal("modprobe goes on, and there is an answer", True, one.said() is not None)
    for other in [one] + pair:
        other.end()
    anew()


def body():
    a, b = lab.hosts()
    if not DEBUG:
        anew()
    lab.equal("nobody has IPComp: no buffer", 0, settle(0, buffers))
    policies(a, b)
    at_once(a, b)
    if not DEBUG:
        others_build(a, b)
        dies(a, b)
        others_ask(a, b)


lab.main(body)
