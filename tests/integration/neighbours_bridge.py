#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A host that bridges for others has policies, and br_netfilter shows its bridged frames
to netfilter as if they were forwarded: they are none of its traffic and go on as they
are, whatever the policies say. What the host itself says through the same bridge is
protected. All of that may be the namespace of a user without privileges."""
import socket
import subprocess
import sys

import lab
import neighbours
import packets
from lab import A4, A6, B4, B6

R4, R6, PEER, ALIAS = "10.0.0.9", "fd00::9", "10.0.0.66", "10.0.0.77"
MACS = {"a": "02:00:00:00:00:0a", "b": "02:00:00:00:00:0b"}
ALL = ("0.0.0.0/0", "::/0")
NOBODY = "65534"
# Own address of a, where it sends, where b receives. The bridge's firewall looks into
# the VLAN too, and changes ALIAS into b's address.
WAYS = {
    "IPv4": (A4, B4, B4),
    "IPv6": (A6, B6, B6),
    "IPv4 in a VLAN": ("10.0.7.1", "10.0.7.2", "10.0.7.2"),
    "IPv6 in a VLAN": ("fd07::1", "fd07::2", "fd07::2"),
    "IPv4 to an address that is changed": (A4, ALIAS, B4),
}
if neighbours.DEBUG:
    WAYS = {way: who for way, who in WAYS.items() if "VLAN" not in way}


def everything(who, direction, level="require"):
    return "".join(neighbours.policy(who, net, net, direction, level) for net in ALL)


def discard(who):
    """Everything, both ways."""
    return "".join(f"spdadd {net} {net} any -P {direction} discard;\n" if who == "ours" else
                   f"xfrm policy add src {net} dst {net} dir {direction} action block\n"
                   for net in ALL for direction in ("in", "out"))


def tunnel(who):
    if who == "ours":
        return (f"add {R4} {PEER} esp 0x1000 -m tunnel -E aes-gcm-16 {neighbours.GCM};\n"
                f"spdadd {ALL[0]} {ALL[0]} any -P out ipsec esp/tunnel/{R4}-{PEER}/require;")
    return (f"xfrm state add src {R4} dst {PEER} proto esp spi 0x1000 mode tunnel"
            f" aead rfc4106(gcm(aes)) {neighbours.GCM} 128\n"
            f"xfrm policy add src {ALL[0]} dst {ALL[0]} dir out"
            f" tmpl src {R4} dst {PEER} proto esp mode tunnel\n")


# What the bridge's host says.
RULES = {
    "require of what leaves": lambda who: everything(who, "out"),
    "require of what arrives": lambda who: everything(who, "in"),
    "require of what is forwarded": lambda who: everything(who, "fwd"),
    "discard": discard,
    "a tunnel for all": tunnel,
    "def_policy discard": lambda who: f"spdadd {PEER} {PEER} any -P out none;",
}


def rows():
    return [(who, rule, way) for who in neighbours.WHO for rule in RULES for way in WAYS
            if who == "ours" or rule != "def_policy discard"]


def topology():
    lab.ip("netns add a\nnetns add b\nnetns add r\n"
           + lab.link("a", "eth0", "r", "eth1") + lab.link("b", "eth0", "r", "eth2"))
    a, b, r = map(lab.Host, "abr")
    for n, host in enumerate((a, b), 1):
        host.ip(f"""link set lo up
            link set eth0 address {MACS[host.name]} up
            addr add 10.0.0.{n}/24 dev eth0
            addr add fd00::{n}/64 dev eth0 nodad
            """)
        if not neighbours.DEBUG:
            host.ip(f"""link add link eth0 name v7 type vlan id 7
                link set v7 up
                addr add 10.0.7.{n}/24 dev v7
                addr add fd07::{n}/64 dev v7 nodad
                """)
    a.ip(f"neigh add {ALIAS} lladdr {MACS['b']} dev eth0\n")
    r.ip(f"""link set lo up
        link add br0 type bridge
        link set eth1 master br0
        link set eth2 master br0
        link set eth1 up
        link set eth2 up
        link set br0 up
        addr add {R4}/24 dev br0
        addr add {R6}/64 dev br0 nodad
        """)
    r.sysctl("net.ipv4.ip_forward=1", *(f"net.bridge.bridge-nf-{name}=1" for name in (
        "call-iptables", "call-ip6tables", "filter-vlan-tagged")))
    r.run("nft", "-f", "-", stdin=f"""
        table inet t {{
            chain forward {{
                type filter hook forward priority 0;
                counter
            }}
        }}
        table ip n {{
            chain pre {{
                type nat hook prerouting priority dstnat;
                ip daddr {ALIAS} dnat to {B4}
            }}
        }}
        """)
    return a, b, r


def seen(r):
    """How many frames the firewall of the bridge's host was shown."""
    words = r.run("nft", "list", "chain", "inet", "t", "forward").split()
    return int(words[words.index("packets") + 1])


