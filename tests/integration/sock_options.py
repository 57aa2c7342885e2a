#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""IP_IPSEC_POLICY and IPV6_IPSEC_POLICY: what is taken, given back, and refused."""
import errno
import os
import random
import socket
import struct
import threading
import time

import lab
from lab import A4, A6, B4, B6
from pfkey_client import sockaddr
from sock_client import (AH, BYPASS, ENTRUST, ESP, FWD, IN, IPCOMP, IPSEC, OUT, POLICY,
                         REQUIRE, TRANSPORT, TUNNEL, UNIQUE, USE, ask, give, name,
                         option, policy, request, tried)

INVAL, PERM, OPNOTSUPP, MSGSIZE, FAULT = (errno.EINVAL, errno.EPERM, errno.EOPNOTSUPP,
                                          errno.EMSGSIZE, errno.EFAULT)
# ROUNDS= of "make integration": so many are to leak nothing, by the kernel's figures.
ROUNDS = int(os.environ.get("ROUNDS", "0"))
STREAM, DGRAM, RAW = socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW
V4, V6 = socket.AF_INET, socket.AF_INET6
ESP_IN = policy(IN, IPSEC, request(ESP))


def fresh(host, family=V4, kind=DGRAM, proto=0):
    with host.entered():
        return socket.socket(family, kind, proto)


def without_id(data):
    """A policy but for its id, which the kernel chooses."""
    return data[:8] + bytes(4) + data[12:] if isinstance(data, bytes) else data


def number(data):
    return struct.unpack_from("=I", data, 8)[0]


def round_trip(s, data):
    """0 when the very bytes come back with an id of a socket's policy."""
    failed = tried(s, data)
    if failed:
        return failed
    seen = ask(s, data[6])
    if without_id(seen) != without_id(data):
        return seen
    if not number(seen) or number(seen) % 8 != data[6] + 2:
        return f"id {number(seen)}"
    return 0


def forms(a):
    """Every kind of policy comes back byte for byte."""
    tunnel4 = dict(mode=TUNNEL, src=A4, dst=B4)
    tunnel6 = dict(mode=TUNNEL, src=A6, dst=B6)
    good = {
        "bypass": (BYPASS,), "entrust": (ENTRUST,),
        "esp/transport": (IPSEC, request(ESP)),
        "esp/transport with ends": (IPSEC, request(ESP, src=A4, dst=B4)),
        "ah, esp": (IPSEC, request(AH), request(ESP)),
        "ipcomp, esp, ah": (IPSEC, request(IPCOMP, level=USE), request(ESP), request(AH)),
        "tunnel": (IPSEC, request(ESP, **tunnel4)),
        "tunnel of IPv6": (IPSEC, request(ESP, **tunnel6)),
        "two tunnels": (IPSEC, request(ESP, **tunnel4), request(AH, **tunnel6)),
        "five tunnels": (IPSEC,) + (request(ESP, **tunnel6),) * 5,
        "unique:7": (IPSEC, request(ESP, level=UNIQUE, reqid=7)),
    }
    with fresh(a) as s4, fresh(a, V6) as s6:
        for family, s in (4, s4), (6, s6):
            lab.equal(f"IPv{family}: without a policy it is entrust",
                      [(ENTRUST, 0), (ENTRUST, 0)],
                      [(ask(s, d)[4], number(ask(s, d))) for d in (IN, OUT)])
            lab.equal(f"IPv{family}: {len(good)} policies come back, both directions",
                      {(k, d): 0 for k in good for d in (IN, OUT)},
                      {(k, d): round_trip(s, policy(d, *v))
                       for k, v in good.items() for d in (IN, OUT)})
        lab.equal("what OpenIKED sends, of another extension type", 0,
                  round_trip(s4, policy(OUT, BYPASS, exttype=12)))
        lab.equal("what racoon sends, priority and reserved byte set", 0,
                  round_trip(s4, policy(OUT, BYPASS, priority=1 << 31, reserved=0xcd)))
        give(s4, policy(OUT, IPSEC, request(ESP, level=UNIQUE)))
        one = ask(s4, OUT)
        give(s6, policy(OUT, IPSEC, request(ESP, level=UNIQUE)))
        two = ask(s6, OUT)
        reqids = [struct.unpack_from("=I", x, 24)[0] for x in (one, two)]
        lab.claim(min(reqids) > 0x3fff and reqids[0] != reqids[1],
                  "level unique without a number gets one of its own", reqids)
        give(s4, ESP_IN)
        give(s6, ESP_IN)
        lab.equal("equal policies are one", number(ask(s4, IN)), number(ask(s6, IN)))


