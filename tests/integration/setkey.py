#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""setkey and the kernel: what it loads, shows and removes, and that a mistake in
a file or a refusal of the kernel loses nothing that was loaded.

What it prints for every message is shown by tests/golden, without a kernel.
"""
import contextlib
import hmac
import os
import re
import select
import socket
import struct
import subprocess

import lab
from lab import A4, A6, B4, B6
from pfkey_client import *

K16 = "0x00112233445566778899aabbccddeeff"
RULES = f"""
# two SAs and three policies
add {A4} {B4} esp 0x1001 -m transport -u 7 -r 4 -E aes-gcm-16 {K16}01020304;
add {A6} {B6} esp 0x1002 -m tunnel -lh 600 -ls 300 -E aes-cbc {K16}
    -A hmac-sha2-256 {K16}{K16[2:]};
spdadd {A4} {B4}[80] tcp -P out ipsec esp/transport//unique:7;
spdadd {B4} {A4} any -P in prio high none;
spdadd fd01::/64 fd02::/64 any -P fwd ipsec esp/tunnel/{A6}-{B6}/require;
"""
SAS = (
    rf"{A4} {B4} \n\tesp mode=transport spi=4097\(0x00001001\) reqid=7\(0x00000007\)\n"
    rf"\tE: aes-gcm-16  00112233 44556677 8899aabb ccddeeff 01020304\n"
    r"\tseq=0x00000000 replay=4 flags=0x00000040 state=mature \n"
    r"\tcreated: [A-Z].*\tcurrent: [A-Z].*\n\tdiff: \d+\(s\)\thard: 0\(s\)\tsoft: 0\(s\)\n",
    rf"{A6} {B6} \n\tesp mode=tunnel spi=4098\(0x00001002\) reqid=0\(0x00000000\)\n"
    rf"\tE: aes-cbc  00112233 44556677 8899aabb ccddeeff\n"
    r"\tA: hmac-sha256  00112233 44556677 8899aabb ccddeeff "
    r"00112233 44556677 8899aabb ccddeeff\n"
    r"\tseq=0x00000000 replay=0 flags=0x00000040 state=mature \n"
    r"\tcreated: .*\n\tdiff: \d+\(s\)\thard: 600\(s\)\tsoft: 300\(s\)\n")
POLICIES = (
    rf"{B4}\[any\] {A4}\[any\] any\n\tin prio high none\n",
    rf"{A4}\[any\] {B4}\[80\] tcp\n\tout prio def ipsec\n"
    r"\tesp/transport//unique:7\n\tcreated: .*lastused: .*\n"
    r"\tlifetime: 0\(s\) validtime: 0\(s\)\n\tspid=\d+ seq=\d+ pid=\d+\n\trefcnt=\d+\n",
    rf"fd01::/64\[any\] fd02::/64\[any\] any\n\tfwd prio def ipsec\n"
    rf"\tesp/tunnel/{A6}-{B6}/require\n")


def setkey(host, *args, stdin=""):
    """(exit status, standard output, standard error)"""
    with host.entered():
        done = subprocess.run(("setkey", *args), input=stdin, text=True,
                              capture_output=True)
    return done.returncode, done.stdout, done.stderr


def says(text, want, seen):
    """Status and both texts, the latter as regular expressions."""
    return lab.claim(seen[0] == want[0] and re.fullmatch(want[1], seen[1], re.S)
                     and re.fullmatch(want[2], seen[2], re.S), text, seen)


def shows(text, patterns, out):
    for n, pattern in enumerate(patterns, 1):
        lab.claim(re.search(pattern, out), f"{text}: entry {n}", out)


def state(host):
    """What is loaded, without what passes by itself."""
    text = setkey(host, "-D")[1] + setkey(host, "-DP")[1]
    return re.sub(r"(pid=|current: [A-Z].*|diff: |lastused: ).*", "", text)


def loading(a, path):
    with open(path, "w") as f:
        f.write(RULES)
    says("-f FILE is silent and succeeds", (0, "", ""), setkey(a, "-f", path))
    shows("-D", SAS, setkey(a, "-D")[1])
    shows("-DP", POLICIES, setkey(a, "-DP")[1])
    out = setkey(a, "-c", stdin=f"dump; get {A4} {B4} esp 0x1001;\nspddump;")[1]
    shows("dump", SAS, out)
    shows("spddump", POLICIES, out)
    lab.equal("get shows the SA again", 2, len(re.findall(SAS[0], out)))


def mistakes(a, path):
    """Whatever is wrong with a file, nothing of it happens."""
    before = state(a)
    for text, line, message in (
            ("a word that is none", "addd x;", "{}:3:1: unexpected `addd', expected a command"),
            ("a key too short", f"add {A4} {B4} esp 0x2000 -E aes-cbc 0x00;",
             "{}:3:37: `aes-cbc' takes a key of 128, 192 or 256 bits, not 8"),
            ("an unknown algorithm", f"add {A4} {B4} esp 0x2000 -E rot13 0x00;",
             "{}:3:37: unknown encryption algorithm `rot13'"),
            ("a bad policy", f"spdadd {A4} {B4} any -P out ipsec esp/sideways;",
             "{}:3:47: Invalid ipsec mode: expected .*, found `sideways'"),
            ("no semicolon", "spdflush", "{}:3:9: unexpected end of file, expected `;'")):
        with open(path, "w") as f:
            f.write(f"flush; spdflush;\nadd {A4} {B4} esp 0x3000 -E null;\n{line}\n")
        for args in ("-n", "-f"), ("-f",):
            says(f"{text}, {' '.join(args)}: file, line, column, status 1",
                 (1, "", f"setkey: {message.format(re.escape(path))}\n"
                  f"setkey: {re.escape(path)}: 1 error, nothing was sent\n"),
                 setkey(a, *args, path))
    lab.equal("nothing was lost, nothing added", before, state(a))


def refusals(a, path):
    """What the kernel refuses is told; what was there stays, the rest is done."""
    before = state(a)
    with open(path, "w") as f:
        f.write(f"add {A4} {B4} esp 0x1001 -E null;\n"
                f"spdadd {B4} {A4} any -P in none;\n"
                f"delete {A4} {B4} esp 0x7777;\n"
                f"spddelete {A4} {B4} udp -P out;\n"
                f"add {A4} {B4} esp 0x3001 -E null;\n")
    status, out, err = setkey(a, "-f", path)
    told = [(t[1], t[3].split(" (")[0]) for t in (
        line.split(": ") for line in err.splitlines())]
    lab.equal("four refusals, each with its place and reason",
              [(f"{path}:1:1", "File exists"), (f"{path}:2:1", "File exists"),
               (f"{path}:3:1", "No entry"), (f"{path}:4:1", "No entry")], told)
    lab.equal("which is the exit status", (1, ""), (status, out))
    lab.claim("spi=12289(0x00003001)" in setkey(a, "-D")[1],
              "the line behind them was carried out")
    says("delete", (0, "", ""), setkey(a, "-c", stdin=f"delete {A4} {B4} esp 0x3001;"))
    lab.equal("all that was loaded is as it was", before, state(a))


def watching(a):
    """-x shows what another process does."""
    with a.entered():
        spy = subprocess.Popen(("setkey", "-x"), stdout=subprocess.PIPE)
    seen = b""
    try:
        # The first message is its own, switching the watch on.
        while b"type=11 " not in seen and select.select([spy.stdout], [], [], 10)[0]:
            seen += os.read(spy.stdout.fileno(), 65536)
        a.setkey(f"add {A4} {B4} esp 0x4001 -E null;")
        while b"spi=16385" not in seen and select.select([spy.stdout], [], [], 10)[0]:
            seen += os.read(spy.stdout.fileno(), 65536)
    finally:
        spy.kill()
        spy.wait()
    lab.claim(b"spi=16385" in seen and b"sadb_msg{ version=2 type=3 " in seen,
              "-x shows an ADD of somebody else", seen)


# What is shown of each message behind its base header, as regular expressions.
DECODED = {
    "GETSPI": (GETSPI, r"sadb_spirange{ min=0x00004010 max=0x00004010 }"),
    "UPDATE": (UPDATE, r"sadb_sa{ spi=16400 replay=4 "),
    "ADD": (ADD, r"sadb_x_sa2{ mode=1 .*sadb_key{ bits=160 "),
    "ADD with names": (ADD, r"sadb_ident{ type=2 .*sadb_ident{ type=2 "),
    "ADD of ESP in UDP": (ADD, r"sadb_x_nat_t_type{ type=2 }.*port{ port=4500 }"),
    "DELETE": (DELETE, r"sadb_sa{ spi=16400 "),
    "GET": (GET, r"sadb_sa{ spi=16401 .*sadb_lifetime{ alloc=0"),
    "ACQUIRE": (ACQUIRE, r"sadb_prop{ replay=32\s+sadb_comb{ auth=0 encrypt="),
    "REGISTER": (REGISTER, r"sadb_sup{\s+{ id=\d+ ivlen=\d+ min="),
    "EXPIRE": (EXPIRE, r"sadb_sa{ spi=16386 .*sadb_lifetime{ alloc=0.*addtime=1, "),
    "FLUSH": (FLUSH, r""), "DUMP": (DUMP, r"sadb_address{ proto=255 "),
    "SPDUPDATE": (SPDUPDATE, r"sadb_x_policy{ type=1 dir=1 "),
    "SPDADD": (SPDADD, r"sadb_x_policy{ type=2 dir=2 id=\w+ priority=\d+ }\s+{ len=16 proto=50 "),
    "SPDDELETE": (SPDDELETE, r"sadb_address{ proto=17 "),
    "SPDGET": (SPDGET, r"sadb_x_policy{ "), "SPDDUMP": (SPDDUMP, r"sadb_x_policy{ "),
    "SPDACQUIRE": (SPDACQUIRE, r"sadb_x_policy{ type=2 dir=2 "),
    "SPDFLUSH": (SPDFLUSH, r""), "SPDSETIDX": (SPDSETIDX, r"sadb_x_policy{ type=2 dir=2 "),
    "SPDEXPIRE": (SPDEXPIRE, r"sadb_x_policy{ type=1 dir=3 .*addtime=1, "),
    "SPDDELETE2": (SPDDELETE2, r"sadb_x_policy{ "),
    "NEW_MAPPING": (NEW_MAPPING, r"sadb_sa{ spi=16404 .*port{ port=4500 }.*"
                    r"port{ port=40000 }"),
}
SOL_UDP, UDP_ENCAP, ESPINUDP = 17, 100, 2


def new_mapping(a, c):
    """ESP in UDP, made here, whose sender has another port than its SA."""
    pair = "127.0.0.1", "127.0.0.4"
    r = c.ask(ADD, ESP, sa(0x4014, auth=3, encrypt=11) + ends(*pair) + sa2()
              + key(8, KEY20) + natt(4500, 4500))
    assert r.errno == 0, name(r.errno)
    c.drain()
    esp = struct.pack(">II", 0x4014, 1) + struct.pack(">HHHH", 9, 9, 8, 0) \
        + bytes((1, 2, 2, socket.IPPROTO_UDP))
    esp += hmac.digest(KEY20, esp, "sha1")[:12]
    with a.socket(pair[0], 40000) as s, a.socket(pair[1], 4500) as t:
        t.setsockopt(SOL_UDP, UDP_ENCAP, ESPINUDP)
        lab.risen(a, {"in_success": 1, "in_espauthsucc": 1},
                  lambda: s.sendto(esp, (pair[1], 4500)))


def every_message(a, c):
    """Requests of each type, and what makes the kernel speak by itself."""
    udp, one = ends("127.0.0.1", "127.0.0.5", proto=17), struct.pack("=IQQQ", 0, 0, 1, 0)
    for args in (
            (GETSPI, ESP, ends() + spirange(0x4010, 0x4010)), (UPDATE, ESP, esp(0x4010)),
            (ADD, ESP, esp(0x4011)), (GET, ESP, sa(0x4011) + ends()), (DUMP, ESP),
            (ADD, ESP, esp(0x4012) + identity(10, 2, b"a") + identity(11, 2, b"b")),
            (ADD, ESP, esp(0x4013) + natt(4500, 4500)),
            (DELETE, ESP, sa(0x4010) + ends()),
            (REGISTER, ESP), (FLUSH, AH),
            (SPDUPDATE, 0, ends("127.0.0.1", "127.0.0.6") + policy(1, 1)),
            (SPDSETIDX, 0, udp + policy(2, 2)), (SPDDUMP, 0),
            (SPDADD, 0, ends("127.0.0.1", "127.0.0.2", proto=17)
             + policy(2, 2, request())),
            (SPDADD, 0, ends("127.0.0.1", "127.0.0.7") + ext(3, one) + policy(3, 1)),
            (ADD, ESP, sa(0x4002) + ends("127.0.0.1", "127.0.0.3") + key(9, KEY20)
             + ext(3, one))):
        r = c.ask(*args)
        assert r.errno == 0, (args[0], name(r.errno))
        c.drain()
    with a.socket("127.0.0.1") as s:
        for peer in "127.0.0.2", "127.0.0.5":
            with contextlib.suppress(OSError):
                s.sendto(b"x", (peer, 9))
    c.drain()
    ident = struct.unpack_from("=I", c.ask(SPDUPDATE, 0, udp + policy(2, 1)).ext[18], 8)[0]
    c.drain()
    for args in ((SPDGET, 0, policy(2, 0, ident=ident)),
                 (SPDDELETE2, 0, policy(2, 0, ident=ident)),
                 (SPDDELETE, 0, ends("127.0.0.1", "127.0.0.2", proto=17) + policy(2, 0))):
        assert c.ask(*args).errno == 0, args[0]
        c.drain()


def live(a):
    """-x shows each message decoded, the kernel's own as it says them."""
    with a.entered():
        lab.loopback()
        c = Client()
        spy = subprocess.Popen(("setkey", "-x"), stdout=subprocess.PIPE)
    seen = ""

    def listen(until):
        nonlocal seen
        while until not in seen and select.select([spy.stdout], [], [], 10)[0]:
            seen += os.read(spy.stdout.fileno(), 65536).decode(errors="replace")
        return until in seen

    try:
        lab.claim(listen("type=11 "), "-x begins", seen)
        every_message(a, c)
        new_mapping(a, c)
        # What the kernel says by itself comes when it comes, and without a request.
        for kind in NEW_MAPPING, EXPIRE, SPDEXPIRE:
            lab.claim(listen(f"sadb_msg{{ version=2 type={kind} "),
                      f"-x shows message {kind} when it comes", seen[-300:])
        c.sock.send(message(SPDFLUSH, 0))
        listen(f"sadb_msg{{ version=2 type={SPDFLUSH} ")
    finally:
        spy.kill()
        spy.wait()
        c.sock.close()
    said = seen.split("sadb_msg{ version=2 ")
    for text, (kind, want) in DECODED.items():
        lab.claim(any(m.startswith(f"type={kind} ") and re.search(want, m, re.S)
                      for m in said), f"-x decodes {text}",
                  [m for m in said if m.startswith(f"type={kind} ")][:2])
    lab.claim("invalid" not in seen, "-x knows every extension", seen[max(
        0, seen.find("invalid") - 200):][:300])


