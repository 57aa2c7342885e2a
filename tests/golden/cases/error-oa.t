--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 10.0.0.9 300 -E null;
--- err
setkey: input:1:29: unexpected `10.0.0.9', expected an SPI
setkey: input: 1 error, nothing was sent
--- status
1
