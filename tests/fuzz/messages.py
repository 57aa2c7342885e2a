# SPDX-License-Identifier: GPL-2.0-only
"""PF_KEY messages and policies by their grammar, with mistakes; the same for a seed."""
import struct

import sock_client
from pfkey_client import *

V4 = ("10.0.0.1", "10.0.0.2", "10.0.0.3", "0.0.0.0", "224.0.0.1")
V6 = ("fd00::1", "fd00::2", "fd00::3", "::", "ff02::1")
# Algorithms with a length of key that each takes; the last one exists nowhere.
MACS = {2: 16, 3: 20, 5: 32, 6: 48, 7: 64, 8: 20, 9: 16, 249: 16, 250: 20, 251: 0, 99: 4}
CIPHERS = {2: 8, 3: 24, 6: 16, 7: 16, 11: 0, 12: 16, 13: 20, 14: 19, 15: 19, 16: 19, 18: 20,
           19: 20, 20: 20, 21: 36, 22: 16, 23: 20, 252: 16, 253: 16, 98: 4}
WITH_SA = (GETSPI, UPDATE, ADD, DELETE, GET, ACQUIRE)
ABOUT_POLICIES = (SPDUPDATE, SPDADD, SPDDELETE, SPDGET, SPDACQUIRE, SPDSETIDX, SPDEXPIRE,
                  SPDDELETE2)
FREQUENT = (ADD, ADD, ADD, UPDATE, DELETE, SPDADD, SPDADD, SPDDELETE)
EMPTY = (REGISTER, EXPIRE, DUMP, SPDDUMP)
# One in so many is no more than this, as it ends what the others built.
RARE = (FLUSH, SPDFLUSH)
LAST_MESSAGE = 26


