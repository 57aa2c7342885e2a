--- args
-n -f @IN
--- in
spdadd 10.0.0.1[65536] 10.0.0.2 tcp -P in none;
--- err
setkey: input:1:17: port `65536' is too big, the limit is 65535
setkey: input: 1 error, nothing was sent
--- status
1