def families(a):
    """Two requests with every pair of addresses: only whole, equal families pass."""
    ends = {
        "IPv4": sockaddr(A4), "IPv6": sockaddr(A6),
        "AF_LOCAL": struct.pack("=H", 1) + bytes(14), "AF_UNSPEC": bytes(16),
        "one byte": b"\x02", "nothing": b"",
    }
    want, seen = {}, {}
    with fresh(a, V6) as s:
        for x, src in ends.items():
            for y, dst in ends.items():
                size = 16 + len(src) + len(dst)
                one = struct.pack("=HHBBHII", size, ESP, TRANSPORT, REQUIRE, 0, 0, 0) + src + dst
                for d in IN, OUT:
                    data = policy(d, IPSEC, one, one)
                    data += bytes(-len(data) % 8)
                    good = x == y and x in ("IPv4", "IPv6", "nothing")
                    want[x, y, d] = "taken" if good else "EINVAL"
                    result = round_trip(s, data)
                    seen[x, y, d] = "taken" if result == 0 else name(result)
    lab.equal(f"{len(want)} pairs of addresses, in and out", want, seen)


def malformed(a):
    whole = policy(OUT, IPSEC, request(ESP, TUNNEL, REQUIRE, A4, B4))

    def bad(at, *values):
        return [whole[:at] + bytes([x]) + whole[at + 1:] for x in values]

    cases = {
        "directions": [policy(d, BYPASS) for d in (0, FWD, 4, 5, 255)],
        "types": [policy(d, k) for d in (IN, OUT) for k in (0, 1, 2, 5, 255)],
        "bypass with a request": [policy(OUT, BYPASS, request(ESP))],
        "lengths in the header": bad(0, 0, 1, 2, 7, 9, 255),
        "lengths of the request": bad(16, 0, 1, 4, 8, 15, 17, 40, 47, 49, 255),
        "protocols": bad(18, 0, 4, 6, 17, 49, 52, 255) + bad(19, 1),
        "modes": bad(20, 0, 3, 255), "levels": bad(21, 4, 255),
        "a tunnel without ends": [policy(OUT, IPSEC, request(ESP, TUNNEL))],
        "a tunnel to anywhere": [policy(OUT, IPSEC, request(ESP, TUNNEL, REQUIRE, A4,
                                                           "0.0.0.0"))],
        "six requests": [policy(OUT, IPSEC, *(request(ESP),) * 6)],
        "ends of the other family": [policy(OUT, IPSEC, request(ESP, src=A6, dst=B6))],
    }
    with fresh(a) as s:
        give(s, ESP_IN, whole)
        before = ask(s, IN), ask(s, OUT)
        for text, tries in cases.items():
            lab.equal(f"refused: {text}", ["EINVAL"] * len(tries),
                      [name(tried(s, x)) for x in tries])
        lab.equal("refused: cut anywhere", {"EINVAL"},
                  {name(tried(s, whole[:n])) for n in range(1, len(whole))})
        dice = random.Random(1)
        noise = [dice.randbytes(n) for n in (*range(1, 257), *range(257, 4097, 15))]
        lab.equal("refused: noise of 1 to 4096 bytes", {"EINVAL"},
                  {name(tried(s, x)) for x in noise})
        heads = [POLICY.pack(min(n // 8, 65535), 18, IPSEC, OUT, 0, 0, 0)[:n]
                 + dice.randbytes(max(n - 16, 0)) for n in range(8, 4097, 8)]
        lab.equal("refused: noise behind a good head", {"EINVAL"},
                  {name(tried(s, x)) for x in heads})
        lab.equal("refused: more than a page, nothing", ["EMSGSIZE", "EMSGSIZE"],
                  [name(tried(s, bytes(4097))), name(tried(s, b""))])
        lab.equal("and all that changed nothing", before, (ask(s, IN), ask(s, OUT)))


def answers(a):
    with fresh(a) as s:
        give(s, policy(OUT, IPSEC, request(ESP), request(AH)))
        whole = ask(s, OUT)
        lab.equal("getsockopt: buffers of 0 to 15 bytes", {INVAL},
                  {ask(s, OUT, n, guard=64) for n in range(16)})
        lab.equal("getsockopt: what does not fit is cut off, bytes behind it untouched", True,
                  all(ask(s, OUT, n, guard=64) == whole[:n] for n in range(16, 80)))
        lab.equal("getsockopt: which direction?", [INVAL] * 4,
                  [ask(s, d) for d in (0, FWD, 4, 255)])
        length = lab.ctypes.c_uint32(64)
        lab.equal("getsockopt: no buffer", (-1, FAULT),
                  (lab.LIBC.getsockopt(s.fileno(), *option(s), None,
                                       lab.ctypes.byref(length)), lab.ctypes.get_errno()))
        lab.equal("after a reset it is entrust again", (0, ENTRUST),
                  (s.setsockopt(*option(s), None, 0) or 0, ask(s, OUT)[4]))


def kinds(a):
    """Sockets of every kind and state."""
    table = {"UDP": (DGRAM, 0), "TCP": (STREAM, 0), "raw": (RAW, socket.IPPROTO_ICMP),
             "ICMP": (DGRAM, socket.IPPROTO_ICMP),
             **({"UDPLITE": lab.UDP_LITE} if lab.speaks(*lab.UDP_LITE) else {})}
    # The debug kernel has no SCTP; stock kernels must have it.
    if not os.path.exists("/sys/kernel/debug/kmemleak"):
        lab.run("modprobe", "sctp")
        table["SCTP"] = (STREAM, socket.IPPROTO_SCTP)
    out = policy(OUT, IPSEC, request(ESP))
    for family, other in (V4, (socket.IPPROTO_IPV6, 34)), (V6, (socket.IPPROTO_IP, 16)):
        seen, wrong, inward = {}, {}, {}
        for text, (kind, proto) in table.items():
            if family == V6 and proto == socket.IPPROTO_ICMP:
                proto = socket.IPPROTO_ICMPV6
            with fresh(a, family, kind, proto) as s:
                seen[text] = [round_trip(s, x) for x in (
                    out, policy(OUT, BYPASS), policy(IN, BYPASS))]
                inward[text] = [tried(s, ESP_IN)]
                if family == V6 and kind != RAW:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    inward[text].append(tried(s, ESP_IN))
                    # Until then it may lose that again.
                    s.bind((A6, 0))
                    inward[text].append(tried(s, ESP_IN))
                wrong[text] = tried(s, policy(OUT, BYPASS), other) != 0 \
                    and isinstance(ask(s, OUT, opt=other), int)
        v = 4 if family == V4 else 6
        lab.equal(f"IPv{v} sockets of every kind take policies",
                  {k: [0, 0, 0] for k in table}, seen)
        # Where nobody would ask it about packets of IPv4, it is not taken.
        blind = {"ICMP": [OPNOTSUPP] * 3, "UDPLITE": [OPNOTSUPP, OPNOTSUPP, 0],
                 "SCTP": [OPNOTSUPP, OPNOTSUPP, 0], "raw": [0]} if family == V6 \
            else {k: [OPNOTSUPP if k == "ICMP" else 0] for k in table}
        lab.equal(f"IPv{v} sockets require protection of what they receive, if they can; "
                  "then if they are for IPv6 only; then if they are bound as well",
                  {k: blind.get(k, [0, 0, 0]) for k in table}, inward)
        lab.equal(f"IPv{v} sockets refuse the other family's option",
                  dict.fromkeys(table, True), wrong)
    with fresh(a, kind=STREAM) as s, fresh(a, kind=STREAM) as t:
        t.bind((A4, 7000))
        t.listen()
        lab.equal("a listener", 0, round_trip(t, out))
        s.bind((A4, 7001))
        lab.equal("one that is bound", 0, round_trip(s, out))
        t.setsockopt(*option(t), None, 0)
        s.setsockopt(*option(s), None, 0)
        s.connect((A4, 7000))
        child, _ = t.accept()
        with child:
            lab.equal("one that is connected, one that was accepted", (0, 0),
                      (round_trip(s, out), round_trip(child, out)))
            # There are no SAs: their FINs would never leave, and both would stay,
            # with their policies, long after they are closed.
            for x in s, child:
                x.setsockopt(*option(x), None, 0)


def privilege(a):
    """Only who has CAP_NET_ADMIN sets and sees policies; then they stay."""
    with fresh(a) as s, fresh(a, V6) as t:
        give(s, ESP_IN)
        os.seteuid(65534)
        try:
            seen = [tried(x, p) for x in (s, t) for p in (policy(OUT, BYPASS),
                                                          policy(IN, ENTRUST), ESP_IN)]
            shown = [ask(x, IN) for x in (s, t)]
        finally:
            os.seteuid(0)
        lab.equal("without privilege: setsockopt", [PERM] * 6, seen)
        lab.equal("without privilege: getsockopt", [PERM] * 2, shown)
        lab.equal("and nothing changed", without_id(ESP_IN), without_id(ask(s, IN)))


def meanwhile(a, b):
    """Policies change while others send: each packet has the old or the new one."""
    for host in a, b:
        host.setkey(f"""flush; spdflush;
            add {A4} {B4} esp 0x1000 -E null -A null;
            add {A4} {B4} ah 0x1001 -A hmac-sha256 0x{'5a' * 32};""")
    wire = lab.Wire(a)
    done = threading.Event()
    with a.socket(A4) as s, b.socket(B4, 7000):
        s.connect((B4, 7000))
        first, second = (policy(OUT, IPSEC, request(x)) for x in (ESP, AH))
        give(s, first)

        sent = [0, 0]

        def send(n):
            while not done.is_set():
                s.send(b"meanwhile")
                sent[n] += 1

        senders = [threading.Thread(target=send, args=[n]) for n in range(2)]
        for thread in senders:
            thread.start()
        changes = 0
        while changes < 600 or min(sent) < 200:
            for p in second, first:
                give(s, p)
                time.sleep(0)   # the threads share one interpreter
            changes += 2
        done.set()
        for thread in senders:
            thread.join()
    frames = wire.frames()
    lab.equal("hundreds of changes while two threads send: nothing in clear",
              ({50, 51}, True),
              ({f.proto for f in frames if f.clear() or f.proto in (50, 51)},
               changes >= 600 and len(frames) >= sum(sent)))


def used(a):
    return a.stat()["sock_policies"]


def rounds(a, kept):
    """Many come and go, and so many sockets stay, which are returned."""
    start = used(a)
    with fresh(a) as s:
        for _ in range(500):
            give(s, ESP_IN)
        lab.claim(used(a) <= start + 1, "500 times the same is one policy", used(a))
    most = 0
    for i in range(1000):
        with fresh(a) as s:
            give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE, reqid=i + 1)),
                 policy(IN, IPSEC, request(AH, level=UNIQUE, reqid=i + 1)))
        if not i % 20:
            most = max(most, used(a))
    lab.claim(most < 1000, "2000 different ones: the table stays small", most)
    sockets = [fresh(a) for _ in range(kept)]
    for i, s in enumerate(sockets):
        give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE, reqid=9000 + i)))
    for i in range(300):
        with fresh(a) as s:
            give(s, policy(OUT, IPSEC, request(ESP, level=UNIQUE, reqid=20000 + i)))
    return sockets


