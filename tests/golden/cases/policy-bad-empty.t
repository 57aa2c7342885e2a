--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P ;
--- err
setkey: input:1:33: unexpected `;', expected a policy
setkey: input: 1 error, nothing was sent
--- status
1
