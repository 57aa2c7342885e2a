--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ah 300 -A null;
--- err
setkey: input:1:35: ah needs -A with an algorithm other than null
setkey: input: 1 error, nothing was sent
--- status
1
