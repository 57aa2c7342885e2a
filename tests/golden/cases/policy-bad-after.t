--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in none ah/transport//use;
--- err
setkey: input:1:41: Invalid security policy: expected nothing more, found `ah'
setkey: input: 1 error, nothing was sent
--- status
1
