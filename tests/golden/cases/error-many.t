--- args
-n -f @IN
--- in
add;
flush foo;
spdflush esp;
add 192.0.2.1 192.0.2.2 esp 300 -m odd -E rot13 0x0;
--- err
setkey: input:1:4: unexpected `;', expected an address
setkey: input:2:7: unknown protocol `foo', expected esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp
setkey: input:3:10: unexpected `esp', expected `;'
setkey: input:4:36: unknown mode `odd', expected transport, tunnel or any
setkey: input:4:43: unknown encryption algorithm `rot13'
setkey: input: 5 errors, nothing was sent
--- status
1
