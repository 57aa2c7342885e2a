#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What the firewall does beside accepting and dropping: it refuses, asks a program,
copies, answers in place of the receiver, takes connections for itself; what it says goes
through the tunnel as well."""
import contextlib
import socket
import threading

import lab
import neighbours
import nfqueue
from neighbours import ENDS, HOSTS, Row, chain

REFUSED = repr(ConnectionRefusedError(111, "Connection refused"))
ANSWERED, ESP, NOTHING = "answered", {50}, set()
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
AMOUNT = 100000
UDP, TCP = 7000, 7001


def through(hosts, v):
    """From network to network."""
    return neighbours.talk(hosts[0], hosts[1], *HOSTS[v])


def own(hosts, v):
    """From gateway to gateway."""
    return neighbours.talk(hosts[2], hosts[3], *ENDS[v])


def stream(hosts, v):
    return neighbours.stream(hosts[0], hosts[1], *HOSTS[v], AMOUNT)


def refused(kind, ends=HOSTS, who=(0, 1)):
    """What the sender hears."""
    def act(hosts, v):
        x, y = (hosts[n] for n in who)
        src, dst = ends[v]
        with x.socket(src, kind=kind, timeout=3) as s, \
                contextlib.nullcontext() if kind != socket.SOCK_DGRAM else \
                y.socket(dst, UDP):
            port = UDP if kind == socket.SOCK_DGRAM else TCP
            try:
                s.connect((dst, port))
                for _ in range(3):
                    s.send(b"refuse me")
                    s.settimeout(1)
                    with contextlib.suppress(TimeoutError):
                        return s.recv(100)
            except OSError as err:
                return repr(err)
        return "nothing is heard"
    return act


def asked(host, send):
    """A program accepts what it is asked about."""
    def act(hosts, v):
        with nfqueue.program(hosts[host], 1):
            return send(hosts, v)
    return act


def copied(hosts, v):
    """What the receiver has, and how many copies come to the sender's wire."""
    a, b = hosts[:2]
    with a.entered():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
    with tap, b.socket(HOSTS[v][1], UDP, timeout=1) as t, a.socket(HOSTS[v][0]) as s:
        tap.bind(("eth0", 0x0800 if v == 4 else 0x86dd))
        tap.settimeout(1)
        for _ in range(3):
            s.sendto(b"copy me", (HOSTS[v][1], UDP))
            with contextlib.suppress(TimeoutError):
                t.recv(100)
                break
        with contextlib.suppress(TimeoutError):
            while True:
                data, where = tap.recvfrom(2000)
                if where[2] != 4 and data.endswith(b"copy me"):
                    return "copied"
    return "not copied"


def taken(hosts, v):
    """A connection to b that gw2 takes, without an address of b's."""
    a, _, _, gw2 = hosts
    with gw2.entered():
        listener = socket.socket(lab.family(HOSTS[v][1]))
    listener.setsockopt(*((socket.SOL_IP, IP_TRANSPARENT) if v == 4 else
                          (socket.IPPROTO_IPV6, IPV6_TRANSPARENT)), 1)
    listener.bind(("::" if v == 6 else "0.0.0.0", 9000))
    listener.listen(1)
    listener.settimeout(3)
    got = []

    def serve():
        with contextlib.suppress(OSError):
            conn, _ = listener.accept()
            with conn:
                got.append(conn.getsockname()[0])
                conn.settimeout(3)
                conn.sendall(conn.recv(100))

    with listener, a.socket(HOSTS[v][0], kind=socket.SOCK_STREAM, timeout=3) as s:
        server = threading.Thread(target=serve)
        server.start()
        s.connect((HOSTS[v][1], TCP))
        s.sendall(b"for b")
        answer = s.recv(100)
        server.join()
    return ANSWERED if (answer, got) == (b"for b", [HOSTS[v][1]]) else (answer, got)


SYNPROXY = chain("prerouting", f"tcp dport {TCP} tcp flags syn notrack", "-300", name="p") \
    + chain("forward", f"tcp dport {TCP} ct state invalid,untracked synproxy mss 1300"
            " wscale 7 timestamp sack-perm\nct state invalid drop")
