--- args
-n -f @IN
--- in
bogus 1 2;
--- err
setkey: input:1:1: unexpected `bogus', expected a command
setkey: input: 1 error, nothing was sent
--- status
1
