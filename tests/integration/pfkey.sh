# SPDX-License-Identifier: GPL-2.0-only
# PF_KEY byte by byte; the rows are in pfkey.py.
ip netns add a
ip netns add b
in_ns a /usr/bin/python3 $here/pfkey.py || fail "pfkey.py" "$(tail -n 3 "$work/err" | tr '\n' ' ')"
echo "add 10.0.0.1 10.0.0.2 esp 0x1000 -E aes-gcm-16 ${K16}01020304;" | setkey_in a
equal "namespaces do not see each other's SAs" "No SAD entries." "$(in_ns b setkey -D)"
