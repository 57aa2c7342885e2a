--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any;
--- err
setkey: input:1:29: unexpected `;', expected -P and a policy
setkey: input: 1 error, nothing was sent
--- status
1
