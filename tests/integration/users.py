# SPDX-License-Identifier: GPL-2.0-only
"""Processes of other users, with the capabilities and namespaces that a case asks for."""
import ctypes
import json
import os
import struct
import traceback
from dataclasses import dataclass

from lab import CLONE_NEWNET, LIBC

CLONE_NEWUSER = 0x10000000
PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 4, 8
CAPABILITY_VERSION_3 = 0x20080522
NET_ADMIN = 1 << 12
EVERY = (1 << 41) - 1


@dataclass
class Identity:
    """Who a process is.

    own: True in a user and a network namespace of its own, "user" in the user namespace
    alone. caps: what it may, there if own; a mask.
    """
    uid: int = 0
    caps: int = EVERY
    own: object = False


def set_caps(mask):
    """Effective and permitted, of what is permitted now."""
    head = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    LIBC.capget(head, data)
    low, high = (struct.unpack_from("=I", data, at)[0] for at in (4, 16))
    low, high = low & mask, high & mask >> 32
    if LIBC.capset(head, struct.pack("=6I", low, low, 0, high, high, 0)):
        raise OSError(ctypes.get_errno(), "capset")


def become(identity):
    """Never back: for a process that was forked for it."""
    if identity.uid:
        LIBC.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setresgid(identity.uid, identity.uid, identity.uid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
        LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)     # it may write its maps
    if identity.own:
        set_caps(0)
        flags = CLONE_NEWUSER | (CLONE_NEWNET if identity.own is True else 0)
        if LIBC.unshare(flags):
            raise OSError(ctypes.get_errno(), "unshare")
        for name, text in (("setgroups", "deny"), ("uid_map", f"0 {identity.uid} 1"),
                           ("gid_map", f"0 {identity.uid} 1")):
            with open(f"/proc/self/{name}", "w") as f:
                f.write(text)
    set_caps(identity.caps)


def start(identity, work):
    """A process that works as somebody; what the work returns comes out of the pipe."""
    out, into = os.pipe()
    pid = os.fork()
    if pid:
        os.close(into)
        return pid, out
    os.close(out)
    try:
        become(identity)
        text = json.dumps(work())
    except BaseException as err:
        text = json.dumps(f"{err!r} {traceback.format_exc()[-300:]}")
    os.write(into, text.encode())
    os._exit(0)


def ended(started):
    pid, out = started
    with open(out, "rb") as f:
        text = f.read()
    os.waitpid(pid, 0)
    return json.loads(text) if text else "no result"


def result(identity, work):
    """What the work returns when it is done as somebody."""
    return ended(start(identity, work))


def knob(name):
    with open(f"/proc/sys/net/{name}") as f:
        return int(f.read())
