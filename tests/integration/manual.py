#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""ipsec(4), sentence by sentence: a row for each thing that the page says happens.

The sentences are in our words. A row has what is wanted and how it is seen: on the
wire, at the receiver, in the counter of whoever dropped the packet.
"""
import errno
import socket

import lab
import pfkey_client as pfkey
from lab import A4, A6, B4, B6
from manual_checks import (
    ARRIVES, ENDS, HASHED, LEVELS, NO_SA, OPEN, PROTOCOLS, SAYS_NO, SECRET, TREE, VIOLATES,
    Lab, acquired, ah_icv, by_pfkey, by_setkey, bypassed, carried, changeable, changed,
    debug, debug_spi, def_policy, defaults, deflev, dfbit, ecn_in, ecn_out, encapsulated,
    enforced, filtered, hidden, managed, no_ike, one_socket, other_language, plug_in,
    port_unreachable, same_language, with_knobs, wrong_key)
from sock_client import BYPASS, DISCARD, NONE, TUNNEL


def general(x):
    yield "it protects IPv4", (ARRIVES, {50}, A4, B4), lambda: carried(x, SECRET)
    yield "it protects IPv6", (ARRIVES, {50}, A6, B6), lambda: carried(x, SECRET, v=6)
    yield "it has two protocols: ESP is 50 ...", (ARRIVES, {50}, A4, B4), \
        lambda: carried(x, OPEN)
    yield "... and AH is 51", (ARRIVES, {51}, A4, B4), lambda: carried(x, HASHED)
    yield "ESP hides the payload from who listens on the wire", \
        (ARRIVES, ARRIVES, False, True), lambda: hidden(x)
    yield "by a secret key: with another one it does not open", "b in_espauthfail", \
        lambda: wrong_key(x, SECRET)
    yield "AH notices that a packet was altered on its way", "b in_ahauthfail", \
        lambda: changed(x, HASHED, 75, b"\xff")
    yield "AH notices that another sender is pretended", "b in_ahauthfail", \
        lambda: changed(x, HASHED, 26, socket.inet_aton("10.0.0.9"))
    yield "AH notices that its checksum was altered", "b in_ahauthfail", \
        lambda: changed(x, HASHED, 50, 1)
    yield "a packet that nobody altered it lets pass", ARRIVES, \
        lambda: changed(x, HASHED, 50, 0)
    yield "AH's checksum is that of a hash, over header and payload", \
        (ARRIVES, [(1, 0)]), lambda: ah_icv(x)
    yield "which others cannot make", "b in_ahauthfail", lambda: wrong_key(x, HASHED)
    for v in 4, 6:
        yield f"transport mode protects the traffic between two ends, IPv{v}", \
            (ARRIVES, {51}, *ENDS[v]), lambda v=v: carried(x, HASHED, v=v)
        yield f"tunnel mode works between the two, IPv{v}", (ARRIVES, {50}, *ENDS[v]), \
            lambda v=v: carried(x, SECRET, mode=TUNNEL, v=v)
    yield "tunnel mode puts packets of other networks into packets of the gateways", \
        (ARRIVES, A4, B4, "10.8.0.1", "10.9.0.2"), lambda: encapsulated(x)


def interface(x):
    yield "keys are managed over PF_KEY sockets, as RFC 2367 says", \
        [(True, 0)] * 4 + [(True, errno.ESRCH)], lambda: managed(x)
    yield "the kernel itself negotiates no keys", (NO_SA, []), lambda: no_ike(x)
    yield "programs do, over PF_KEY: they are asked for an SA, which is used", \
        (NO_SA, [pfkey.ACQUIRE], ARRIVES, [0x1000]), lambda: acquired(x)
    only_that = SAYS_NO, ARRIVES, ARRIVES, ARRIVES, ARRIVES
    yield "policies are managed over an extended PF_KEY, as filters of packets", \
        only_that, lambda: filtered(x, lambda: by_pfkey(x))
    yield "setkey defines policies, as filters of packets", \
        only_that, lambda: filtered(x, lambda: by_setkey(x))
    yield "setsockopt defines the policy of one socket, sending and receiving", \
        (ARRIVES, VIOLATES, ARRIVES), lambda: one_socket(x)
    yield "which is enforced on the packets of that socket", (NO_SA, []), \
        lambda: enforced(x)
    yield "also that it bypasses", (SAYS_NO, ARRIVES, BYPASS), lambda: bypassed(x)
    yield "both ways take what ipsec_set_policy(3) makes of a text", \
        (NO_SA, NO_SA, True), lambda: same_language(x)
    yield "and nothing else", (3, [errno.EINVAL] * 3), lambda: other_language(x)


def levels(x):
    meant = {1: [ARRIVES, ARRIVES], 2: [NO_SA, VIOLATES]}
    for i, name in enumerate(LEVELS):
        for value in 1, 2:
            yield (f'a "default" of setkey(8): {name}={value} is '
                   f'{"use" if value == 1 else "require"}'), meant[value], \
                lambda i=i, value=value: deflev(x, i, value)


def system_wide(x):
    for v in 4, 6:
        name = f"{TREE[v]}.def_policy"
        yield f"where no policy matches, {name}=0 drops, sent and received", \
            [SAYS_NO, VIOLATES], lambda v=v: def_policy(x, v, 0)
        yield f"where no policy matches, {name}=1 does nothing", [ARRIVES, ARRIVES], \
            lambda v=v: def_policy(x, v, 1)
        yield f"where one matches, {name}=0 is not asked", [ARRIVES, ARRIVES], \
            lambda v=v: def_policy(x, v, 0, NONE)
        yield f"nor is {name}=1", [SAYS_NO, VIOLATES], \
            lambda v=v: def_policy(x, v, 1, DISCARD)
    for name in (*LEVELS, *(f"{tree}.{k}" for tree, more in (
            (TREE[4], ("ah_cleartos", "ah_offsetmask", "dfbit")), (TREE[6], ()))
            for k in ("def_policy", *more, "ecn", "debug"))):
        yield f"{name} is an integer that can be changed", (True, True), \
            lambda name=name: changeable(x, name)


def miscellaneous(x):
    def ah(cleartos, mask, *at):
        return with_knobs(x, [f"net.inet.ipsec.ah_cleartos={cleartos}",
                              f"net.inet.ipsec.ah_offsetmask={mask}"],
                          *((changed, HASHED, *at) if at else (ah_icv,)))

    yield "ah_cleartos 1: AH's ICV is without the type of service", (ARRIVES, [(1, 0)]), \
        lambda: ah(1, 0)
    yield "ah_cleartos 1: that may change on the way", ARRIVES, lambda: ah(1, 0, 15, 0x10)
    yield "ah_cleartos 0: the type of service is in it", (ARRIVES, [(0, 0)]), \
        lambda: ah(0, 0)
    yield "ah_cleartos 0: that may not change", "b in_ahauthfail", \
        lambda: ah(0, 0, 15, 0x10)
    yield "ah_offsetmask 0: flags and offset of fragments are not in the ICV", ARRIVES, \
        lambda: ah(1, 0, 20, 0x40)
    yield "ah_offsetmask 0x4000: DF is in it, the rest is not", (ARRIVES, [(1, 0x4000)]), \
        lambda: ah(1, 0x4000)
    yield "ah_offsetmask 0x4000: DF may not change", "b in_ahauthfail", \
        lambda: ah(1, 0x4000, 20, 0x40)
    yield "ah_offsetmask 0xbfff: DF may", ARRIVES, lambda: ah(1, 0xbfff, 20, 0x40)
    yield "dfbit 0: a tunnel clears the outer DF", [False, False], lambda: dfbit(x, 0)
    yield "dfbit 1: it is set whatever the inner one is", [True, True], \
        lambda: dfbit(x, 1)
    yield "dfbit 2: it is copied from the inner one", [False, True], lambda: dfbit(x, 2)
    yield "ecn 0: a tunnel does not tell routers of congestion notification", [0, 0], \
        lambda: ecn_out(x, 0)
    yield "ecn 1: it does", [0, 2], lambda: ecn_out(x, 1)
    for v in 4, 6:
        for value, mark in (1, 3), (0, 2):
            yield (f"{TREE[v]}.ecn={value}: congestion in a tunnel "
                   f"{'reaches' if value else 'does not reach'} the receiver"), mark, \
                lambda v=v, value=value: ecn_in(x, v, value)
        yield f"{TREE[v]}.debug=1: the log tells of packet, policy and rule", [True], \
            lambda v=v: debug(x, v, 1)
        yield f"{TREE[v]}.debug=0: it does not", [], lambda v=v: debug(x, v, 0)
    yield "the log tells of the SPI, and never of a key", [True, True] + [False] * 3, \
        lambda: debug_spi(x)


def protocols(x):
    for v in 4, 6:
        for name in (*PROTOCOLS, "ICMP"):
            yield f"{name} upon IPv{v} works with it", (ARRIVES, {50}), \
                lambda v=v, name=name: plug_in(x, v, name)
        yield f"ICMP, IPv{v}, tells a sender what became of its packet", \
            (1, errno.ECONNREFUSED), lambda v=v: port_unreachable(x, v, False)
        yield f"with IPsec it does not, as it cannot look into the payload, IPv{v}", \
            (1, 0), lambda v=v: port_unreachable(x, v, True)


def nothing(x):
    """What most rows begin with."""


def body():
    x = Lab()
    rows, prepared = [], None
    for part, prepare in ((general, nothing), (interface, nothing), (levels, defaults),
                          (system_wide, nothing), (miscellaneous, nothing),
                          (protocols, nothing)):
        rows += [(*row, prepare) for row in part(x)]
    table = lab.Matrix("ipsec(4)", [sentence for sentence, *_ in rows])
    for sentence, want, check, prepare in rows:
        if prepare is nothing or prepare is not prepared:
            x.unload()
            prepare(x)
            prepared = prepare
        try:
            seen = check()
        except Exception as err:        # a row of its own, the others go on
            seen = f"line {err.__traceback__.tb_next.tb_lineno}: {err!r}"
        table.equal(sentence, "", want, seen)
    table.report()


lab.main(body)
