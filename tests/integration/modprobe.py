# SPDX-License-Identifier: GPL-2.0-only
"""Modules that the kernel asks for: they are taken away, and what brings them is what a
case wants. Whoever uses this has the guest alone."""
import contextlib
import os
import subprocess
import time


def take_away(wanted):
    """All modules that nobody has in use; those wanted may take a moment to be free."""
    loaded = [line.split()[0] for line in open("/proc/modules", encoding="ascii")]
    for module in loaded:
        for _ in range(20 if module.startswith(wanted) else 0):
            if not subprocess.run(["modprobe", "-r", module], capture_output=True,
                                  check=False).returncode:
                break
            time.sleep(0.25)


@contextlib.contextmanager
def modprobe_is(script):
    """What the kernel runs to have a module, given its usual way as $usual; yields a
    file for the script to write to."""
    log, path = "/run/modprobe.log", "/run/modprobe.sh"
    with open("/proc/sys/kernel/modprobe", "r+", encoding="ascii") as f:
        usual = f.read().strip()
        with open(path, "w", encoding="ascii") as out:
            out.write(f"#!/bin/bash\nusual={usual} log={log}\n{script}\n")
        os.chmod(path, 0o755)
        open(log, "w", encoding="ascii").close()
        f.seek(0)
        f.write(f"{path}\n")
    try:
        yield log
    finally:
        with open("/proc/sys/kernel/modprobe", "w", encoding="ascii") as f:
            f.write(f"{usual}\n")


def asks(log):
    """How often a module was asked for."""
    with open(log, encoding="ascii") as f:
        return len(f.readlines())
