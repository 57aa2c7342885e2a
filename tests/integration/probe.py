# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU was busy without a pause."""
import mmap
import os
import signal
import struct
import time


def note(*what):
    print("#", *what, flush=True)


class Probe:
    """Processes that want each CPU again and again, before all others: how late they were.

    Often only on the one CPU of a guest whose clock counts instructions: in the debug
    kernel, which has one too, it would be all that this CPU does.
    """

    def __init__(self):
        often = os.cpu_count() == 1 and not os.path.exists("/sys/kernel/debug/kmemleak")
        self.sleep = 0.0001 if often else 0.01
        self.late = mmap.mmap(-1, 4096)
        self.children = []
        for cpu in os.sched_getaffinity(0):
            self.children.append(os.fork())
            if not self.children[-1]:
                self.watch(cpu)

    def watch(self, cpu):
        os.sched_setaffinity(0, {cpu})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
        while True:
            begin = time.monotonic_ns()
            time.sleep(self.sleep)
            late = time.monotonic_ns() - begin - int(self.sleep * 1e9)
            if late > struct.unpack_from("=Q", self.late, 8 * cpu)[0]:
                struct.pack_into("=Q", self.late, 8 * cpu, late)

    def worst_ns(self):
        """Nanoseconds, since the last call."""
        late = max(struct.unpack_from("=64Q", self.late))
        self.late[:512] = bytes(512)
        return late

    def worst(self):
        """The same in microseconds."""
        return self.worst_ns() // 1000

    def close(self):
        for child in self.children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