class Messages:
    """seed is an int, or a random.Random that others use too."""

    def __init__(self, rng):
        self.rng = rng

    def one_in(self, n):
        return self.rng.randrange(n) == 0

    def number(self, bits):
        """Small ones, the ends of the range, and any."""
        return self.rng.choice((self.rng.randrange(4), (1 << bits) - 1, 1 << (bits - 1),
                                self.rng.getrandbits(bits)))

    def spi(self):
        return self.number(32) if self.one_in(8) else 0x100 + self.rng.randrange(48)

    def pair(self):
        addresses = self.rng.choice((V4, V4, V6))
        return addresses[:2] if not self.one_in(3) else \
            (self.rng.choice(addresses), self.rng.choice(addresses))

    def ends(self):
        more = {}
        if self.one_in(3):
            more["proto"] = self.rng.choice((0, 1, 6, 17, 58, 50, 51, 108, 135, 255))
        if self.one_in(4):
            more["prefix"] = self.rng.choice((0, 8, 24, 31, 32, 64, 127, 128, 129, 255))
        if self.one_in(5):
            more["port"] = self.rng.choice((1, 7000, 65535))
        if self.one_in(30):         # of two families
            return address(5, self.rng.choice(V4 + V6)) + address(6, self.rng.choice(V4 + V6))
        return ends(*self.pair(), **more)

    def key(self, kind, algorithms):
        number = self.rng.choice(list(algorithms))
        size = algorithms[number] + (self.rng.randrange(-1, 2) if self.one_in(20) else 0)
        return number, key(kind, self.rng.randbytes(max(size, 0))) if size > 0 else b""

    def keys(self, satype):
        auth = encrypt = 0
        text = b""
        if satype == IPCOMP:
            encrypt = self.rng.choice((1, 2, 2, 2, 3))
        elif satype == ESP:
            encrypt, text = self.key(9, CIPHERS)
        if satype == AH or satype == ESP and not self.one_in(3):
            auth, more = self.key(8, MACS)
            text += more
        flags = self.rng.choice((0, 0, 0, OLD, IV4B, DERIV, ESN, 2, 4, self.number(32)))
        window = self.rng.choice((0, 4, 32, 255))
        return sa(self.spi(), auth, encrypt, window, flags, self.rng.randrange(4)) + text

    def requests(self):
        return b"".join(
            request(self.rng.choice((50, 50, 51, 108, self.number(16))),
                    self.rng.choice((1, 1, 2, 0, 3)), self.rng.randrange(5),
                    self.number(32), self.pair() if self.one_in(2) else None,
                    self.number(16) if self.one_in(40) else None)
            for _ in range(self.rng.choice((0, 1, 1, 1, 2, 3, 6))))

    def policy(self):
        return policy(self.number(8) if self.one_in(20) else self.rng.randrange(1, 4),
                      self.number(16) if self.one_in(20) else self.rng.choice((0, 1, 2, 2)),
                      self.requests(), self.rng.choice((0, 8 * self.rng.randrange(64) + 1)),
                      self.number(32))

    def lifetime(self):
        return ext(self.rng.choice((2, 3, 3, 4)), struct.pack(
            "=IQQQ", self.number(32), self.number(64), self.rng.choice((0, 1, 2, 1 << 63)),
            self.rng.choice((0, 1, 3, (1 << 64) - 1))))

    def extra(self):
        """An extension that the message may, or may not, have."""
        return self.rng.choice((
            self.lifetime, self.lifetime,
            lambda: sa2(self.rng.randrange(4), self.number(32)),
            lambda: natt(self.number(16), self.number(16), self.rng.randrange(4)),
            lambda: address(self.rng.choice((7, 23)), self.rng.choice(V4 + V6)),
            lambda: replay(self.rng.choice((0, 64, 4096, 1 << 20, self.number(32))),
                           self.number(64)),
            lambda: identity(self.rng.choice((10, 11)), self.rng.randrange(5),
                             self.rng.randbytes(self.rng.randrange(60))),
            lambda: spirange(0x100, 0x100 + self.number(8)),
            lambda: spirange(self.number(32), self.number(32)),
            lambda: ext(24, self.rng.randbytes(self.rng.randrange(40))),
            lambda: ext(13, self.rng.randbytes(76)),
            lambda: ext(self.number(16), self.rng.randbytes(self.rng.randrange(64)))))()

    def body(self, kind, satype):
        if kind in WITH_SA:
            text = self.ends()
            if kind in (ADD, UPDATE):
                text += self.keys(satype)
            elif kind in (GET, DELETE):
                text += sa(self.spi()) if not self.one_in(9) else b""
            elif kind == GETSPI:
                text += spirange(0x100, 0x130)
            return text
        if kind in ABOUT_POLICIES:
            return self.ends() + self.policy()
        if kind == PROMISC and self.one_in(2):
            return self.message()
        return b""

    def kind(self):
        if self.one_in(200):
            return self.rng.choice(RARE)
        return self.rng.choice((
            self.rng.choice(FREQUENT), self.rng.choice(WITH_SA),
            self.rng.choice(ABOUT_POLICIES), self.rng.choice(EMPTY + (PROMISC,))
            if self.one_in(3) else self.rng.choice(FREQUENT),
            self.rng.randrange(LAST_MESSAGE)))

    def message(self):
        kind = self.kind()
        satype = self.rng.choice((ESP, ESP, AH, IPCOMP) if kind in WITH_SA
                                 else (0, 0, ESP, AH))
        text = self.body(kind, satype)
        while self.one_in(2) and len(text) < 4000:
            text += self.extra()
        raw = message(kind, satype, text, self.number(32), self.rng.randrange(3))
        return self.damaged(raw) if self.one_in(4) else raw

    def damaged(self, raw):
        """A message as it is not meant."""
        raw = bytearray(raw)
        how = self.rng.randrange(5)
        if how == 0:
            raw = raw[:self.rng.randrange(len(raw) + 1)]
        elif how == 1:
            raw += self.rng.randbytes(8 * self.rng.randrange(8))
        elif how == 2 and len(raw) > 24:     # a word less, and it says so
            at = 8 * self.rng.randrange(2, len(raw) // 8)
            raw = raw[:at] + raw[at + 8:]
            raw[4:6] = struct.pack("=H", len(raw) // 8)
        elif how == 3:
            raw += struct.pack("=HHI", 1, self.number(16), 0) * self.rng.randrange(40)
            raw[4:6] = struct.pack("=H", len(raw) // 8 & 0xffff)
        else:
            for _ in range(self.rng.randrange(1, 6)):
                raw[self.rng.randrange(len(raw))] = self.number(8)
        return bytes(raw)

    def socket_policy(self):
        """For setsockopt()."""
        text = self.requests()
        raw = sock_client.POLICY.pack(
            (16 + len(text)) // 8, 18, self.rng.randrange(5), self.rng.randrange(4), 0,
            self.number(32), self.number(32)) + text
        return self.damaged(raw) if self.one_in(6) else raw
