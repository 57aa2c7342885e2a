--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 ah 1000 -A hmac-md5 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1001 -A hmac-sha1 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1002 -A keyed-md5 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1003 -A keyed-sha1 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1004 -A hmac-sha2-256 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1005 -A hmac-sha256 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1006 -A hmac-sha2-384 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1007 -A hmac-sha384 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1008 -A hmac-sha2-512 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1009 -A hmac-sha512 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1010 -A hmac-ripemd160 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
add 192.0.2.1 192.0.2.2 ah 1011 -A aes-xcbc-mac 0xa5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=2
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1000 replay=0 state=0
  auth=2 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=8 }
sadb_key{ bits=160 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1001 replay=0 state=0
  auth=3 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1002 replay=0 state=0
  auth=249 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=8 }
sadb_key{ bits=160 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1003 replay=0 state=0
  auth=250 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=5 type=8 }
sadb_key{ bits=256 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1004 replay=0 state=0
  auth=5 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=5 type=8 }
sadb_key{ bits=256 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1005 replay=0 state=0
  auth=5 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=7 type=8 }
sadb_key{ bits=384 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5
 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1006 replay=0 state=0
  auth=6 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=7 type=8 }
sadb_key{ bits=384 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5
 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1007 replay=0 state=0
  auth=6 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=21 reserved=0 seq=0 pid=0
sadb_ext{ len=9 type=8 }
sadb_key{ bits=512 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5
 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1008 replay=0 state=0
  auth=7 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=21 reserved=0 seq=0 pid=0
sadb_ext{ len=9 type=8 }
sadb_key{ bits=512 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5
 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1009 replay=0 state=0
  auth=7 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=8 }
sadb_key{ bits=160 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1010 replay=0 state=0
  auth=8 encrypt=0 flags=0x00000040 }
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= a5a5a5a5 a5a5a5a5 a5a5a5a5 a5a5a5a5 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=1011 replay=0 state=0
  auth=9 encrypt=0 flags=0x00000040 }
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

