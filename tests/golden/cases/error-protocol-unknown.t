--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 foo 300 -E null;
--- err
setkey: input:1:25: unknown protocol `foo', expected esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp
setkey: input: 1 error, nothing was sent
--- status
1
