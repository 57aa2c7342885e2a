--- args
-n -f @IN
--- in
spdadd 10.0.0.1[80 10.0.0.2 tcp -P in none;
--- err
setkey: input:1:20: unexpected `10.0.0.2', expected `]'
setkey: input: 1 error, nothing was sent
--- status
1
