--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec esp/transport//unique:0;
--- err
setkey: input:1:57: Invalid ipsec level: expected a number from 1 to 16383 after unique:, found `unique:0'
setkey: input: 1 error, nothing was sent
--- status
1
