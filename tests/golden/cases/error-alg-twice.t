--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E null -E null;
add 192.0.2.1 192.0.2.2 ah 300 -A hmac-md5 0x00112233445566778899aabbccddeeff -A hmac-md5 0x00112233445566778899aabbccddeeff;
--- err
setkey: input:1:44: a second -E
setkey: input:2:82: a second -A
setkey: input: 2 errors, nothing was sent
--- status
1
