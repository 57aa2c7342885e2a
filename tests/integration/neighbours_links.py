#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Gateways whose devices are of other kinds: a bond of two wires of which one fails, VRFs
that they forward in and between, programs of XDP where packets arrive; and containers on
ipvlan devices with policies of their own."""
import contextlib
import ctypes
import functools
import re
import struct
import time

import lab
import neighbours
import netlink
from cgroup_bpf import PROG_LOAD, bpf, insn
from neighbours import ENDS, HOSTS, NETS, Row

ESP, AMOUNT = {50}, 300000
BITS = {4: 24, 6: 64}
XDP, XDP_PASS, IFLA_XDP, DRIVER = 6, 2, 43, 4
# Of the container, in the network of the gateways' ends.
INSIDE = {4: "10.0.0.50", 6: "fd00::50"}
SPI = 0x7000


def pass_all():
    """A program of XDP."""
    code, gpl = insn(0xb7, imm=XDP_PASS) + insn(0x95), b"GPL\0"
    text = ctypes.create_string_buffer(code), ctypes.create_string_buffer(gpl)
    return bpf(PROG_LOAD, struct.pack("=IIQQ", XDP, len(code) // 8,
                                      *map(ctypes.addressof, text)))


def attach(host, dev, program):
    """None takes it away."""
    with host.entered():
        netlink.request(netlink.NEWLINK, struct.pack(
            "=BxHiII", 0, 0, netlink.socket.if_nametoindex(dev), 0, 0) + netlink.attr(
                IFLA_XDP, netlink.attr(1, struct.pack("=i", program))
                + netlink.attr(3, DRIVER)), 0)


def xdp(hosts, program):
    for host, dev in ((hosts[2], "eth0"), (hosts[2], "eth1"), (hosts[3], "eth0")):
        attach(host, dev, program)


def commands(hosts, text):
    """Of ip(8), for each address family, on both gateways."""
    for n, gw in enumerate(hosts[2:4]):
        for v in 4, 6:
            gw.run("ip", f"-{v}", "-batch", "-", stdin=text.format(
                own=ENDS[v][n], peer=ENDS[v][1 - n], bits=BITS[v], net=NETS[v][1 - n],
                near=NETS[v][n], inner={4: f"10.{n + 1}.0.254", 6: f"fd0{n + 1}::fe"}[v],
                nodad="nodad" if v == 6 else "", mac=f"02:00:00:00:01:0{n}"))


FREE = "addr del {own}/{bits} dev eth0\n"
BOND = """addr replace {own}/{bits} dev top {nodad}
    route replace {net} via {peer} dev top
    """
UNBOND = """addr replace {own}/{bits} dev eth0 {nodad}
    route replace {net} via {peer} dev eth0
    """
ONE_VRF = """link set eth0 master red
    link set eth1 master red
    addr replace {own}/{bits} dev eth0 {nodad}
    addr replace {inner}/{bits} dev eth1 {nodad}
    route replace {net} via {peer} dev eth0 table 10
    """
# What comes from the networks is in a VRF, the ends are not.
BETWEEN = """link set eth1 master red
    addr replace {inner}/{bits} dev eth1 {nodad}
    route replace {net} via {peer} dev eth0 table 10
    route replace {near} dev eth1
    """
NO_VRF = """link set eth0 nomaster
    link set eth1 nomaster
    addr replace {own}/{bits} dev eth0 {nodad}
    addr replace {inner}/{bits} dev eth1 {nodad}
    route replace {net} via {peer} dev eth0
    """


def active(gw):
    """By which wire the bond sends."""
    found = re.search(r"active_slave (\w+)", gw.run("ip", "-d", "link", "show", "top"))
    return found and found[1]


def bond(hosts, up):
    """Both ends have to choose the same wire: only there do they listen."""
    if up:
        commands(hosts, FREE)
        for gw in hosts[2:4]:
            gw.ip("link add top type bond mode active-backup miimon 50 fail_over_mac active"
                  " primary eth0\n"
                  "link set eth0 down\nlink set eth0 master top\nlink set eth2 down\n"
                  "link set eth2 master top\nlink set top up\n")
        commands(hosts, BOND)
        deadline = time.monotonic() + 60
        while {active(gw) for gw in hosts[2:4]} != {"eth0"}:
            if time.monotonic() > deadline:
                raise TimeoutError("the bonds do not come up")
            time.sleep(0.05)
    else:
        for gw in hosts[2:4]:
            gw.ip("link set eth0 nomaster\nlink set eth2 nomaster\nlink del top\n"
                  "link set eth0 up\nlink set eth2 up\n")
        commands(hosts, UNBOND)


def container(hosts, v, mode):
    """On gw1's uplink, with SAs and policies of its own for gw2."""
    gw1, gw2 = hosts[2:4]
    c = hosts[4]
    lab.ip("netns add c\n") if not c else None
    c = hosts[4] = c or lab.Host("c")
    gw1.run("ip", "link", "add", "link", "eth0", "name", "ipv", "netns", "c", "type",
            "ipvlan", "mode", mode)
    c.ip(f"link set lo up\nlink set ipv up\naddr add {INSIDE[v]}/{BITS[v]} dev ipv nodad\n")
    # In the modes of layer 3 nobody answers who looks for the container.
    mac = gw1.run("ip", "-br", "link", "show", "dev", "eth0").split()[2]
    gw2.run("ip", "neigh", "replace", INSIDE[v], "lladdr", mac, "dev", "eth0")
    neighbours.flush(gw2)
    for host, ends in (c, (INSIDE[v], ENDS[v][1])), (gw2, (ENDS[v][1], INSIDE[v])):
        neighbours.protect(hosts.who, host, *ends, SPI)
    result = neighbours.talk(c, gw2, INSIDE[v], ENDS[v][1])
    for host in c, gw2:
        neighbours.flush(host)
    c.ip("link del ipv\n")
    return result


