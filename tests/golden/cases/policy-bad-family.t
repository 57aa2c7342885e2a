--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec esp/tunnel/10.0.0.1-::2;
--- err
setkey: input:1:53: Family mismatch: the endpoints are of different families
setkey: input: 1 error, nothing was sent
--- status
1
