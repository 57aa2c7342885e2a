--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -ctx 256 1 "x" -E null;
--- err
setkey: input:1:38: domain of interpretation `256' is too big, the limit is 255
setkey: input: 1 error, nothing was sent
--- status
1
