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

# Two hosts a and b on one wire: 10.0.0.1/2, fd00::1/2, device eth0. They know
# each other's hardware address, so that policies for everything harm nobody.
hosts() {
	new_ns a b
	link a eth0 b eth0
	ip -n a -batch - <<-END
		link set eth0 address 02:00:00:00:00:0a
		addr add $A4/24 dev eth0
		addr add $A6/64 dev eth0 nodad
		neigh add $B4 lladdr 02:00:00:00:00:0b dev eth0
		neigh add $B6 lladdr 02:00:00:00:00:0b dev eth0
	END
	ip -n b -batch - <<-END
		link set eth0 address 02:00:00:00:00:0b
		addr add $B4/24 dev eth0
		addr add $B6/64 dev eth0 nodad
		neigh add $A4 lladdr 02:00:00:00:00:0a dev eth0
		neigh add $A6 lladdr 02:00:00:00:00:0a dev eth0
	END
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

# drops NS: the sum of all counters of packets that did not get through.
drops() {
	in_ns "$1" awk '/^(in|out)_/ && !/succ/ { n += $2 } END { print n + 0 }' \
		/proc/net/ipsec_stat
}

# Algorithms as setkey and as "ip xfrm" call them.
K16=0x00112233445566778899aabbccddeeff
K20=0x0123456789abcdef0123456789abcdef01234567
K24=0x00112233445566778899aabbccddeeff0011223344556677
K32=0x00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100
K48=${K32}0123456789abcdef0123456789abcdef
K64=${K32}${K32#0x}
algs() {
	cat <<-END
	null-null|-E null -A null|enc ecb(cipher_null) "" auth-trunc digest_null "" 0
	null-sha1|-E null -A hmac-sha1 $K20|enc ecb(cipher_null) "" auth-trunc hmac(sha1) $K20 96
	aes-sha1|-E aes-cbc $K16 -A hmac-sha1 $K20|enc cbc(aes) $K16 auth-trunc hmac(sha1) $K20 96
	aes192-sha256|-E aes-cbc $K24 -A hmac-sha2-256 $K32|enc cbc(aes) $K24 auth-trunc hmac(sha256) $K32 128
	aes256-sha384|-E aes-cbc $K32 -A hmac-sha2-384 $K48|enc cbc(aes) $K32 auth-trunc hmac(sha384) $K48 192
	aes-sha512|-E aes-cbc $K16 -A hmac-sha2-512 $K64|enc cbc(aes) $K16 auth-trunc hmac(sha512) $K64 256
	gcm8|-E aes-gcm-8 ${K16}01020304|aead rfc4106(gcm(aes)) ${K16}01020304 64
	gcm12|-E aes-gcm-12 ${K24}01020304|aead rfc4106(gcm(aes)) ${K24}01020304 96
	gcm16|-E aes-gcm-16 ${K32}01020304|aead rfc4106(gcm(aes)) ${K32}01020304 128
	END
}

# Mode, inner family, outer family: all that there are.
modes() { printf '%s\n' 'transport 4 4' 'transport 6 6' 'tunnel 4 4' 'tunnel 6 6' 'tunnel 4 6' 'tunnel 6 4'; }

# ends MODE INNER OUTER: sets s d (packet) and ts td (SA), seen from a.
ends() {
	s=$A4 d=$B4 ts=$A4 td=$B4
	[ "$2" = 4 ] || { s=$A6 d=$B6; }
	[ "$3" = 4 ] || { ts=$A6 td=$B6; }
}

# pairs COUNT: addresses 10.0.1.N and fd00::1:N in a, 10.0.2.N and fd00::2:N in b,
# which talk to each other: many combinations can be loaded at once, and one
# process tries them all. The debug kernel needs half a second to start one.
pairs() {
	local i
	for ((i = 1; i <= $1; i++)); do
		echo "addr add 10.0.1.$i/32 dev eth0"
		echo "addr add fd00::1:$i/128 dev eth0 nodad"
		echo "route add 10.0.2.$i/32 via $B4 src 10.0.1.$i"
		echo "route add fd00::2:$i/128 via $B6 src fd00::1:$i"
	done | ip -n a -batch -
	for ((i = 1; i <= $1; i++)); do
		echo "addr add 10.0.2.$i/32 dev eth0"
		echo "addr add fd00::2:$i/128 dev eth0 nodad"
		echo "route add 10.0.1.$i/32 via $A4 src 10.0.2.$i"
		echo "route add fd00::1:$i/128 via $A6 src fd00::2:$i"
	done | ip -n b -batch -
}

# pair N MODE INNER OUTER: as ends, of pair N.
pair() {
	local A4=10.0.1.$1 B4=10.0.2.$1 A6=fd00::1:$1 B6=fd00::2:$1
	ends $2 $3 $4
}

# combos: all there are: N|NAME|SPI|MODE|INNER|OUTER|ALG|NATIVE ALG.
combos() {
	local n=1 name alg nalg mode inner outer
	while IFS='|' read -r name alg nalg; do
		while read -r mode inner outer; do
			printf '%s|' $n "$name $mode $inner in $outer" \
				$((0x1000 + 2 * n)) $mode $inner $outer "$alg"
			echo "$nalg"
			n=$((n + 1))
		done < <(modes)
	done < <(algs)
}

# all_rules ours|native NS <COMBOS: the rules of that side for all of them.
all_rules() {
	local n name spi mode inner outer alg nalg
	while IFS='|' read -r n name spi mode inner outer alg nalg; do
		[ $1 = ours ] || alg=$nalg
		pair $n $mode $inner $outer
		$1_rules $2 $mode "$alg" $spi
	done
}

# ask_all COMBOS ASKER ANSWERER SIZE: three datagrams of every pair are answered.
ask_all() {
	ip netns exec $3 /usr/bin/python3 $here/pairs.py serve $3 $1 >serving &
	while ! grep -q ready serving; do sleep 0.1; done
	in_ns $2 /usr/bin/python3 $here/pairs.py ask $2 $1 $4 ||
		fail "pairs.py" "$(tail -n 2 "$work/err" | tr '\n' ' ')"
	kill $!
	wait $! 2>/dev/null || true
}

# ours_rules NS MODE ALG SPI: both SAs and both policies for the ends set before.
# SPI goes from a to b, SPI + 1 back.
ours_rules() {
	local ns=$1 mode=$2 alg=$3 spi=$4 there= back= out=out in=in
	[ "$mode" = transport ] || there=$ts-$td back=$td-$ts
	[ "$ns" = a ] || out=in in=out
	cat <<-END
		add $ts $td esp $spi -m $mode -r 32 $alg;
		add $td $ts esp $((spi + 1)) -m $mode -r 32 $alg;
		spdadd $s $d any -P $out ipsec esp/$mode/$there/require;
		spdadd $d $s any -P $in ipsec esp/$mode/$back/require;
	END
}

# ours NS MODE ALG SPI: these and nothing else.
ours() { { echo 'flush; spdflush;'; ours_rules "$@"; } | setkey_in "$1"; }

# native_rules NS MODE ALG SPI: the same in the words of "ip xfrm".
native_rules() {
	local ns=$1 mode=$2 alg=$3 spi=$4 out=out in=in any=
	[ "$ns" = a ] || out=in in=out
	# Without it a state carries packets of its own outer family only.
	[ "$mode" = transport ] || any="flag af-unspec"
	cat <<-END
		xfrm state add src $ts dst $td proto esp spi $spi mode $mode $any replay-window 32 $alg
		xfrm state add src $td dst $ts proto esp spi $((spi + 1)) mode $mode $any replay-window 32 $alg
		xfrm policy add src $s dst $d dir $out tmpl src $ts dst $td proto esp mode $mode
		xfrm policy add src $d dst $s dir $in tmpl src $td dst $ts proto esp mode $mode
	END
}

# spis FILE: how many ESP packets of each SPI: "0x00001001 3".
spis() {
	for f in "$1.a" "$1.b"; do
		tcpdump -nr "$f" 'ip proto 50 or ip6 proto 50' 2>/dev/null
	done | sed -n 's/.*spi=\(0x[0-9a-f]*\).*/\1/p' | sort | uniq -c |
		awk '{ print $2, $1 }'
}

# spi_claims COUNT COMBOS SEEN: the counts of spis() in SEEN must show COUNT
# packets of each SPI and of SPI + 1.
spi_claims() {
	local n name spi rest
	while IFS='|' read -r n name spi rest; do
		printf '0x%08x %s, there\n0x%08x %s, back\n' \
			"$spi" "$name" $((spi + 1)) "$name"
	done <"$2" | awk -v want="$1" -v c="$case" '
		NR == FNR { n[$1] = $2; next }
		{ spi = $1; $1 = ""
		  if (n[spi] == want) printf "ok %s:%s: %d ESP packets\n", c, $0, want
		  else printf "not ok %s:%s - %d ESP packets, not %d\n", c, $0, n[spi], want }
	' "$3" -
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
		ip netns exec $ns tcpdump --immediate-mode -Uni eth0 -Q out \
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
