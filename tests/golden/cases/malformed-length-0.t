--- args
@IN
--- hex
020a0000000000000000000000000000
--- out
--- err
setkey: input: byte 0: no message begins here
--- status
1
