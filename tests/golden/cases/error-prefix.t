--- args
-n -f @IN
--- in
spdadd 10.0.0.0/33 10.0.0.0 any -P in none;
spdadd ::/0 ::/129 any -P in none;
--- err
setkey: input:1:17: prefix length `33' is too big, the limit is 32
setkey: input:2:16: prefix length `129' is too big, the limit is 128
setkey: input: 2 errors, nothing was sent
--- status
1
