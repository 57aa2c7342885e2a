--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E aes-cbc 0x0000000000000000000000000000000000;
--- err
setkey: input:1:36: `aes-cbc' takes a key of 128, 192 or 256 bits, not 136
setkey: input: 1 error, nothing was sent
--- status
1
