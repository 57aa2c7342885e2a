--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 1000 -E des-cbc 0x5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1001 -E 3des-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1002 -E blowfish-cbc 0x5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1003 -E blowfish-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1004 -E cast128-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1005 -E twofish-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1006 -E rijndael-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1007 -E aes-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1008 -E aes-ctr 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1009 -E camellia-cbc 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a;
add 192.0.2.1 192.0.2.2 esp 1010 -E des-deriv 0x5a5a5a5a5a5a5a5a;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=9 }
sadb_key{ bits=64 reserved=0
  key= 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1000 replay=0 state=0
  auth=0 encrypt=2 flags=0x00000040 }
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
sadb_key{ bits=192 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1001 replay=0 state=0
  auth=0 encrypt=3 flags=0x00000040 }
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
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=9 }
sadb_key{ bits=40 reserved=0
  key= 5a5a5a5a 5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1002 replay=0 state=0
  auth=0 encrypt=7 flags=0x00000040 }
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
  len=20 reserved=0 seq=0 pid=0
sadb_ext{ len=8 type=9 }
sadb_key{ bits=448 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a
 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1003 replay=0 state=0
  auth=0 encrypt=7 flags=0x00000040 }
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
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=9 }
sadb_key{ bits=128 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1004 replay=0 state=0
  auth=0 encrypt=6 flags=0x00000040 }
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
  auth=0 encrypt=253 flags=0x00000040 }
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
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=9 }
sadb_key{ bits=128 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1006 replay=0 state=0
  auth=0 encrypt=12 flags=0x00000040 }
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
sadb_key{ bits=192 reserved=0
  key= 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1007 replay=0 state=0
  auth=0 encrypt=12 flags=0x00000040 }
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
sadb_sa{ spi=1008 replay=0 state=0
  auth=0 encrypt=13 flags=0x00000040 }
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
sadb_sa{ spi=1009 replay=0 state=0
  auth=0 encrypt=22 flags=0x00000040 }
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
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=9 }
sadb_key{ bits=64 reserved=0
  key= 5a5a5a5a 5a5a5a5a }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1010 replay=0 state=0
  auth=0 encrypt=2 flags=0x00000060 }
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

