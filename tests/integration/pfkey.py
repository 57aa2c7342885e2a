#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""PF_KEY as its clients use and misuse it: one row a request."""
import contextlib
import os
import socket
import sys
sys.path.insert(0, "/ipsec/tests/integration")
from pfkey_client import *
from pfkey_rows import *


def claim(text, good, seen=""):
    print("%s %s: %s%s" % ("ok" if good else "not ok", "pfkey", text,
                           "" if good else " - saw %s" % (seen,)), flush=True)


def bad_requests():
    c = Client()
    for text, raw, want in SENDS:
        try:
            c.sock.send(raw)
            seen = "no error"
        except OSError as e:
            seen = name(e.errno)
        claim("send of %s fails: %s" % (text, want), seen == want, seen)
        claim("and has no reply", c.recv() is None)
    for text, kind, satype, body, want in ERRORS:
        r = c.ask(kind, satype, body, seq=4711, pid=42)
        good = r is not None and name(r.errno) == want and len(r.raw) == 16 \
            and (r.type, r.seq, r.pid) == (kind, 4711, 42)
        claim("%s: %s" % (text, want), good, r and (name(r.errno), len(r.raw)))


def forms():
    c = Client()
    for text, satype, body in FORMS:
        r = c.ask(ADD, satype, body)
        claim("ADD of %s: EINVAL" % text, name(r.errno) == "EINVAL", name(r.errno))
    for text, satype, body in ACCEPTED:
        r = c.ask(ADD, satype, body)
        claim("ADD of %s" % text, r.errno == 0
              and r.ext[1][12:16] == body[12:16], name(r.errno))
        c.ask(DELETE, satype, sa(0x1000) + ends())


