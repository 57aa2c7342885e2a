--- args
@IN
--- hex
02090000 02000000 00000000 67120000
02
--- out
sadb_msg{ version=2 type=9 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=4711
--- err
setkey: input: byte 16: no message begins here
--- status
1
