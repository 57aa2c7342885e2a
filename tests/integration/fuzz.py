#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Anything to the kernel at once: see tests/fuzz. What it does wrong is for the debug
kernel to say, in the log and when kmemleak looks at the end of all; here it has to go on
working. SEED= repeats a run, SECONDS_OF_FUZZ= makes it as long instead of so many
rounds."""
import os
import random
import sys

import lab

sys.path.insert(0, "/ipsec/tests/fuzz")
import workers

SEED = os.environ.get("SEED") or "1"
SECONDS = int(os.environ.get("SECONDS_OF_FUZZ") or "0")
ALG = "-E aes-gcm-16 0x" + "5a" * 20


def passes(a, b):
    """Two hosts as if nothing had been: what they send is protected, and arrives."""
    for host in a, b:
        host.setkey(lab.between(host, lab.A4, lab.B4, 0x3000, ALG))
    with a.socket(lab.A4) as s, b.socket(lab.B4, 7009) as t:
        wire = lab.Wire(a)
        s.sendto(b"after", (lab.B4, 7009))
        got = t.recv(100)
        seen = [f.proto for f in wire.frames() if f.proto in (17, 50)]
    return got, seen


def ends_of_frames(a, b):
    """What becomes of the same frames where nobody changes what is loaded meanwhile."""
    taken = workers.listen(b)
    with b.entered():
        workers.open_sas()
    with a.entered():
        workers.wire(random.Random(SEED), workers.Rounds(1500, 0), 0, [])
    for s in taken:
        s.close()
    return b.drops()


def body():
    print(f"# note fuzz: SEED={SEED}", flush=True)
    a, b = lab.hosts()
    taken = [s for host in (a, b) for s in workers.listen(host)]
    lab.equal(f"seed {SEED}: no reply is broken, and no worker", [],
              workers.run_all((a, b), SEED, SECONDS))
    for s in taken:
        s.close()
    for host in a, b:
        host.close()
    lab.ip("netns del a\nnetns del b\n")
    a, b = lab.hosts()
    counted = ends_of_frames(a, b)
    lab.claim(len(counted) > 5, "frames come to many ends", counted)
    print(f"# note fuzz: {' '.join(sorted(counted))}", flush=True)
    lab.equal("and new hosts do as ever", (b"after", [50]), passes(a, b))


lab.main(body)
