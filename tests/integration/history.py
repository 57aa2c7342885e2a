#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""net.inet.ipsec.check_policy_history: whether a packet came through the very SAs
that a policy names, by protocol, mode and ends, or through any of the protocol."""
import lab
from lab import A4, A6, B4, B6
from manual_checks import ARRIVES, HASHED, OPEN, VIOLATES, Lab
from sock_client import (AH, ESP, IN, IPSEC, OUT, TRANSPORT, TUNNEL, USE, give, option,
                         policy, request)

OTHER = "b in_history"
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


def by_core(name, sent, wanted, *want):
    """Of a socket the core, too, looks at both AH and ESP, in the order they came in."""
    if name.startswith(("order", "protocol")):
        want = ["b XfrmInTmplMismatch" if fate == ARRIVES else fate for fate in want]
    return sent, wanted, *want


def load(x, own):
    """SAs of both protocols and modes from a to b."""
    x.unload()
    for host in x.hosts:
        for spi, alg, mode in ((0x1000, OPEN, TRANSPORT), (0x1001, OPEN, TUNNEL),
                               (0x1002, HASHED, TRANSPORT), (0x1003, HASHED, TUNNEL)):
            x.add(host, spi, *own, alg, mode)


def fates(x, v, sent, wanted, by_socket):
    """What becomes of a datagram without and with the knob."""
    own, receiver = ENDS[v][0], x.ends[v][1]
    load(x, own)
    if sent:
        x.spd(x.a, OUT, *own, *sent)
    if by_socket:
        give(receiver, policy(IN, IPSEC, *wanted))
    else:
        x.spd(x.b, IN, *own, *wanted)
    seen = []
    for value in 0, 1:
        with x.knobs(x.b, f"net.inet.ipsec.check_policy_history={value}"):
            seen.append(x.passes(v))
    receiver.setsockopt(*option(receiver), None, 0)
    return seen


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


lab.main(body)
