--- args
-n -v -f @IN
--- in
add 192.0.2.1[4501] 192.0.2.2 esp-udp 300 -E null;
add 192.0.2.1 192.0.2.2 esp-udp 10.0.0.9 301 -E null;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=0 encrypt=11 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=1 type=20 }
sadb_x_nat_t_type{ type=2 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=4501
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }
sadb_ext{ len=1 type=21 }
sadb_x_nat_t_port{ port=4501 }
sadb_ext{ len=1 type=22 }
sadb_x_nat_t_port{ port=4500 }

sadb_msg{ version=2 type=3 errno=0 satype=3
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=301 replay=0 state=0
  auth=0 encrypt=11 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=1 type=20 }
sadb_x_nat_t_type{ type=2 }
sadb_ext{ len=3 type=23 }
sadb_address{ proto=0 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000009  }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }
sadb_ext{ len=1 type=21 }
sadb_x_nat_t_port{ port=4500 }
sadb_ext{ len=1 type=22 }
sadb_x_nat_t_port{ port=4500 }

