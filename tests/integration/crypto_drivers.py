# SPDX-License-Identifier: GPL-2.0-only
"""Asynchronous drivers of algorithms, which the kernel is asked for through netlink
and prefers from then on: pcrypt where there are several CPUs, else cryptd.
"""
import os
import socket
import struct
import time

import lab

NETLINK_CRYPTO, NEWALG, DELALG = 21, 0x10, 0x11
NLM_F_REQUEST, NLM_F_ACK = 1, 4
TYPE_AEAD, TYPE_MASK = 3, 15
if os.cpu_count() > 1:
    DRIVERS = {"gcm16": "pcrypt(rfc4106(gcm(aes)))",
               "aes-sha1": "pcrypt(authenc(hmac(sha1),cbc(aes)))"}
else:
    DRIVERS = {
        "gcm16": "cryptd(rfc4106(gcm_base(ctr(aes-generic),ghash-generic)))",
        "aes-sha1": "cryptd(authenc(hmac(sha1-generic),cbc(aes-generic)))"}


def crypto_request(what, driver):
    """Make or remove an instance; the errno of the answer."""
    body = struct.pack("=64s64s64sIIII", b"", driver.encode(), b"", TYPE_AEAD,
                       TYPE_MASK, 0, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_CRYPTO) as s:
        s.send(struct.pack("=IHHII", 16 + len(body), what,
                           NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        return -struct.unpack_from("=i", s.recv(4096), 16)[0]


def drivers():
    """{driver: (users, is it asynchronous)} of /proc/crypto."""
    found = {}
    for text in open("/proc/crypto").read().split("\n\n"):
        row = dict(map(str.strip, line.split(":", 1))
                   for line in text.split("\n") if ":" in line)
        if row:
            found[row["driver"]] = (int(row["refcnt"]), row.get("async") == "yes")
    return found


def prefer():
    """Make them; SAs that are made later have them."""
    for driver in DRIVERS.values():
        # EAGAIN when the instance's own name spells the drivers out; whether it
        # is there is seen in drivers().
        crypto_request(NEWALG, driver)


def removed():
    """So that the cases after this one have the drivers of the machine."""
    for driver in drivers():
        if driver.startswith(("pcrypt(", "cryptd(rfc", "cryptd(auth")):
            for _ in range(50):
                if (err := crypto_request(DELALG, driver)) != 16:
                    break
                time.sleep(0.1)     # SAs end after a grace period
            lab.equal(f"{driver} is removed", 0, err)