def on_wires(hosts, result):
    """And what was on any of them. Devices that went down close the eyes of those who
    watch them, once each."""
    for _ in range(8):
        with contextlib.suppress(OSError):
            return result, hosts.seen()
    raise RuntimeError("nobody watches")


def talk(hosts, v):
    return neighbours.talk(*hosts[:2], *HOSTS[v])


def stream(hosts, v):
    """Both ways."""
    return [neighbours.stream(*hosts[:2][::way], *HOSTS[v][::way], AMOUNT)
            for way in (1, -1)]


def wire_fails(hosts, v):
    """That by which packets leave, while a flow lasts."""
    with neighbours.Flow(*hosts[:2], *HOSTS[v]) as f:
        before = on_wires(hosts, f.go(5))
        for gw in hosts[2:4]:
            gw.run("ip", "link", "set", "eth0", "down")
        deadline = time.monotonic() + 20
        while not f.go(1) and time.monotonic() < deadline:
            pass
        on_wires(hosts, None)
        after = on_wires(hosts, f.go(5))
        for gw in hosts[2:4]:
            gw.run("ip", "link", "set", "eth0", "up")
    return before, after


def vrf(hosts, text):
    commands(hosts, text)


PLANS = {
    "bond": (functools.partial(bond, up=True), functools.partial(bond, up=False)),
    "one VRF": (functools.partial(vrf, text=ONE_VRF), functools.partial(vrf, text=NO_VRF)),
    "from a VRF": (functools.partial(vrf, text=BETWEEN), functools.partial(vrf, text=NO_VRF)),
    "XDP": (lambda hosts: xdp(hosts, hosts.program), lambda hosts: xdp(hosts, -1)),
    "": (lambda hosts: None,) * 2,
}
ROWS = [
    *(Row(f"{plan}, {what}", {}, act, (want, ESP), plan=plan)
      for plan in ("bond", "one VRF", "from a VRF", *neighbours.stock("XDP"))
      for what, act, want in (("UDP", talk, "answered"), ("TCP", stream, [AMOUNT] * 2))),
    Row("bond, a wire fails", {}, wire_fails, (((5, ESP), (5, ESP)), set()), plan="bond"),
    *neighbours.stock(*(Row(f"ipvlan, mode {mode}", {}, functools.partial(
        container, mode=mode), ("answered", ESP)) for mode in ("l2", "l3", "l3s"))),
]


def say(hosts, who, plan):
    PLANS[hosts.plan][1](hosts)
    hosts.plan = plan
    PLANS[plan][0](hosts)
    neighbours.tunnels(who, hosts[2:4])
    on_wires(hosts, None)


def body():
    lab.run("modprobe", "-a", "bonding", "vrf", *neighbours.stock("ipvlan"))
    hosts = lab.gateways()
    lab.ip(lab.link("gw1", "eth2", "gw2", "eth2"))
    for gw in hosts[2:]:
        gw.run("ip", "link", "add", "red", "type", "vrf", "table", "10")
        gw.ip("link set red up\nlink set eth2 up\n")
        gw.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0")
    hosts.append(None)
    rows = neighbours.Rows("devices of gateways", sorted(
        ROWS, key=lambda row: list(PLANS).index(row.plan)), hosts, hosts[2:4],
        devices=("eth0", "eth2"), together=True)
    rows.hosts.plan = ""
    if not neighbours.DEBUG:
        rows.hosts.program = pass_all()
    rows.all(lambda who, plan: say(rows.hosts, who, plan))
    say(rows.hosts, "ours", "")
    rows.close()


lab.main(body)
