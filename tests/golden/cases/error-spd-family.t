--- args
-n -f @IN
--- in
spdadd 192.0.2.1 2001:db8::1 any -P out none;
--- err
setkey: input:1:18: `192.0.2.1' and `2001:db8::1' have no address family in common
setkey: input: 1 error, nothing was sent
--- status
1
