--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp-old 300 -E des-cbc 0x0123456789abcdef -A hmac-md5 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 esp-old 301 -E aes-cbc 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 esp-old 302 -E null -A null;
--- err
setkey: input:1:70: -A cannot be used with esp-old
setkey: input:2:40: `aes-cbc' cannot be used with esp-old, only des-cbc, des-32iv and null
setkey: input: 2 errors, nothing was sent
--- status
1
