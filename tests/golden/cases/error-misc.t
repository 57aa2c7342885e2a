--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 tcp 3,4 -P in none;
--- err
setkey: input:1:30: unexpected `3,4', expected -P and a policy: only icmp, icmp6, mh and gre take a value
setkey: input: 1 error, nothing was sent
--- status
1
