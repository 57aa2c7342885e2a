--- args
-n -v -f @IN
--- in
spdadd 10.0.1.0/24 10.0.2.0/24 any -P out ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique:20 ah/transport//use ;
add 192.0.2.1 192.0.2.2 ah 300 -m tunnel -u 20 -lh 600 -ls 480 -A hmac-md5 "0123456789abcdef" ;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=18 reserved=0 seq=0 pid=0
sadb_ext{ len=10 type=18 }
sadb_x_policy{ type=2 dir=2 id=0 priority=2147483648 }
 { len=48 proto=50 mode=2 level=3 reqid=20
sockaddr{ len=16 family=2 port=0
 c0000201  }
sockaddr{ len=16 family=2 port=0
 c0000202  }
 }
 { len=16 proto=51 mode=1 level=1 reqid=0
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000200  }

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=23 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 30313233 34353637 38396162 63646566 }
sadb_ext{ len=4 type=3 }
sadb_lifetime{ alloc=0, bytes=0
  addtime=600, usetime=0 }
sadb_ext{ len=4 type=4 }
sadb_lifetime{ alloc=0, bytes=0
  addtime=480, usetime=0 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=2 encrypt=0 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=2 reqid=20
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

