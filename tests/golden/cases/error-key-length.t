--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E aes-cbc 0x0011;
add 192.0.2.1 192.0.2.2 ah 300 -A hmac-md5 0x00;
add 192.0.2.1 192.0.2.2 esp 300 -E blowfish-cbc 0x00;
--- err
setkey: input:1:36: `aes-cbc' takes a key of 128, 192 or 256 bits, not 16
setkey: input:2:35: `hmac-md5' takes a key of 128 bits, not 8
setkey: input:3:36: `blowfish-cbc' takes a key of 40 to 448 bits, not 8
setkey: input: 3 errors, nothing was sent
--- status
1
