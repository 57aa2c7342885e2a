--- args
-n -f @IN
--- in
add 192.0.2.1;
--- err
setkey: input:1:14: unexpected `;', expected an address
setkey: input: 1 error, nothing was sent
--- status
1
