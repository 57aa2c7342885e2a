--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 ipcomp 300 -R -C deflate;
--- err
setkey: input:1:36: -R belongs behind -C
setkey: input: 1 error, nothing was sent
--- status
1
