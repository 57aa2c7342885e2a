--- args
-v @IN
--- hex
020a0003 03000000 00000000 67120000
00000100 00000000
--- out
sadb_msg{ version=2 type=10 errno=0 satype=3
  len=3 reserved=0 seq=0 pid=4711
sadb_ext{ len=0 type=1 }
kdebug_sadb: invalid ext_len 0 was passed.

Invalid sadb message
