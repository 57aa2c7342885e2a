--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec ah/tunnel/;
--- err
setkey: input:1:52: Invalid address specification: expected SRC-DST, which tunnel mode needs, but the text ends
setkey: input: 1 error, nothing was sent
--- status
1
