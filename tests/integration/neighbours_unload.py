#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The module goes and comes while flow tables have flows by routes of ours: what they
keep leads nowhere, so the flows go on in clear, as plain ones, and through the tunnel
when there is one again. A device and a namespace that such a flow left by can go."""
import lab
import neighbours
from neighbours import HOSTS
from neighbours_flowtable import TABLE, gone

ESP, CLEAR, TIMES = {50}, {17}, 20
WHERE = {"both gateways": ("gw1", "gw2"), "gw1": ("gw1",), "gw2": ("gw2",)}
STEPS = ("before", "the module is gone", "it is back, without policies", "with policies")


def try_row(table, name, flow, wire, want):
    wire.frames(0)
    table.equal(name, "answered", TIMES, flow.go(TIMES))
    table.equal(name, "on the wire", want, neighbours.protocols(wire.frames()))


def one_round(table, where, hosts, wire):
    for gw in hosts[2:]:
        text = f"table inet t {{\n{TABLE}}}\n" if gw.name in WHERE[where] else ""
        neighbours.nft(gw, text)
    neighbours.tunnels("ours", hosts[2:], back="use")
    with neighbours.Flow(*hosts[:2], *HOSTS[4]) as f4, \
            neighbours.Flow(*hosts[:2], *HOSTS[6]) as f6:
        for step in STEPS:
            if step == "the module is gone":
                lab.run("rmmod", "ipsec")
            elif step == "it is back, without policies":
                lab.run("insmod", "/ipsec/ipsec.ko")
            elif step == "with policies":
                neighbours.tunnels("ours", hosts[2:], back="use")
            want = ESP if step in ("before", "with policies") else CLEAR
            for v, flow in (4, f4), (6, f6):
                try_row(table, f"{where}: IPv{v}: {step}", flow, wire, want)


def ends(hosts):
    """Routes of the module that is gone are all that is left."""
    lab.run("ip", "link", "add", "kept-gw2", "type", "veth", "peer", "name", "watch",
            "netns", "gw2")
    lab.run("rmmod", "ipsec")
    hosts[2].run("ip", "link", "del", "eth0")
    for host in hosts:
        host.close()
        lab.run("ip", "netns", "del", host.name)
    lab.claim(gone("kept-gw2"), "devices and namespaces go without the module")
    lab.run("insmod", "/ipsec/ipsec.ko")


def body():
    hosts = lab.gateways()
    table = lab.Matrix("the module goes", [f"{where}: IPv{v}: {step}" for where in WHERE
                                           for v in (4, 6) for step in STEPS])
    with lab.Wire(*hosts[2:]) as wire:
        for where in WHERE:
            one_round(table, where, hosts, wire)
    table.report()
    ends(hosts)


if __name__ == "__main__":
    lab.main(body)
