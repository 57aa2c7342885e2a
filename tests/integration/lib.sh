# SPDX-License-Identifier: GPL-2.0-only
# What the integration cases use; sourced by tests/integration/run.
#
# A case is a file NAME.sh. It makes hosts out of network namespaces, loads
# them, sends packets, and says for each thing it claims one line
#	ok NAME: CLAIM
#	not ok NAME: CLAIM - what was seen instead

here=/ipsec/tests/integration
PATH=/ipsec/tools/setkey:$PATH
A4=10.0.0.1 B4=10.0.0.2 A6=fd00::1 B6=fd00::2

ok() { echo "ok $case: $1"; }
fail() { echo "not ok $case: $1${2:+ - $2}"; }

# check CLAIM COMMAND...: the command succeeds.
check() {
	local claim=$1 text
	shift
	if text=$("$@" 2>&1); then ok "$claim"; else
		fail "$claim" "$(echo "$*: $text" | tr '\n' ' ' | cut -c1-300)"
	fi
}

# refuse CLAIM COMMAND...: the command fails.
refuse() {
	local claim=$1 text
	shift
	if text=$("$@" 2>&1); then
		fail "$claim" "$(echo "$*: $text" | tr '\n' ' ' | cut -c1-300)"
	else ok "$claim"; fi
}

# equal CLAIM WANTED SEEN
equal() {
	if [ "$2" = "$3" ]; then ok "$1"; else
		fail "$1" "wanted '$2', saw '$3'"
	fi
}

# atleast CLAIM MINIMUM SEEN
atleast() {
	if [ "$3" -ge "$2" ]; then ok "$1"; else
		fail "$1" "wanted at least $2, saw $3"
	fi
}

# Announce a kernel message at warning level or above that belongs to the case.
expect_dmesg() { echo "$1" >>"$work/expected"; }

in_ns() { ip netns exec "$@"; }

# link NS1 DEV1 NS2 DEV2: a wire between two namespaces.
link() {
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
}

new_ns() {
	local ns
	for ns; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
		in_ns "$ns" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
			net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.default.router_solicitations=0
	done
}

# Two hosts a and b on one wire: 10.0.0.1/2, fd00::1/2, device eth0.
hosts() {
	new_ns a b
	link a eth0 b eth0
	ip -n a addr add $A4/24 dev eth0
	ip -n b addr add $B4/24 dev eth0
	ip -n a addr add $A6/64 dev eth0 nodad
	ip -n b addr add $B6/64 dev eth0 nodad
}

# Host a - gateway gw1 - gateway gw2 - host b. The hosts are 10.1.0.1 and
# 10.2.0.1 (fd01::1, fd02::1); the gateways talk over eth0 as $A4, $B4.
gateways() {
	local ns
	new_ns a b gw1 gw2
	link a eth0 gw1 eth1
	link gw1 eth0 gw2 eth0
	link gw2 eth1 b eth0
	ip -n a addr add 10.1.0.1/24 dev eth0
	ip -n gw1 addr add 10.1.0.254/24 dev eth1
	ip -n gw1 addr add $A4/24 dev eth0
	ip -n gw2 addr add $B4/24 dev eth0
	ip -n gw2 addr add 10.2.0.254/24 dev eth1
	ip -n b addr add 10.2.0.1/24 dev eth0
	ip -n a addr add fd01::1/64 dev eth0 nodad
	ip -n gw1 addr add fd01::fe/64 dev eth1 nodad
	ip -n gw1 addr add $A6/64 dev eth0 nodad
	ip -n gw2 addr add $B6/64 dev eth0 nodad
	ip -n gw2 addr add fd02::fe/64 dev eth1 nodad
	ip -n b addr add fd02::1/64 dev eth0 nodad
	for ns in gw1 gw2; do
		in_ns $ns sysctl -qw net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
	done
	ip -n a route add default via 10.1.0.254
	ip -n a route add default via fd01::fe
	ip -n b route add default via 10.2.0.254
	ip -n b route add default via fd02::fe
	ip -n gw1 route add 10.2.0.0/24 via $B4
	ip -n gw1 route add fd02::/64 via $B6
	ip -n gw2 route add 10.1.0.0/24 via $A4
	ip -n gw2 route add fd01::/64 via $A6
}

# setkey_in NS: feed standard input to setkey there; its complaints are a
# failure of the case.
setkey_in() {
	local text
	text=$(in_ns "$1" setkey -f - 2>&1) || fail "setkey in $1" "$text"
}

# ND must not need an SA that ND would have to find first.
nd_exempt() {
	local ns t
	for ns; do
		for t in 133 134 135 136; do
			echo "spdadd ::/0 ::/0 icmp6 $t,0 -P out prio high none;"
			echo "spdadd ::/0 ::/0 icmp6 $t,0 -P in prio high none;"
		done | setkey_in "$ns"
	done
}

# stat NS NAME: a counter of /proc/net/ipsec_stat.
stat() { in_ns "$1" awk -v n="$2" '$1 == n { print $2 }' /proc/net/ipsec_stat; }

# capture_start NS DEVICE FILE; capture_stop
capture_start() {
	in_ns "$1" tcpdump -Uni "$2" -w "$3" 2>"$work/tcpdump" &
	capture_pid=$!
	# Ready when it says so, not after a while.
	while ! grep -q 'listening on' "$work/tcpdump" 2>/dev/null; do
		kill -0 $capture_pid 2>/dev/null || return 1
		sleep 0.05
	done
}

capture_stop() {
	sleep 0.3
	kill $capture_pid
	wait $capture_pid 2>/dev/null || true
}

# wire_count FILE FILTER...: packets of a capture that match.
wire_count() {
	local file=$1
	shift
	tcpdump -nr "$file" "$@" 2>/dev/null | wc -l
}

# ping_ok NS ADDRESS [OPTION...]: every one of three packets is answered.
ping_ok() {
	local ns=$1 to=$2
	shift 2
	in_ns "$ns" ping -q -c 3 -i 0.1 -W 5 "$@" "$to"
}

# ping_lost NS ADDRESS [OPTION...]: not one of two packets is answered.
ping_lost() {
	local ns=$1 to=$2
	shift 2
	! in_ns "$ns" ping -q -c 2 -i 0.2 -W 1 "$@" "$to"
}
