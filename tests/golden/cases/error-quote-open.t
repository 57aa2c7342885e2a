--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E null "abc;
--- err
setkey: input:1:41: expected a closing quote, but the file ends
setkey: input: 1 error, nothing was sent
--- status
1
