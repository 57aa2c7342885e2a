#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Packets that are wrong in every place: each ends at one counter.

What is wrong in IP's own headers the stack finds, and counts under its names,
which begin with a capital letter. The packets are made here, most with the right
ICV, so that what is wrong is found behind it.
"""
import random
import struct
import time

import lab
import packets
from lab import A4, A6, B4, B6
from packets import AH, DEST, ESP, HOP, NONE, ROUTING, UDP, frame

PORT, PORT_TUNNEL, PORT_ICVS = 7000, 7001, 7100
KEY = bytes(range(0x20, 0x34))
MAC = packets.sha1(KEY)
HEX = f"0x{KEY.hex()}"
ENDS = {4: (A4, B4), 6: (A6, B6)}
IP = {4: "Ip", 6: "Ip6"}
NAMES = (("ESP", ESP), ("AH", AH))
# SPIs, for IPv6 one more; windows have room for what overtakes, but WINDOW's are of 32
# packets. PLAIN has no ICV.
GOOD, PLAIN, TUNNEL, GOOD_AH, WINDOW, WINDOW_AH = range(0x2000, 0x200c, 2)
SAS = ((GOOD, "esp -m transport -r 32 -E null -A hmac-sha1"),
       (TUNNEL, "esp -m tunnel -r 32 -E null -A hmac-sha1"),
       (GOOD_AH, "ah -m transport -r 32 -A hmac-sha1"),
       (WINDOW, "esp -m transport -r 4 -E null -A hmac-sha1"),
       (WINDOW_AH, "ah -m transport -r 4 -A hmac-sha1"))
# Name, for setkey, bytes of IV and ICV, block; without a window.
CIPHERS = (("null", f"-E null -A hmac-sha1 {HEX}", 0, 12, 4),
           ("aes-cbc", f"-E aes-cbc 0x{KEY[:16].hex()} -A hmac-sha2-256 0x{'5a' * 32}",
            16, 16, 16),
           ("aes-ctr", f"-E aes-ctr {HEX} -A hmac-sha1 {HEX}", 8, 12, 4),
           ("aes-gcm-16", f"-E aes-gcm-16 {HEX}", 8, 16, 4))
FIRST_CIPHER, NO_WINDOW_AH = 0x2100, 0x2200
OPENED = {ESP: "in_espauthsucc", AH: "in_ahauthsucc"}
TAKEN = {proto: {counter: 1, "in_success": 1} for proto, counter in OPENED.items()}


class Numbers:
    """Sequence numbers, each used once."""

    def __init__(self):
        self.last = {}

    def __call__(self, spi):
        self.last[spi] = self.last.get(spi, 0) + 1
        return self.last[spi]


seq = Numbers()


def question(v, port=PORT):
    return packets.udp(*ENDS[v], b"question", port)


def esp(v, payload, proto=UDP, base=GOOD, number=None, tail=None, **how):
    """An authentic ESP packet, whatever is in it."""
    spi = base + (v == 6)
    body = packets.esp(spi, number or seq(spi), payload, proto,
                       None if base == PLAIN else MAC, tail)
    return packets.packet(*ENDS[v], ESP, body, **how)


def ah(v, payload, proto=UDP, base=GOOD_AH, number=None, **how):
    spi = base + (v == 6)
    return packets.ah(*ENDS[v], spi, number or seq(spi), payload, proto, MAC, **how)


def sealed(proto, v, **how):
    """A datagram in ESP or AH with nothing wrong."""
    return (esp if proto == ESP else ah)(v, question(v), **how)


def behind(packet):
    """What follows the IP header."""
    return packet[4 * (packet[0] & 15) if packet[0] >> 4 == 4 else 40:]


def flipped(packet, at, bits=0x80):
    """A byte behind the IP header changed."""
    b = bytearray(packet)
    b[len(packet) - len(behind(packet)) + at] ^= bits
    return bytes(b)


def rules(b):
    """b's SAs. The policies are there for b to look at packets at all."""
    text = "flush; spdflush;"
    for v, (src, dst) in ENDS.items():
        sas = [(spi, f"{rest} {HEX}") for spi, rest in SAS]
        sas += [(PLAIN, "esp -m transport -r 4 -E null"),
                (NO_WINDOW_AH, f"ah -m transport -A hmac-sha1 {HEX}")]
        sas += [(FIRST_CIPHER + 2 * n, f"esp -m transport {row[1]}")
                for n, row in enumerate(CIPHERS)]
        for spi, rest in sas:
            proto, rest = rest.split(" ", 1)
            text += f"add {src} {dst} {proto} {spi + (v == 6)} {rest};\n"
        text += (f"spdadd {src} {dst}[{PORT_TUNNEL}] udp -P in ipsec "
                 f"esp/tunnel/{src}-{dst}/require;\n")
    b.setkey(text)


