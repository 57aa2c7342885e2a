--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -lh 99999999999999999999 -E null;
--- err
setkey: input:1:37: limit `99999999999999999999' is too big, the limit is 18446744073709551615
setkey: input: 1 error, nothing was sent
--- status
1
