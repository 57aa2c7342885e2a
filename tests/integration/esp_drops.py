#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Puts captured ESP packets back on the wire, changed, one row a claim.

esp_drops.py CAPTURE: runs in namespace a; the counters are those of b.
"""
import subprocess
import sys
import time
from scapy.all import IP, Ether, Raw, rdpcap, sendp

SPI, SEQ, BODY = 34, 38, 42     # offsets in an Ethernet frame
packets = [bytes(p) for p in rdpcap(sys.argv[1])]


def stats():
    text = subprocess.run(["ip", "netns", "exec", "b", "cat",
                           "/proc/net/ipsec_stat"], capture_output=True,
                          text=True, check=True).stdout
    return {k: int(v) for k, v in (line.split() for line in text.splitlines())}


def patched(packet, at, data):
    b = bytearray(packet)
    at %= len(b)
    b[at:at + len(data)] = data
    return bytes(b)


def flipped(packet, at, bit):
    return patched(packet, at, bytes([packet[at] ^ bit]))


def new(packet):
    """A sequence number that was not seen, so that only the change counts."""
    return patched(packet, SEQ, bytes([0, 0, 0, 50]))


def cut(packet, length):
    """The same IP header in front of fewer bytes of ESP."""
    return bytes(Ether(packet[:14]) / IP(src="10.0.0.1", dst="10.0.0.2",
                                         proto=50)
                 / Raw(packet[SPI:SPI + length]))


p = packets[0]
n = len(p) - SPI
ROWS = [
    ("replayed", packets, {"in_espreplay": len(packets)}),
    ("last byte of the ICV changed", [flipped(new(p), -1, 1)],
     {"in_espauthfail": 1}),
    ("first byte of the ICV changed", [flipped(new(p), -16, 0x80)],
     {"in_espauthfail": 1}),
    ("ciphertext changed", [flipped(new(p), 60, 0x80)], {"in_espauthfail": 1}),
    ("IV changed", [flipped(new(p), BODY, 1)], {"in_espauthfail": 1}),
    ("number changed to 2^32 - 1", [patched(p, SEQ, b"\xff\xff\xff\xff")],
     {"in_espauthfail": 1}),
    ("number zero", [patched(p, SEQ, bytes(4))], {"in_espold": 1}),
    ("unknown SPI", [patched(p, SPI, b"\x77")], {"in_nosa": 1}),
    ("cut to 7 bytes", [cut(p, 7)], {"in_hdrops": 1}),
    ("cut to header and IV", [cut(p, 16)], {"in_hdrops": 1}),
    ("cut by 3 bytes", [cut(p, n - 3)], {"in_badilen": 1}),
    ("cut by a block", [cut(new(p), n - 4)], {"in_espauthfail": 1}),
]

for name, send, want in ROWS:
    before = stats()
    sendp([Ether(x) for x in send], iface="eth0", verbose=0)
    deadline = time.monotonic() + 5
    while True:
        after = stats()
        seen = {k: after[k] - before[k] for k in after
                if after[k] != before[k] and not k.startswith("spdcache")}
        if seen == want or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    good = seen == want
    print("%s esp_drops: %s: %s%s" % (
        "ok" if good else "not ok", name, ", ".join(want),
        "" if good else " - saw %s" % seen), flush=True)
