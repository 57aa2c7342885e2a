--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/1.2.3.4/require;
--- err
setkey: input:1:61: Invalid address specification: expected `-' and the second address, found `/'
setkey: input: 1 error, nothing was sent
--- status
1
