--- args
-n -f @IN
--- in
add 192.0.2.1 2001:db8::1 esp 300 -E null;
--- err
setkey: input:1:15: `192.0.2.1' and `2001:db8::1' have no address family in common
setkey: input: 1 error, nothing was sent
--- status
1
