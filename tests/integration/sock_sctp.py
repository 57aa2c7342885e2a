#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Policies of SCTP sockets on the wire, and where the core leaves them alone: it gives
an accepted socket none, but for newer kernels, and a closed one loses its own before the
last chunk is sent."""
import contextlib
import errno
import socket
import struct
import time

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6
from sock_client import (BYPASS, ENTRUST, ESP, IN, IPSEC, OUT, ask, both, give, policy,
                         request, tried)

KEY = "-E aes-gcm-16 0x00112233445566778899aabbccddeeff01020304"
SCTP, STREAM, MANY = socket.IPPROTO_SCTP, socket.SOCK_STREAM, socket.SOCK_SEQPACKET
# Family of the packets: both ends as the sockets name them, the SPIs of both ways.
ENDS = {"IPv4": (A4, B4, 0x1000, 0x1001), "IPv6": (A6, B6, 0x1100, 0x1101),
        "v4-mapped": (f"::ffff:{A4}", f"::ffff:{B4}", 0x1000, 0x1001)}
ONE_FAMILY = "IPv4", "IPv6"
PROTECTED = both(request(ESP))
BYPASSES = policy(IN, BYPASS), policy(OUT, BYPASS)
TEXT = b"what nobody else may read"
SNDINFO, EOF = 2, 0x200


def sas(*hosts):
    """SAs between a and b, both ways, and no policy."""
    for host in hosts:
        host.setkey("flush; spdflush;" + "".join(
            f"add {x} {y} esp {spi} {KEY}; add {y} {x} esp {back} {KEY};"
            for x, y, spi, back in (ENDS["IPv4"], ENDS["IPv6"])))


def end(host, kind, address, port=0, policies=(), timeout=5):
    """One that may require something of what it receives is for one family only."""
    with host.entered():
        s = socket.socket(lab.family(address), kind, SCTP)
    if ":" in address:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "." not in address)
    s.settimeout(timeout)
    s.bind((address, port))
    give(s, *policies)
    if port:
        s.listen()
    return s


@contextlib.contextmanager
def ends(a, b, text, kind, ours=PROTECTED, theirs=PROTECTED):
    """A socket of each host, and how the one of a names the other; aborted at the end.

    Those of both families may only say what they send.
    """
    src, dst, *_ = ENDS[text]
    if text not in ONE_FAMILY:
        ours, theirs = ([p for p in x if p != PROTECTED[0]] for x in (ours, theirs))
    with end(a, kind, src, 0, ours) as s, end(b, kind, dst, 7000, theirs) as t:
        yield s, t, (dst, 7000)
        abort(s, t)


def abort(*sockets):
    """They end without a word that could be lost, with the policies they have."""
    for s in sockets:
        if s.fileno() != -1:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
            s.close()


def got(s):
    try:
        return s.recv(65536)
    except OSError:
        return None


def sides(frames):
    """Who sent in which protocol."""
    return sorted({f"{f.host.name} {f.proto}" for f in frames if f.spi or f.clear()})


def packets(host):
    """SPI: packets of each SA, by its own count."""
    with host.entered():
        client = pfkey.Client()
    client.sock.send(pfkey.message(pfkey.DUMP, 0))
    found = {m.spi(): struct.unpack_from("=I", m.ext[2], 4)[0] for m in client.drain()}
    client.sock.close()
    return {spi: n for spi, n in found.items() if n}


def mismatches(host):
    """Packets that the core refused because of a socket's policy."""
    with host.entered(), open("/proc/thread-self/net/xfrm_stat") as f:
        return int(dict(line.split() for line in f)["XfrmInTmplMismatch"])


def rises(host, before):
    deadline = time.monotonic() + 60
    while mismatches(host) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    return mismatches(host) > before


def until(wire, wanted):
    """Frames until they say what is wanted, or no more come for long."""
    frames, deadline = [], time.monotonic() + 60
    while time.monotonic() < deadline and not wanted(frames):
        frames += wire.frames()
    return frames


