--- args
-n -v -f @IN
--- in
# transport ESP both ways
add 192.0.2.1 192.0.2.2 esp 0x10001 -m transport -E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 "this is the test key" ;
spdadd 192.0.2.1 192.0.2.2[110] tcp -P out ipsec esp/transport//require ;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=9 }
sadb_key{ bits=128 reserved=0
  key= 00112233 44556677 8899aabb ccddeeff }
sadb_ext{ len=4 type=8 }
sadb_key{ bits=160 reserved=0
  key= 74686973 20697320 74686520 74657374 206b6579 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=65537 replay=0 state=0
  auth=3 encrypt=12 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=1 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=12 reserved=0 seq=0 pid=0
sadb_ext{ len=4 type=18 }
sadb_x_policy{ type=2 dir=2 id=0 priority=2147483648 }
 { len=16 proto=50 mode=1 level=2 reqid=0
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=6 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=6 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=110
 c0000202  }

