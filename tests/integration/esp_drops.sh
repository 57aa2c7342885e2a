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

# send FILE PYTHON: change the packets p of a capture, send what is left in q.
send() {
	cat >send.py <<-END
		from scapy.all import *
		p = rdpcap("$1.a")
		q = []
		$2
		sendp(q, iface="eth0", verbose=0)
	END
	in_ns a /usr/bin/python3 send.py
}

hosts
ends transport 4 4
ours a transport "$alg" 0x1000
ours b transport "$alg" 0x1000
wire_start good
check "with equal keys: answered" ping_ok a $B4
wire_stop

claim="replayed"
counted in_espreplay 3 send good 'q = p'
claim="changed ICV"
counted in_espauthfail 1 send good \
	'b = bytearray(bytes(p[0])); b[41] += 50; b[-1] ^= 1; q = [Ether(bytes(b))]'
claim="changed ciphertext"
counted in_espauthfail 1 send good \
	'b = bytearray(bytes(p[0])); b[41] += 50; b[60] ^= 0x80; q = [Ether(bytes(b))]'
claim="forged number 2^32 - 1 does not move the window"
counted in_espauthfail 1 send good \
	'b = bytearray(bytes(p[0])); b[38:42] = b"\xff\xff\xff\xff"; q = [Ether(bytes(b))]'
check "then still answered" ping_ok a $B4
claim="number zero"
counted in_espold 1 send good \
	'b = bytearray(bytes(p[0])); b[38:42] = bytes(4); q = [Ether(bytes(b))]'
claim="unknown SPI"
counted in_nosa 1 send good \
	'b = bytearray(bytes(p[0])); b[34] = 0x77; q = [Ether(bytes(b))]'
claim="header cut short"
counted in_hdrops 1 send good \
	'q = [Ether(bytes(p[0])[:14]) / IP(src="10.0.0.1", dst="10.0.0.2", proto=50) / Raw(bytes(p[0])[34:50])]'
claim="length not a multiple of the block"
counted in_badilen 1 send good \
	'q = [Ether(bytes(p[0])[:14]) / IP(src="10.0.0.1", dst="10.0.0.2", proto=50) / Raw(bytes(p[0])[34:-3])]'

claim="300 pings later an old packet"
in_ns a ping -q -f -c 300 $B4 >/dev/null
counted in_espold 3 send good 'q = p'

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
