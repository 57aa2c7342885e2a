--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E null -A hmac-md5 "0123456789abcdef";
add 192.0.2.1 192.0.2.2 esp 301 -E null "" -A null;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 30313233 34353637 38396162 63646566 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=2 encrypt=11 flags=0x00000040 }
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
  len=13 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=301 replay=0 state=0
  auth=251 encrypt=11 flags=0x00000040 }
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

