--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in none
--- err
setkey: input:1:33: unexpected end of file, expected `;'
setkey: input: 1 error, nothing was sent
--- status
1
