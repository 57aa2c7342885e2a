# SPDX-License-Identifier: GPL-2.0-only
"""What a system call goes through in our module, as the debug kernel's KCOV tells."""
import ctypes
import fcntl
import mmap
import os

import lab

KCOV = "/sys/kernel/debug/kcov"
INIT_TRACE, ENABLE, TRACE_PC = 0x80086301, 0x6364, 0
WORDS = 1 << 16


class Coverage:
    """Of this thread, from now on."""

    def __init__(self):
        self.fd = os.open(KCOV, os.O_RDWR)
        fcntl.ioctl(self.fd, INIT_TRACE, WORDS)
        self.words = self.mapped()
        fcntl.ioctl(self.fd, ENABLE, TRACE_PC)
        self.seen = set()

    def mapped(self):
        """Python's own mmap() believes the file's size, which is 0."""
        lab.LIBC.mmap.restype = ctypes.c_void_p
        at = lab.LIBC.mmap(None, ctypes.c_size_t(8 * WORDS),
                           mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, self.fd,
                           ctypes.c_long(0))
        if at == ctypes.c_void_p(-1).value:
            raise OSError(ctypes.get_errno(), KCOV)
        return (ctypes.c_uint64 * WORDS).from_address(at)

    def begin(self):
        self.words[0] = 0

    def new(self):
        """How many places were never reached before."""
        before = len(self.seen)
        self.seen.update(self.words[1:self.words[0] + 1])
        return len(self.seen) - before
