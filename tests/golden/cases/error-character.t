--- args
-n -f @IN
--- in
flush $;
--- err
setkey: input:1:7: unexpected character `$', expected a protocol or `;'
setkey: input: 1 error, nothing was sent
--- status
1
