--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 nonsense -P in none;
spdadd 10.0.0.1 10.0.0.2 256 -P in none;
--- err
setkey: input:1:26: unknown upper layer protocol `nonsense'
setkey: input:2:26: protocol `256' is too big, the limit is 255
setkey: input: 2 errors, nothing was sent
--- status
1
