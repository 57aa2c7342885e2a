--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 0x300 -E null;
--- err
setkey: input:1:25: unexpected hexadecimal number, expected a protocol: esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp
setkey: input: 1 error, nothing was sent
--- status
1