def slab():
    """Bytes of kernel memory in small pieces."""
    with open("/proc/meminfo") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("Slab:")) << 10


def churn(host, count):
    """Sockets that are given a policy of their own, and another, and closed.

    Returns the most policies and bytes there were meanwhile.
    """
    data = bytearray(policy(OUT, IPSEC, request(ESP, level=UNIQUE, reqid=1)))
    most = size = 0
    with host.entered():
        for i in range(count):
            s = socket.SocketType(V4, DGRAM)
            for reqid in 2 * i + 1, 2 * i + 2:
                struct.pack_into("=I", data, 24, reqid)
                s.setsockopt(socket.IPPROTO_IP, 16, data)
            s.close()
            if not i % 1000:
                most, size = max(most, used(host)), max(size, slab())
    return most, size


def emptied(host):
    """Wait until no policy is left; returns how many are."""
    deadline = time.monotonic() + 60
    while used(host) and time.monotonic() < deadline:
        time.sleep(0.1)
    return used(host)


def many_rounds(host):
    """The first ones fill the caches of the kernel, so they do not count."""
    churn(host, ROUNDS // 10)
    emptied(host)
    before, start = slab(), time.monotonic()
    most, size = churn(host, ROUNDS)
    took, left = time.monotonic() - start, emptied(host)
    after = slab()
    print(f"# note {ROUNDS} rounds in {took:.0f} s, at most {most} policies; slab "
          f"{before >> 10} KB, at most {size >> 10} KB, then {after >> 10} KB", flush=True)
    lab.claim(most < 10000, f"{ROUNDS} rounds: the table stays small", most)
    lab.equal(f"{ROUNDS} rounds: no policy is left", 0, left)
    # Where each round loses but the smallest piece, that is 8 bytes each.
    lab.claim(after - before < 4 * ROUNDS + (1 << 20),
              f"{ROUNDS} rounds: less is lost than 4 bytes each, and 1 MB", after - before)
    lab.claim(size - before < 64 << 20, f"{ROUNDS} rounds: never 64 MB more", size - before)


def settled(a, sockets):
    """What the last sockets to come have left when the sweeps have been."""
    deadline = time.monotonic() + 30
    while used(a) > len(sockets) and time.monotonic() < deadline:
        time.sleep(0.1)
    kept = list(range(len(sockets)))
    lab.equal(f"what no socket has is freed, what {len(sockets)} have stays",
              (len(sockets), kept),
              (used(a), [struct.unpack_from("=I", ask(s, OUT), 24)[0] - 9000
                         for s in sockets]))
    for s in sockets:
        s.close()


def unused(host):
    """Without a policy left, packets are looked at no more."""
    time.sleep(1.3)
    before = host.stat()["spdcachelookup"]
    with host.socket(B4) as s:
        s.sendto(b"nobody asks", (A4, 9))
    lab.equal("the last one freed, nobody looks at packets", before,
              host.stat()["spdcachelookup"])


def body():
    a, b = lab.hosts()
    a.sysctl("net.ipv4.ping_group_range=0 0")
    kept = {host: rounds(host, n) for host, n in ((a, 100), (b, 0))}
    for part in forms, families, malformed, answers, kinds, privilege:
        part(a)
    meanwhile(a, b)
    # Sweeps come every ten seconds, in both namespaces at about the same time.
    for host, sockets in kept.items():
        settled(host, sockets)
    if ROUNDS:
        many_rounds(b)
    unused(b)


lab.main(body)
