--- args
-n -v -f @IN
--- in
add 2001:db8::1 2001:db8::2 ah-old 500 -A keyed-md5 "0123456789abcdef" ;
add 192.0.2.1 192.0.2.2 ipcomp 1000 -C deflate ;
spdadd ::/0 ::/0 icmp6 135,0 -P out none ; spdadd ::/0 ::/0 icmp6 136,0 -P in none ;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=2
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 30313233 34353637 38396162 63646566 }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=500 replay=0 state=0
  auth=249 encrypt=0 flags=0x00000041 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000001  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000002  }

sadb_msg{ version=2 type=3 errno=0 satype=9
  len=12 reserved=0 seq=0 pid=0
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

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483648 }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=58 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=135
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=58 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=1 id=0 priority=2147483648 }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=58 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=136
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=58 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }

