#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Instructions that an SA costs to load from a file with thousands of them, tool and
kernel together: "ip -batch" for native XFRM, setkey for ours.

Run by tests/bench/guest, where 2 ns of the clock are one instruction, first as
"native" and with our module loaded as "ours FIGURES-OF-NATIVE".
"""
import subprocess
import sys
import time

KEY, SHA1 = "0x00112233445566778899aabbccddeeff", "0x" + "5a" * 20
COUNT = 10000
# Name, for ip(8), for setkey.
ALGS = (
    ("AES-GCM-16", f"aead rfc4106(gcm(aes)) {KEY}01020304 128",
     f"-E aes-gcm-16 {KEY}01020304"),
    ("AES-CBC, HMAC-SHA1", f"enc cbc(aes) {KEY} auth-trunc hmac(sha1) {SHA1} 96",
     f"-E aes-cbc {KEY} -A hmac-sha1 {SHA1}"),
)


def cost(name, line, *command):
    """Of one line, without the start of the program, which one line alone shows. Each
    SA has a peer of its own: native looks through all that are between two ends."""
    lines = [line.format(f"10.1.{n >> 8}.{n & 255}", 4096 + n) for n in range(COUNT + 2)]
    took = []
    # The first one finds the modules.
    for part in (lines[:1], lines[1:2], lines[2:]):
        path = f"/tmp/{name}"
        with open(path, "w") as f:
            f.write("\n".join(part) + "\n")
        begin = time.monotonic_ns()
        subprocess.run([*command, path], check=True)
        took.append(time.monotonic_ns() - begin)
    return (took[2] - took[1]) // (COUNT - 1) // 2


def native(alg):
    subprocess.run(["ip", "xfrm", "state", "flush"], check=True)
    return cost("batch", "xfrm state add src 10.0.0.1 dst {} proto esp spi {} "
                f"mode transport {alg}", "ip", "-batch")


def ours(alg):
    setkey = "/ipsec/tools/setkey/setkey"
    subprocess.run([setkey, "-F"], check=True)
    return cost("conf", f"add 10.0.0.1 {{}} esp {{}} -m transport {alg};", setkey, "-f")


def main():
    if sys.argv[1] == "native":
        print(*(native(row[1]) for row in ALGS))
        subprocess.run(["ip", "xfrm", "state", "flush"], check=True)
        return 0
    worse = 0
    print(f"An SA of {COUNT} that are loaded from a file: instructions, tool and kernel.")
    print(f"{'algorithm':26} {'ip -batch':>9} {'setkey':>9} {'ours/nat':>8}")
    for (name, _, alg), before in zip(ALGS, map(int, sys.argv[2:])):
        n = ours(alg)
        print(f"{name:26} {before:9} {n:9} {n / before:8.2f}", flush=True)
        worse |= n > before
    subprocess.run(["/ipsec/tools/setkey/setkey", "-F"], check=True)
    return worse


sys.exit(main())
