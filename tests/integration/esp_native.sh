# SPDX-License-Identifier: GPL-2.0-only
# Ours against native XFRM in the same kernel: a is ours, b is native. Each asks
# and each answers, in every mode x family x cipher.

modprobe -a esp4 esp6 2>/dev/null
hosts
combos >combos
pairs 54
all_rules ours a <combos | setkey_in a
all_rules native b <combos | ip -n b -batch - || fail "ip xfrm in b"
wire_start wire
case="$case, ours asks" ask_all combos a b 1000
case="$case, native asks" ask_all combos b a 60
wire_stop
spis wire >seen
spi_claims 6 combos seen
equal "nothing in clear" 0 "$(wire_count wire 'udp or icmp')"
equal "ours dropped nothing" 0 "$(drops a)"
