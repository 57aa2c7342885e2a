#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net.inet.ipsec, net.inet6.ipsec6, net.key: what is there, and what it does."""
import os

import lab
from lab import A4, A6, B4, B6
from pfkey_client import ADD, DELETE, ESP, FLUSH, GET, GETSPI, Client, ends, esp, name, sa, \
    spirange

LEVEL = (1, (1, 2), (0, 3, -1))
FAMILY = {
    "def_policy": (1, (0, 1), (2, -1)),
    "esp_trans_deflev": LEVEL, "esp_net_deflev": LEVEL,
    "ah_trans_deflev": LEVEL, "ah_net_deflev": LEVEL,
    "ecn": (0, (-1, 0, 1), (-2, 2)),
    "mss_clamp": (0, (0, 1, 1200, 0xffff), (-1, 0x10000)),
    "debug": (0, (0, 1), (-1, "x")),
}
# Directory, knob: default, what may be written, what may not.
KNOBS = {
    "net/inet/ipsec": {
        **FAMILY,
        "ah_cleartos": (1, (0, 1), (-1,)),
        "ah_offsetmask": (0, (0, 0x4000, 0xffff), (-1, 0x10000)),
        "dfbit": (0, (0, 1, 2), (-1, 3)),
        "check_policy_history": (0, (0, 1), (-1, 2)),
        "natt_cksum_policy": (0, (0, 1), (-1, 2)),
    },
    "net/inet6/ipsec6": FAMILY,
    "net/key": {
        "debug": (0, (0, 1, 0x77), (-1, "x")),
        "int_random": (60, (0, 1, 3600), (-1,)),
        "spi_trycnt": (1000, (1,), (0,)),
        "spi_minval": (0x100, (0x200,), (0xff,)),
        "spi_maxval": (0x0fffffff, (0x1000,), (0xff,)),
        "larval_lifetime": (30, (1,), (0,)),
        "preferred_oldsa": (1, (0, 1), (2, -1)),
        "delete_grace": (0, (0, 1, 3600), (-1, 3601)),
        "max_sa": (0x7fffffff, (0, 8192), (-1,)), "max_sp": (0x7fffffff, (0, 8192), (-1,)),
        "blockacq_count": (10, (0, 1), (-1,)), "blockacq_lifetime": (20, (0, 1), (-1,)),
        "esp_keymin": (256, (0, 128), (-1,)), "esp_auth": (0, (0, 1), (2, -1)),
        "ah_keymin": (128, (0, 512), (-1,)),
    },
}


def path(place, knob=""):
    return f"/proc/sys/{place}/{knob}"


def read(place, knob):
    with open(path(place, knob)) as f:
        return int(f.read())


def write(place, knob, value):
    """Whether it was taken."""
    try:
        with open(path(place, knob), "w") as f:
            f.write(str(value))
    except OSError:
        return False
    return True


def table(a, b):
    for place, knobs in KNOBS.items():
        with a.entered():
            lab.equal(f"{place}: these and no others", sorted(knobs),
                      sorted(os.listdir(path(place))))
            for knob, (value, good, bad) in knobs.items():
                lab.equal(f"{place}/{knob}: default", value, read(place, knob))
                for x in bad:
                    lab.claim(not write(place, knob, x), f"{place}/{knob}: {x} is refused",
                              "taken")
                lab.equal(f"{place}/{knob}: and changes nothing", value,
                          read(place, knob))
                for x in good:
                    lab.equal(f"{place}/{knob}: {x} is taken", (True, x),
                              (write(place, knob, x), read(place, knob)))
        with b.entered():
            lab.equal(f"{place}: another namespace keeps its own",
                      {k: v[0] for k, v in knobs.items()},
                      {k: read(place, k) for k in knobs})
        with a.entered():
            for knob, (value, *_) in knobs.items():
                write(place, knob, value)
    with a.entered():
        write("net/inet/ipsec", "debug", 1)
        lab.equal("debug is one knob under two names", 1,
                  read("net/inet6/ipsec6", "debug"))
        write("net/inet6/ipsec6", "debug", 0)


def arrives(a, b, v):
    """Whether a datagram of that family from a reaches b."""
    own, peer = {4: (A4, B4), 6: (A6, B6)}[v]
    with a.socket(own) as s, b.socket(peer, 7000, timeout=0.5) as t:
        s.sendto(b"knobs", (peer, 7000))
        try:
            return t.recv(100) == b"knobs"
        except TimeoutError:
            return False


