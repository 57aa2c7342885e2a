--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in ipsec esp;
--- err
setkey: input:1:45: Too few arguments: expected /transport or /tunnel, but the text ends
setkey: input: 1 error, nothing was sent
--- status
1
