#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The key lengths of each algorithm: accepted and refused exactly, by setkey and
by the kernel alone; what REGISTER tells, even after another one was killed; an
algorithm that a kernel lacks.
"""
import os
import re
import signal
import struct
import subprocess
import time

import lab
from lab import A4, B4
from modprobe import asks, modprobe_is, take_away
from pfkey_client import ADD, AH, DELETE, DERIV, ESP, GET, REGISTER, Client, ends, \
    key, message, name, sa

CLONE_NEWUSER = 0x10000000

THREE, SALTED = (128, 192, 256), (160, 224, 288)
# setkey's name, number, IV length, key bits that are right, and that are wrong.
ENCRYPT = (
    ("des-cbc", 2, 8, (64,), (56, 72)),
    ("des-deriv", 2, 8, (64,), (56, 72)),
    ("3des-cbc", 3, 8, (192,), (184, 200)),
    ("null", 11, 0, (0,), (8,)),
    ("blowfish-cbc", 7, 8, (40, 128, 448), (32, 456)),
    ("cast128-cbc", 6, 8, (40, 80, 128), (32, 136)),
    ("aes-cbc", 12, 16, THREE, (120, 136, 184, 200, 248, 264)),
    ("camellia-cbc", 22, 16, THREE, (120, 136, 184, 200, 248, 264)),
    ("twofish-cbc", 253, 16, THREE, (120, 136, 184, 200, 248, 264)),
    ("serpent-cbc", 252, 16, THREE, (120, 136, 184, 200, 248, 264)),
    ("aes-ctr", 13, 8, SALTED, (152, 168, 216, 232, 280, 296)),
    ("aes-gcm-8", 18, 8, SALTED, (152, 168, 216, 232, 280, 296)),
    ("aes-gcm-12", 19, 8, SALTED, (152, 168, 216, 232, 280, 296)),
    ("aes-gcm-16", 20, 8, SALTED, (152, 168, 216, 232, 280, 296)),
    ("aes-gmac", 23, 8, SALTED, (152, 168, 216, 232, 280, 296)),
    ("aes-ccm-8", 14, 8, (152, 216, 280), (128, 144, 160, 208, 224, 272, 288)),
    ("aes-ccm-12", 15, 8, (152, 216, 280), (128, 144, 160, 208, 224, 272, 288)),
    ("aes-ccm-16", 16, 8, (152, 216, 280), (128, 144, 160, 208, 224, 272, 288)),
    ("chacha20-poly1305", 31, 8, (288,), (256, 280, 296)),
)
AUTH = (
    ("hmac-md5", 2, (128,), (120, 136)),
    ("hmac-sha1", 3, (160,), (152, 168)),
    ("hmac-sha256", 5, (256,), (248, 264)),
    ("hmac-sha384", 6, (384,), (376, 392)),
    ("hmac-sha512", 7, (512,), (504, 520)),
    ("hmac-ripemd160", 8, (160,), (152, 168)),
    ("aes-xcbc-mac", 9, (128,), (120, 136)),
    ("aes-cmac", 248, (128,), (120, 136)),
    ("keyed-md5", 249, (128,), (120, 136)),
    ("keyed-sha1", 250, (160,), (152, 168)),
    ("null", 251, (0,), (8,)),
)
KEYED = (249, 250)              # for AH alone
# As setkey -D calls what has several names.
SHOWN = {"des-deriv": "des-cbc", "keyed-md5": "md5", "keyed-sha1": "sha"}


def secret(bits):
    """No part of it is a weak key of DES."""
    return bytes((0x13 + 41 * i) % 256 for i in range(bits // 8))


def rows():
    """(satype, name, ADD without SPI, bits, right, option of setkey)"""
    for alg, number, _, good, bad in ENCRYPT:
        for bits in sorted(good + bad):
            flags = DERIV if alg == "des-deriv" else 0
            yield (ESP, alg, dict(encrypt=number, flags=flags), key(9, secret(bits)),
                   bits, bits in good, "-E")
    for alg, number, good, bad in AUTH:
        for bits in sorted(good + bad):
            for satype in (AH, ESP) if number not in KEYED else (AH,):
                if satype == AH and alg == "null":
                    continue
                yield (satype, alg, dict(auth=number, encrypt=11 if satype == ESP else 0),
                       key(8, secret(bits)), bits, bits in good, "-A")


def by_kernel(c):
    """Each length by a message of its own; what was kept is read back."""
    wrong = []
    for satype, alg, fields, secret_ext, bits, good, option in rows():
        text = f"{ {AH: 'ah', ESP: 'esp'}[satype] } {option} {alg} of {bits} bits"
        fields = {"auth": 0, "encrypt": 0, "replay": 0, **fields}
        r = c.ask(ADD, satype, sa(0x7000, **fields) + ends() + secret_ext)
        want = "0" if good else "EINVAL"
        if name(r.errno) != want:
            wrong.append(f"{text}: {name(r.errno)}")
        if r.errno:
            r = c.ask(GET, satype, sa(0x7000) + ends())
            if name(r.errno) != "ESRCH":
                wrong.append(f"{text}: is there")
            continue
        r = c.ask(GET, satype, sa(0x7000) + ends())
        kept = r.ext.get(9 if option == "-E" else 8)
        if kept != secret_ext and bits:
            wrong.append(f"{text}: kept {kept}")
        c.ask(DELETE, satype, sa(0x7000) + ends())
    lab.equal(f"the kernel takes and refuses {len(list(rows()))} keys by their length",
              [], wrong)


def command(n, satype, alg, bits, option):
    secret_text = f"0x{secret(bits).hex()}" if bits else ""
    return (f"add {A4} {B4} {'ah' if satype == AH else 'esp'} {0x10000 + n} "
            f"{option} {alg} {secret_text};\n")


def by_setkey(host):
    good = [row for row in rows() if row[5]]
    bad = [row for row in rows() if not row[5]]
    host.setkey("flush;" + "".join(command(n, r[0], r[1], r[4], r[6])
                                   for n, r in enumerate(good)))
    dump = host.run("setkey", "-D")
    seen = {int(spi): (label, alg, words.replace(" ", "").replace("\n", ""))
            for spi, label, alg, words in re.findall(
                r"spi=(\d+).*\n(?:\tE: null *\n)?\t([EA]): (\S+) *([0-9a-f \n]*)\n\tseq=",
                dump)}
    want = {0x10000 + n: (r[6][1], SHOWN.get(r[1], r[1]), secret(r[4]).hex())
            for n, r in enumerate(good) if r[4]}
    different = {k: (v, seen.get(k)) for k, v in want.items() if seen.get(k) != v}
    lab.equal(f"setkey: {len(good)} keys of right lengths come back", {}, different)
    host.setkey("flush;")
    lab.equal("setkey: and can be flushed", "No SAD entries.\n", host.run("setkey", "-D"))
    missing, status = [], set()
    for at in range(0, len(bad), 20):               # it tells of 20 errors at most
        some = bad[at:at + 20]
        with host.entered():
            done = subprocess.run(["setkey", "-f", "-"], capture_output=True, text=True,
                                  input="".join(command(n, r[0], r[1], r[4], r[6])
                                                for n, r in enumerate(some)))
        told = {int(line) for line in re.findall(
            r"<stdin>:(\d+):\d+: `[\w-]+' takes a key of", done.stderr)}
        missing += [(r[1], r[4]) for n, r in enumerate(some, 1) if n not in told]
        status.add(done.returncode)
    lab.equal(f"setkey: names the line of each of {len(bad)} keys of wrong lengths",
              ([], {1}), (missing, status))
    lab.equal("setkey: and has sent none", "No SAD entries.\n", host.run("setkey", "-D"))


def advertised(c):
    """{number: (IV, min, max)} of both lists."""
    r = c.ask(REGISTER, 0)
    return [{number: rest for number, *rest in struct.iter_unpack(
        "=BBHHxx", r.ext[kind][8:])} for kind in (14, 15)]


def table():
    auth = {number: [0, min(good), max(good)] for _, number, good, _ in AUTH}
    encrypt = {number: [iv, min(good), max(good)] for _, number, iv, good, _ in ENCRYPT}
    return [auth, encrypt]


def stranger():
    """A process of another user, root of namespaces of its own, that registers."""
    pid = os.fork()
    if not pid:
        os.setresuid(65534, 65534, 65534)
        lab.LIBC.unshare(CLONE_NEWUSER | lab.CLONE_NEWNET)
        Client().sock.send(message(REGISTER, ESP))
        os._exit(0)
    return pid


def killed(c):
    """Who is killed while a module is loaded for it leaves no wrong answer to others."""
    take_away("twofish")
    with modprobe_is('echo >>$log; sleep 1; exec $usual "$@"') as log:
        pid = stranger()
        end = time.monotonic() + 60
        while not asks(log) and time.monotonic() < end:
            time.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
    lab.equal("a REGISTER is killed, in another namespace", signal.SIGKILL, status)
    lab.equal("and the next one is told of each algorithm", table(), advertised(c))


def without_serpent(c, host):
    """Where algorithms are modules, one can be taken away."""
    take_away("serpent")
    with modprobe_is("echo >>$log; exit 1") as log:
        lab.equal("REGISTER without an algorithm that the kernel lacks",
                  {252: [16, 128, 256]},
                  {k: v for k, v in table()[1].items() if k not in advertised(c)[1]})
        before = asks(log)
        r = c.ask(ADD, ESP, sa(0x7000, encrypt=252) + ends() + key(9, secret(128)))
        lab.equal("ADD of it: ENOSYS", "ENOSYS", name(r.errno))
        for spi in range(0x7001, 0x7014):
            c.ask(ADD, ESP, sa(spi, encrypt=252) + ends() + key(9, secret(128)))
        os.waitpid(stranger(), 0)
        lab.equal("nor does it ask for a module twenty times", (True, before),
                  (before > 0, asks(log)))
        with host.entered():
            done = subprocess.run(["setkey", "-f", "-"], capture_output=True, text=True,
                                  input=command(0, ESP, "serpent-cbc", 128, "-E"))
        lab.claim("not available in this kernel" in done.stderr and done.returncode == 1,
                  "setkey says that it is not available", done.stderr)


def body():
    lab.run("ip", "netns", "add", "a")
    a = lab.Host("a")
    with a.entered():
        c = Client()
    lab.equal("REGISTER: each algorithm with its IV and its key lengths", table(),
              advertised(c))
    by_kernel(c)
    by_setkey(a)
    c.drain()
    if not os.path.exists("/sys/kernel/debug/kunit"):   # there all are built in
        killed(c)
        without_serpent(c, a)


lab.main(body)
