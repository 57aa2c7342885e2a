--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/1.2.3.4[500]-5.6.7.8/require;
--- err
setkey: input:1:54: Invalid address specification: give both ports or none
setkey: input: 1 error, nothing was sent
--- status
1
