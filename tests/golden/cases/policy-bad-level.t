--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec ah/transport//;
--- err
setkey: input:1:56: Too few arguments: expected default, use, require or unique, but the text ends
setkey: input: 1 error, nothing was sent
--- status
1
