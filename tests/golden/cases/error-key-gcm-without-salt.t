--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E aes-gcm-16 0x00112233445566778899aabbccddeeff;
--- err
setkey: input:1:36: `aes-gcm-16' takes a key of 160, 224 or 288 bits, not 128
setkey: input: 1 error, nothing was sent
--- status
1
