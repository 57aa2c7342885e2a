--- args
-f @IN
--- in
flush;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--

--
--- err
setkey: input:1:1: flush: no reply from the kernel in one second
--- sent
type 7 length 16
type 9 length 16
--- status
1
