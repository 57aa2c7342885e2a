--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec esp/use;
--- err
setkey: input:1:46: Invalid ipsec mode: expected transport or tunnel, found `use'
setkey: input: 1 error, nothing was sent
--- status
1
