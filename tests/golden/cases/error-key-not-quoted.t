--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E aes-cbc 0123456789abcdef;
--- err
setkey: input:1:36: `aes-cbc' needs a key: "text" or 0x...
setkey: input:1:44: unexpected `0123456789abcdef', expected an option or `;'
setkey: input: 2 errors, nothing was sent
--- status
1
