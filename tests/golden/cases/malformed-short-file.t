--- args
@IN
--- hex
02 0a 00
--- out
--- err
setkey: input: byte 0: no message begins here
--- status
1
