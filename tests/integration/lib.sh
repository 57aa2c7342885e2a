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

# in_ns NS COMMAND...
in_ns() {
	local ns=$1
	shift
	nsenter --net=/run/netns/"$ns" "$@"
}

# The command of "ip -batch" for a wire: wire NS1 DEV1 NS2 DEV2.
wire() { echo "link add $2 netns $1 type veth peer name $4 netns $3"; }

# Two hosts a and b on one wire: 10.0.0.1/2, fd00::1/2, device eth0. They know
# each other's hardware address, so that policies for everything harm nobody.
hosts() {
	ip -batch - <<-END
		netns add a
		netns add b
		$(wire a eth0 b eth0)
	END
	host a 0a $A4 $A6 0b $B4 $B6
	host b 0b $B4 $B6 0a $A4 $A6
}

# host NS MAC ADDRESS4 ADDRESS6 and the same three of its neighbour.
host() {
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 address 02:00:00:00:00:$2 up
		addr add $3/24 dev eth0
		addr add $4/64 dev eth0 nodad
		neigh add $6 lladdr 02:00:00:00:00:$5 dev eth0
		neigh add $7 lladdr 02:00:00:00:00:$5 dev eth0
	END
}

# Host a - gateway gw1 - gateway gw2 - host b. The hosts are 10.1.0.1 and
# 10.2.0.1 (fd01::1, fd02::1); the gateways talk over eth0 as $A4, $B4.
gateways() {
	ip -batch - <<-END
		netns add a
		netns add b
		netns add gw1
		netns add gw2
		$(wire a eth0 gw1 eth1)
		$(wire gw1 eth0 gw2 eth0)
		$(wire gw2 eth1 b eth0)
	END
	leaf a 1
	leaf b 2
	gateway gw1 1 $A4 $A6 2 $B4 $B6
	gateway gw2 2 $B4 $B6 1 $A4 $A6
}

# leaf NS N: a host of network 10.N.0.0/24, fd0N::/64.
leaf() {
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		addr add 10.$2.0.1/24 dev eth0
		addr add fd0$2::1/64 dev eth0 nodad
		route add default via 10.$2.0.254
		route add default via fd0$2::fe
	END
}

# gateway NS N ADDRESS4 ADDRESS6 and the same three of the other gateway.
gateway() {
	ip -n "$1" -batch - <<-END
		link set lo up
		link set eth0 up
		link set eth1 up
		addr add 10.$2.0.254/24 dev eth1
		addr add fd0$2::fe/64 dev eth1 nodad
		addr add $3/24 dev eth0
		addr add $4/64 dev eth0 nodad
		route add 10.$5.0.0/24 via $6
		route add fd0$5::/64 via $7
	END
	in_ns "$1" sysctl -qw net.ipv4.ip_forward=1 \
		net.ipv6.conf.all.forwarding=1
}

# setkey_in NS: feed standard input to setkey there; its complaints are a
# failure of the case.
setkey_in() {
	local text
	text=$(in_ns "$1" setkey -f - 2>&1) || fail "setkey in $1" "$text"
}

K16=0x00112233445566778899aabbccddeeff

# ends MODE INNER OUTER: sets s d (packet) and ts td (SA), seen from a.
ends() {
	s=$A4 d=$B4 ts=$A4 td=$B4
	[ "$2" = 4 ] || { s=$A6 d=$B6; }
	[ "$3" = 4 ] || { ts=$A6 td=$B6; }
}

# ours NS MODE ALG SPI: both SAs and both policies for the ends set before, and
# nothing else. SPI goes from a to b, SPI + 1 back.
ours() {
	local ns=$1 mode=$2 alg=$3 spi=$4 there= back= out=out in=in
	[ "$mode" = transport ] || there=$ts-$td back=$td-$ts
	[ "$ns" = a ] || out=in in=out
	setkey_in "$ns" <<-END
		flush; spdflush;
		add $ts $td esp $spi -m $mode -r 32 $alg;
		add $td $ts esp $((spi + 1)) -m $mode -r 32 $alg;
		spdadd $s $d any -P $out ipsec esp/$mode/$there/require;
		spdadd $d $s any -P $in ipsec esp/$mode/$back/require;
	END
}

# stat NS NAME: a counter of /proc/net/ipsec_stat.
stat() { in_ns "$1" awk -v n="$2" '$1 == n { print $2 }' /proc/net/ipsec_stat; }

# wire_start FILE [FILTER]; wire_stop: what a and b put on their wire, into
# FILE.a and FILE.b. Only what leaves: what comes out of a tunnel is seen on the
# device too, as if it had arrived in clear.
wire_start() {
	local ns file=$1
	shift
	wire_pids=
	for ns in a b; do
		: >"$work/tcpdump.$ns"
		nsenter --net=/run/netns/$ns tcpdump --immediate-mode -Uni eth0 -Q out \
			-w "$file.$ns" "$@" 2>"$work/tcpdump.$ns" &
		wire_pids="$wire_pids $!"
		# Ready when it says so, not after a while.
		while ! grep -q 'listening on' "$work/tcpdump.$ns"; do
			kill -0 $! || return 1
			sleep 0.05
		done
	done
}

wire_stop() {
	sleep 0.2
	kill $wire_pids
	wait $wire_pids 2>/dev/null || true
}

# wire_count FILE FILTER...: packets on the wire that match.
wire_count() {
	local file=$1
	shift
	for f in $file.a $file.b; do tcpdump -nr $f "$@" 2>/dev/null; done | wc -l
}

# ping_ok NS ADDRESS [OPTION...]: every one of three packets is answered.
ping_ok() {
	local ns=$1 to=$2
	shift 2
	in_ns "$ns" ping -q -c 3 -i 0.02 -W 5 "$@" "$to"
}

# ping_lost NS ADDRESS [OPTION...]: not one of two packets is answered.
ping_lost() {
	local ns=$1 to=$2
	shift 2
	! in_ns "$ns" ping -q -c 2 -i 0.2 -W 1 "$@" "$to"
}