TPROXY = chain("prerouting", f"meta l4proto tcp tcp dport {TCP} iifname eth0"
               " tproxy to :9000 meta mark set 1 accept", "-150")
QUEUED = "meta l4proto udp queue num 1"
ROWS = [
    Row("gw2 refuses what is forwarded, by ICMP",
        {"gw2": chain("forward", f"udp dport {UDP} reject")},
        refused(socket.SOCK_DGRAM), (REFUSED, ESP)),
    Row("gw2 refuses what is forwarded, by TCP",
        {"gw2": chain("forward", f"tcp dport {TCP} reject with tcp reset")},
        refused(socket.SOCK_STREAM), (REFUSED, ESP)),
    Row("gw2 refuses what came through the tunnel, PREROUTING",
        {"gw2": chain("prerouting", f"tcp dport {TCP} reject with tcp reset", "-150")},
        refused(socket.SOCK_STREAM), (REFUSED, ESP)),
    Row("gw1 refuses what would be forwarded, by ICMP",
        {"gw1": chain("forward", f"udp dport {UDP} reject")},
        refused(socket.SOCK_DGRAM), (REFUSED, NOTHING)),
    Row("gw1 refuses what would be forwarded, by TCP",
        {"gw1": chain("forward", f"tcp dport {TCP} reject with tcp reset")},
        refused(socket.SOCK_STREAM), (REFUSED, NOTHING)),
    Row("gw2 refuses what it receives, by ICMP",
        {"gw2": chain("input", f"udp dport {UDP} reject")},
        refused(socket.SOCK_DGRAM, ENDS, (2, 3)), (REFUSED, ESP)),
    Row("gw2 refuses what it receives, by TCP",
        {"gw2": chain("input", f"tcp dport {TCP} reject with tcp reset")},
        refused(socket.SOCK_STREAM, ENDS, (2, 3)), (REFUSED, ESP)),
    Row("gw1 refuses what it sends itself, by TCP",
        {"gw1": chain("output", f"tcp dport {TCP} reject with tcp reset")},
        refused(socket.SOCK_STREAM, ENDS, (2, 3)), (REFUSED, NOTHING),
        families=(4,)),     # of IPv6 the core itself drops that
    Row("nobody listens at b", {}, refused(socket.SOCK_STREAM), (REFUSED, ESP)),
    Row("nobody listens at gw2", {}, refused(socket.SOCK_STREAM, ENDS, (2, 3)),
        (REFUSED, ESP)),
    Row("a program is asked, gw1 FORWARD", {"gw1": chain("forward", QUEUED)},
        asked(2, through), (ANSWERED, ESP)),
    Row("a program is asked, gw1 FORWARD before the decision",
        {"gw1": chain("forward", QUEUED, "-200")}, asked(2, through), (ANSWERED, ESP)),
    Row("a program is asked, gw1 POSTROUTING", {"gw1": chain("postrouting", QUEUED)},
        asked(2, through), (ANSWERED, ESP)),
    Row("a program is asked, gw2 FORWARD", {"gw2": chain("forward", QUEUED)},
        asked(3, through), (ANSWERED, ESP)),
    Row("a program is asked, gw2 PREROUTING", {"gw2": chain("prerouting", QUEUED)},
        asked(3, through), (ANSWERED, ESP)),
    Row("a program is asked, gw1 OUTPUT", {"gw1": chain("output", QUEUED)},
        asked(2, own), (ANSWERED, ESP)),
    Row("a program is asked, gw1 OUTPUT before the decision",
        {"gw1": chain("output", QUEUED, "-200")}, asked(2, own), (ANSWERED, ESP)),
    Row("a program is asked, gw1 POSTROUTING, own",
        {"gw1": chain("postrouting", QUEUED)}, asked(2, own), (ANSWERED, ESP)),
    Row("a program is asked, gw2 INPUT", {"gw2": chain("input", QUEUED)},
        asked(3, own), (ANSWERED, ESP)),
    Row("a program is asked about ESP, gw1 OUTPUT",
        {"gw1": chain("output", "meta l4proto esp queue num 1")},
        asked(2, through), (ANSWERED, ESP)),
    Row("a program is asked about ESP, gw2 INPUT",
        {"gw2": chain("input", "meta l4proto esp queue num 1")},
        asked(3, through), (ANSWERED, ESP)),
    Row("no connections are tracked, gw1",
        {"gw1": chain("prerouting", "notrack", "-300") +
         chain("output", "notrack", "-300", name="o")}, through, (ANSWERED, ESP)),
    Row("no connections are tracked, gw2",
        {"gw2": chain("prerouting", "notrack", "-300") +
         chain("output", "notrack", "-300", name="o")}, through, (ANSWERED, ESP)),
    Row("no connections are tracked, own",
        {"gw1": chain("prerouting", "notrack", "-300") +
         chain("output", "notrack", "-300", name="o")}, own, (ANSWERED, ESP)),
    *neighbours.stock(
        Row("gw1 tracks in zones",
            {"gw1": chain("prerouting", "ct zone set 7", "-300") +
             chain("output", "ct zone set 7", "-300", name="o") +
             chain("forward", "ct zone != 7 drop\nct state invalid drop", name="f")},
            through, (ANSWERED, ESP)),
        Row("gw2 tracks in zones",
            {"gw2": chain("prerouting", "ct zone set 7", "-300") +
             chain("output", "ct zone set 7", "-300", name="o") +
             chain("forward", "ct zone != 7 drop\nct state invalid drop", name="f")},
            through, (ANSWERED, ESP)),
        Row("gw1 tracks in zones, own",
            {"gw1": chain("prerouting", "ct zone set 7", "-300") +
             chain("output", "ct zone set 7", "-300", name="o") +
             chain("input", "ct zone != 7 drop\nct state invalid drop", name="f")},
            own, (ANSWERED, ESP)),
        Row("gw1 copies what it will protect to its network",
            {"gw1": chain("forward", f"udp dport {UDP} dup to $a device eth1")},
            copied, ("copied", ESP)),
        Row("gw1 copies before the routing",
            {"gw1": chain("prerouting", f"udp dport {UDP} dup to $a device eth1", "-200")},
            copied, ("copied", ESP)),
        Row("gw2 proves that SYNs are meant", {"gw2": SYNPROXY}, stream, (AMOUNT, {50})),
        Row("gw1 proves that SYNs are meant", {"gw1": SYNPROXY}, stream, (AMOUNT, {50})),
        Row("gw2 takes connections to b for itself", {"gw2": TPROXY}, taken,
            (ANSWERED, ESP)),
    ),
]


