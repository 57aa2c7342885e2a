--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P both none;
--- err
setkey: input:1:33: Invalid direction: expected in, out or fwd, found `both'
setkey: input: 1 error, nothing was sent
--- status
1
