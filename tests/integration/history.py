#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net.inet.ipsec.check_policy_history: whether a packet came through the very SAs
that a policy names, by protocol, mode and ends, or through any of the protocol. For
packets that b receives, and for those that it forwards to c."""
import lab
from lab import A4, A6, B4, B6
from manual_checks import ARRIVES, HASHED, OPEN, VIOLATES, Lab
from sock_client import (AH, ESP, FWD, IN, IPSEC, OUT, TRANSPORT, TUNNEL, USE, give, option,
                         policy, request)

OTHER, UNWANTED = "b in_history", "b in_tunnel"
# Ends of the hosts' traffic, and others.
ENDS = {4: ((A4, B4), ("10.8.0.1", "10.9.0.2")), 6: ((A6, B6), ("fd08::1", "fd09::2"))}


def transport(proto, ends=(None, None), **how):
    return request(proto, TRANSPORT, src=ends[0], dst=ends[1], **how)


def tunnel(proto, ends):
    return request(proto, TUNNEL, src=ends[0], dst=ends[1])


def rows(own, other):
    """Name: what a sends it through, what b wants, its fate without and with the knob."""
    esp, ah = transport(ESP), transport(AH)
    return {
        "transport as wanted": ([esp], [esp], ARRIVES, ARRIVES),
        "with ends, as wanted": ([esp], [transport(ESP, own)], ARRIVES, ARRIVES),
        "tunnel as wanted": ([tunnel(ESP, own)], [tunnel(ESP, own)], ARRIVES, ARRIVES),
        "two as wanted": ([esp, ah], [esp, ah], ARRIVES, ARRIVES),
        "tunnel in transport as wanted": ([tunnel(ESP, own), ah], [tunnel(ESP, own), ah],
                                          ARRIVES, ARRIVES),
        "mode: transport for a tunnel": ([esp], [tunnel(ESP, own)], ARRIVES, OTHER),
        "mode: one of two": ([esp], [esp, tunnel(ESP, own)], ARRIVES, OTHER),
        "protocol: AH and ESP changed places": (
            [esp, tunnel(AH, own)], [ah, tunnel(ESP, own)], ARRIVES, OTHER),
        "order is not compared": (
            [tunnel(ESP, own), ah], [ah, tunnel(ESP, own)], ARRIVES, ARRIVES),
        "ends: source": ([esp], [transport(ESP, (other[0], own[1]))], ARRIVES, OTHER),
        "ends: destination": ([esp], [transport(ESP, (own[0], other[1]))], ARRIVES, OTHER),
        "ends: the outer of two tunnels": (
            [tunnel(ESP, own)], [tunnel(ESP, own), tunnel(ESP, other)], ARRIVES, OTHER),
        "level use is not compared": (
            [esp], [esp, transport(AH, level=USE)], ARRIVES, ARRIVES),
        "in clear": ([], [esp], VIOLATES, VIOLATES),
        "AH for ESP": ([ah], [esp], VIOLATES, VIOLATES),
    }


def forwarded_rows(own, other):
    """The same for what b forwards. A tunnel that is not wanted never passes."""
    esp, ah, mixed = transport(ESP), transport(AH), (other[0], own[1])
    return {
        "tunnel as wanted": ([tunnel(ESP, own)], [tunnel(ESP, own)], ARRIVES, ARRIVES),
        "tunnel in transport as wanted": ([tunnel(ESP, own), ah], [tunnel(ESP, own), ah],
                                          ARRIVES, ARRIVES),
        "mode: tunnel for transport": (
            [tunnel(ESP, own)], [tunnel(ESP, own), esp], ARRIVES, OTHER),
        "protocol: AH and ESP changed places": (
            [tunnel(AH, own), esp], [tunnel(ESP, own), ah], ARRIVES, OTHER),
        "ends: one of two tunnels": (
            [tunnel(ESP, own)], [tunnel(ESP, own), tunnel(ESP, other)], ARRIVES, OTHER),
        "ends: another gateway's tunnel": (
            [tunnel(ESP, mixed)], [tunnel(ESP, own)], UNWANTED, OTHER),
        "ends: to another gateway": (
            [tunnel(ESP, own)], [tunnel(ESP, other)], UNWANTED, OTHER),
        "in clear": ([], [tunnel(ESP, own)], VIOLATES, VIOLATES),
        "AH for ESP": ([tunnel(AH, own)], [tunnel(ESP, own)], VIOLATES, VIOLATES),
    }


def by_core(name, sent, wanted, *want):
    """Of a socket the core, too, looks at both AH and ESP, in the order they came in."""
    if name.startswith(("order", "protocol")):
        want = ["b XfrmInTmplMismatch" if fate == ARRIVES else fate for fate in want]
    return sent, wanted, *want


def load(x, *pairs):
    """SAs of both protocols and modes from a to b, between these ends."""
    x.unload()
    for host in x.hosts:
        for i, ends in enumerate(pairs):
            for spi, alg, mode in ((0x1000, OPEN, TRANSPORT), (0x1001, OPEN, TUNNEL),
                                   (0x1002, HASHED, TRANSPORT), (0x1003, HASHED, TUNNEL)):
                x.add(host, spi + 16 * i, *ends, alg, mode)


def both(x, **how):
    """What becomes of a datagram without and with the knob."""
    seen = []
    for value in 0, 1:
        with x.knobs(x.b, f"net.inet.ipsec.check_policy_history={value}"):
            seen.append(x.passes(**how))
    return seen


def fates(x, v, sent, wanted, by_socket):
    own, receiver = ENDS[v][0], x.ends[v][1]
    load(x, own)
    if sent:
        x.spd(x.a, OUT, *own, *sent)
    if by_socket:
        give(receiver, policy(IN, IPSEC, *wanted))
    else:
        x.spd(x.b, IN, *own, *wanted)
    seen = both(x, v=v)
    receiver.setsockopt(*option(receiver), None, 0)
    return seen


def behind(x):
    """Host c, for which b forwards; returns a socket of it for each family."""
    lab.ip("netns add c\n" + lab.link("b", "eth1", "c", "eth0"))
    c = lab.Host("c")
    for host, dev, n in (x.b, "eth1", 1), (c, "eth0", 2):
        host.ip(f"""link set {dev} up
            addr add 10.7.0.{n}/24 dev {dev}
            addr add fd07::{n}/64 dev {dev} nodad
            """)
    x.a.ip(f"route add 10.7.0.0/24 via {B4}\nroute add fd07::/64 via {B6}")
    x.b.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
    return {4: c.socket("10.7.0.2", 7000), 6: c.socket("fd07::2", 7000)}


def forwarded(x, v, receiver, way, sent, wanted):
    own, other = ENDS[v]
    ends = own[0], receiver.getsockname()[0]
    load(x, own, (other[0], own[1]))
    if sent:
        x.spd(x.a, OUT, *ends, *sent)
    x.spd(x.b, way, *ends, *wanted)
    return both(x, v=v, to=receiver)


def forwarding(x):
    """The lists fwd, and in for lack of it, ask the same of what is forwarded."""
    receivers = behind(x)
    todo = {f"IPv{v}, {'fwd' if way == FWD else 'in'}: {name}": (v, way, *row)
            for v, ends in ENDS.items() for way in (FWD, IN)
            for name, row in forwarded_rows(*ends).items()}
    table = lab.Matrix("history of forwarded packets", list(todo))
    for name, (v, way, sent, wanted, *want) in todo.items():
        table.equal(name, "without and with the knob", want,
                    forwarded(x, v, receivers[v], way, sent, wanted))
    table.report()


def unasked(x):
    """A tunnel's packet where there has never been a policy, in neither family."""
    seen = []
    for v, (own, _) in ENDS.items():
        load(x, own)
        x.spd(x.a, OUT, *own, tunnel(ESP, own))
        seen.append(x.passes(v))
    lab.equal("what comes out of a tunnel needs a policy, where none ever was",
              ["b in_tunnel"] * 2, seen)


def body():
    x = Lab()
    unasked(x)
    todo = [(f"IPv{v}, {'socket' if by_socket else 'SPD'}: {name}", v, by_socket,
             *(by_core(name, *row) if by_socket else row))
            for v, ends in ENDS.items() for by_socket in (False, True)
            for name, row in rows(*ends).items()]
    table = lab.Matrix("history", [name for name, *_ in todo])
    for name, v, by_socket, sent, wanted, *want in todo:
        table.equal(name, "without and with the knob", want,
                    fates(x, v, sent, wanted, by_socket))
    table.report()
    forwarding(x)


lab.main(body)
