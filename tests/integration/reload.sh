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

# Sockets keep what they were given. What they asked for is not known any more
# afterwards, so nothing passes; bypass is still bypass.
MODULE=$module python3 - <<-'END'
	import errno, os, sys
	sys.path.insert(0, "/ipsec/tests/integration")
	import lab
	from lab import A4, B4
	from sock_client import BYPASS, ESP, IPSEC, OUT, ask, give, name, policy, request

	a, b = lab.Host("a"), lab.Host("b")
	s, free, t = a.socket(A4), a.socket(A4), b.socket(B4, 7000)
	give(s, policy(OUT, IPSEC, request(ESP)))
	give(free, policy(OUT, BYPASS))
	lab.run("rmmod", "ipsec")
	lab.run("insmod", os.environ["MODULE"])
	lab.counted(a, "a socket's policy of an earlier load", {"out_polvio": 1},
	            lambda: s.sendto(b"kept", (B4, 7000)))
	lab.equal("and getsockopt says so", "ESTALE", name(ask(s, OUT)))
	a.sysctl("net.inet.ipsec.def_policy=0")
	free.sendto(b"free", (B4, 7000))
	lab.equal("bypass passes", (b"free", BYPASS), (t.recv(100), ask(free, OUT)[4]))
	a.sysctl("net.inet.ipsec.def_policy=1")
	give(s, policy(OUT, IPSEC, request(ESP)))
	lab.counted(a, "asked for once more, it is known", {"out_nosa": 1},
	            lambda: s.sendto(b"kept", (B4, 7000)))
	END

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


# A kernel that lacks an algorithm: it is not offered, and asking for it is a
# clear error that harms nothing else. Then, on a kernel that has it, it works.
rmmod ipsec
modprobe -qr cast5_avx_x86_64 cast5_generic
modprobe=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
insmod $module
cast="add $A4 $B4 esp 0x1100 -E cast128-cbc $K16;"
equal "setkey says what is missing" \
	"setkey: <stdin>:1:37: algorithm \`cast128-cbc' is not available in this kernel" \
	"$(echo "$cast" | in_ns a setkey -c 2>&1)"
setkey_in a <<-END
	add $A4 $B4 esp 0x1101 $alg;
END
equal "what is there can be used" 1 "$(in_ns a setkey -D | grep -c aes-gcm-16)"
rmmod ipsec
echo "$modprobe" >/proc/sys/kernel/modprobe
insmod $module
echo "$cast" | setkey_in a
equal "with modprobe it comes" 1 "$(in_ns a setkey -D | grep -c cast128-cbc)"