def whole(a, b, wire):
    """One socket for all associations: from the first chunk to the last in ESP."""
    for text, (*_, spi, back) in ENDS.items():
        sas(a, b)
        wire.frames()
        with ends(a, b, text, MANY) as (s, t, to):
            s.sendto(TEXT, to)
            data, whom = t.recvfrom(100)
            t.sendto(data, whom[:2])
            lab.equal(f"{text}: echoed", TEXT, got(s))
            s.sendmsg([], [(SCTP, SNDINFO, struct.pack("=HHIIi", 0, EOF, 0, 0, 0))], 0, to)
            frames = wire.frames(1)
        lab.equal(f"{text}: from INIT to SHUTDOWN COMPLETE in ESP", ["a 50", "b 50"],
                  sides(frames))
        lab.claim(not any(TEXT in f.data for f in frames) and len(frames) >= 9,
                  f"{text}: no plaintext", len(frames))
        counted = {x: sum(f.spi == x for f in frames) for x in (spi, back)}
        lab.equal(f"{text}: each in the SA of its way, as both hosts count",
                  [counted, counted], [packets(a), packets(b)])


def accepted(a, b, wire):
    """What is accepted has no policy of its own where the core copies none."""
    for text in ONE_FAMILY:
        sas(a, b)
        wire.frames()
        with ends(a, b, text, STREAM) as (s, t, to):
            s.connect(to)
            child, _ = t.accept()
            with child:
                child.settimeout(5)
                lab.equal(f"{text}: a connection is set up in ESP", ["a 50", "b 50"],
                          sides(wire.frames()))
                said = [ask(child, d)[4] for d in (IN, OUT)]
                if said == [IPSEC] * 2:
                    child.send(TEXT)
                    lab.equal(f"{text}: what is accepted has the listener's policy",
                              (TEXT, ["a 50", "b 50"]), (got(s), sides(wire.frames())))
                    abort(s, child)
                    continue
                lab.equal(f"{text}: what is accepted has no policy", [ENTRUST] * 2, said)
                before = mismatches(a)
                child.send(TEXT)
                lab.equal(f"{text}: so it sends in clear, which the other end refuses",
                          (True, ["b 132"]), (rises(a, before), sides(wire.frames())))
                lab.equal(f"{text}: it can be given one, but is never for IPv6 only",
                          [errno.EOPNOTSUPP if text == "IPv6" else 0, 0],
                          [tried(child, p) for p in PROTECTED])
                lab.equal(f"{text}: with it, it sends that again in ESP",
                          (TEXT, ["a 50", "b 50"]), (got(s), sides(wire.frames())))
                abort(s, child)


def refused(a, b, wire):
    """A socket that requires ESP gets nothing that came in clear, or cannot require it."""
    with contextlib.closing(end(b, MANY, ENDS["v4-mapped"][1], 7000)) as t:
        lab.equal("v4-mapped: the core would not ask for it, so it cannot be required",
                  [errno.EOPNOTSUPP, 0], [tried(t, p) for p in PROTECTED])
    for text in ONE_FAMILY:
        sas(a, b)
        with ends(a, b, text, STREAM, ()) as (s, _, to):
            s.settimeout(0.5)
            before = mismatches(b)
            wire.frames()
            seen = s.connect_ex(to)
            lab.equal(f"{text}: INIT in clear is neither answered nor refused",
                      (11, True, ["a 132"]),
                      (seen, rises(b, before), sides(wire.frames())))
        with ends(a, b, text, MANY) as (s, t, to):
            s.sendto(b"first", to)
            t.recv(100)
            wire.frames(0.5)
            give(s, policy(OUT, BYPASS))
            before = mismatches(b)
            s.sendto(TEXT, to)
            lab.equal(f"{text}: nor is DATA, of an association in ESP",
                      (True, ["a 132"]), (rises(b, before), sides(wire.frames(0))))
            t.settimeout(0)
            lab.equal(f"{text}: which is not received", None, got(t))
            give(s, *PROTECTED)
            t.settimeout(5)
            lab.equal(f"{text}: sent again in ESP it is", TEXT, got(t))


