--- args
@IN
--- hex
020a0003 03000000 00000000 67120000
01001b00 00000000
--- out
Invalid extension type
