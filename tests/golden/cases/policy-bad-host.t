--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/localhost-5.6.7.8/require;
--- err
setkey: input:1:54: Invalid address specification: expected a numeric address, found `localhost'
setkey: input: 1 error, nothing was sent
--- status
1
