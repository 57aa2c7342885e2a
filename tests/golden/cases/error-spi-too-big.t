--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 0x1ffffffff -E null;
add 192.0.2.1 192.0.2.2 esp 4294967296 -E null;
--- err
setkey: input:1:29: SPI `0x1ffffffff' is too big, the limit is 4294967295
setkey: input:2:29: SPI `4294967296' is too big, the limit is 4294967295
setkey: input: 2 errors, nothing was sent
--- status
1