def def_policy(a, b):
    a.sysctl("net.inet.ipsec.def_policy=0")
    before = a.stat()["out_polvio"]
    lab.equal("def_policy 0 discards IPv4 and not IPv6", [False, True],
              [arrives(a, b, v) for v in (4, 6)])
    lab.equal("and counts it", before + 1, a.stat()["out_polvio"])
    a.setkey(f"spdadd {A4} {B4} any -P out none;")
    lab.equal("a policy of type none opens it", True, arrives(a, b, 4))
    a.setkey("spdflush;")
    lab.equal("without it, closed again", False, arrives(a, b, 4))
    a.sysctl("net.inet.ipsec.def_policy=1", "net.inet6.ipsec6.def_policy=0")
    lab.equal("def_policy of IPv6 is its own", [True, False],
              [arrives(a, b, v) for v in (4, 6)])
    a.sysctl("net.inet6.ipsec6.def_policy=1")
    b.sysctl("net.inet.ipsec.def_policy=0")
    before = b.stat()["in_polvio"]
    lab.equal("def_policy 0 holds for what is received", False, arrives(a, b, 4))
    lab.equal("and counts that", before + 1, b.stat()["in_polvio"])
    b.sysctl("net.inet.ipsec.def_policy=1")


def deflev(a, b):
    """A level "default" obeys the knob at once, in transport and in tunnel mode."""
    for v, base, own, peer in ((4, "net.inet.ipsec", A4, B4),
                               (6, "net.inet6.ipsec6", A6, B6)):
        for knob, request in (("esp_trans_deflev", "esp/transport//default"),
                              ("esp_net_deflev", f"esp/tunnel/{own}-{peer}/default")):
            a.setkey(f"spdflush; spdadd {own} {peer} udp -P out ipsec {request};")
            seen = []
            for level in 1, 2, 1:
                a.sysctl(f"{base}.{knob}={level}")
                seen.append(arrives(a, b, v))
            lab.equal(f"{base}.{knob} 1, 2, 1 without an SA", [True, False, True], seen)
    a.setkey("spdflush;")


def spis(a):
    """Where GETSPI draws from when no range is asked for, and how often."""
    with a.entered():
        c = Client()

    def draw(count, keep=False):
        """What each one was given: an SPI, or an errno."""
        seen = []
        for _ in range(count):
            r = c.ask(GETSPI, ESP, ends())
            seen.append(name(r.errno) if r.errno else r.spi())
            if not r.errno and not keep:
                c.ask(DELETE, ESP, sa(r.spi()) + ends())
        return seen

    first = draw(50)
    lab.claim(len(set(first)) > 40 and all(0x100 <= x <= 0xfffffff for x in first),
              "spi_minval, spi_maxval: drawn between them", first)
    a.sysctl("net.key.spi_maxval=65539", "net.key.spi_minval=65536")
    seen = draw(5, keep=True)
    lab.equal("spi_minval, spi_maxval: each of four, and then EEXIST",
              ({65536, 65537, 65538, 65539}, "EEXIST"), (set(seen[:4]), seen[4]))
    c.ask(DELETE, ESP, sa(65538) + ends())
    lab.equal("spi_trycnt 1000: one that is free among four is found", {65538},
              set(draw(50)))
    a.sysctl("net.key.spi_trycnt=1")
    lab.equal("spi_trycnt 1: now and then", {65538, "EEXIST"}, set(draw(100)))
    a.sysctl("net.key.spi_trycnt=1000", "net.key.spi_maxval=65535")
    lab.equal("spi_minval above spi_maxval leaves none", {"EINVAL"}, set(draw(1)))
    r = c.ask(GETSPI, ESP, ends() + spirange(0x300, 0x300))
    lab.equal("a range that is asked for needs neither", (0, 0x300), (r.errno, r.spi()))
    a.sysctl("net.key.spi_minval=256", "net.key.spi_maxval=268435455")
    c.ask(FLUSH, 0)


def requests(a):
    """net.key.debug: who asked what, and nothing that was in it."""
    with a.entered():
        c = Client()
    for bits, want in (0, 0), (0x01, 0), (0x10, 0), (0x66, 0), (0x11, 2), (0x77, 2):
        with lab.kernel_log() as lines:
            a.sysctl(f"net.key.debug={bits}")
            c.ask(ADD, ESP, esp(0x1000), seq=bits, pid=4711)
            c.ask(GET, ESP, sa(0x1001) + ends(), seq=bits, pid=4711)
            a.sysctl("net.key.debug=0")
        told = [f"ipsec: netns {os.fstat(a.fd).st_ino}: PF_KEY type {kind}, satype 3, "
                f"seq {bits}, pid 4711: errno {number}"
                for kind, number in ((3, 0), (5, 3))]
        lab.equal(f"net.key.debug {bits:#x}: {want} requests in the log, no key",
                  told[:want], lines)
        c.ask(FLUSH, 0)


def body():
    a, b = lab.hosts()
    table(a, b)
    def_policy(a, b)
    deflev(a, b)
    spis(a)
    requests(a)


lab.main(body)
