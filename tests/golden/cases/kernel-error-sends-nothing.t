--- args
-f @IN
--- in
flush;
spdflush;
flush foo;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
--- err
setkey: input:3:7: unknown protocol `foo', expected esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp
setkey: input: 1 error, nothing was sent
--- status
1
