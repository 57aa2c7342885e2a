--- args
-n -f @IN
--- in
spdadd 10.0.0.1[no-such-service] 10.0.0.2 tcp -P in none;
--- err
setkey: input:1:17: unknown service `no-such-service'
setkey: input: 1 error, nothing was sent
--- status
1
