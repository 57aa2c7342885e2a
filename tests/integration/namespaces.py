#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Namespaces that end wait for no grace period of their own, whatever was in them.

The kernel counts by probes how often anybody waits for a grace period, while a few
namespaces end, and many. What is waited for once for all that end together stays the
same; what each one waits for grows with their number, which is compared with the same
without our module. No time is measured: tests/bench
has the cost. Debian's kernels only: the debug kernel has no probes.
"""
import contextlib
import os
import resource
import socket
import time

import lab
from pfkey_client import ADD, ESP, SPDADD, SPDDELETE, Client, ends, esp, policy
from sock_client import BYPASS, OUT, give
from sock_client import policy as sock_policy

TRACING = "/sys/kernel/tracing"
WAITS = "synchronize_rcu", "synchronize_rcu_expedited", "synchronize_net"
FEW, MANY = 4, 44
# Namespaces end in a few batches, more or fewer each time; what each waits for would
# be MANY - FEW of them at least.
NOISE = (MANY - FEW) // 2


def write(path, text):
    with open(f"{TRACING}/{path}", "w") as f:
        f.write(text)


@contextlib.contextmanager
def probes():
    if not os.path.exists(f"{TRACING}/trace"):
        lab.run("mount", "-t", "tracefs", "trace", TRACING)
    write("kprobe_events", "".join(f"p:ipsec/{name} {name}\n" for name in WAITS))
    write("events/ipsec/enable", "1")
    try:
        yield
    finally:
        write("events/ipsec/enable", "0")
        write("kprobe_events", "\n")


def waits():
    with open(f"{TRACING}/kprobe_profile") as f:
        return sum(int(line.split()[1]) for line in f if line.split()[0] in WAITS)


def unused():
    pass


def knob(name, value):
    with open(f"/proc/sys/net/{name}", "w") as f:
        f.write(value)


def requests(*wanted):
    c = Client()
    for args in wanted:
        assert not c.ask(*args).errno, args
    c.sock.close()


def sas_and_policies():
    requests((ADD, ESP, esp(0x1000)), (SPDADD, 0, ends() + policy(kind=1)))


def gone_policies():
    """The hooks go a second after the last policy: here they are just about to."""
    requests(*((kind, 0, ends() + policy(kind=1)) for kind in (SPDADD, SPDDELETE)))


def default_policy():
    knob("inet/ipsec/def_policy", "0")


def debug():
    knob("inet/ipsec/debug", "1")


def socket_policy():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        give(s, sock_policy(OUT, BYPASS))


KINDS = unused, sas_and_policies, gone_policies, default_policy, debug, socket_policy


def gone(name):
    """Delete a namespace and wait until the kernel took its wire away, after our stack."""
    lab.run("ip", "netns", "del", name)
    deadline = time.monotonic() + 60
    while os.path.exists(f"/sys/class/net/{name}"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} is still there")
        time.sleep(0.01)


def marker(name):
    lab.ip(f"netns add {name}\nlink add {name} type veth peer name peer netns {name}\n")


def waits_for_end(prepare, count):
    """How often somebody waits while so many namespaces end, in which was prepared."""
    held = []
    home = lab.PLACE.fd
    for _ in range(count):
        if lab.LIBC.unshare(lab.CLONE_NEWNET):
            raise OSError("unshare")
        held.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        prepare()
    lab.PLACE.go(home)
    # Namespaces end in the order in which they were left; the second marker is left
    # when the first one's batch is at its end.
    marker("m1")
    marker("m2")
    before = waits()
    for fd in held:
        os.close(fd)
    gone("m1")
    gone("m2")
    return waits() - before


def growth(prepare):
    """How often somebody waits more when many namespaces end."""
    few, many = (waits_for_end(prepare, n) for n in (FEW, MANY))
    assert few, "the probes see nothing"
    return many - few


def without_us():
    """The core of 6.1 waits once for each namespace itself."""
    lab.run("rmmod", "ipsec")
    try:
        waits_for_end(unused, 1)
        return growth(unused)
    finally:
        lab.run("insmod", "/ipsec/ipsec.ko")


def body():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    lab.run("modprobe", "-a", "veth")
    with probes():
        usual = without_us()
        for prepare in KINDS:
            more = growth(prepare)
            lab.claim(more < usual + NOISE,
                      f"namespaces end with {prepare.__name__}: {MANY} wait for as many "
                      f"grace periods more than {FEW} as without the module",
                      f"{more}, without it {usual}")


lab.main(body)
