--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -u x -E null;
--- err
setkey: input:1:36: unexpected `x', expected a number
setkey: input: 1 error, nothing was sent
--- status
1
