--- args
-n -f @IN
--- in
flush;
flush esp
--- err
setkey: input:2:10: unexpected end of file, expected `;'
setkey: input: 1 error, nothing was sent
--- status
1
