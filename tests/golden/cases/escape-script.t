--- args
-n -f @IN
--- in
add 10.0.0.1 10.0.0.2 esp 300 -E [31mred;
add 10.0.0.1 ü esp 300 -E null;
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/transport//require;
--- err
setkey: input:1:34: unexpected character `\x1b', expected the name of an algorithm
setkey: input:2:14: unexpected character `\xc3', expected an address
setkey: input:2:15: unexpected character `\xbc', expected an address
setkey: input:3:43: Invalid ipsec protocol: expected esp, ah or ipcomp, found `e'
setkey: input: 4 errors, nothing was sent
--- status
1
