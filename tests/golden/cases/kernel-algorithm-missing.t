--- args
-f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E blowfish-cbc "12345678";
flush;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
02090000 02000000 00000000 eeeeeeee
--
--- err
setkey: input:1:36: algorithm `blowfish-cbc' is not available in this kernel
--- sent
type 7 length 16
type 9 length 16
--- status
1
