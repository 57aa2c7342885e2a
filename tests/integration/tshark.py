#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""tshark opens our packets, given the keys, and finds their ICVs right.

Every cipher that it has with every MAC, in transport mode over IPv4, in the other
modes each of them at least once. Only the guest of User Mode Linux has tshark.
"""
import struct

import lab
from matrix import MODES, Combo, addresses
from suites import key, suites

# Both ports of a packet: behind any other one, of those that the kernel would choose
# too, tshark may know a protocol. One that cannot read the text ends tshark's work on
# the packet, before it shows what the ICV was.
PORT, TEXT = 7000, b"for the eyes of tshark"


class Row(Combo):
    def __init__(self, n, suite, mode, inner, outer):
        super().__init__(n, (suite.name, suite.ours, ""), mode, inner, outer)
        self.suite = suite

    def sa(self):
        """What tshark wants to know of the SA, as one option."""
        cipher, mac = self.suite.cipher, self.suite.mac
        fields = ["IPv6" if ":" in self.ta else "IPv4", self.ta, self.tb, f"{self.spi:#x}"]
        for alg in cipher, mac:
            fields += [alg.tshark if alg else "NULL",
                       f"0x{key(alg).hex()}" if alg and alg.bytes else ""]
        return "uat:esp_sa:" + ",".join(f'"{field}"' for field in fields)

    def checked(self):
        """Whether there is an ICV."""
        return self.suite.mac is None or self.suite.mac.bytes > 0


def capture(name, frames):
    with open(name, "wb") as f:
        f.write(struct.pack("=IHHIIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for data in frames:
            f.write(struct.pack("=IIII", 0, 0, len(data), len(data)) + data)


def read(name, rows):
    """A line for each packet: SPI, ICV right, ICV wrong, text."""
    options = [word for c in rows for word in ("-o", c.sa())]
    out = lab.run("tshark", "-n", "-r", name, "-o", "esp.enable_encryption_decode:TRUE",
                  "-o", "esp.enable_authentication_check:TRUE",
                  "-d", f"udp.port=={PORT},data", *options, "-T", "fields",
                  *(word for f in ("esp.spi", "esp.icv_good", "esp.icv_bad", "udp.payload")
                    for word in ("-e", f)))
    return [line.split("\t") for line in out.split("\n")[:-1]]


def body():
    a, b = lab.hosts()
    addresses(a, b)
    rows = [Row(n, suite, *mode) for n, (suite, mode) in enumerate(
        (suite, mode) for i, mode in enumerate(MODES) for suite in suites("tshark", i == 0))]
    table = lab.Matrix("tshark", [c.name for c in rows])
    a.setkey("".join(c.setkey(a) for c in rows))
    wire = lab.Wire(a)
    for c in rows:
        with a.socket(c.a, PORT) as s:
            s.sendto(TEXT, (c.b, PORT))
    frames = {f.spi: f.data for f in wire.frames() if f.proto == 50}
    # Behind our packets the same ones with the last byte changed.
    capture("/tmp/tshark.pcap", [*frames.values(), *(
        data[:-1] + bytes([data[-1] ^ 1]) for data in frames.values())])
    seen = {}
    for spi, *rest in read("/tmp/tshark.pcap", rows):
        seen.setdefault(int(spi, 0), []).append(rest)
    for c in rows:
        good, bad = (["1", "0"], ["0", "1"]) if c.checked() else (["", ""], None)
        packet, changed = seen.get(c.spi, (["no packet"], []))
        table.equal(c.name, "ICV and text", good + [TEXT.hex()], packet)
        if bad:
            table.equal(c.name, "ICV of a changed packet", bad, changed[:2])
    table.report()


lab.main(body)
