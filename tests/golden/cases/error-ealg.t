--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E rot13 0x00;
--- err
setkey: input:1:36: unknown encryption algorithm `rot13'
setkey: input: 1 error, nothing was sent
--- status
1
