# SPDX-License-Identifier: GPL-2.0-only
# Ours against native XFRM in the same kernel: a is ours, b is native. Pings go
# both ways, so each of the two builds and opens packets of the other.

modprobe -a esp4 esp6 2>/dev/null
hosts
spi=0x3000
wire_start wire
while IFS='|' read -r name alg nalg; do
	while read -r mode inner outer; do
		ends $mode $inner $outer
		ours a $mode "$alg" $spi
		native b $mode "$nalg" $spi
		what="$name $mode $inner in $outer"
		check "$what: ours asks, native answers" ping_ok a $d -s 1000
		check "$what: native asks, ours answers" ping_ok b $s
		echo "$spi $what" >>spis
		spi=$((spi + 2))
	done < <(modes)
done < <(algs)
wire_stop
spis wire >seen
spi_claims 6 spis seen
equal "nothing in clear" 0 "$(wire_count wire 'icmp[0] = 8 or icmp[0] = 0 or icmp6')"
equal "ours dropped nothing" 0 "$(drops a)"
