#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Extended sequence numbers (RFC 4304) and large windows.

a is ours, b is native XFRM; every SA begins just below 2^32.
"""
import itertools
import re

import lab
import matrix
from lab import A4, B4

START = 0xfffffffd              # used last
WIRE = [0xfffffffe, 0xffffffff, 0, 1, 2, 3]


def combos():
    """Every algorithm x mode x family. Without an ICV nobody sees the upper half, and
    ours refuses it."""
    algs = [alg for alg in matrix.ALGS if alg[0] not in ("null-null", "aes-alone")]
    return [matrix.Combo(
        n, alg, *mode, options=f"-r 32 -f esn -seq {START}", flags=("esn",),
        native_options=f"replay-window 256 replay-seq {START} replay-oseq {START}")
        for n, (alg, mode) in enumerate(itertools.product(algs, matrix.MODES), 1)]


def native_states(b):
    """SPI: (high, low) number received and sent, from "ip xfrm state"."""
    found = re.findall(r"proto \w+ spi (0x\w+) .*?seq-hi (0x\w+), seq (0x\w+), "
                       r"oseq-hi (0x\w+), oseq (0x\w+)",
                       b.run("ip", "xfrm", "state"), re.S)
    return {int(spi, 0): [int(n, 0) for n in numbers] for spi, *numbers in found}


def dumped(host):
    """SPI: (window, ESN, number) as setkey -D shows them."""
    return {int(spi): (int(window), esn, int(number)) for spi, window, esn, number
            in re.findall(r"spi=(\d+).*?window: (\d+).packets.\tesn: (\w+)\t"
                          r"sequence: (\d+)", host.run("setkey", "-D"), re.S)}


def across(a, b):
    every = matrix.spoken(b, combos())
    matrix.addresses(a, b)
    a.setkey("".join(c.setkey(a) for c in every))
    b.ip("".join(c.xfrm(b) for c in every))
    wire = lab.Wire(a, b)
    results = [[matrix.answered(a, b, c.a, c.b, 700),
                matrix.answered(b, a, c.b, c.a, 40)] for c in every]
    frames = wire.frames()
    numbers = {}
    for f in frames:
        numbers.setdefault(f.spi, []).append(f.seq if f.spi else None)
    ours, theirs = dumped(a), native_states(b)
    table = lab.Matrix("native XFRM, ESN", [c.name for c in every])
    for c, result in zip(every, results):
        table.equal(c.name, "answered across 2^32", [3, 3], result)
        for way, spi in ("out", c.spi), ("back", c.spi + 1):
            table.equal(c.name, f"numbers on the wire, {way}", WIRE, numbers.get(spi))
            table.equal(c.name, f"as setkey shows it, {way}",
                        (32 * 8, "yes", (1 << 32) + 3), ours.get(spi))
        table.equal(c.name, "native has received and sent as much",
                    ([1, 3], [1, 3]), (theirs[c.spi][:2], theirs[c.spi + 1][2:]))
    table.report()
    lab.equal("ours dropped nothing", {}, a.drops())
    for name, proto in ("gcm16", 50), ("ah-sha1", 51):
        c = next(c for c in every if c.name.startswith(name))
        heard = [f.data for f in frames if f.spi == c.spi + 1]
        what = {50: "esp", 51: "ah"}[proto]
        lab.counted(a, f"{c.name}: replayed from both sides of 2^32",
                    {f"in_{what}replay": 6}, lambda: [b.inject(f) for f in heard])
        at = heard[0].index(bytes.fromhex("fffffffe"))
        far = heard[0][:at] + bytes.fromhex("80000000") + heard[0][at + 4:]
        lab.counted(a, f"{c.name}: what is left of the window counts as to come",
                    {f"in_{what}authfail": 1}, lambda: b.inject(far))


class Sent:
    """Packets of a with any numbers, taken from the wire."""

    def __init__(self, a, alg, options):
        self.a, self.alg, self.options = a, alg, options
        self.wire = lab.Wire(a, only=f"dst host {B4} and proto 50")

    def __call__(self, number):
        self.a.setkey(f"flush; add {A4} {B4} esp 0x5000 {self.options} "
                      f"-seq {number - 1} {self.alg};")
        with self.a.socket(A4) as s:
            s.sendto(b"numbered", (B4, 7010))
        return self.wire.frames()[-1].data


def windows(a, b):
    """The largest window, in both kinds of numbers, edge by edge."""
    alg = f"-E aes-gcm-16 {matrix.K16}{matrix.SALT}"
    full = 1 << 20
    for options, first in ("", 5), ("-f esn", (3 << 32) - 5):
        a.setkey(f"flush; spdflush; spdadd {A4} {B4} udp -P out ipsec "
                 "esp/transport//require;")
        b.setkey("flush; spdflush;")
        make = Sent(a, alg, options)
        left, right, next_one = map(make, (first, first + full - 1, first + full))
        b.setkey(f"add {A4} {B4} esp 0x5000 -r {full // 8} {options} "
                 f"-seq {first - 1 if first > 5 else 0} {alg};")
        taken = {"in_espauthsucc": 1, "in_success": 1}
        text = f"window of 2^20 {options}".strip()
        late = {"in_espauthfail": 1} if options else {"in_espold": 1}
        for what, frame, want in (
                ("the right edge", right, taken), ("the left edge", left, taken),
                ("the left edge again", left, {"in_espreplay": 1}),
                ("the next one", next_one, taken),
                ("what is then left of it", left, late)):
            lab.counted(b, f"{text}: {what}", want, lambda: a.inject(frame))
        seen = dumped(b)[0x5000]
        lab.equal(f"{text}: as setkey shows it",
                  (full, "yes" if options else "no", first + full), seen)


def body():
    lab.run("modprobe", "-a", "esp4", "esp6", "ah4", "ah6", "authencesn")
    a, b = lab.hosts()
    across(a, b)
    b.ip("xfrm state flush\nxfrm policy flush\n")
    windows(a, b)


lab.main(body)
