# SPDX-License-Identifier: GPL-2.0-only
"""Algorithms as setkey, Scapy and tshark call them; None is what one lacks."""
from collections import namedtuple

BYTES = bytes(range(0x40, 0x80))
Alg = namedtuple("Alg", "ours bytes scapy tshark icv", defaults=(None,))
# A cipher or MAC, with the bytes of its key, the salt's among them.
CIPHERS = [
    Alg("null", 0, "NULL", "NULL"),
    Alg("des-cbc", 8, "DES", "DES-CBC [RFC2405]"),
    Alg("3des-cbc", 24, "3DES", "TripleDES-CBC [RFC2451]"),
    *(Alg("aes-cbc", n, "AES-CBC", "AES-CBC [RFC3602]") for n in (16, 24, 32)),
    *(Alg("aes-ctr", n, "AES-CTR", "AES-CTR [RFC3686]") for n in (20, 28, 36)),
    *(Alg("cast128-cbc", n, "CAST", "CAST5-CBC [RFC2144]" if n == 16 else None)
      for n in (5, 16)),
    *(Alg("blowfish-cbc", n, "Blowfish", "BLOWFISH-CBC [RFC2451]" if n == 16 else None)
      for n in (5, 16, 56)),
]
MACS = [
    Alg("null", 0, "NULL", "NULL"),
    Alg("hmac-md5", 16, "HMAC-MD5-96", "HMAC-MD5-96 [RFC2403]"),
    Alg("hmac-sha1", 20, "HMAC-SHA1-96", "HMAC-SHA-1-96 [RFC2404]"),
    Alg("hmac-sha2-256", 32, "SHA2-256-128", "HMAC-SHA-256-128 [RFC4868]"),
    Alg("hmac-sha2-384", 48, "SHA2-384-192", "HMAC-SHA-384-192 [RFC4868]"),
    Alg("hmac-sha2-512", 64, "SHA2-512-256", "HMAC-SHA-512-256 [RFC4868]"),
    Alg("hmac-ripemd160", 20, None, "MAC-RIPEMD-160-96 [RFC2857]"),
    Alg("aes-cmac", 16, "AES-CMAC-96", None),
]
AEADS = [
    *(Alg(f"aes-gcm-{icv}", n, "AES-GCM" if icv == 16 else None,
          f"AES-GCM with {icv} octet ICV [RFC4106]", icv)
      for icv in (8, 12, 16) for n in (20, 28, 36)),
    *(Alg(f"aes-ccm-{icv}", n, "AES-CCM", None, icv)
      for icv in (8, 12, 16) for n in (19, 27, 35)),
    Alg("chacha20-poly1305", 36, "CHACHA20-POLY1305", None, 16),
]
Suite = namedtuple("Suite", "name ours cipher mac")


def key(alg):
    return BYTES[:alg.bytes]


def said(option, alg):
    """An algorithm for setkey."""
    return f"{option} {alg.ours}" + (f" 0x{key(alg).hex()}" if alg.bytes else "")


def suites(peer, pairs):
    """What a peer has: every cipher with every MAC, or else each at least once."""
    ciphers, macs, aeads = ([alg for alg in table if getattr(alg, peer)]
                            for table in (CIPHERS, MACS, AEADS))
    for i, cipher in enumerate(ciphers):
        for mac in macs if pairs else [macs[i % len(macs)]]:
            yield Suite(f"{cipher.ours} {8 * cipher.bytes} {mac.ours}",
                        f"{said('-E', cipher)} {said('-A', mac)}", cipher, mac)
    for aead in aeads:
        yield Suite(f"{aead.ours} {8 * aead.bytes}", said("-E", aead), aead, None)


def ah_suites(peer):
    for mac in MACS[1:]:
        if getattr(mac, peer):
            yield Suite(f"ah-{mac.ours}", said("-A", mac), None, mac)
