#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ipsecwhy: what it says about a flow is what happens to its packets."""
import subprocess

import lab
from lab import A4, A6, B4, B6

KEY = "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"


def why(host, *flow):
    """(exit status, text) of ipsecwhy."""
    with host.entered():
        done = subprocess.run(["ipsecwhy", *flow], text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


def says(host, text, flow, status, *parts):
    got, said = why(host, *flow.split())
    missing = [p for p in parts if p not in said]
    lab.claim(got == status and not missing, f"{text}: {flow}",
              f"status {got}, without {missing} in: {said}")


def counts_nothing(host, flow):
    """Three times, because the host speaks to its neighbours, now and then."""
    for _ in range(3):
        before = host.stat()
        why(host, *flow.split())
        if host.stat() == before:
            return True
    return False


def sent(host, to, port=7000):
    """Does a datagram leave the host, and as what protocol?"""
    wire = lab.Wire(host, only=f"dst host {to}")
    with host.socket(A6 if ":" in to else A4) as s:
        try:
            s.sendto(b"a datagram", (to, port))
        except OSError:
            pass
    return [f.proto for f in wire.frames() if f.proto in (17, 50, 51)]


# What setkey loads; the flow; status; what is said; what leaves the host.
OUT = (
    ("no policy", "", f"out {A4} {B4}[7000] udp", 0,
     ("def_policy decides: none", "sent in clear"), [17]),
    ("an entry of type none", f"spdadd {A4} {B4} any -P out none;",
     f"out {A4} {B4}[7000] udp", 0,
     (f"{A4}[any] {B4}[any] any", "out prio def none", "sent in clear"), [17]),
    ("discard", f"spdadd {A4} {B4}[7000] udp -P out discard;",
     f"out {A4} {B4}[7000] udp", 1, ("out prio def discard", "out_polvio"), []),
    ("another port", f"spdadd {A4} {B4}[7001] udp -P out discard;",
     f"out {A4} {B4}[7000] udp", 0, ("def_policy",), [17]),
    ("no SA at level require",
     f"spdadd {A4} {B4} any -P out ipsec esp/transport//require;",
     f"out {A4} {B4}[7000] udp", 1,
     ("esp/transport, level require", f"from {A4} to {B4}:\n\tnone", "out_nosa"), []),
    ("no SA at level use",
     f"spdadd {A4} {B4} any -P out ipsec esp/transport//use;",
     f"out {A4} {B4}[7000] udp", 0, ("level use", "\tnone", "sent in clear"), [17]),
    ("level default, which is use",
     f"spdadd {A4} {B4} any -P out ipsec esp/transport//default;",
     f"out {A4} {B4}[7000] udp", 0,
     ("level default, which is use now", "sent in clear"), [17]),
    ("an SA of the wrong mode",
     f"""add {A4} {B4} esp 0x1001 -m tunnel {KEY};
     spdadd {A4} {B4} any -P out ipsec esp/transport//require;""",
     f"out {A4} {B4}[7000] udp", 1, ("does not do, because of its mode", "out_nosa"), []),
    ("an SA of another reqid",
     f"""add {A4} {B4} esp 0x1001 -u 5 {KEY};
     spdadd {A4} {B4} any -P out ipsec esp/transport//unique:6;""",
     f"out {A4} {B4}[7000] udp", 1,
     ("with reqid 6", "because of its reqid", "out_nosa"), []),
    ("an SA without keys",
     f"""getspi {A4} {B4} esp 0x1001;
     spdadd {A4} {B4} any -P out ipsec esp/transport//require;""",
     f"out {A4} {B4}[7000] udp", 1,
     ("larval", "not usable in this state", "out_nosa"), []),
    ("two SAs, the older sends",
     f"""add {A4} {B4} esp 0x1001 {KEY}; add {A4} {B4} esp 0x1002 {KEY};
     spdadd {A4} {B4} any -P out ipsec esp/transport//require;""",
     f"out {A4} {B4}[7000] udp", 0,
     ("spi=4098(0x00001002) mature", "used: spi=4097(0x00001001)",
      "sent protected"), [50]),
    ("a tunnel, and where it leaves",
     f"""add {A4} {B4} esp 0x1001 -m tunnel {KEY};
     spdadd {A4} {B4} any -P out ipsec esp/tunnel/{A4}-{B4}/require;""",
     f"out {A4} {B4}[7000] udp", 0,
     ("tunnel 0x00001001 leaves by eth0", "sent protected"), [50]),
    ("a tunnel that leads nowhere",
     f"""add {A4} 198.51.100.1 esp 0x1001 -m tunnel {KEY};
     spdadd {A4} {B4} any -P out ipsec esp/tunnel/{A4}-198.51.100.1/require;""",
     f"out {A4} {B4}[7000] udp", 1, ("out_noroute",), []),
    ("IPv6", f"""add {A6} {B6} esp 0x1001 {KEY};
     spdadd {A6} {B6} any -P out ipsec esp/transport//require;""",
     f"out {A6} {B6}[7000] udp", 0, ("used: spi=4097", "sent protected"), [50]),
)

IN = (
    ("no policy, in", "", f"in {B4} {A4} tcp", 0, ("def_policy", "packet passes")),
    ("ESP required", f"spdadd {B4} {A4} any -P in ipsec esp/transport//require;",
     f"in {B4} {A4} tcp", 0, ("in clear is dropped and counted as in_polvio",)),
    ("ESP wished", f"spdadd {B4} {A4} any -P in ipsec esp/transport//use;",
     f"in {B4} {A4} tcp", 0, ("passes, in clear as well",)),
    ("an ICMP type", f"spdadd {B4} {A4} icmp 8,0 -P in discard;",
     f"in {B4} {A4} icmp 8,0", 1, ("in_polvio",)),
    ("another ICMP type", f"spdadd {B4} {A4} icmp 8,0 -P in discard;",
     f"in {B4} {A4} icmp 0,0", 0, ("def_policy",)),
    ("forwarding, by the list in", f"spdadd {B4} 10.9.0.1 any -P in discard;",
     f"fwd {B4} 10.9.0.1 tcp", 1, ("in prio def discard", "in_polvio")),
)

REFUSED = (
    ("sideways 10.0.0.1 10.0.0.2", "expected in, out or fwd"),
    (f"out {A4} {B6}", "different families"),
    (f"out {A4} {B4}[80", "expected a port"),
    (f"out {A4} {B4} nonesuch", "unknown upper layer protocol"),
    (f"out {A4} {B4} tcp 8,0", "only icmp and icmp6"),
    ("out", "usage:"),
)

# The kernel's file, and what is no question.
LINES = ("", "out", f"up {A4} 0 {B4} 0 6", f"out {A4} 0 {B6} 0 6", "out 1 0 2 0 6",
         f"out {A4} 65536 {B4} 0 6", f"out {A4} 0 {B4} 0 256",
         f"out {A4} 0 {B4} 0 6 7", "out " + "1" * 200)


def refuses_lines(a):
    with a.entered():
        with open("/proc/thread-self/net/ipsec_why", "r+b", buffering=0) as f:
            for line in LINES:
                try:
                    f.write(line.encode() or b" ")
                    lab.claim(False, f"refused: {line[:40]!r}", "taken")
                except OSError as err:
                    lab.equal(f"refused: {line[:40]!r}", 22, err.errno)
            lab.equal("and then there is no answer", b"", f.read())


def body():
    a, b = lab.hosts()
    for text, load, flow, status, parts, leaves in OUT:
        a.setkey("flush; spdflush;" + load)
        says(a, text, flow, status, *parts)
        lab.claim(counts_nothing(a, flow), f"{text}: asking counts nothing", "it does")
        lab.equal(f"{text}: so it is", leaves, sent(a, flow.split()[2].split("[")[0]))
    for text, load, flow, status, parts in IN:
        a.setkey("flush; spdflush;" + load)
        says(a, text, flow, status, *parts)
    for flow, part in REFUSED:
        says(a, "refused", flow, 2, part)
    refuses_lines(a)
    says(b, "by the name of the namespace", f"-n a fwd {B4} 10.9.0.1 tcp", 1, "in_polvio")


lab.main(body)
