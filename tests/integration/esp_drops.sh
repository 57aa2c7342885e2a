# SPDX-License-Identifier: GPL-2.0-only
# What must not get through, each with its own counter: wrong key, wrong SPI,
# replayed and old packets, a changed ICV, plaintext where ESP is required,
# policies that discard, short packets.

alg="-E aes-gcm-16 ${K16}01020304"
other="-E aes-gcm-16 ${K16}01020305"

# counted NAME NUMBER COMMAND...: NAME goes up by NUMBER in b.
counted() {
	local name=$1 by=$2 before
	before=$(stat b "$name")
	shift 2
	"$@" >/dev/null 2>&1
	equal "$claim: $name" $((before + by)) "$(stat b "$name")"
}

hosts
ends transport 4 4
ours a transport "$alg" 0x1000
ours b transport "$alg" 0x1000
wire_start good
check "with equal keys: answered" ping_ok a $B4
wire_stop

in_ns a /usr/bin/python3 $here/esp_drops.py good.a || fail "esp_drops.py" "$(tail -n 2 "$work/err" | tr '\n' ' ')"
check "then still answered" ping_ok a $B4

ours b transport "$other" 0x1000
claim="wrong key"
counted in_espauthfail 2 ping_lost a $B4
ours b transport "$alg" 0x1100
claim="wrong SPI"
counted in_nosa 2 ping_lost a $B4

claim="plaintext where ESP is required"
echo 'spdflush;' | setkey_in a
ours b transport "$alg" 0x1000
counted in_polvio 2 ping_lost a $B4
claim="plaintext IPv6 fragments where ESP is required"
ends transport 6 6
ours b transport "$alg" 0x1000
counted in_polvio 2 ping_lost a $B6 -s 3000

claim="policy discard, out"
setkey_in b <<-END
	spdflush; flush;
	spdadd $B4 $A4 icmp -P out discard;
END
counted out_polvio 2 ping_lost a $B4
claim="policy discard, in"
setkey_in b <<-END
	spdflush;
	spdadd $A4 $B4 icmp -P in discard;
END
counted in_polvio 2 ping_lost a $B4
setkey_in b <<-END
	spdadd $A4/32 $B4/32 icmp 8,0 -P in prio high none;
END
check "an entry of type none before it opens again" ping_ok a $B4
setkey_in b <<-END
	spdflush;
	spdadd $B4 $A4 any -P out ipsec esp/transport//require;
END
claim="no SA for a required level"
counted out_nosa 2 ping_lost a $B4
setkey_in b <<-END
	spdflush;
	spdadd $B4 $A4 any -P out ipsec esp/transport//use;
END
check "no SA at level use: goes in clear" ping_ok a $B4

# Whoever has a tunnel with us may not use it for anything he likes.
claim="tunnel packet that no policy asks for"
ends tunnel 4 4
ours a tunnel "$alg" 0x1000
ours b tunnel "$alg" 0x1000
setkey_in b <<-END
	spdflush;
	spdadd $A4 $B4 tcp -P in ipsec esp/tunnel/$A4-$B4/require;
END
counted in_tunnel 2 ping_lost a $B4
# The other mode than the SA's.
claim="transport packet in an SA of mode tunnel"
ours b tunnel "$alg" 0x1000
ends transport 4 4
ours a transport "$alg" 0x1000
counted in_mode 2 ping_lost a $B4
