--- args
-n -v -f @IN
--- in
update 2001:db8::1[4501] 2001:db8::2[40000] esp-udp 2001:db8:9::9 0x12c -m tunnel -E null;
getspi 2001:db8::1 2001:db8::2 esp-udp 0;
--- out
sadb_msg{ version=2 type=2 errno=0 satype=3
  len=25 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=0 encrypt=11 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=2 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=1 type=20 }
sadb_x_nat_t_type{ type=2 }
sadb_ext{ len=5 type=23 }
sadb_address{ proto=0 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00090000 00000000 00000009  }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=4501
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000001  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=40000
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000002  }
sadb_ext{ len=1 type=21 }
sadb_x_nat_t_port{ port=4501 }
sadb_ext{ len=1 type=22 }
sadb_x_nat_t_port{ port=40000 }

sadb_msg{ version=2 type=1 errno=0 satype=3
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=0 replay=0 state=0
  auth=0 encrypt=0 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=1 type=20 }
sadb_x_nat_t_type{ type=2 }
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
sadb_ext{ len=1 type=21 }
sadb_x_nat_t_port{ port=4500 }
sadb_ext{ len=1 type=22 }
sadb_x_nat_t_port{ port=4500 }

