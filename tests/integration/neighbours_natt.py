#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Two clients with L2TP behind one translator, to which the server sees no difference but
in ports: transport mode, ESP in UDP. If both speak from port 1701, the server cannot tell
its answers apart by policy, and the first one has them."""
import socket

import lab
import neighbours
from lab import A4, B4
from neighbours import GCM

UDP_ENCAP, ESPINUDP, ENCAP, L2TP = 100, 2, 4500, 1701
CLIENTS = {1: "10.1.1.1", 2: "10.1.2.1"}
PORTS = {"other ports": {1: 51701, 2: 51702}, "both port 1701": {1: L2TP, 2: L2TP}}
HEARD, ANSWERED = "is heard", "hears the answer"
LOST = {("both port 1701", 2, ANSWERED)}
NAT = "".join(f"ip saddr {address} udp sport {ENCAP} snat to {A4}:{40010 + n}\n"
              for n, address in CLIENTS.items())


def outside(n):
    """The client's port, as the server sees it."""
    return 40010 + n


def sa(who, n, src, sport, dst, dport, spi, original=""):
    if who == "ours":
        return (f"add {src}[{sport}] {dst}[{dport}] esp-udp {original} {spi} -m transport"
                f" -u {n} -E aes-gcm-16 {GCM};\n")
    return (f"xfrm state add src {src} dst {dst} proto esp spi {spi} reqid {n}"
            f" mode transport encap espinudp {sport} {dport} 0.0.0.0"
            f" aead rfc4106(gcm(aes)) {GCM} 128\n")


def policy(who, n, src, sport, dst, dport, direction):
    if who == "ours":
        ends = [f"{address}[{port}]" if port else address
                for address, port in ((src, sport), (dst, dport))]
        return (f"spdadd {' '.join(ends)} udp -P {direction} ipsec"
                f" esp/transport//unique:{n};\n")
    ports = "".join(f" {name} {port}" for name, port in (("sport", sport), ("dport", dport))
                    if port)
    return (f"xfrm policy add src {src} dst {dst} proto udp{ports} dir {direction}"
            f" tmpl proto esp reqid {n} mode transport\n")


def say(who, clients, server, ports):
    neighbours.flush(server)
    for n, client in clients.items():
        own, spi = CLIENTS[n], 0x1000 * n
        neighbours.flush(client)
        neighbours.load(who, client, sa(who, n, own, ENCAP, B4, ENCAP, spi)
                        + sa(who, n, B4, ENCAP, own, ENCAP, spi + 1)
                        + policy(who, n, own, 0, B4, L2TP, "out")
                        + policy(who, n, B4, L2TP, own, 0, "in"))
        neighbours.load(who, server, sa(who, n, A4, outside(n), B4, ENCAP, spi, own
                                        if who == "ours" else "")
                        + sa(who, n, B4, ENCAP, A4, outside(n), spi + 1))
        if list(ports.values()).index(ports[n]) == n - 1:   # not said before
            neighbours.load(who, server, policy(who, n, B4, L2TP, A4, ports[n], "out")
                            + policy(who, 0, A4, ports[n], B4, L2TP, "in")
                            .replace("unique:0", "require"))


def encap(host, address):
    s = host.socket(address, ENCAP)
    s.setsockopt(socket.IPPROTO_UDP, UDP_ENCAP, ESPINUDP)
    return s


def call(client, own, port, l2tp, text):
    """Whether the client is heard, and hears the answer."""
    with client.socket(own, port, timeout=1) as s:
        for _ in range(3):
            try:
                s.sendto(text, (B4, L2TP))
                data, whom = l2tp.recvfrom(100)
                break
            except TimeoutError:
                continue
        else:
            return False, False
        try:
            l2tp.sendto(b"answer to " + text, whom)
            return data == text, s.recv(100) == b"answer to " + text
        except OSError:
            return data == text, False


def topology():
    lab.ip("".join(f"netns add {name}\n" for name in ("c1", "c2", "nat", "srv"))
           + lab.link("c1", "eth0", "nat", "p1") + lab.link("c2", "eth0", "nat", "p2")
           + lab.link("nat", "eth0", "srv", "eth0"))
    clients = {n: lab.Host(f"c{n}") for n in CLIENTS}
    nat, server = lab.Host("nat"), lab.Host("srv")
    nat.ip("link set lo up\nlink set eth0 up\n" + f"addr add {A4}/24 dev eth0\n")
    server.ip("link set lo up\nlink set eth0 up\n" + f"addr add {B4}/24 dev eth0\n")
    for n, client in clients.items():
        nat.ip(f"link set p{n} up\naddr add 10.1.{n}.254/24 dev p{n}\n")
        client.ip(f"link set lo up\nlink set eth0 up\naddr add {CLIENTS[n]}/24 dev eth0\n"
                  f"route add default via 10.1.{n}.254\n")
    nat.sysctl("net.ipv4.ip_forward=1")
    neighbours.nft(nat, "table ip t {\n" + neighbours.chain(
        "postrouting", NAT + "oifname eth0 masquerade", "srcnat", "nat") + "}\n")
    return clients, nat, server


def body():
    clients, nat, server = topology()
    table = lab.Matrix("clients behind a translator", [
        f"{who}: {case}: client {n} {what}" for who in neighbours.WHO for case in PORTS
        for n in CLIENTS for what in (HEARD, ANSWERED)])
    sockets = [encap(client, CLIENTS[n]) for n, client in clients.items()]
    sockets.append(encap(server, B4))
    with server.socket(B4, L2TP, timeout=1) as l2tp, lab.Wire(nat, server) as wire:
        for who in neighbours.WHO:
            for case, ports in PORTS.items():
                say(who, clients, server, ports)
                for n, client in clients.items():
                    seen = call(client, CLIENTS[n], ports[n], l2tp, b"call of %d" % n)
                    for what, got in zip((HEARD, ANSWERED), seen):
                        table.equal(f"{who}: {case}: client {n} {what}", "it",
                                    (case, n, what) not in LOST, got)
        # The policies are about UDP: who does not hear an answer may say so, and quote it.
        clear = [f for f in wire.frames() if f.proto == 17 and b"call of" in f.data]
        lab.equal("nothing of it is in clear", [], clear)
    table.report()
    for s in sockets:
        s.close()


lab.main(body)
