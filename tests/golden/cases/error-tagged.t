--- args
-n -f @IN
--- in
spdadd tagged "web" -P in none;
--- err
setkey: input:1:8: packet tags are not supported on Linux
setkey: input: 1 error, nothing was sent
--- status
1
