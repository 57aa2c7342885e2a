--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E des-32iv "8 bytes!";
--- err
setkey: input:1:36: des-32iv can only be used with esp-old
setkey: input: 1 error, nothing was sent
--- status
1
