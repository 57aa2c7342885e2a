--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/me-any/require;
--- err
setkey: input:1:54: Not supported: `me' as an endpoint
setkey: input: 1 error, nothing was sent
--- status
1
