--- args
-n -f @IN
--- in
spdadd ::/0 ::/0 icmp6 300,0 -P in none;
spdadd ::/0 ::/0 icmp6 1,2,3 -P in none;
--- err
setkey: input:1:24: invalid `300,0', expected TYPE,CODE of at most 255 each
setkey: input:2:24: invalid `1,2,3', expected TYPE,CODE of at most 255 each
setkey: input: 2 errors, nothing was sent
--- status
1
