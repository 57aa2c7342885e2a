--- args
@IN
--- hex
02070000 07000000 00000000 67120000
02000e00 00000000 0300a000 a0000000
03000f00 00000000 1408a000 20010000 0b000000 00000000
--- out
sadb_msg{ version=2 type=7 errno=0 satype=0
  len=7 reserved=0 seq=0 pid=4711
sadb_ext{ len=2 type=14 }
sadb_sup{
  { id=3 ivlen=0 min=160 max=160 }
}
sadb_ext{ len=3 type=15 }
sadb_sup{
  { id=20 ivlen=8 min=160 max=288 }
  { id=11 ivlen=0 min=0 max=0 }
}
