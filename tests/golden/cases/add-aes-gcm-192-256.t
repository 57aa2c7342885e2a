--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 0x1000 -E aes-gcm-16 0x01010101010101010101010101010101010101010101010101010101;
add 192.0.2.1 192.0.2.2 esp 0x1001 -E aes-gcm-16 0x020202020202020202020202020202020202020202020202020202020202020202020202;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=5 type=9 }
sadb_key{ bits=224 reserved=0
  key= 01010101 01010101 01010101 01010101 01010101 01010101 01010101 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=4096 replay=0 state=0
  auth=0 encrypt=20 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

sadb_msg{ version=2 type=3 errno=0 satype=3
  len=18 reserved=0 seq=0 pid=0
sadb_ext{ len=6 type=9 }
sadb_key{ bits=288 reserved=0
  key= 02020202 02020202 02020202 02020202 02020202 02020202 02020202 02020202
 02020202 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=4097 replay=0 state=0
  auth=0 encrypt=20 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

