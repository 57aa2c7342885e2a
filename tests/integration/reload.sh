# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading, with SAs, policies and traffic, and beside af_key.

alg="-E aes-gcm-16 ${K16}01020304"
module=/ipsec/ipsec.ko
ends transport 4 4
hosts
ours a transport "$alg" 0x1000
ours b transport "$alg" 0x1000
nsenter --net=/run/netns/a ping -q -f -w 60 $B4 >/dev/null 2>&1 &
flood=$!
sleep 0.5
check "rmmod with SAs, policies and traffic" rmmod ipsec
check "plaintext passes when we are gone" ping_ok a $B4
kill $flood
wait $flood 2>/dev/null
refuse "no PF_KEY without the module" in_ns a setkey -D
check "reload" insmod $module
ours a transport "$alg" 0x1000
ours b transport "$alg" 0x1000
check "works again" ping_ok a $B4

# af_key owns the family: a clear refusal, and no damage.
rmmod ipsec
if modprobe -i af_key; then
	expect_dmesg 'ipsec: PF_KEY belongs to af_key'
	refuse "insmod beside af_key" insmod $module
	check "af_key can go" rmmod af_key
else
	fail "modprobe af_key"
fi
check "insmod after af_key" insmod $module

