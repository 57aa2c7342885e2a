--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp -E null;
--- err
setkey: input:1:29: unexpected `-E', expected an SPI
setkey: input: 1 error, nothing was sent
--- status
1
