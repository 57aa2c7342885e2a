--- args
-f @IN
--- in
delete 192.0.2.1 192.0.2.2 esp 300;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
02046903 02000000 00000000 eeeeeeee
--
--- err
setkey: input:1:1: delete 192.0.2.1 192.0.2.2 esp 0x12c: No buffer space available
--- sent
type 7 length 16
type 4 length 96
--- status
1