class Case:
    def __init__(self):
        self.a, self.b = lab.hosts()
        self.socks = [(v, self.b.socket(ENDS[v][1], port, timeout=0))
                      for v in ENDS for port in (PORT, PORT_TUNNEL)]

    def got(self):
        """The datagrams that arrived."""
        texts = []
        for v, s in self.socks:
            try:
                while True:
                    texts.append((v, s.recv(65536)))
            except BlockingIOError:
                pass
        return texts

    def dropped(self, text, want, *sent):
        """Counted once for each packet, and no socket gets anything."""
        seen = lab.risen(self.b, want, lambda: self.a.inject(*map(frame, sent)))
        lab.equal(f"{text}: {', '.join(want)}, not delivered", (want, []),
                  (seen, self.got()))

    def each(self, text, counters, sent):
        """The same counters for each of many packets."""
        self.dropped(text, {name: len(sent) for name in counters}, *sent)

    def taken(self, text, v, want, *sent):
        """Counted, and delivered as one datagram."""
        seen = lab.risen(self.b, want, lambda: self.a.inject(*map(frame, sent)))
        lab.equal(f"{text}: delivered", (want, [(v, b"question")]), (seen, self.got()))


    def headers(self, chain, most):
        """Behind how many of these headers the stack delivers a datagram in clear: what
        comes behind that one has arrived later."""
        for count in range(most, 0, -1):
            self.a.inject(*(frame(packets.packet(A6, B6, UDP, data, chain=headers)) for
                            data, headers in ((question(6), count * chain),
                                              (packets.udp(A6, B6, b"last", PORT), []))))
            seen, deadline = [], time.monotonic() + 60
            while (6, b"last") not in seen and time.monotonic() < deadline:
                seen += self.got()
            if (6, b"question") in seen:
                return count
        return 0


def lengths(case):
    """Shorter than the header; than header, IV and ICV; no multiple of a block."""
    for v, ends in ENDS.items():
        for (name, proto), size in zip(NAMES, (8, 12)):
            whole = behind(sealed(proto, v))
            case.each(f"{name} of 0 to {size - 1} bytes, IPv{v}", ["in_hdrops"],
                      [packets.packet(*ends, proto, whole[:n]) for n in range(size)])
        for n, (name, _, iv, icv, block) in enumerate(CIPHERS):
            start = struct.pack(">II", FIRST_CIPHER + 2 * n + (v == 6), 9)
            least = 8 + iv + icv + 2
            case.each(f"{name} without room for IV, trailer and ICV, IPv{v}", ["in_hdrops"],
                      [packets.packet(*ends, ESP, start + bytes(size - 8))
                       for size in range(8, least)])
            case.each(f"{name} in parts of blocks, IPv{v}", ["in_badilen"],
                      [packets.packet(*ends, ESP, start + bytes(size - 8))
                       for size in range(least, least + 2 * block)
                       if (size - 8 - iv - icv) % block])


