--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ah 300 -E null -A hmac-md5 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 esp 300 -C deflate -E null;
add 192.0.2.1 192.0.2.2 ipcomp 300 -C deflate -A hmac-md5 0x00112233445566778899aabbccddeeff;
--- err
setkey: input:1:35: -E cannot be used with ah
setkey: input:2:36: -C cannot be used with esp
setkey: input:3:50: -A cannot be used with ipcomp
setkey: input: 3 errors, nothing was sent
--- status
1
