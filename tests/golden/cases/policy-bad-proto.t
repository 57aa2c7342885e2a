--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec udp/transport//use;
--- err
setkey: input:1:42: Invalid ipsec protocol: expected esp, ah or ipcomp, found `udp'
setkey: input: 1 error, nothing was sent
--- status
1
