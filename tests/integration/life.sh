# SPDX-License-Identifier: GPL-2.0-only
# Beside others: netfilter sees what was decrypted, native XFRM works in the same
# kernel, a namespace ends under traffic; lifetimes.

alg="-E aes-gcm-16 ${K16}01020304"

hosts
ends transport 4 4
ours a transport "$alg" 0x1000
ours b transport "$alg" 0x1000

in_ns b nft -f - <<-END || fail "nft rules"
	table ip u {
		chain c {
			type filter hook input priority 1;
			meta secpath exists icmp type echo-request counter
			meta secpath missing icmp type echo-request counter
		}
	}
	END
check "ping" ping_ok a $B4
secpath() { in_ns b nft list chain ip u c | sed -En "s/.*(secpath|ipsec) $1.*packets ([0-9]*).*/\2/p"; }
equal "nft: meta secpath exists" 3 "$(secpath exists)"
equal "nft: nothing without secpath" 0 "$(secpath missing)"
in_ns b nft flush ruleset
check "iptables -m policy" in_ns b iptables-nft -A INPUT -m policy --dir in \
	--pol ipsec --proto esp --mode transport -p icmp -j ACCEPT
check "ping again" ping_ok a $B4
equal "iptables: -m policy matches" 3 \
	"$(in_ns b iptables-nft -nvxL INPUT | awk '/policy match/ { print $1 }')"

# Native XFRM in two other namespaces of the same kernel.
modprobe esp4 2>/dev/null
ip -batch - <<-END
	netns add c
	netns add d
	$(wire c eth0 d eth0)
END
host c 0c 10.9.0.1 fd09::1 0d 10.9.0.2 fd09::2
host d 0d 10.9.0.2 fd09::2 0c 10.9.0.1 fd09::1
for ns in c d; do
	s=10.9.0.1 d=10.9.0.2 out=out in=in
	[ $ns = c ] || out=in in=out
	ip -n $ns -batch - <<-END
		xfrm state add src $s dst $d proto esp spi 0x5000 mode transport aead rfc4106(gcm(aes)) ${K16}01020304 128
		xfrm state add src $d dst $s proto esp spi 0x5001 mode transport aead rfc4106(gcm(aes)) ${K16}01020304 128
		xfrm policy add src $s dst $d dir $out tmpl proto esp mode transport
		xfrm policy add src $d dst $s dir $in tmpl proto esp mode transport
	END
done
check "native XFRM works beside us" ping_ok c 10.9.0.2
atleast "and counts its packets" 3 \
	"$(ip -n d -s xfrm state list spi 0x5000 | awk '/lifetime current/ { getline; print $2 + 0 }' | head -n1)"

# A namespace ends while packets are on their way.
nsenter --net=/run/netns/a ping -q -f -w 30 $B4 >/dev/null 2>&1 &
flood=$!
sleep 0.5
ip netns del b
sleep 0.5
kill $flood
wait $flood 2>/dev/null
ok "a namespace is deleted under traffic"
ip netns del a

hosts
# Lifetimes: an SA ends by time and by bytes.
setkey_in a <<-END
	flush; spdflush;
	add $A4 $B4 esp 0x1000 -lh 6 $alg;
	add $B4 $A4 esp 0x1001 -bh 200 $alg;
END
setkey_in b <<-END
	flush; spdflush;
	add $B4 $A4 esp 0x1001 $alg;
	spdadd $B4 $A4 any -P out ipsec esp/transport//require;
END
equal "two SAs" 2 "$(in_ns a setkey -D | grep -c state=mature)"
sleep 7
# The kernel's timers of that length may be a quarter of a second late.
for _ in {1..5}; do
	[ "$(in_ns a setkey -D | grep -c 'esp mode')" = 2 ] || break
	sleep 0.1
done
equal "one is gone after its hard lifetime" 1 "$(in_ns a setkey -D | grep -c 'esp mode')"
in_ns b ping -q -c 4 -i 0.05 -W 1 $A4 >/dev/null
equal "the other after its bytes" "No SAD entries." "$(in_ns a setkey -D)"
