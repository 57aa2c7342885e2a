# SPDX-License-Identifier: GPL-2.0-only
"""A program of a control group that counts what its sockets send, by IP protocol."""
import ctypes
import os
import struct

import lab

SYS_BPF = 321           # of x86_64
MAP_CREATE, MAP_LOOKUP, PROG_LOAD, PROG_ATTACH, PROG_DETACH = 0, 1, 5, 8, 9
ARRAY, CGROUP_SKB, INET_EGRESS = 2, 8, 1
PROTOCOLS = 256


def bpf(command, attr):
    buf = ctypes.create_string_buffer(attr, max(len(attr), 128))
    result = lab.LIBC.syscall(SYS_BPF, command, buf, 128)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf {command}")
    return result


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("=BBhi", code, src << 4 | dst, off, imm)


def program(counters):
    """Reads the version, then the protocol; adds one to its counter; lets all pass."""
    return b"".join((
        insn(0xb7, 2), insn(0xbf, 3, 10), insn(0x07, 3, imm=-16), insn(0xb7, 4, imm=10),
        insn(0x85, imm=26),                     # the packet's first ten bytes
        insn(0x71, 0, 10, -16),
        insn(0x77, 0, imm=4),                   # the version
        insn(0x15, 0, off=2, imm=6),            # of IPv6
        insn(0x71, 0, 10, -7),
        insn(0x05, off=1),
        insn(0x71, 0, 10, -10),
        insn(0x63, 10, 0, -4),                  # the key
        insn(0xbf, 2, 10), insn(0x07, 2, imm=-4),
        insn(0x18, 1, 1, imm=counters), insn(0),
        insn(0x85, imm=1),                      # look it up
        insn(0x15, 0, off=2),
        insn(0xb7, 1, imm=1),
        insn(0xdb, 0, 1),                       # one more
        insn(0xb7, imm=1),
        insn(0x95)))


class Counter:
    """A group of the caller's own, whose sockets from now on are counted."""

    def __init__(self, work):
        mount = f"{work}/cgroup"
        os.mkdir(mount)
        lab.run("mount", "-t", "cgroup2", "none", mount)
        self.root = os.open(mount, os.O_RDONLY)
        # Nobody else need see it, nor clean it up.
        lab.run("umount", "-l", mount)
        self.name = f"counted-{os.getpid()}"
        os.mkdir(self.name, dir_fd=self.root)
        self.group = os.open(self.name, os.O_RDONLY, dir_fd=self.root)
        self.map = bpf(MAP_CREATE, struct.pack("=5I", ARRAY, 4, 8, PROTOCOLS, 0))
        code, license_ = program(self.map), b"GPL\0"
        text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(license_)
        self.prog = bpf(PROG_LOAD, struct.pack(
            "=IIQQIIQII", CGROUP_SKB, len(code) // 8, ctypes.addressof(text[0]),
            ctypes.addressof(text[1]), 0, 0, 0, 0, 0)
            + bytes(16 + 4) + struct.pack("=I", INET_EGRESS))
        self.attach(PROG_ATTACH)
        self.join(self.group)

    def attach(self, what):
        bpf(what, struct.pack("=4I", self.group, self.prog, INET_EGRESS, 0))

    @staticmethod
    def join(group):
        with open(f"/proc/self/fd/{group}/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    def seen(self):
        """How many packets of each protocol so far."""
        key, value = ctypes.c_uint32(), ctypes.c_uint64()
        counts = {}
        for key.value in range(PROTOCOLS):
            bpf(MAP_LOOKUP, struct.pack("=IxxxxQQQ", self.map, ctypes.addressof(key),
                                        ctypes.addressof(value), 0))
            if value.value:
                counts[key.value] = value.value
        return counts

    def close(self):
        self.join(self.root)
        self.attach(PROG_DETACH)
        for fd in self.map, self.prog, self.group:
            os.close(fd)
        os.rmdir(self.name, dir_fd=self.root)
        os.close(self.root)
