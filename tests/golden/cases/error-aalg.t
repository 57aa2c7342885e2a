--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ah 300 -A crc32 0x00;
--- err
setkey: input:1:35: unknown authentication algorithm `crc32'
setkey: input: 1 error, nothing was sent
--- status
1
