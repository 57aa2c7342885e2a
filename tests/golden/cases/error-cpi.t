--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ipcomp 65536 -C deflate;
--- err
setkey: input:1:1: the SPI of ipcomp is a CPI of 16 bits, 65536 is too big
setkey: input: 1 error, nothing was sent
--- status
1
