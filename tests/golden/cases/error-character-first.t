--- args
-n -f @IN
--- in
?;
flush;
--- err
setkey: input:1:1: unexpected character `?', expected a command
setkey: input: 1 error, nothing was sent
--- status
1
