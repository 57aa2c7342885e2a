--- args
@IN
--- hex
--- out
--- err
setkey: input: byte 0: no message begins here
--- status
1
