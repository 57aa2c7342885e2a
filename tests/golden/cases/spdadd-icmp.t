--- args
-n -v -f @IN
--- in
spdadd 0.0.0.0/0 0.0.0.0/0 icmp 8 -P out none;
spdadd ::/0 ::/0 icmp6 128,0 -P in none;
spdadd ::/0 ::/0 mh 5,0 -P in none;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483648 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=1 prefixlen=0 reserved=0x0000 }
sockaddr{ len=16 family=2 port=8
 00000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=1 prefixlen=0 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 00000000  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=14 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=1 id=0 priority=2147483648 }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=58 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=128
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
sadb_address{ proto=135 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=5
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=135 prefixlen=0 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 00000000 00000000 00000000 00000000  }

