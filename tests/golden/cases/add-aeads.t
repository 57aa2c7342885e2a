--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 1000 -E aes-ccm-8 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1001 -E aes-ccm-12 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1002 -E aes-ccm-16 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1003 -E aes-gmac 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1004 -E chacha20-poly1305 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1005 -E serpent-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1006 -E null -A aes-cmac 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=9 }
sadb_key{ bits=152 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1000 replay=0 state=0
  auth=0 encrypt=14 flags=0x00000040 }
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
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=5 type=9 }
sadb_key{ bits=216 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1001 replay=0 state=0
  auth=0 encrypt=15 flags=0x00000040 }
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
sadb_key{ bits=280 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a
 5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1002 replay=0 state=0
  auth=0 encrypt=16 flags=0x00000040 }
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
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=9 }
sadb_key{ bits=160 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1003 replay=0 state=0
  auth=0 encrypt=23 flags=0x00000040 }
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
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a
 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1004 replay=0 state=0
  auth=0 encrypt=31 flags=0x00000040 }
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
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=5 type=9 }
sadb_key{ bits=256 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1005 replay=0 state=0
  auth=0 encrypt=252 flags=0x00000040 }
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
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1006 replay=0 state=0
  auth=248 encrypt=11 flags=0x00000040 }
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

