--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 -P in none;
--- err
setkey: input:1:26: unexpected `-P', expected an upper layer protocol
setkey: input: 1 error, nothing was sent
--- status
1
