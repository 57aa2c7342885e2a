--- args
-n -f @IN
--- in
flush;
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec
	esp/transport//require
	ah/nothing//use;
--- err
setkey: input:4:5: Invalid ipsec mode: expected transport or tunnel, found `nothing'
setkey: input: 1 error, nothing was sent
--- status
1
