--- args
-n -f @IN
--- in
add -n host.invalid 10.0.0.1 esp 300 -E null;
--- err
setkey: input:1:8: address `host.invalid': Name or service not known
setkey: input: 1 error, nothing was sent
--- status
1
