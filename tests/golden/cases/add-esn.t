--- args
-n -v -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -f esn -r 4096
	-A hmac-md5 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 ah 301 -r 255 -seq 0x100000005 -f esn -f nocyclic-seq
	-A hmac-md5 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 esp 302 -r 131072 -seq 17 -E null;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=18 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 00112233 44556677 8899aabb ccddeeff }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=255 state=0
  auth=2 encrypt=11 flags=0x00000440 }
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
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=32768 sequence=0 }

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 00112233 44556677 8899aabb ccddeeff }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=301 replay=255 state=0
  auth=2 encrypt=0 flags=0x00000400 }
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
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=2040 sequence=4294967301 }

sadb_msg{ version=2 type=3 errno=0 satype=3
  len=15 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=302 replay=255 state=0
  auth=0 encrypt=11 flags=0x00000040 }
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
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=1048576 sequence=17 }