def trailers(case):
    """Behind a right ICV: padding, its length, and what the payload is said to be."""
    for v in ENDS:
        body = question(v)
        room = len(body) + 2            # of padding, if it were all of the packet
        long = [b"\1\2" + bytes((n, UDP)) for n in range(room + 1, 256)]
        case.each(f"every padding that is longer than the packet, IPv{v}",
                  ["in_badenc", "in_espauthsucc"], [esp(v, body, tail=t) for t in long])
        case.each(f"the same without an ICV, IPv{v}", ["in_badenc"],
                  [esp(v, body, base=PLAIN, tail=t) for t in long])
        case.dropped(f"padding that is the whole packet, IPv{v}", TAKEN[ESP] | {"in_inval": 1},
                     esp(v, body, tail=b"\1\2" + bytes((room, UDP))))
        padlen = 255 - (len(body) + 1) % 4
        case.taken(f"{padlen} bytes of any padding, IPv{v}", v, TAKEN[ESP],
                   esp(v, body, tail=b"\xee" * padlen + bytes((padlen, UDP))))
        for proto in 0, 254, 255:
            # An IPv6 header of type 0 is an extension header, and no good one.
            why = "in_inval" if v == 6 and not proto else f"{IP[v]}InUnknownProtos"
            case.dropped(f"next header {proto}, IPv{v}", TAKEN[ESP] | {why: 1},
                         esp(v, body, proto))
            case.dropped(f"next header {proto} in a tunnel, IPv{v}",
                         {"in_espauthsucc": 1, "in_mode": 1}, esp(v, body, proto, TUNNEL))
        for base in GOOD, TUNNEL:
            case.dropped(f"next header 59, IPv{v}, SPI {base:#x}",
                         {"in_espauthsucc": 1, "in_dummy": 1}, esp(v, body, NONE, base))
        case.dropped(f"next header 59 in AH, IPv{v}", {"in_ahauthsucc": 1, "in_dummy": 1},
                     ah(v, body, NONE))


def ah_lengths(case):
    """Whatever AH may say of its length but for the truth."""
    for v, ends in ENDS.items():
        case.each(f"every wrong length of AH, IPv{v}", ["in_badilen"],
                  [ah(v, question(v), length=n) for n in range(256) if n != 4])
        whole = behind(ah(v, b""))
        case.each(f"AH cut within its ICV, IPv{v}", ["in_badilen"],
                  [packets.packet(*ends, AH, whole[:n]) for n in range(12, len(whole))])


def source_routes(case, allowed):
    """Those that have come to their end."""
    case.b.sysctl(*(f"net.ipv4.conf.{dev}.accept_source_route={int(allowed)}"
                    for dev in ("all", "eth0")))
    for name, proto in NAMES:
        for text, option in (("LSRR", b"\x83\7\x08\x0a\0\0\x09\1"),
                             ("SSRR", b"\x89\7\x08\x0a\0\0\x09\1")):
            packet = sealed(proto, 4, options=option)
            if allowed:
                case.taken(f"{name} behind {text} at its end", 4, TAKEN[proto], packet)
            else:           # the stack has no counter for this
                case.dropped(f"{name} behind {text} without accept_source_route", {}, packet)


def options4(case):
    """IPv4 options in front of ESP and AH."""
    for allowed in False, True:
        source_routes(case, allowed)
    for name, proto in NAMES:
        for text, option in (("of length 0", b"\7\0\4\0"), ("of length 1", b"\7\1\4\0"),
                             ("beyond the header", b"\7\x0b\4\0"),
                             ("without a length", b"\1\1\1\7")):
            case.dropped(f"{name} behind an option {text}", {"IpInHdrErrors": 1},
                         packets.packet(A4, B4, proto, behind(sealed(proto, 4)),
                                        options=option))
        for text, option in (("router alert", b"\x94\4\0\0"),
                             ("an unknown option", b"\x99\4\x5a\x5a")):
            case.taken(f"{name} behind {text}", 4, TAKEN[proto],
                       sealed(proto, 4, options=option))


def tlv(options):
    return packets.ext(options + bytes((6 - len(options)) % 8))


