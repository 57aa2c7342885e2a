--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -m weird -E null;
--- err
setkey: input:1:36: unknown mode `weird', expected transport, tunnel or any
setkey: input: 1 error, nothing was sent
--- status
1
