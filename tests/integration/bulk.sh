# SPDX-License-Identifier: GPL-2.0-only
# Traffic of every size: 50 MB of TCP over a wire of 1500 bytes without a stall,
# UDP from 1 to 8000 bytes, in both modes and families.

alg="-E aes-gcm-16 ${K16}01020304"
# 50 MB in one mode, in the others as much as shows a stall. The debug kernel
# works at a hundredth of the speed.
full=50 less=4
[ -e /sys/kernel/debug/kmemleak ] && full=2 less=1

cat >peer.py <<-'END'
	import socket, sys, threading, time
	what, addr, amount = sys.argv[1], sys.argv[2], int(sys.argv[3])
	family = socket.AF_INET6 if ":" in addr else socket.AF_INET
	if what == "tcp-in":
	    s = socket.socket(family, socket.SOCK_STREAM)
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.bind((addr, 5001)); s.listen(1); print("ready", flush=True)
	    c, _ = s.accept(); got = 0; worst = 0.0; bad = 0
	    while got < amount:
	        t = time.monotonic(); b = c.recv(1 << 16)
	        worst = max(worst, time.monotonic() - t)
	        if not b: break
	        bad += b.count(0); got += len(b)
	    print(got, "%d" % bad, "%d" % (worst < 3), flush=True)
	elif what == "tcp-out":
	    s = socket.create_connection((addr, 5001), timeout=20)
	    s.settimeout(60); block = b"\xa5" * 65536
	    while amount > 0:
	        s.sendall(block[:min(amount, 65536)]); amount -= 65536
	    s.close()
	elif what == "udp-in":
	    s = socket.socket(family, socket.SOCK_DGRAM); s.bind((addr, 5002))
	    s.settimeout(30); print("ready", flush=True)
	    while True:
	        b, peer = s.recvfrom(65536); s.sendto(b, peer)
	        if b == b"end": break
	elif what == "udp-out":
	    s = socket.socket(family, socket.SOCK_DGRAM); s.settimeout(5)
	    sizes = list(range(1, 65)) + list(range(65, 1300, 97)) \
	        + list(range(1300, 1520)) + list(range(1600, 8001, 400)); good = 0
	    for n in sizes:
	        b = bytes((n + i) & 255 for i in range(n))
	        for attempt in 1, 2:
	            try: s.sendto(b, (addr, 5002)); break
	            except OSError: pass    # the path's MTU was learnt
	        try: good += s.recv(65536) == b
	        except socket.timeout: print("lost", n)
	    s.sendto(b"end", (addr, 5002))
	    print(good, len(sizes))
END

# ready FILE: wait until the listener says so.
ready() { while ! grep -q ready "$1" 2>/dev/null; do sleep 0.1; done; }

one() {
	local what=$1 bytes=$((mb << 20)) peer
	: >in
	ip netns exec b /usr/bin/python3 peer.py tcp-in $d $bytes >in 2>&1 &
	peer=$!
	ready in
	check "$what: $mb MB of TCP are sent" in_ns a timeout 150 /usr/bin/python3 peer.py tcp-out $d $bytes
	wait $peer
	equal "$what: arrive unchanged, no pause of 3 s" "$bytes 0 1" "$(tail -n 1 in)"
	: >in
	ip netns exec b /usr/bin/python3 peer.py udp-in $d 0 >in 2>&1 &
	peer=$!
	ready in
	equal "$what: UDP of all sizes is echoed" "314 314" \
		"$(in_ns a /usr/bin/python3 peer.py udp-out $d 0 | tail -n 1)"
	wait $peer
}

hosts
spi=0x1000
while read -r mode inner outer; do
	ends $mode $inner $outer
	mb=$less
	[ "$mode $inner $outer" = "tunnel 4 4" ] && mb=$full
	ours a $mode "$alg" $spi
	ours b $mode "$alg" $spi
	wire_start wire 'tcp or udp'
	sent=$(stat a out_success)
	one "$mode $inner in $outer"
	wire_stop
	equal "$mode $inner in $outer: nothing in clear" 0 \
		"$(wire_count wire)"
	atleast "$mode $inner in $outer: but in ESP" $((mb << 9)) \
		"$(($(stat a out_success) - sent))"
	spi=$((spi + 2))
done < <(modes)
equal "a dropped nothing" 0 "$(($(drops a) - $(stat a out_toobig)))"
equal "b dropped nothing" 0 "$(($(drops b) - $(stat b out_toobig)))"
