--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -X;
--- err
setkey: input:1:33: unknown option `-X', expected an option or `;'
setkey: input: 1 error, nothing was sent
--- status
1
