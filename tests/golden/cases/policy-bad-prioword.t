--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in prio urgent none;
--- err
setkey: input:1:41: Priority out of range: expected low, def, high or a number up to 2147483647, found `urgent'
setkey: input: 1 error, nothing was sent
--- status
1
