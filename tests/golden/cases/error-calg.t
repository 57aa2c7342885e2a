--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ipcomp 300 -C gzip;
--- err
setkey: input:1:39: unknown compression algorithm `gzip', expected deflate, lzs or oui
setkey: input: 1 error, nothing was sent
--- status
1
