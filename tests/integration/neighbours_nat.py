#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Gateways that translate addresses too: beside a tunnel, into one, out of one. The
policy is about the packet as it leaves, behind translation of the source, and as it
arrived, before translation of the destination. Marks lead packets to other policies'
routes, and the outer packet with them."""
import lab
import neighbours
from neighbours import ENDS, HOSTS, NETS, Row, chain

ANSWERED, ESP, CLEAR = "answered", {"eth0": {50}}, {"eth0": {17}}
ELSEWHERE = {"eth0": {50}, "eth2": {50}}
AMOUNT = 100000
# A network that gw1 translates to, an address without a host behind gw2, and one that
# nobody has.
RANGE = {4: ("10.9.0.0/24", "10.9.0.254", "10.9.0.1"),
         6: ("fd09::/64", "fd09::fe", "fd09::1")}
ALIAS = {4: "10.2.0.77", 6: "fd02::77"}
NOBODY = {4: "10.8.0.1", 6: "fd08::1"}
SECOND = {4: ("10.0.5.1", "10.0.5.2"), 6: ("fd05::1", "fd05::2")}
MARK = 7
neighbours.EXTRA = {v: {"gwalias": RANGE[v][1], "alias": RANGE[v][2], "nohost": ALIAS[v],
                        "nobody": NOBODY[v]} for v in (4, 6)}


def through(hosts, v):
    """From network to network."""
    return neighbours.talk(*hosts[:2], *HOSTS[v])


def stream(hosts, v):
    return neighbours.stream(*hosts[:2], *HOSTS[v], AMOUNT)


def back(hosts, v):
    """From b to what a is translated to."""
    return neighbours.talk(hosts[1], hosts[0], HOSTS[v][1], RANGE[v][2],
                           at=(HOSTS[v][0], 7000))


def to_gw2(hosts, v):
    return neighbours.talk(hosts[0], hosts[3], HOSTS[v][0], ENDS[v][1])


def to_alias(hosts, v):
    return neighbours.talk(*hosts[:2], HOSTS[v][0], ALIAS[v], at=(HOSTS[v][1], 7000))


def taken(hosts, v):
    """gw2 answers in b's place."""
    return neighbours.talk(hosts[0], hosts[3], *HOSTS[v],
                           at=("0.0.0.0" if v == 4 else "::", 7005))


def own(hosts, v):
    return neighbours.talk(*hosts[2:], *ENDS[v])


def own_marked(hosts, v):
    return neighbours.talk(*hosts[2:], *ENDS[v], mark=MARK)


def own_to(places, at):
    """gw1 says something to an address that becomes another one."""
    def act(hosts, v):
        host, where = (hosts[1], HOSTS[v][1]) if at == "b" else (hosts[3], ENDS[v][1])
        return neighbours.talk(hosts[2], host, ENDS[v][0], places[v], at=(where, 7000))
    return act


def post(rules):
    return chain("postrouting", rules, "srcnat", "nat")


def pre(rules):
    return chain("prerouting", rules, "dstnat", "nat", name="p")


def out(rules):
    return chain("output", rules, "-100", "nat", name="o")


BINAT = post("$l3 saddr $a snat to $alias") + pre("$l3 daddr $alias dnat to $a")
POLICY = ("iptables -t nat -A POSTROUTING -o eth0 -m policy --dir out --pol ipsec -j ACCEPT\n"
          "iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE\n")