def life_of_an_sa():
    c = Client()
    r = c.ask(GETSPI, ESP, sa2(2, 7) + ends() + spirange(0x500, 0x500), seq=9)
    claim("GETSPI: the SPI of a range of one", r.errno == 0 and r.spi() == 0x500)
    claim("GETSPI: sequence number and pid are echoed",
          (r.seq, r.pid) == (9, os.getpid()))
    r = c.ask(GETSPI, ESP, ends() + spirange(0x500, 0x500))
    claim("GETSPI: the range is used up", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(ADD, ESP, esp(0x500))
    claim("ADD of a reserved SPI: EEXIST", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(UPDATE, ESP, sa(0x500) + sa2(1) + ends() + key(9, KEY20), pid=1)
    claim("UPDATE of a larval SA, by another pid", r.errno == 0, r.errno)
    claim("no key in its reply", 9 not in r.ext)
    r = c.ask(UPDATE, ESP, esp(0x500), pid=2)
    claim("UPDATE of a mature SA by a stranger: EINVAL",
          name(r.errno) == "EINVAL", r.errno)
    r = c.ask(UPDATE, ESP, esp(0x500, encrypt=99), pid=1)
    claim("a failed UPDATE", r.errno != 0)
    r = c.ask(GET, ESP, sa(0x500) + ends(prefix=0, proto=0))
    claim("leaves the SA as it was", r.errno == 0 and r.ext[1][9] == 1
          and r.ext[9][8:28] == KEY20, r.errno)
    claim("GET: mode, lifetimes, addresses",
          set(r.ext) >= {1, 2, 3, 4, 5, 6, 9, 19}, sorted(r.ext))
    r = c.ask(ADD, ESP, esp(0x501, auth=251))
    claim("AES-GCM beside hash NULL", r.errno == 0, r.errno)
    names = identity(10, 2, b"a.example") + identity(11, 2, b"b.example" + bytes(2000))
    r = c.ask(ADD, ESP, esp(0x503) + names)
    claim("identities are repeated to everybody", r.ext[10] + r.ext[11] == names)
    r = c.ask(ADD, AH, sa(0x504, auth=3, encrypt=12) + sa2() + ends()
              + key(8, KEY20) + key(9, bytes(32)))
    claim("AH with a cipher, as OpenIKED sends it, is AH without",
          r.errno == 0 and r.ext[1][11] == 0, (r.errno, r.ext.get(1)))
    r = c.ask(GET, AH, sa(0x504) + ends())
    claim("and keeps no key for it", sorted(r.ext) == [1, 2, 3, 4, 5, 6, 8, 19],
          sorted(r.ext))
    c.ask(DELETE, AH, sa(0x504) + ends())
    r = c.ask(ADD, ESP, sa(0x502, auth=3, encrypt=11) + ends() + key(8, KEY20))
    claim("cipher NULL without a key extension", r.errno == 0, r.errno)
    c.ask(DELETE, ESP, sa(0x501) + ends())
    r = c.ask(GET, ESP, sa(0x501) + ends())
    claim("deleted", name(r.errno) == "ESRCH", r.errno)
    r = c.ask(DELETE, ESP, ends())
    claim("DELETE of all between two ends", r.errno == 0, r.errno)
    r = c.ask(DUMP, 0)
    claim("leaves none", name(r.errno) == "ENOENT", r.errno)


def life_of_ipcomp():
    c = Client()
    r = c.ask(GETSPI, IPCOMP, ends() + spirange(0xffff, 0xffffffff))
    claim("GETSPI of IPComp: CPIs have 16 bits", (r.errno, r.spi()) == (0, 0xffff),
          r.errno)
    r = c.ask(GETSPI, IPCOMP, ends())
    claim("without a range: a CPI to be negotiated",
          r.errno == 0 and 0x100 <= r.spi() <= 0xffff, r.errno)
    r = c.ask(UPDATE, IPCOMP, sa(0xffff, encrypt=2, flags=0x80) + sa2() + ends())
    claim("UPDATE of IPComp", r.errno == 0, r.errno)
    for text, spi, more in ("a low SPI", 2, b""), ("an empty key", 5, key(9, b"")):
        r = c.ask(ADD, IPCOMP, sa(spi, encrypt=2) + ends() + more)
        claim("ADD of IPComp with %s" % text, r.errno == 0, r.errno)
    r = c.ask(GET, IPCOMP, sa(0xffff) + ends())
    claim("GET of IPComp: algorithm and flags, no keys",
          (r.satype, r.ext[1][11], r.ext[1][12], 8 in r.ext, 9 in r.ext)
          == (IPCOMP, 2, 0x80, False, False), sorted(r.ext))
    c.ask(FLUSH, IPCOMP)


def natt_of(r):
    """NAT-T of a reply: type, ports, original address; ports of its addresses."""
    port = {n: struct.unpack_from(">H", r.ext[n], at)[0]
            for n, at in ((21, 4), (22, 4), (5, 10), (6, 10)) if n in r.ext}
    return (r.ext[20][4] if 20 in r.ext else None, port.get(21), port.get(22),
            r.ext[23][8:] if 23 in r.ext else None, port[5], port[6])


def esp_in_udp():
    c = Client()
    oa = address(23, "10.1.0.1", port=99)
    want = (2, 4500, 40000, sockaddr("10.1.0.1"), 0, 0)
    with_ports = sa(0x800) + sa2() + ends(port=500) + key(9, KEY20)
    for text, body in (
            ("behind the others", with_ports + natt(4500, 40000) + oa),
            ("in front of the others", oa + natt(4500, 40000) + with_ports)):
        r = c.ask(ADD, ESP, body)
        claim("NAT-T extensions %s: in the reply of ADD, no port in addresses" % text,
              r.errno == 0 and natt_of(r) == want, r.errno or natt_of(r))
        r = c.ask(GET, ESP, sa(0x800) + ends(port=4500))
        claim("and of GET, whatever port it asks with",
              r.errno == 0 and natt_of(r) == want, r.errno or natt_of(r))
        r = c.ask(DUMP, ESP)
        claim("and of DUMP", r.errno == 0 and natt_of(r) == want, r.errno)
        r = c.ask(UPDATE, ESP, with_ports + natt(4500, 40001))
        claim("UPDATE changes them", r.errno == 0
              and natt_of(r) == (2, 4500, 40001, None, 0, 0), r.errno or natt_of(r))
        r = c.ask(UPDATE, ESP, with_ports + natt(1, 2, kind=0) + oa)
        claim("UPDATE with type 0 removes them", r.errno == 0
              and natt_of(r) == (None, None, None, None, 0, 0), r.errno or natt_of(r))
        c.ask(FLUSH, 0)
    r = c.ask(ADD, ESP, sa(0x801) + ends("fd00::1", "fd00::2") + key(9, KEY20)
              + natt(4500, 4500) + address(23, "fd01::1"))
    claim("the same of IPv6", r.errno == 0
          and natt_of(r) == (2, 4500, 4500, sockaddr("fd01::1") + bytes(4), 0, 0),
          r.errno or natt_of(r))
    c.ask(FLUSH, 0)
    r = c.ask(GETSPI, ESP, ends() + spirange(0x802, 0x802) + natt(4500, 4500))
    claim("GETSPI with NAT-T extensions", r.errno == 0, r.errno)
    r = c.ask(DUMP, ESP)
    claim("a larval SA keeps them", natt_of(r) == (2, 4500, 4500, None, 0, 0), natt_of(r))
    c.ask(FLUSH, 0)


def life_of_a_policy():
    c = Client()
    body = ends(prefix=24) + policy(requests=TUNNEL, priority=5)
    r = c.ask(SPDUPDATE, 0, body)
    ident = struct.unpack_from("=I", r.ext[18], 8)[0]
    claim("SPDUPDATE creates", r.errno == 0, r.errno)
    claim("ids are 8n + direction - 1", ident % 8 == 1, ident)
    r = c.ask(SPDADD, 0, body)
    claim("SPDADD again: EEXIST", name(r.errno) == "EEXIST", r.errno)
    r = c.ask(SPDADD, 0, ends(prefix=24) + policy(3, requests=TUNNEL))
    claim("direction fwd", r.errno == 0
          and struct.unpack_from("=I", r.ext[18], 8)[0] % 8 == 2, r.errno)
    r = c.ask(SPDGET, 0, policy(2, 0, ident=ident), seq=3)
    claim("SPDGET by id", r.errno == 0 and r.seq == 3
          and r.ext[18][16:] == TUNNEL, r.errno)
    r = c.ask(SPDADD, 0, ends() + policy(requests=request(level=3)))
    claim("unique: an automatic reqid from 0x4000",
          struct.unpack_from("=I", r.ext[18], 24)[0] >= 0x4000)
    r = c.ask(SPDADD, 0, ends() + policy(1, requests=request(
        mode=2, pair=("fd00::1", "fd00::2")) + request(
        pair=("fd00::1", "fd00::2"))))
    claim("IPv6 transport behind an IPv6 tunnel of IPv4", r.errno == 0, r.errno)
    c.ask(SPDDELETE, 0, ends() + policy(1, 0))
    c.drain()
    r = c.ask(SPDDUMP, 0)
    seqs = [r.seq] + [x.seq for x in c.drain()]
    claim("SPDDUMP counts down to 0", seqs == [2, 1, 0], seqs)
    r = c.ask(SPDDELETE, 0, ends(prefix=24) + policy(2, 0))
    claim("SPDDELETE looks at selector and direction", r.errno == 0, r.errno)
    r = c.ask(SPDGET, 0, policy(2, 0, ident=ident))
    claim("deleted", name(r.errno) == "ENOENT", r.errno)
    c.ask(SPDFLUSH, 0)
    r = c.ask(SPDDUMP, 0)
    claim("SPDFLUSH leaves none", name(r.errno) == "ENOENT", r.errno)


def drain_raw(c):
    seen = []
    with contextlib.suppress(BlockingIOError):
        while True:
            seen.append(c.sock.recv(65536, socket.MSG_DONTWAIT))
    return seen


def wrapped(raw):
    return BASE.pack(2, PROMISC, 0, 0, (16 + len(raw)) // 8, 0, 0, 0) + raw


# Who hears a reply: the asker, another socket, a registered one.
ONE, REGISTERED, ALL = [1, 0, 0], [1, 0, 1], [1, 1, 1]
NAMES = identity(10, 2, b"a.example") + identity(11, 2, b"b.example")
SA_SAID, SP_SAID = [1, 19, 3, 4, 2, 5, 6], [5, 6, 18, 2, 3]
RULE = ends(proto=17) + policy(2, 1)

# One after the other: request, who hears the reply, its extensions in their order.
REPLIES = [
    ("GETSPI", (GETSPI, ESP, ends() + spirange(0x610, 0x610)), ONE, [1, 19, 5, 6]),
    ("UPDATE", (UPDATE, ESP, esp(0x610)), ALL, SA_SAID),
    ("ADD", (ADD, ESP, esp(0x600)), ALL, SA_SAID),
    ("ADD with names", (ADD, ESP, esp(0x601) + NAMES), ALL, SA_SAID + [10, 11]),
    ("GET", (GET, ESP, sa(0x600) + ends()), ONE, SA_SAID + [9]),
    ("an error", (GET, ESP, sa(0x609) + ends()), ONE, []),
    ("DELETE", (DELETE, ESP, sa(0x600) + ends()), ALL, [1, 19, 5, 6]),
    ("DELETE of all between two", (DELETE, ESP, ends()), ALL, [5, 6]),
    ("ADD of AH", (ADD, AH, sa(0x602, auth=3, encrypt=0) + ends() + key(8, KEY20)),
     ALL, SA_SAID),
    ("DUMP", (DUMP, 0), ONE, SA_SAID + [8]),
    ("FLUSH", (FLUSH, 0), ALL, []),
    ("FLUSH of one type", (FLUSH, AH), ALL, []),
    ("REGISTER for nothing", (REGISTER, 0), REGISTERED, [14, 15]),
    ("PROMISC off", (PROMISC, 0), ALL, []),
    ("SPDADD", (SPDADD, 0, RULE), ALL, SP_SAID),
    ("SPDADD again", (SPDADD, 0, RULE), ONE, []),
    ("SPDUPDATE", (SPDUPDATE, 0, RULE), ALL, SP_SAID),
    ("SPDDUMP", (SPDDUMP, 0), ONE, SP_SAID),
    ("SPDDELETE", (SPDDELETE, 0, RULE), ALL, SP_SAID),
    ("SPDSETIDX", (SPDSETIDX, 0, RULE), ALL, SP_SAID),
    ("SPDFLUSH", (SPDFLUSH, 0), ALL, []),
]


def audiences():
    asker, other, registered, promisc = Client(), Client(), Client(), Client()
    r = registered.ask(REGISTER, ESP)
    claim("REGISTER tells the algorithms", set(r.ext) == {14, 15}, sorted(r.ext))
    r = registered.ask(REGISTER, ESP)
    claim("REGISTER again: EEXIST", name(r.errno) == "EEXIST", r.errno)
    claim("others do not hear it", not other.drain() and not asker.drain())
    promisc.ask(PROMISC, 1)
    seq = 0
    for text, args, audience, exts in REPLIES:
        for c in asker, other, registered, promisc:
            drain_raw(c)
        seq += 1
        sent = message(*args, seq=seq, pid=seq + 100)
        asker.sock.send(sent)
        seen = [drain_raw(c) for c in (asker, other, registered)]
        claim("%s: who hears it" % text, [len(x) for x in seen] == audience,
              [len(x) for x in seen])
        r = Reply(seen[0][0])
        claim("%s: extensions of the reply, type, number and pid" % text,
              (list(r.ext), r.type, r.satype, r.seq, r.pid)
              == (exts, args[0], AH if text == "DUMP" else args[1],
                  0 if "DUMP" in text else seq, seq + 100),
              (list(r.ext), r.type, r.satype, r.seq, r.pid))
        claim("%s: the same for all" % text, len({x for y in seen for x in y}) == 1)
        want = [wrapped(sent), wrapped(r.raw)] + [r.raw] * audience[1]
        claim("%s: the promiscuous socket sees request and reply behind a header" % text,
              sorted(drain_raw(promisc)) == sorted(want))


def extension():
    """SADB_X_EXT_SA_REPLAY: only for those who have sent one."""
    classic, extended, overheard = Client(), Client(), Client()
    overheard.ask(PROMISC, 1)
    extended.ask(DUMP, 0, replay())
    for c in classic, extended, overheard:
        c.drain_all()
    extended.sock.send(message(ADD, ESP, esp(0x800, replay=4, flags=ESN)
                               + replay(1 << 20, (5 << 32) + 6)))
    said = [c.recv().ext for c in (extended, classic)]
    claim("its sender gets it", said[0].get(29) == replay(1 << 20, (5 << 32) + 6),
          said[0])
    claim("others do not", 29 not in said[1] and set(said[0]) == {29, *said[1]},
          sorted(said[1]))
    claim("but the flag, the largest window and the low half of the number",
          (said[1][1][8], said[1][1][12:16].hex(), said[1][19][8:12].hex())
          == (255, "00040000", "06000000"), (said[1][1], said[1][19]))
    seen = []
    while (raw := overheard.sock.recv(65536, socket.MSG_DONTWAIT))[1] != PROMISC:
        pass
    with contextlib.suppress(BlockingIOError):
        while True:
            seen.append(Reply(raw[16:]) if raw[1] == PROMISC else Reply(raw))
            raw = overheard.sock.recv(65536, socket.MSG_DONTWAIT)
    claim("a promiscuous socket overhears requests and replies without it",
          len(seen) >= 2 and not any(29 in r.ext for r in seen),
          [sorted(r.ext) for r in seen])
    dumps = []
    for c, body in (classic, b""), (extended, b""), (classic, replay()):
        c.sock.send(message(DUMP, ESP, body))
        dumps.append(c.recv().ext)
    claim("DUMP: nothing for the classic one, and for the extended one it is last",
          (29 in dumps[0], list(dumps[1])[-1]) == (False, 29), dumps[0].keys())
    claim("who asks becomes extended", 29 in dumps[2], sorted(dumps[2]))
    # What a classic client reads is the same, whoever made the SA.
    classic = Client()
    records = []
    for body in (esp(0x801, replay=255), sa(0x801, replay=0) + sa2() + ends()
                 + key(9, KEY20) + replay(255 * 8)):
        extended.ask(DELETE, ESP, sa(0x801) + ends())
        extended.ask(ADD, ESP, body)
        classic.drain()
        records.append(classic.ask(GET, ESP, sa(0x801) + ends()).ext)
    for r in records:                       # the time of creation is not
        r[2] = r[2][:16] + bytes(8) + r[2][24:]
    claim("a window of 2040 packets by either way: the same record",
          records[0] == records[1], records)
    extended.ask(FLUSH, 0)


def between_processes():
    """What is behind a PROMISC header goes to everybody (RFC 2367 3.1.11)."""
    asker, other = Client(), Client()
    inside = message(ACQUIRE, ESP, ends(), seq=77, pid=88)
    asker.sock.send(message(PROMISC, 0, inside))
    claim("PROMISC passes a message on, without its own header",
          [[r.raw for r in c.drain()] for c in (asker, other)] == [[inside], [inside]])


def reading():
    c = Client()
    parts = message(ADD, ESP, esp(0x700))
    os.writev(c.sock.fileno(), [parts[i:i + 8] for i in range(0, len(parts), 8)])
    head = c.sock.recv(16, socket.MSG_PEEK)
    claim("writev of many pieces is one message, MSG_PEEK keeps the reply",
          len(head) == 16 and c.recv().errno == 0)
    n = 3000
    for i in range(n):
        c.sock.send(message(ADD, ESP, esp(0x10000 + i)))
        c.recv()
    slow = Client()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    slow.sock.send(message(DUMP, ESP))
    r = slow.ask(DUMP, ESP)
    seqs = [r.seq]
    busy = 0
    while seqs[-1] or len(seqs) == 1:
        r = slow.recv()
        if r is None:
            break
        if r.errno:
            busy += name(r.errno) == "EBUSY"
            continue
        seqs.append(r.seq)
    claim("a slow reader gets all of %d SAs, counted down" % (n + 1),
          seqs == list(range(n, -1, -1)), (len(seqs), seqs[:3], seqs[-3:]))
    claim("a second DUMP meanwhile: EBUSY", busy == 1, busy)
    gone = Client()
    gone.sock.send(message(DUMP, ESP))
    gone.sock.close()
    r = c.ask(FLUSH, 0)
    claim("FLUSH with a dump that nobody reads", r.errno == 0)


def sockets():
    for text, args, want in (
            ("type DGRAM", (AF_KEY, socket.SOCK_DGRAM, 2), "ESOCKTNOSUPPORT"),
            ("protocol 1", (AF_KEY, socket.SOCK_RAW, 1), "EPROTONOSUPPORT")):
        try:
            socket.socket(*args)
            seen = "no error"
        except OSError as e:
            seen = name(e.errno)
        claim("socket of %s: %s" % (text, want), seen == want, seen)
    pid = os.fork()
    if not pid:
        os.setuid(65534)
        try:
            Client()
        except PermissionError:
            os._exit(0)
        os._exit(1)
    claim("an unprivileged user gets no socket", os.waitpid(pid, 0)[1] == 0)


def long_messages():
    """Whole pages of identities and of somebody's message come back unchanged."""
    c = Client()
    for words in 600, 3000:
        who = [identity(kind, 2, bytes(range(1, 9)) * words) for kind in (10, 11)]
        r = c.ask(ADD, ESP, esp(0x7000 + words) + who[0] + who[1])
        claim(f"identities of {8 * words} bytes: repeated whole",
              (r.errno, [r.ext.get(k) for k in (10, 11)]) == (0, who), r.errno)
    inner = message(REGISTER, 3, identity(10, 2, bytes(40000)))
    r = c.ask(PROMISC, 0, inner)
    claim("PROMISC with a message of 40,000 bytes: shown whole", r.raw == inner, r.raw[:32])
    c.ask(FLUSH, 0)
    c.sock.close()


if __name__ == "__main__":
    sockets()
    bad_requests()
    forms()
    life_of_an_sa()
    life_of_ipcomp()
    esp_in_udp()
    life_of_a_policy()
    audiences()
    extension()
    between_processes()
    reading()
    long_messages()
