--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -f random-pad -f zero-pad -E null;
--- err
setkey: input:1:50: a second kind of padding, `zero-pad'
setkey: input: 1 error, nothing was sent
--- status
1
