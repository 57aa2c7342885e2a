#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a packet costs in allocations, by the kernel's own tracepoints.

Datagrams are sent, received and forwarded in clear, then by each algorithm in each
mode; the kernel tells of each allocation for them who made it. Protected ones must not
take one more. In Debian's kernels only: the debug kernel has no tracepoints, there `oom`
counts what is sent.
"""
import collections
import contextlib
import glob
import os
import re

import lab
from lab import A4, A6, B4, B6
from suites import ah_suites, suites

TRACING = "/sys/kernel/tracing"
# Two of them went with 6.3.
EVENTS = "kmalloc", "kmalloc_node", "kmem_cache_alloc", "kmem_cache_alloc_node"
PORT, PACKETS = 7100, 12
# Datagrams whose buffers, of both kernels, have room to spare, see any_size().
SIZES = 700, 860, 1020, 1200
# Up to there Linux 6.12 has buffers that may lie across two pages; the crypto API
# copies the block of the cipher that does.
SMALL = 500
MODES = "transport", "tunnel"
ALGS = {"aes-gcm": "-E aes-gcm-16 0x" + "5a" * 20,
        "aes-cbc": f"-E aes-cbc 0x{'5a' * 16} -A hmac-sha2-256 0x{'5a' * 32}"}


def write(path, text):
    with open(f"{TRACING}/{path}", "w") as f:
        f.write(text)


def soft_interrupts():
    """The threads of the kernel that process what interrupts left, one a CPU."""
    for path in glob.glob("/proc/[0-9]*/comm"):
        with contextlib.suppress(OSError), open(path) as f:
            if f.read().startswith("ksoftirqd/"):
                yield int(path.split("/")[2])


def prepare():
    if not os.path.exists(f"{TRACING}/trace"):
        lab.run("mount", "-t", "tracefs", "trace", TRACING)
    write("tracing_on", "0")
    write("buffer_size_kb", "2048")
    # A datagram goes the whole way in the context of its sender, or of the thread of
    # soft interrupts when there is much to do. What others allocate is not for it: the
    # kernel tells of namespaces that an earlier case left, while it takes them down.
    write("set_event_pid", " ".join(map(str, (os.getpid(), *soft_interrupts()))))
    for event in EVENTS:
        with contextlib.suppress(FileNotFoundError):
            write(f"events/kmem/{event}/enable", "1")


def allocations(s, t, size):
    """Who allocates how often for one datagram from s to t, which knows its way.

    Interrupts allocate meanwhile too: what comes less often than the datagrams is theirs.
    """
    def once():
        s.send(bytes(size))
        return len(t.recv(2048)) == size

    arrived = once()
    write("trace", "\n")
    write("tracing_on", "1")
    for _ in range(PACKETS):
        arrived &= once()
    write("tracing_on", "0")
    with open(f"{TRACING}/trace") as f:
        seen = collections.Counter(re.findall(r"call_site=(\w+)", f.read()))
    return arrived, {who: n // PACKETS for who, n in seen.items() if n >= PACKETS}


def judge(table, row, clear, seen):
    """Each function allocates as often as in clear, or less."""
    more = {who: n for who, n in seen[1].items() if n > clear[1].get(who, 0)}
    table.equal(row, "arrived, allocations more than in clear", (True, {}), (seen[0], more))


def kinds():
    for mode in MODES:
        for suite in (*suites("ours", False), *ah_suites("ours")):
            yield suite.name, "esp" if suite.cipher else "ah", mode, suite.ours
        yield "deflate", "ipcomp", mode, "-C deflate"


def rules(host, way, src, dst, rows):
    """An SA and a policy for each row, told apart by the port."""
    text = "flush; spdflush;"
    for n, (_, proto, mode, algs) in enumerate(rows, 1):
        pair = f"{src}-{dst}" if mode == "tunnel" else ""
        text += (f"add {src} {dst} {proto} {0x4000 + n} -m {mode} -u {n} {algs};"
                 f"spdadd {src} {dst}[{PORT + n}] udp -P {way} ipsec"
                 f" {proto}/{mode}/{pair}/unique:{n};")
    host.setkey(text)


def between_hosts(a, b):
    rows = [*kinds()]
    table = lab.Matrix("allocations, sent and received",
                       [f"{mode}, {name}, IPv{v}" for name, _, mode, _ in rows for v in (4, 6)])
    for v, src, dst in (4, A4, B4), (6, A6, B6):
        for host, way in (a, "out"), (b, "in"):
            rules(host, way, src, dst, rows)
        clear = {}
        for n, (name, _, mode, _) in enumerate(((None,) * 4,) * len(SIZES) + tuple(rows)):
            size = SIZES[n % len(SIZES)]
            port = PORT + max(n - len(SIZES) + 1, 0)
            with b.socket(dst, port) as t, a.socket(src) as s:
                s.connect((dst, port))
                seen = allocations(s, t, size)
            if name is None:
                clear[size] = seen
            else:
                judge(table, f"{mode}, {name}, IPv{v}", clear[size], seen)
        lab.claim(all(arrived and seen for arrived, seen in clear.values()),
                  f"IPv{v}: allocations in clear are seen", clear)
    table.report()


def any_size(a, b):
    """A buffer that the datagram fills costs a larger one, and nothing else."""
    for host, way in (a, "out"), (b, "in"):
        host.setkey(f"""flush; spdflush;
            add {A4} {B4} esp 0x1000 -m tunnel {ALGS["aes-gcm"]};
            spdadd {A4} {B4}[{PORT}] udp -P {way} ipsec esp/tunnel/{A4}-{B4}/require;""")
    seen, wrong = collections.Counter(), []
    with b.socket(B4, PORT) as t, b.socket(B4, PORT - 1) as u, a.socket(A4) as s:
        for size in range(20, 1400, 40):
            s.connect((B4, PORT - 1))
            _, clear = allocations(s, u, size)
            s.connect((B4, PORT))
            arrived, taken = allocations(s, t, size)
            more = {who: n for who, n in taken.items() if n > clear.get(who, 0)}
            seen[sum(more.values())] += 1
            if size < SMALL:
                more.pop("skcipher_walk_next", None)
            if not arrived or more not in ({}, {"pskb_expand_head": 1}):
                wrong.append((size, arrived, more))
    lab.claim(not wrong, "any size: at most a larger buffer", wrong)
    lab.claim(seen[0] > seen[1], "any size: most of them not even that", seen)


def through_gateways(a, b, one, two):
    """Tunnels of both families around both, and the way out of them."""
    ways = [("10.1.0.1", "10.2.0.1", A4, B4), ("fd01::1", "fd02::1", A6, B6),
            ("10.1.0.1", "10.2.0.1", A6, B6), ("fd01::1", "fd02::1", A4, B4)]

    def row(name, src, start, size):
        return f"{name}, IPv{6 if ':' in src else 4} in IPv{6 if ':' in start else 4}, {size}"

    table = lab.Matrix("allocations, forwarded",
                       [row(name, src, start, size) for name in ALGS
                        for src, _, start, _ in ways for size in SIZES[::3]])
    for src, dst, start, end in ways:
        with b.socket(dst, 7000) as t, a.socket(src) as s:
            s.connect((dst, 7000))
            for host in one, two:
                host.setkey("flush; spdflush;")
            clear = {size: allocations(s, t, size) for size in SIZES[::3]}
            for name, alg in ALGS.items():
                for host, way in (one, "out"), (two, "fwd"):
                    host.setkey(f"""flush; spdflush;
                        add {start} {end} esp 0x1000 -m tunnel {alg};
                        spdadd {src} {dst} any -P {way} ipsec
                            esp/tunnel/{start}-{end}/require;""")
                for size in SIZES[::3]:
                    judge(table, row(name, src, start, size), clear[size],
                          allocations(s, t, size))
    table.report()


def body():
    prepare()
    a, b = lab.hosts()
    between_hosts(a, b)
    lab.equal("all of them were protected", 2 * len([*kinds()]) * (PACKETS + 1),
              a.stat()["out_success"] + a.stat()["out_uncompr"])
    any_size(a, b)
    for host in a, b:
        host.close()
        lab.run("ip", "netns", "del", host.name)
    through_gateways(*lab.gateways())


lab.main(body)
