--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in prio low - 1073741824 none;
--- err
setkey: input:1:47: Priority offset out of range: expected a number up to 1073741823, found `1073741824'
setkey: input: 1 error, nothing was sent
--- status
1
