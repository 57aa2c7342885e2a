--- args
-f @IN
--- in
spddelete 192.0.2.1 192.0.2.2 any -P out;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
020f0200 02000000 00000000 eeeeeeee
--
--- err
setkey: input:1:1: spddelete 192.0.2.1 192.0.2.2 any -P out: No entry (no such policy)
--- sent
type 7 length 16
type 15 length 80
--- status
1
