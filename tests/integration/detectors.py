#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Who watches the guest sees what it watches for: warnings, CPUs, tasks and work queues
that stop.

A module of the test bed makes the faults, each announced here: what does not come is
a failure. So the watch is on, at the end of a run as at its start, see run.
"""
import contextlib
import os
import time

import lab

DEBUG = os.path.isdir("/sys/kernel/debug/kunit")
TRAP = "/proc/trap"
# Only in kernels that watch them: Debian's do not.
QUEUES = "/sys/module/workqueue/parameters/watchdog_thresh"
SETTINGS = {
    "/proc/sys/kernel/watchdog_thresh": 1,          # a CPU, after twice as much
    "/proc/sys/kernel/hung_task_timeout_secs": 1,
    "/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout": 3,
    QUEUES: 0,
}


def spring(what):
    with open(TRAP, "w") as f:
        f.write(what)


def told():
    """What the trap counts, see its trap_read()."""
    with open(TRAP) as f:
        return tuple(map(int, f.read().split()))


class Seen:
    """The lines of the kernel log, and a wait for one of them."""

    def __init__(self):
        self.log, self.text = lab.KernelLog(), []

    def look(self, words):
        self.text += [text for _, text in self.log.lines()]
        return any(words in text for text in self.text)

    def wait(self, words):
        """As long as it takes; a case that does not end is a failure too."""
        while not self.look(words):
            time.sleep(0.1)
        return True


@contextlib.contextmanager
def announced(*patterns):
    """All reports meanwhile are ours, and these have to come."""
    with open(os.environ["work"] + "/expected", "a") as f:
        f.write("? .*\n" + "".join(f"{p}\n" for p in patterns))
    with lab.own_reports():
        yield Seen()


@contextlib.contextmanager
def impatient():
    """What the detectors wait for comes soon."""
    there = [path for path in SETTINGS if os.path.exists(path)]
    before = {}
    for path in there:
        with open(path) as f:
            before[path] = f.read()
        with open(path, "w") as f:
            f.write(str(SETTINGS[path]))
    yield
    for path in there:
        with open(path, "w") as f:
            f.write(before[path])


def in_force():
    for path, want in (("/proc/sys/kernel/soft_watchdog", "1"),
                       ("/proc/sys/kernel/watchdog", "1"),
                       ("/proc/sys/kernel/watchdog_thresh", "10"),
                       ("/proc/sys/kernel/hung_task_timeout_secs", "60"),
                       ("/proc/sys/kernel/hung_task_warnings", "-1")):
        with open(path) as f:
            lab.equal(f"{path} is", want, f.read().strip())
    lab.equal("work queues are watched in the debug kernel", DEBUG, os.path.exists(QUEUES))
    if DEBUG:
        with open(QUEUES) as f:
            lab.equal(f"{QUEUES} is", "60", f.read().strip())
    else:
        with open("/sys/module/rcupdate/parameters/rcu_cpu_stall_suppress") as f:
            lab.equal("stalls of RCU are told", "0", f.read().strip())


def hung(seen):
    """A task in a sleep from which no signal wakes it."""
    pid = os.fork()
    if not pid:
        spring("hang")
        os._exit(0)
    seen.wait("blocked for more than")
    spring("release")
    lab.equal("a task that hangs is seen, and goes on", 0, os.waitpid(pid, 0)[1])


def waited(seen):
    """A work behind another one that keeps its CPU."""
    with open(QUEUES, "w") as f:
        f.write("1")
    for seconds in 4, 10, 20, 40:
        spring(f"queue {seconds}")
        if seen.look("workqueue lockup"):
            break
    with open(QUEUES, "w") as f:
        f.write(str(SETTINGS[QUEUES]))
    lab.claim(seen.look("BUG: workqueue lockup"), "a work queue that stops is seen")


def stopped(seen):
    """A CPU that does one thing only; longer, if the machine gave it little time."""
    wanted = ["soft lockup"] + ["self-detected stall"] * (not DEBUG)
    for seconds in 5, 10, 20, 40:
        spring(f"spin {seconds}")
        if all(seen.look(words) for words in wanted):
            break
    lab.equal("a CPU that stops is seen", [], [w for w in wanted if not seen.look(w)])


def body():
    in_force()
    with announced("WARNING: .* trap_warn", "blocked for more than",
                   "BUG: soft lockup") as seen, impatient():
        spring("warn")
        lab.claim(seen.wait("trap_warn"), "a warning is seen")
        hung(seen)
        stopped(seen)
        if DEBUG:
            waited(seen)


if __name__ == "__main__":
    lab.main(body)
