--- args
-n -v -f @IN
--- in
update 192.0.2.1 192.0.2.2 esp 300 -m tunnel -E aes-cbc 0x00112233445566778899aabbccddeeff;
--- out
sadb_msg{ version=2 type=2 errno=0 satype=3
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=9 }
sadb_key{ bits=128 reserved=0
  key= 00112233 44556677 8899aabb ccddeeff }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=0 encrypt=12 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=2 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