def options6(case):
    """IPv6 extension headers in front of ESP and AH."""
    padding = tlv(b"\1\4")
    # Newer kernels take fewer.
    most = case.headers([(DEST, padding)], 15)
    lab.claim(most > 4, "the stack delivers what is behind many headers", most)
    for name, proto in NAMES:
        for text, chain in (
                ("hop-by-hop options cut short", [(HOP, tlv(b"\x1e\xc8"))]),
                ("destination options cut short", [(DEST, tlv(b"\x1e\xc8"))]),
                ("an option without a length", [(DEST, tlv(b"\0\0\0\0\0\x1e"))]),
                ("hop-by-hop options longer than the packet", [(HOP, b"\0\xff" + bytes(6))]),
                ("RH0 with more stops left than it has", [(ROUTING, b"\0\2\0\5" + bytes(20))]),
                ("RH0 of an odd length, stops left", [(ROUTING, b"\0\1\0\1" + bytes(12))]),
                ("RH0 without room for its stop", [(ROUTING, b"\0\0\0\1" + bytes(4))])):
            case.dropped(f"{name} behind {text}", {"Ip6InHdrErrors": 1},
                         packets.packet(A6, B6, proto, behind(sealed(proto, 6)), chain=chain))
        # Policies look at the whole chain, before the stack comes to these.
        for text, chain in (
                ("destination options longer than the packet",
                 [(DEST, b"\0\xff" + bytes(6))]),
                ("a routing header longer than the packet", [(ROUTING, b"\0\xff" + bytes(6))]),
                ("100 headers", 100 * [(DEST, padding)])):
            case.dropped(f"{name} behind {text}", {"in_inval": 1},
                         packets.packet(A6, B6, proto, behind(sealed(proto, 6)), chain=chain))
        for text, chain in (
                ("RH0 without stops left", [(ROUTING, b"\0\2\0\0" + bytes(20))]),
                ("empty options", [(HOP, tlv(b"\1\0\1\0\1\0")), (DEST, tlv(b"\1\0\1\0\1\0"))]),
                ("as many headers as may be", most * [(DEST, padding)])):
            case.taken(f"{name} behind {text}", 6, TAKEN[proto], sealed(proto, 6, chain=chain))


def fragments(case):
    """What is put together before ESP and AH see it, and what never is."""
    case.b.sysctl("net.ipv4.ipfrag_time=1", "net.ipv6.ip6frag_time=1")
    for v, ends in ENDS.items():
        for name, proto in NAMES:
            # The first one of IPv6 has to show what is behind AH (RFC 8200 4.5).
            size = 32 if (v, proto) == (6, AH) else 8
            case.taken(f"{name} in pieces of {size} bytes, IPv{v}", v, TAKEN[proto],
                       *packets.pieces(sealed(proto, v), size))
            whole = sealed(proto, v)
            case.dropped(f"{name} in pieces that overlap, IPv{v}",
                         {f"{IP[v]}ReasmFails": 1}, packets.pieces(whole, 32)[0],
                         packets.pieces(whole, 24)[1])
    case.dropped("AH in pieces of 8 bytes, IPv6", {"Ip6InHdrErrors": 1},
                 packets.pieces(sealed(AH, 6), 8)[0])
    case.taken("ESP as the only fragment, IPv6", 6, TAKEN[ESP],
               packets.fragment6(A6, B6, ESP, behind(sealed(ESP, 6)), 0, 0))
    case.dropped("AH as the only fragment, IPv6", {"in_inval": 1},
                 packets.fragment6(A6, B6, AH, behind(sealed(AH, 6)), 0, 0))
    case.dropped("more than 64 KB put together, IPv4", {"IpReasmFails": 1},
                 *packets.pieces(packets.head4(A4, B4, ESP, 0) + bytes(65600), 1480))
    unfinished(case)


def unfinished(case):
    """First fragments only, and an IPv6 one that would end beyond 64 KB."""
    firsts = [packets.pieces(sealed(proto, 4, ident=proto), 32)[0] for _, proto in NAMES]
    firsts += [packets.pieces(sealed(proto, 6), 32, proto)[0] for _, proto in NAMES]
    case.dropped("the first fragments of ESP and AH, IPv4 and IPv6",
                 {"IpReasmTimeout": 2, "IpReasmFails": 2,
                  "Ip6ReasmTimeout": 2, "Ip6ReasmFails": 2}, *firsts)
    # Kernels differ in whether what came before it is given up with it, or later.
    case.dropped("a fragment that ends beyond 64 KB, IPv6", {"Ip6InHdrErrors": 1},
                 packets.fragment6(A6, B6, ESP, bytes(100), 65528, 0, 81))


