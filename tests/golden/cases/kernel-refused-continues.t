--- args
-f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 0x1001 -E null;
flush;
spdadd 192.0.2.1 192.0.2.2 any -P in none;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
02031103 02000000 00000000 eeeeeeee
--
02090000 02000000 00000000 eeeeeeee
--
020e1100 02000000 00000000 eeeeeeee
--
--- err
setkey: input:1:1: add 192.0.2.1 192.0.2.2 esp 0x1001: File exists (an SA with this protocol, destination and SPI is already there)
setkey: input:3:1: spdadd 192.0.2.1 192.0.2.2 any -P in: File exists (such a policy is already there, spdupdate replaces it)
--- sent
type 7 length 16
type 3 length 104
type 9 length 16
type 14 length 80
--- status
1
