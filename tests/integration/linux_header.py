#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A client that was compiled with Linux's own <linux/pfkeyv2.h> works unchanged and
sees no extension that this header does not have, whatever others beside it ask for."""
import subprocess

import lab
from lab import A4, B4
from pfkey_client import *


def body():
    a, _ = lab.hosts()
    with a.entered():
        # One that asks for our own extension, which nobody else gets by that.
        other = Client()
        r = other.ask(DUMP, ESP, replay())
        lab.equal("another client asks for our extension", errno.ENOENT, r.errno)
        done = subprocess.run(["/ipsec/tests/linux_client", A4, B4], capture_output=True,
                              text=True, timeout=60)
    print(done.stdout, end="", flush=True)
    lab.equal("it runs to its end", (0, ""), (done.returncode, done.stderr))
    seen = [r for r in other.drain() if r.type in (ADD, UPDATE)]
    lab.claim(len(seen) == 4 and all(29 in r.ext for r in seen),
              "who asked for the extension sees it in the same messages",
              [(r.type, sorted(r.ext)) for r in seen])


lab.main(body)