def nested(v, kind, depth):
    """A datagram in so many headers of one kind."""
    if kind == "tunnel":
        packet = packets.packet(*ENDS[v], UDP, question(v, PORT_TUNNEL))
        for _ in range(depth):
            packet = esp(v, packet, 4 if v == 4 else 41, TUNNEL)
        return packet
    make, proto = (esp, ESP) if kind == "ESP" else (ah, AH)
    packet, inner = make(v, question(v)), proto
    for _ in range(depth - 1):
        packet = make(v, behind(packet), inner)
    return packet


def depth(case):
    """A packet may have as many headers as a policy can ask for, 5."""
    for v in ENDS:
        for kind in "ESP", "AH", "tunnel":
            opened = OPENED[AH if kind == "AH" else ESP]
            case.taken(f"{kind} 5 deep, IPv{v}", v, {opened: 5, "in_success": 5},
                       nested(v, kind, 5))
            for n in 6, 16:
                case.dropped(f"{kind} {n} deep, IPv{v}",
                             {opened: 6, "in_success": 5, "in_depth": 1}, nested(v, kind, n))


def native_depth(case):
    """What native IPsec took off counts too."""
    lab.run("modprobe", "esp4")
    case.b.ip(f"xfrm state add src {A4} dst {B4} proto esp spi 0x5000 mode tunnel "
              f'enc ecb(cipher_null) "" auth-trunc hmac(sha1) {HEX} 96')
    for n, want in (4, TAKEN[ESP]), (5, {"in_espauthsucc": 1, "in_depth": 1}):
        packet = sealed(ESP, 4)
        for _ in range(n):
            packet = packets.packet(A4, B4, ESP, packets.esp(
                0x5000, seq(0x5000), packet, 4, MAC))
        # Native IPsec has no policy for what comes out of its tunnels.
        case.dropped(f"ESP inside {n} tunnels of native IPsec", want, packet)
    # Last of all: with native SAs here, unknown SPIs are native IPsec's.


def spis(case):
    """SPIs that mean nothing, or nothing for this packet."""
    case.b.ip("addr add 10.0.0.9/24 dev eth0\naddr add fd00::9/64 dev eth0 nodad")
    log = lab.KernelLog()
    for v, ends in ENDS.items():
        for name, proto in NAMES:
            whole = behind(sealed(proto, v))
            at = 4 if proto == AH else 0
            for text, numbers in (
                    ("SPI 0 and those below 256", range(256)),
                    ("500 unknown SPIs", random.sample(range(1 << 16, 1 << 32), 500))):
                case.each(f"{name}: {text}, IPv{v}", ["in_nosa"],
                          [packets.packet(*ends, proto, whole[:at] + struct.pack(">I", n)
                                          + whole[at + 4:]) for n in numbers])
            others = ("10.0.0.9", "10.0.0.255", "224.0.0.1") if v == 4 else ("fd00::9", "ff02::1")
            case.each(f"{name}: right SPI, other destinations: {', '.join(others)}",
                      ["in_nosa"], [packets.packet(ends[0], dst, proto, whole)
                                    for dst in others])
            other = GOOD_AH if proto == ESP else GOOD
            case.dropped(f"{name}: the SPI of another protocol, IPv{v}", {"in_nosa": 1},
                         sealed(proto, v, base=other))
            case.dropped(f"{name}: the SPI of another family, IPv{v}", {"in_nosa": 1},
                         packets.packet(*ends, proto, behind(sealed(proto, 10 - v))))
    lab.equal("none of it is logged", [], log.ours())


