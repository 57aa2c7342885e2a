--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in no?ne;
--- err
setkey: input:1:36: Invalid security policy: expected discard, none, ipsec, entrust or bypass, found `no'
setkey: input: 1 error, nothing was sent
--- status
1
