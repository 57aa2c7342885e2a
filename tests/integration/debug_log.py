#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The debug knobs and the kernel log: each namespace has lines of its own for each reason,
and those of unprivileged users are limited together.

No line depends on how fast the machine is: what is allowed grows with the windows of time
that have begun.
"""
import collections
import contextlib
import os
import re
import socket
import time

import lab
import users
from lab import A4, B4
from pfkey_client import ESP, GET, SPDADD, Client, address, ends, name, policy, request, sa
from sock_client import DISCARD, IN, IPSEC, OUT
from users import Identity

WINDOW, LINES, GUEST, GUESTS = 5, 10, 20, 100
EACH = 60               # drops of each reason
LOCAL = "127.0.0.1"
LINE = re.compile(r"ipsec: netns (\d+)( \S+)?: (\w+).*?(?:, (\d+) more not shown)?$")


def inode(host):
    return str(os.fstat(host.fd).st_ino)


def windows(began):
    """How many windows there were since, the one that has begun among them."""
    return 2 + int((time.monotonic() - began) / WINDOW)


def parsed(lines):
    """Namespace, device, reason, hidden lines."""
    return [(m[1], (m[2] or "").strip(), m[3], int(m[4] or 0)) for m in map(LINE.match, lines)]


def counts(lines):
    return collections.Counter((netns, reason) for netns, _, reason, _ in parsed(lines))


def drops(sock, address, *ports, times=EACH):
    for _ in range(times):
        for port in ports:
            with contextlib.suppress(OSError):
                sock.sendto(b"flood", (address, port))


def reasons(a):
    """A flood of one reason hides no other one, and no other namespace's."""
    a.setkey(f"spdadd {A4} {B4}[1] udp -P out discard;"
             f"spdadd {A4} {B4}[2] udp -P out ipsec esp/transport//require;")
    before = a.stat()
    began = time.monotonic()
    with lab.kernel_log() as lines, a.socket(A4) as s:
        a.sysctl("net.inet.ipsec.debug=1")
        drops(s, B4, 1, times=100)
        drops(s, B4, 2, times=1)
        most = LINES * windows(began)
        time.sleep(WINDOW + 0.1)
        drops(s, B4, 1, times=1)
        a.sysctl("net.inet.ipsec.debug=0")
        drops(s, B4, 1, times=1)
    seen, mine = counts(lines), inode(a)
    lab.claim(LINES < seen[mine, "out_polvio"] <= most + 1,
              "a hundred drops are a few lines in the log", seen)
    lab.equal("another reason is not hidden by them", 1, seen[mine, "out_nosa"])
    lab.equal("while each is counted", {"out_polvio": 102, "out_nosa": 1},
              {k: a.stat()[k] - before[k] for k in ("out_polvio", "out_nosa")})
    lab.equal("what was not shown is told", 101 - seen[mine, "out_polvio"],
              sum(row[3] for row in parsed(lines)))
    lab.equal("all lines name the namespace and the device", {(mine, "eth0")},
              {row[:2] for row in parsed(lines)})
    a.setkey("spdflush;")


def neighbours(a, b):
    """A namespace that floods takes nothing from another one, nor from the kernel."""
    for host, (src, dst) in ((a, (A4, B4)), (b, (B4, A4))):
        host.setkey(f"spdadd {src} {dst} udp -P out discard;")
        host.sysctl("net.inet.ipsec.debug=1")
    log = lab.KernelLog()
    with a.socket(A4) as s, b.socket(B4) as t:
        drops(s, B4, 7, times=200)
        drops(t, A4, 7, times=1)
    seen = log.lines()
    lab.equal("a neighbour's line is there though others flood", 1,
              counts([text for _, text in seen if text.startswith("ipsec: ")])
              [inode(b), "out_polvio"])
    lab.equal("the kernel's own limit is not touched", [],
              [text for _, text in seen if "net_ratelimit" in text])
    for host in a, b:
        host.sysctl("net.inet.ipsec.debug=0")
        host.setkey("spdflush;")


def key_manager(a):
    """Requests of PF_KEY have lines of their own."""
    with a.entered():
        c = Client()
    began = time.monotonic()
    with lab.kernel_log() as lines:
        a.sysctl("net.key.debug=17")
        for _ in range(EACH):
            c.ask(GET, ESP, sa(0x1001) + ends())
        a.sysctl("net.key.debug=0")
    c.sock.close()
    lab.claim(LINES <= len(lines) <= LINES * windows(began),
              f"{EACH} requests are a few lines", len(lines))


def guest():
    """In a user namespace of its own: as many lines as it can, of four reasons."""
    lab.loopback()
    c = Client()
    for port, what in ((1, policy(OUT, DISCARD)), (2, policy(OUT, IPSEC, request())),
                       (3, policy(IN, DISCARD))):
        answer = c.ask(SPDADD, 0, address(5, LOCAL, 32, 17) + address(6, LOCAL, 32, 17, port)
                       + what)
        assert not answer.errno, (port, name(answer.errno))
    for knob in "inet/ipsec/debug", "key/debug":
        with open(f"/proc/sys/net/{knob}", "w") as f:
            f.write("17")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((LOCAL, 0))
        for _ in range(EACH):
            for port in 1, 2, 3:
                with contextlib.suppress(OSError):
                    s.sendto(b"flood", (LOCAL, port))
            c.ask(GET, ESP, sa(0x1001) + ends())
    return os.stat("/proc/thread-self/ns/net").st_ino


def guests(b):
    """Eight unprivileged users; meanwhile the administrator's namespace is heard."""
    b.setkey(f"spdadd {B4} {A4} udp -P out discard;")
    b.sysctl("net.inet.ipsec.debug=1")
    began = time.monotonic()
    with lab.kernel_log() as lines, b.socket(B4) as s:
        started = [users.start(Identity(uid=2000 + n, own=True), guest)
                   for n in range(8)]
        netns = [users.ended(one) for one in started]
        most = windows(began)
        drops(s, A4, 7, times=1)
        b.sysctl("net.inet.ipsec.debug=0")
    b.setkey("spdflush;")
    lab.claim(all(isinstance(n, int) for n in netns), "eight users flood the log", netns)
    each = collections.Counter(row[0] for row in parsed(lines))
    told = [each[str(n)] for n in netns]
    lab.claim(max(told) >= GUEST and max(told) <= GUEST * most,
              f"none has more than {GUEST} lines in {WINDOW} s", (told, most))
    lab.claim(sum(told) <= GUESTS * most,
              f"all of them together no more than {GUESTS}", (told, most))
    lab.equal("the administrator's line is there", 1, each[inode(b)])


def body():
    a, b = lab.hosts()
    reasons(a)
    time.sleep(WINDOW + 0.1)
    neighbours(a, b)
    key_manager(a)
    guests(b)


lab.main(body)
