--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/1.2.3.4[65536]-5.6.7.8[1]/require;
--- err
setkey: input:1:62: Invalid address specification: expected a port number, found `65536'
setkey: input: 1 error, nothing was sent
--- status
1
