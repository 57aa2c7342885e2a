# SPDX-License-Identifier: GPL-2.0-only
"""How long a CPU is kept from its most urgent task, in instructions, for the benches of
crowds: 2 ns of the clock are one where it counts instructions.

A task of the highest priority sleeps again and again; whatever has preemption or
bottom halves off makes it oversleep. So does what does not reschedule, with PREEMPT= of
tests/bench/guest, by which the kernel is told to preempt as it does by default.
"""
import contextlib
import os
import signal
import sys
import time

sys.path.insert(0, "/ipsec/tests/integration")
import lab                                                          # noqa: E402
from probe import Probe                                             # noqa: E402

LIMIT, EXIT_LIMIT = 1000000, 2.0


class Watches:
    """Each prints what it saw, and all together say whether it was too much."""

    def __init__(self, text):
        self.probe, self.failed = Probe(), False
        print(f"{text}: longest wait in instructions, seconds of all.", flush=True)

    @contextlib.contextmanager
    def watch(self, text, seconds=None, limit=LIMIT):
        """What happens inside must let others run, and end within some seconds."""
        time.sleep(0.001)
        self.probe.worst_ns()
        begin = time.monotonic()
        yield
        took = time.monotonic() - begin
        worst = self.probe.worst_ns() // 2
        bad = worst > limit or seconds is not None and took > seconds
        self.failed |= bad
        print(f"{text:48} {worst:11} {took:9.2f}{'  too much' if bad else ''}", flush=True)

    @contextlib.contextmanager
    def unwatched(self):
        """What is counted inside is counted without the task that watches."""
        for task in self.probe.children:
            os.kill(task, signal.SIGSTOP)
        yield
        for task in self.probe.children:
            os.kill(task, signal.SIGCONT)

    def compare(self, text, few, many, limit=1.25):
        """Instructions of the same thing among few and among many."""
        bad = many > few * limit
        self.failed |= bad
        print(f"{text:48} {few:11} {many:9}{'  too much' if bad else ''}", flush=True)


def preempt():
    """How the kernel preempts from now on."""
    with open("/sys/kernel/debug/sched/preempt", "r+") as f:
        f.write(os.environ.get("PREEMPT") or "full")
        f.seek(0)
        return f.read().split("(")[1].split(")")[0]


def crowd(name, text, work):
    """Does work(watches) in a namespace of its own, in a process of its own, and ends
    both. Others wait for the end of the namespace: a device of it is gone when its stack
    is. Returns whether something took too much."""
    # Before there is a namespace, of which the probe would hold a file.
    watches = Watches(f"{text}, preemption {preempt()}")
    lab.run("modprobe", "-a", "dummy", "veth")
    lab.ip(f"netns add {name}\n")
    host = lab.Host(name)
    host.ip("""link add dummy0 type dummy
        link set dummy0 up
        addr add 10.0.0.1/24 dev dummy0
        neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev dummy0""")
    with contextlib.closing(watches.probe):
        pid = os.fork()
        if not pid:
            with host.entered():
                lab.loopback()
                work(watches)
            os._exit(watches.failed)
        watches.failed = bool(os.waitpid(pid, 0)[1])
        host.close()
        lab.ip(f"link add probe0 type veth peer name probe1 netns {name}\n")
        with watches.watch("the namespace ends", EXIT_LIMIT):
            lab.run("ip", "netns", "del", name)
            while os.path.exists("/sys/class/net/probe0"):
                time.sleep(0.005)
    return watches.failed