def crosses(a, b, way):
    own, to, peer = WAYS[way]
    with a.socket(own) as s, b.socket(peer, 7000, timeout=1) as t:
        for _ in range(5):
            s.sendto(b"across", (to, 7000))
            try:
                return lab.ARRIVES if t.recv(100) == b"across" else "changed"
            except TimeoutError:
                continue
    return "lost"


def bridged(a, b, r):
    """Frames of others."""
    table = lab.Matrix("bridged frames of others",
                       [f"{who}: {rule}: {way}" for who, rule, way in rows()])
    for who in neighbours.WHO:
        for rule, text in RULES.items():
            if not any(row[:2] == (who, rule) for row in rows()):
                continue
            neighbours.flush(r)
            neighbours.load(who, r, text(who))
            r.sysctl(f"net.inet.ipsec.def_policy={int(rule != 'def_policy discard')}",
                     f"net.inet6.ipsec6.def_policy={int(rule != 'def_policy discard')}")
            for way in WAYS:
                row, before = f"{who}: {rule}: {way}", seen(r)
                table.equal(row, "the datagram", lab.ARRIVES, crosses(a, b, way))
                table.equal(row, "was shown to netfilter", True, seen(r) > before)
    neighbours.flush(r)
    r.sysctl("net.inet.ipsec.def_policy=1", "net.inet6.ipsec6.def_policy=1")
    table.report()


def own(b, r):
    """The host's own traffic through its bridge."""
    for who in neighbours.WHO:
        for way, x, y in ("IPv4", R4, B4), ("IPv6", R6, B6):
            for host, mine, its in (r, x, y), (b, y, x):
                neighbours.flush(host)
                neighbours.protect(who, host, mine, its, 0x2000)
            wire = lab.Wire(b)
            lab.equal(f"{who}: own {way} through the bridge: a datagram", lab.ARRIVES,
                      neighbours.datagram(r, b, x, y, 100))
            lab.equal(f"{who}: own {way} through the bridge: its answer", lab.ARRIVES,
                      neighbours.datagram(b, r, y, x, 100))
            lab.equal(f"{who}: own {way} through the bridge: on the wire", {50},
                      neighbours.protocols(wire.frames()))


def inside():
    """What a user does in namespaces of his own: two wires, a bridge between them, a
    policy, and a frame that crosses."""
    for command in ("link set lo up", "link add v0 type veth peer name v1",
                    "link add v2 type veth peer name v3", "link add br0 type bridge",
                    "link set v0 master br0", "link set v2 master br0",
                    *(f"link set {dev} up" for dev in ("v0", "v1", "v2", "v3", "br0")),
                    f"addr add {R4}/24 dev br0"):
        subprocess.run(["ip", *command.split()], check=True)
    subprocess.run(["setkey", "-c"], check=True, text=True, input=f"""
        add {A4} {B4} esp 0x1000 -E aes-gcm-16 {neighbours.GCM};
        spdadd {A4} {B4} any -P out ipsec esp/transport//require;
        """)
    frame = packets.frame(packets.packet(A4, B4, 17, packets.udp(A4, B4, b"across", 7)),
                          bytes.fromhex("020000000077020000000066"))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(lab.ETH_P_ALL)) as s:
        s.bind(("v3", lab.ETH_P_ALL))
        s.settimeout(1)
        for _ in range(20):         # the ports begin to forward when they like
            s.sendto(frame, ("v1", 0))
            try:
                while s.recv(1 << 12) != frame:
                    pass
                print("crossed")
                break
            except TimeoutError:
                continue


def unprivileged():
    done = subprocess.run(
        ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "unshare", "-Urn",
         "/usr/bin/python3", __file__, "inside"], capture_output=True, text=True)
    lab.equal("a user without privileges: his bridge, his policy, a frame",
              (0, "crossed"), (done.returncode, done.stdout.strip() + done.stderr[-200:]))


def body():
    lab.run("modprobe", "-a", "bridge", "br_netfilter")
    a, b, r = topology()
    bridged(a, b, r)
    own(b, r)
    unprivileged()


if sys.argv[1:] == ["inside"]:
    inside()
else:
    lab.main(body)
