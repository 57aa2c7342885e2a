--- args
-n -f @IN
--- in
flush
spdflush;
--- err
setkey: input:2:1: unknown protocol `spdflush', expected esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp
setkey: input: 1 error, nothing was sent
--- status
1