def say(who, gateways):
    """The networks have tunnels, and so has what gw2 itself tells gw1's; the gateways
    talk to each other in transport mode."""
    gw1, gw2 = gateways
    neighbours.tunnels(who, gateways)
    for v in 4, 6:
        own, peer = ENDS[v]
        for gw, direction in (gw1, "in"), (gw2, "out"):
            neighbours.load(who, gw, neighbours.rule(
                who, peer, neighbours.NETS[v][0], direction, (peer, own)))
        neighbours.protect(who, gw1, own, peer, 0x5000 + (v << 4))
        neighbours.protect(who, gw2, peer, own, 0x5000 + (v << 4))


def prepare(gw1, gw2):
    gw1.sysctl("net.netfilter.nf_conntrack_tcp_loose=0")
    gw2.sysctl("net.netfilter.nf_conntrack_tcp_loose=0")
    # What is taken from others is delivered here.
    for v in "-4", "-6":
        gw2.run("ip", v, "rule", "add", "fwmark", "1", "table", "100")
        gw2.run("ip", v, "route", "add", "local", "default", "dev", "lo", "table", "100")


def body():
    hosts = lab.gateways()
    gateways = hosts[2:]
    for gw in gateways:
        neighbours.nft(gw, "table ip t {\n" + chain("forward", "ct state new") + "}\n")
    prepare(*gateways)
    rows = neighbours.Rows("verdicts", ROWS, hosts, gateways)
    rows.all(lambda who, _: say(who, gateways))


lab.main(body)
