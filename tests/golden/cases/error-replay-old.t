--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ah-old 300 -r 4 -A keyed-md5 "0123456789abcdef";
--- err
setkey: input:1:39: -r cannot be used with ah-old, which has no sequence numbers
setkey: input: 1 error, nothing was sent
--- status
1
