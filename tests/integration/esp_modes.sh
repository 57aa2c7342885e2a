# SPDX-License-Identifier: GPL-2.0-only
# Every mode x family x cipher between two hosts of ours. Each combination has
# SPIs of its own, so that one capture tells all: three packets there, three
# back, nothing in clear, no byte of plaintext but with the null cipher.

clear='icmp[0] = 8 or icmp[0] = 0 or icmp6'

# some PATTERN FILE: all combinations of the algorithms that match.
some() {
	local spi=$2 name alg rest mode inner outer
	while IFS='|' read -r name alg rest; do
		case $name in $1) ;; *) continue ;; esac
		while read -r mode inner outer; do
			ends $mode $inner $outer
			ours a $mode "$alg" $spi
			ours b $mode "$alg" $spi
			check "$name $mode $inner in $outer: answered" \
				ping_ok a $d -p 706c61696e74657874
			echo "$spi $name $mode $inner in $outer" >>spis
			spi=$((spi + 2))
		done < <(modes)
	done < <(algs)
}

hosts
wire_start null
some 'null*' 0x1000
wire_stop
wire_start secret
some '[!n]*' 0x2000
wire_stop

{ spis null; spis secret; } >seen
spi_claims 3 spis seen
equal "all 54 combinations were tried" 54 "$(wc -l <spis)"
equal "nothing in clear" 0 "$(wire_count null "$clear")"
equal "nothing in clear, with ciphers" 0 "$(wire_count secret "$clear")"
atleast "the null cipher shows the plaintext" 1 "$(cat null.? | grep -ac plaintext)"
equal "the ciphers do not" 0 "$(cat secret.? | grep -ac plaintext)"
equal "a dropped nothing" 0 "$(drops a)"
equal "b dropped nothing" 0 "$(drops b)"