def bypass(a, b, wire):
    """Out of an SPD that requires ESP a socket may go; into it, only the SPD lets in."""
    rules = "".join(f"spdadd {x}/0 {x}/0 any -P {way} ipsec esp/transport//require;"
                    for x in ("0.0.0.0", "::") for way in ("out", "in"))
    opened = "".join(f"spdadd {x}/0 {x}/0 132 -P in prio high none;"
                     for x in ("0.0.0.0", "::"))
    for text in ENDS:
        sas(a, b)
        for host in a, b:
            host.setkey(rules)
        with ends(a, b, text, MANY, BYPASSES, BYPASSES) as (s, t, to):
            wire.frames()
            lab.counted(b, f"{text}: a clear INIT is stopped by the receiver's SPD",
                        {"in_polvio": 1}, lambda: s.sendto(TEXT, to))
            lab.equal(f"{text}: it went out in clear", ["a 132"], sides(wire.frames()))
        for host in a, b:
            host.setkey(opened)
        with ends(a, b, text, MANY, BYPASSES, BYPASSES) as (s, t, to):
            wire.frames()
            s.sendto(TEXT, to)
            lab.equal(f"{text}: with an entry for what comes in, all in clear",
                      (TEXT, ["a 132", "b 132"]), (got(t), sides(wire.frames())))
        with ends(a, b, text, MANY, (), ()) as (s, t, to):
            wire.frames()
            s.sendto(TEXT, to)
            lab.equal(f"{text}: others do as the SPD says", (TEXT, ["a 50", "b 50"]),
                      (got(t), sides(wire.frames())))


def closed(a, b, wire):
    """close() takes the policy; what is still to be sent goes as the SPD says."""
    for text in ONE_FAMILY:
        src, dst, *_ = ENDS[text]
        for rule, want in (("", 132), (f"spdadd {src} {dst} any -P out ipsec "
                                       "esp/transport//require;", 50)):
            sas(a, b)
            a.setkey(rule)
            with ends(a, b, text, MANY) as (s, t, to):
                s.sendto(b"first", to)
                t.recv(100)
                wire.frames(0.5)
                b.setkey("flush;")      # nothing is received, so nothing acknowledged
                s.sendto(TEXT, to)
                lab.equal(f"{text}: not yet closed, it sends in ESP", {50},
                          {f.proto for f in wire.frames(0) if f.host is a})
                s.close()
                frames = until(wire, lambda x, n=want: any(
                    f.proto == n and f.host is a for f in x))
                lab.equal(f"{text}: what a closed one sends again, "
                          f"{'the SPD requiring ESP' if rule else 'no SPD'}",
                          (True, want == 132),
                          (want in {f.proto for f in frames if f.host is a},
                           any(TEXT in f.data for f in frames)))
                sas(b)
        sas(a, b)
        with ends(a, b, text, STREAM) as (s, t, to):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 5))
            s.connect(to)
            with t.accept()[0] as child:
                give(child, PROTECTED[1])
                wire.frames()
                s.send(TEXT)
                s.close()
                frames = wire.frames(0.5)
        lab.equal(f"{text}: one that lingers at close() ends in ESP", ["a 50", "b 50"],
                  sides(frames))


def body():
    a, b = lab.hosts()
    lab.run("modprobe", "sctp")
    for host in a, b:
        host.sysctl("net.sctp.rto_min=200", "net.sctp.rto_initial=500",
                    "net.sctp.rto_max=1000")
    wire = lab.Wire(a, b)
    for part in whole, accepted, refused, bypass, closed:
        part(a, b, wire)


lab.main(body)
