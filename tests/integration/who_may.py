#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who may read and write what of ours: capabilities decide, not uid 0.

Each row is a process with an identity of its own, which tries all of it in a namespace
of the machine's user namespace or of its own one. CAP_NET_ADMIN in the user namespace
that the network namespace belongs to is what counts.
"""
import errno
import os
import socket

import lab
import users
from lab import A4, B4
from users import NET_ADMIN, Identity

QUESTION = f"out {A4} 0 {B4} 0 17".encode()
WHY, STAT = "/proc/thread-self/net/ipsec_why", "/proc/thread-self/net/ipsec_stat"
KNOB = "/proc/sys/net/key/delete_grace"
AF_KEY, PF_KEY_V2 = 15, 2
YES, NO = "yes", "EPERM"


def tried(action):
    """What comes of it: "yes" or the name of the error."""
    try:
        action()
    except OSError as err:
        return errno.errorcode[err.errno]
    return YES


def ask():
    with open(WHY, "r+b", buffering=0) as f:
        f.write(QUESTION)
        return f.read()


def read_only():
    with open(WHY, "rb", buffering=0) as f:
        return f.read()


def counters():
    with open(STAT, "rb") as f:
        assert b"in_success" in f.read()


def read_knob():
    with open(KNOB) as f:
        f.read()


def write_knob():
    with open(KNOB, "w") as f:
        f.write("7")


def pf_key():
    socket.socket(AF_KEY, socket.SOCK_RAW, PF_KEY_V2).close()


def sock_policy():
    from sock_client import BYPASS, OUT, give, policy
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        give(s, policy(OUT, BYPASS))


DEEDS = {"asks ipsec_why": ask, "opens ipsec_why": read_only, "reads ipsec_stat": counters,
         "reads a knob": read_knob, "writes a knob": write_knob, "makes a PF_KEY socket": pf_key,
         "gives a socket a policy": sock_policy}
ALL = {deed: YES for deed in DEEDS}
NOTHING = {deed: NO for deed in DEEDS} | {"reads ipsec_stat": YES, "reads a knob": YES,
                                          "writes a knob": "EACCES"}
# The kernel's own rule for all sysctls: the machine's uid 0 owns them.
OWNER = NOTHING | {"writes a knob": YES}
HOST, OWN = "the machine's user namespace", "a user namespace of its own"
ROWS = (
    ("root", HOST, Identity(), ALL),
    ("uid 0 without capabilities", HOST, Identity(caps=0), OWNER),
    ("uid 1000 with CAP_NET_ADMIN alone", HOST, Identity(uid=1000, caps=NET_ADMIN), ALL),
    ("uid 1000", HOST, Identity(uid=1000, caps=0), NOTHING),
    ("uid 1000", OWN, Identity(uid=1000, own=True), ALL),
    ("its uid 0 without capabilities", OWN, Identity(uid=1000, own=True, caps=0), NOTHING),
    ("root of a user namespace", "a namespace of the machine",
     Identity(uid=1000, own="user"), NOTHING),
)


def rows():
    table = lab.Matrix("who may", [f"{who}, {where}: {deed}" for who, where, _, want in ROWS
                                   for deed in want])
    for who, where, identity, want in ROWS:
        seen = users.result(identity, lambda: {d: tried(fn) for d, fn in DEEDS.items()})
        for deed in want:
            table.equal(f"{who}, {where}: {deed}", "is", want[deed],
                        seen.get(deed) if isinstance(seen, dict) else seen)
    table.report()


def handed_on():
    """An open file speaks for whoever opened it, as a PF_KEY socket does."""
    def child(fd):
        os.write(fd, QUESTION)
        os.lseek(fd, 0, os.SEEK_SET)
        return os.read(fd, 4096).startswith(b"policy ")

    with open(WHY, "r+b", buffering=0) as f:
        lab.equal("ipsec_why that root opened answers a child without privileges", True,
                  users.result(Identity(uid=1000, caps=0), lambda: child(f.fileno())))


def other_way():
    """Opened by nobody, and given to root, which would be asked in its place."""
    def child(sock):
        fd = os.open(KNOB, os.O_RDONLY)
        socket.send_fds(sock, [b"."], [fd])
        return tried(lambda: os.close(os.open(WHY, os.O_WRONLY)))

    ours, theirs = socket.socketpair()
    said = users.result(Identity(uid=1000, caps=0), lambda: child(theirs))
    lab.equal("without privileges there is no ipsec_why to hand on", NO, said)
    _, fds, _, _ = socket.recv_fds(ours, 1, 1)
    lab.equal("a knob that was opened to read cannot be written by root", "EBADF",
              tried(lambda: os.write(fds[0], b"9")))
    os.close(fds[0])


# Nothing of this is a value, or a value of any knob.
GARBAGE = (b"x", b"-", b"0x", b"1x", b"--1", b"1-", b"99999999999999999999", b"-99999999999",
           b"4294967296", b"-2147483649", b"2147483648", b"\0", b"\n\n", b" " * 70000,
           b"%n%s", b"\xff\xfe", b"1" * 5000)


def hostile():
    """What the owner of a user namespace gets into his knobs by garbage: what changed."""
    changed, knobs = [], 0
    for place in "inet/ipsec", "inet6/ipsec6", "key":
        for knob in os.listdir(f"/proc/sys/net/{place}"):
            before, knobs = users.knob(f"{place}/{knob}"), knobs + 1
            for text in GARBAGE:
                try:
                    fd = os.open(f"/proc/sys/net/{place}/{knob}", os.O_WRONLY)
                    os.write(fd, text)
                    os.pwrite(fd, b"1", 3)      # not at its beginning
                except OSError:
                    pass
                os.close(fd)
                if users.knob(f"{place}/{knob}") != before:
                    changed.append((knob, text[:20].decode(errors="replace")))
    return [knobs > 30, changed]


def body():
    a, _ = lab.hosts()
    lab.equal("garbage gets into no knob of a namespace of a user", [True, []],
              users.result(Identity(uid=1000, own=True), hostile))
    with a.entered():
        rows()
        handed_on()
        other_way()
    lab.equal("the knob of the machine's namespace is as it was", 0, users.knob("key/delete_grace"))


lab.main(body)
