--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E null "x";
--- err
setkey: input:1:36: `null' takes a key of 0 bits, not 8
setkey: input: 1 error, nothing was sent
--- status
1
