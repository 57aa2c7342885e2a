--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300;
add 192.0.2.1 192.0.2.2 ah 300;
add 192.0.2.1 192.0.2.2 ipcomp 300;
add 192.0.2.1 192.0.2.2 tcp 300;
--- err
setkey: input:1:1: esp needs -E
setkey: input:2:1: ah needs -A with an algorithm other than null
setkey: input:3:1: ipcomp needs -C
setkey: input:4:1: tcp needs -A tcp-md5
setkey: input: 4 errors, nothing was sent
--- status
1
