# SPDX-License-Identifier: GPL-2.0-only
# Every mode x family x cipher between two hosts of ours: ESP on the wire, with
# the SPI that was set up, and no byte of plaintext.

marker=706c61696e74657874	# "plaintext" in every ping

algs() {
	cat <<-END
	null-sha1	-E null -A hmac-sha1 0x0123456789abcdef0123456789abcdef01234567
	null-null	-E null -A null
	aes-sha1	-E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 0x0123456789abcdef0123456789abcdef01234567
	aes256-sha256	-E aes-cbc 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff -A hmac-sha2-256 0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	aes-sha384	-E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha2-384 0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	aes-sha512	-E aes-cbc 0x00112233445566778899aabbccddeeff0011223344556677 -A hmac-sha2-512 0x0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	gcm8		-E aes-gcm-8 0x00112233445566778899aabbccddeeff01020304
	gcm12		-E aes-gcm-12 0x00112233445566778899aabbccddeeff001122334455667701020304
	gcm16		-E aes-gcm-16 0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff01020304
	END
}

# policies MODE INNER OUTER: a's; b has the same with the directions swapped.
policies() {
	local mode=$1 s=$A4 d=$B4 ts=$A4 td=$B4
	[ "$2" = 4 ] || { s=$A6 d=$B6; }
	[ "$3" = 4 ] || { ts=$A6 td=$B6; }
	local there=$ts-$td back=$td-$ts
	[ $mode = tunnel ] || { there= back=; }
	echo "spdadd $s $d any -P $4 ipsec esp/$mode/$there/require;"
	echo "spdadd $d $s any -P $5 ipsec esp/$mode/$back/require;"
}

sas() {
	local mode=$1 ts=$A4 td=$B4
	[ "$2" = 4 ] || { ts=$A6 td=$B6; }
	shift 2
	echo "add $ts $td esp 0x1001 -m $mode $*;"
	echo "add $td $ts esp 0x1002 -m $mode $*;"
}

one() {
	local mode=$1 inner=$2 outer=$3 name=$4 to=$B4 esp
	shift 4
	[ $inner = 4 ] || to=$B6
	local claim="$name $mode $inner in $outer"
	{ echo "flush; spdflush;"; sas $mode $outer "$@"
	  policies $mode $inner $outer out in; } | setkey_in a
	{ echo "flush; spdflush;"; sas $mode $outer "$@"
	  policies $mode $inner $outer in out; } | setkey_in b
	nd_exempt a b
	capture_start b eth0 cap
	check "$claim: answered" ping_ok a $to -p $marker
	capture_stop
	esp='ip proto 50'
	[ $outer = 4 ] || esp='ip6 proto 50'
	equal "$claim: three ESP packets there" 3 \
		"$(tcpdump -nr cap "$esp" 2>/dev/null | grep -c 'spi=0x00001001')"
	equal "$claim: three ESP packets back" 3 \
		"$(tcpdump -nr cap "$esp" 2>/dev/null | grep -c 'spi=0x00001002')"
	equal "$claim: nothing in clear" 0 \
		"$(wire_count cap 'icmp[0] = 8 or icmp[0] = 0 or icmp6[0] = 128 or icmp6[0] = 129')"
	case $name in null*) ;; *)
		equal "$claim: no plaintext inside" 0 "$(grep -c plaintext cap)" ;;
	esac
}

hosts
# The neighbours are known before policies ask for SAs.
ping_ok a $B4 >/dev/null; ping_ok a $B6 >/dev/null
while read -r name args; do
	one transport 4 4 $name $args
	one transport 6 6 $name $args
	one tunnel 4 4 $name $args
	one tunnel 6 6 $name $args
	one tunnel 4 6 $name $args
	one tunnel 6 4 $name $args
done < <(algs)
equal "nothing was dropped" 0 "$(in_ns b awk '/^(in|out)_/ && !/succ/ { n += $2 } END { print n }' /proc/net/ipsec_stat)"