def emptying(a):
    says("deleteall", (0, "", ""),
         setkey(a, "-c", stdin=f"deleteall {A4} {B4} esp;"))
    left = setkey(a, "-D")[1]
    lab.claim("spi=4098" in left and "spi=4097" not in left and "16385" not in left,
              "removes what is between those two", left)
    says("-F", (0, "", ""), setkey(a, "-F"))
    says("-D of nothing", (0, "No SAD entries.\n", ""), setkey(a, "-D"))
    shows("-F leaves the policies", POLICIES, setkey(a, "-DP")[1])
    says("spddelete", (0, "", ""),
         setkey(a, "-c", stdin=f"spddelete {B4} {A4} any -P in;"))
    lab.equal("of one policy", 2, setkey(a, "-DP")[1].count("spid="))
    says("-FP", (0, "", ""), setkey(a, "-FP"))
    says("-DP of nothing", (0, "No SPD entries.\n", ""), setkey(a, "-DP"))
    says("-V", (0, r"setkey \d.*\n", ""), setkey(a, "-V"))
    says("-h", (0, "usage: .*", ""), setkey(a, "-h"))
    says("no option", (1, "", "usage: .*"), setkey(a))


def body():
    lab.run("ip", "netns", "add", "a")
    a = lab.Host("a")
    path = os.environ.get("work", "/tmp") + "/rules"
    loading(a, path)
    mistakes(a, path)
    refusals(a, path)
    watching(a)
    emptying(a)
    live(a)


lab.main(body)
