--- args
@IN
--- hex
020a0003 03000000 00000000 67120000
09000100 00000000
--- out
Invalid sadb message
