--- args
-n -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P in none # sure;
--- err
setkey: input:1:41: `#' inside a policy, expected `;' first
setkey: input: 1 error, nothing was sent
--- status
1