BOTH = (4,) if neighbours.DEBUG else (4, 6)     # it has no such target for IPv6
ROUTE = chain("output", "meta l4proto udp meta mark set 7", "-150", "route")
EARLY = chain("prerouting", "iifname eth1 meta mark set 7", "-150")
LATE = chain("forward", "meta mark set 7", "0")
ROWS = [
    Row("masquerades all but what goes to the network",
        {"gw1": post("oifname eth0 $l3 daddr != $net masquerade")}, through,
        (ANSWERED, ESP), plan="nets"),
    Row("masquerades all but what IPsec takes, -m policy", {"gw1": POLICY}, through,
        (ANSWERED, ESP), plan="nets", families=BOTH),
    Row("masquerades all but what IPsec takes, rt ipsec",
        {"gw1": post("rt ipsec exists accept\noifname eth0 masquerade")}, through,
        (ANSWERED, ESP), plan="nets"),
    Row("masquerades all but what IPsec takes, ipsec out",
        {"gw1": post("ipsec out reqid 0 accept\noifname eth0 masquerade")}, through,
        (ANSWERED, ESP), plan="nets"),
    Row("masquerades all but what IPsec takes, TCP",
        {"gw1": post("rt ipsec exists accept\noifname eth0 masquerade")}, stream,
        (AMOUNT, {"eth0": {50}}), plan="nets"),
    Row("masquerades the rest",
        {"gw1": post("rt ipsec exists accept\noifname eth0 masquerade")}, to_gw2,
        (ANSWERED, CLEAR), plan="nets"),
    Row("source changed out of the policy",
        {"gw1": post("$l3 saddr $a $l3 daddr $b snat to $gwalias")}, through,
        (ANSWERED, CLEAR), plan="nets"),
    Row("the destination of what leaves is changed into the policy",
        {"gw1": pre("$l3 daddr $nohost dnat to $b")}, to_alias, (ANSWERED, ESP),
        plan="nets"),
    Row("the destination of what comes out is changed",
        {"gw2": pre("$l3 daddr $nohost dnat to $b")}, to_alias, (ANSWERED, ESP),
        plan="nets"),
    Row("what comes out is redirected",
        {"gw2": pre("udp dport 7000 redirect to :7005")}, taken, (ANSWERED, ESP),
        plan="nets"),
    Row("the destination of what comes out is changed out of the policy",
        {"gw2": pre("$l3 daddr $nohost dnat to $b")}, to_alias, (ANSWERED, ESP),
        plan="alias"),
    Row("source changed into the policy",
        {"gw1": post("$l3 daddr $b snat to $gwalias")}, through, (ANSWERED, ESP),
        plan="range"),
    Row("source changed into the policy, TCP",
        {"gw1": post("$l3 daddr $b snat to $gwalias")}, stream, (AMOUNT, {"eth0": {50}}),
        plan="range"),
    Row("source changed into the policy, masquerade",
        {"gw1": post("oifname eth0 masquerade")}, through, (ANSWERED, ESP), plan="own"),
    Row("one to one", {"gw1": BINAT}, through, (ANSWERED, ESP), plan="range"),
    Row("one to one, the other way", {"gw1": BINAT}, back, (ANSWERED, ESP), plan="range"),
    Row("one to one, TCP", {"gw1": BINAT}, stream, (AMOUNT, {"eth0": {50}}), plan="range"),
    Row("own, destination changed into the policy",
        {"gw1": out("$l3 daddr $nobody dnat to $b")}, own_to(NOBODY, "b"),
        (ANSWERED, ESP), plan="own"),
    Row("own, destination changed out of the policy",
        {"gw1": out("$l3 daddr $nohost dnat to $peer")}, own_to(ALIAS, "gw2"),
        (ANSWERED, CLEAR), plan="own"),
    Row("masquerade, transport mode", {"gw1": post("oifname eth0 masquerade")}, to_gw2,
        (ANSWERED, ESP), plan="transport"),
    Row("own, nothing is changed", {}, own, (ANSWERED, ESP), plan="transport"),
    Row("own, marked by netfilter", {"gw1": ROUTE}, own, (ANSWERED, ESP),
        plan="transport"),
    Row("own, marked by netfilter, routed by it", {"gw1": ROUTE}, own,
        (ANSWERED, ELSEWHERE), plan="transport, marks"),
    Row("own, marked by the socket, routed by it", {}, own_marked,
        (ANSWERED, ELSEWHERE), plan="transport, marks"),
    Row("forwarded, marked before the routing", {"gw1": EARLY}, through,
        (ANSWERED, ESP), plan="nets, marks"),
    Row("forwarded, marked behind the routing", {"gw1": LATE}, through,
        (ANSWERED, ESP), plan="nets, marks"),
    Row("nothing is changed, marks lead elsewhere", {}, through, (ANSWERED, ESP),
        plan="nets, marks"),
]


def say(who, plan, gateways):
    rules, _, marks = plan.partition(", ")
    for gw in gateways:
        neighbours.flush(gw)
        for v in 4, 6:
            nets = {"nets": NETS[v], "range": (RANGE[v][0], NETS[v][1]),
                    "own": (ENDS[v][0], NETS[v][1]), "alias": (HOSTS[v][0], ALIAS[v])}
            if rules == "transport":
                own, peer = ENDS[v] if gw is gateways[0] else ENDS[v][::-1]
                neighbours.protect(who, gw, own, peer, 0x5000 + (v << 4))
            else:
                neighbours.load(who, gw, neighbours.tunnel(who, gw, v, nets=nets[rules]))
    # Marks lead to a table, and by default back from it.
    for v in 4, 6:
        way = ["default", "via", SECOND[v][1], "dev", "eth2"] if marks else \
            ["throw", "default"]
        gateways[0].run("ip", f"-{v}", "route", "replace", *way, "table", "7")


def prepare(hosts):
    _, _, gw1, gw2 = hosts
    lab.ip(lab.link("gw1", "eth2", "gw2", "eth2"))
    for n, gw in enumerate((gw1, gw2)):
        gw.ip(f"""link set eth2 up
            addr add {SECOND[4][n]}/24 dev eth2
            addr add {SECOND[6][n]}/64 dev eth2 nodad
            """)
        gw.sysctl("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.eth0.rp_filter=0",
                  "net.ipv4.conf.eth2.rp_filter=0")
    for v in 4, 6:
        gw1.ip(f"addr add {RANGE[v][1]} dev lo\n"
               f"route add {NOBODY[v]} via {ENDS[v][1]}\n")
        gw2.ip(f"route add {RANGE[v][0]} via {ENDS[v][0]}\n")
        gw1.run("ip", f"-{v}", "rule", "add", "fwmark", str(MARK), "table", "7")


def body():
    hosts = lab.gateways()
    prepare(hosts)
    rows = neighbours.Rows("translation", ROWS, hosts, hosts[2:], ("eth0", "eth2"))
    rows.all(lambda who, plan: say(who, plan, hosts[2:]))


lab.main(body)
