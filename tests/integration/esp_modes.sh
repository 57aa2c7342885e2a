# SPDX-License-Identifier: GPL-2.0-only
# Every mode x family x cipher between two hosts of ours. Each combination has
# addresses and SPIs of its own, so that one capture tells all: three packets
# there, three back, nothing in clear, no byte of plaintext but with the null
# cipher.

hosts
combos >combos
equal "there are 54 combinations" 54 "$(wc -l <combos)"
pairs 54
grep '|null-' combos >null
grep -v '|null-' combos >secret
for ns in a b; do all_rules ours $ns <combos | setkey_in $ns; done
for what in null secret; do
	wire_start $what.cap
	ask_all $what a b 90
	wire_stop
	spis $what.cap >seen
	spi_claims 3 $what seen
	equal "$what: nothing in clear" 0 "$(wire_count $what.cap 'udp or icmp')"
done
atleast "the null cipher shows the plaintext" 1 "$(cat null.cap.? | grep -ac plaintext)"
equal "the ciphers do not" 0 "$(cat secret.cap.? | grep -ac plaintext)"
equal "a dropped nothing" 0 "$(drops a)"
equal "b dropped nothing" 0 "$(drops b)"
