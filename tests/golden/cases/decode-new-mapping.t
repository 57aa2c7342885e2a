--- args
-v @IN
--- hex
02170003 0e000000 00000000 00000000
02000100 0000012c 04010014 40000000
02001300 01000000 00000000 07000000
03000500 ff200000 02000000 c0000201 00000000 00000000
03000600 ff200000 02000000 c0000209 00000000 00000000
01001500 9c400000
01001600 9c410000
--- out
sadb_msg{ version=2 type=23 errno=0 satype=3
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=4 state=1
  auth=0 encrypt=20 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=1 reqid=7
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000209  }
sadb_ext{ len=1 type=21 }
sadb_x_nat_t_port{ port=40000 }
sadb_ext{ len=1 type=22 }
sadb_x_nat_t_port{ port=40001 }