def windows(case):
    """Every place of the window, and what may not move it."""
    for v in ENDS:
        for name, base, make in ("esp", WINDOW, esp), ("ah", WINDOW_AH, ah):
            old, again, fail = (f"in_{name}{s}" for s in ("old", "replay", "authfail"))
            opened = f"in_{name}authsucc"

            def sent(numbers):
                return [make(v, question(v), NONE, base, n) for n in numbers]

            text = f"{name.upper()}, IPv{v}"
            case.each(f"{text}: 1 to 40", [opened, "in_dummy"], sent(range(1, 41)))
            case.each(f"{text}: again, left of the window", [old], sent(range(1, 9)))
            case.each(f"{text}: again, every place of the window", [again],
                      sent(range(9, 41)))
            zero = flipped(sent([1])[0], 11 if name == "ah" else 7, 1)
            case.dropped(f"{text}: number 0", {old: 1}, zero)
            case.dropped(f"{text}: number 2^32 - 1 with a wrong ICV", {fail: 1},
                         flipped(sent([0xffffffff])[0], 11 if name == "esp" else 23))
            case.each(f"{text}: 41 and 42, the window did not move", [opened, "in_dummy"],
                      sent([41, 42]))
            case.each(f"{text}: a jump to 1000", [opened, "in_dummy"], sent([1000]))
            case.each(f"{text}: old after the jump", [old], sent([43, 967, 968]))
            case.each(f"{text}: every new place after the jump", [opened, "in_dummy"],
                      sent(range(999, 968, -1)))
            case.each(f"{text}: and none of them twice", [again], sent(range(969, 1001)))
            case.each(f"{text}: the last number of all", [opened, "in_dummy"],
                      sent([0xffffffff]))
            case.each(f"{text}: which does not wrap", [old], sent([1, 0xffffffff - 32]))


def made_by_a(case, rows):
    """{(IP version, row): a packet as a's own SAs protect it}, each delivered once."""
    text = ""
    for v, (src, dst) in ENDS.items():
        for n, (_, proto, base, alg, *_) in enumerate(rows):
            text += (f"add {src} {dst} {proto} {base + (v == 6)} -m transport -u {n + 1} {alg};\n"
                     f"spdadd {src} {dst}[{PORT_ICVS + n}] udp -P out ipsec "
                     f"{proto}/transport//unique:{n + 1};\n")
    case.a.setkey(text)
    wire, made = lab.Wire(case.a), {}
    for v, (src, dst) in ENDS.items():
        for n, row in enumerate(rows):
            with case.a.socket(src) as s:
                s.sendto(b"question", (dst, PORT_ICVS + n))
    for f in wire.frames():
        if f.spi:
            made[f.proto, f.spi] = f.data[packets.ETHER:]
    return {(v, row[0]): made[ESP if row[1] == "esp" else AH, row[2] + (v == 6)]
            for v in ENDS for row in rows}


def icvs(case):
    """Every byte of a packet changed, and ICVs cut short."""
    rows = [(name, "esp", FIRST_CIPHER + 2 * n, alg, icv, block)
            for n, (name, alg, _, icv, block) in enumerate(CIPHERS)]
    rows.append(("AH", "ah", NO_WINDOW_AH, f"-A hmac-sha1 {HEX}", 0, 0))
    made = made_by_a(case, rows)
    for v, ends in ENDS.items():
        for name, proto, _, _, icv, block in rows:
            packet = made[v, name]
            size = len(behind(packet))
            want = {"in_nosa": 4, f"in_{proto}authfail": size - 4}
            if proto == "ah":           # its length is believed before the ICV
                want |= {"in_badilen": 1, "in_ahauthfail": size - 5}
            case.dropped(f"{name}: each of the {size} bytes changed, IPv{v}", want,
                         *(flipped(packet, at) for at in range(size)))
            if proto == "ah":           # cut by ah_lengths()
                continue
            odd = sum(k % block != 0 for k in range(1, icv + 1))
            want = {"in_badilen": odd, "in_espauthfail": icv - odd}
            case.dropped(f"{name}: ICV cut by 1 to {icv} bytes, IPv{v}",
                         {k: n for k, n in want.items() if n},
                         *(packets.packet(*ends, ESP, behind(packet)[:-k])
                           for k in range(1, icv + 1)))


def body():
    case = Case()
    rules(case.b)
    for part in (lengths, trailers, ah_lengths, options4, options6, fragments, depth,
                 spis, windows, icvs, native_depth):
        part(case)


lab.main(body)
