--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec esp/transport//sometimes;
--- err
setkey: input:1:57: Invalid ipsec level: expected default, use, require or unique, found `sometimes'
setkey: input: 1 error, nothing was sent
--- status
1
