--- args
-n -v -f @IN
--- in
spdadd 10.0.0.0/8[any] 192.0.2.9[80] tcp -P in discard;
spdadd 10.0.0.1[1024] 192.0.2.9/0[65535] 17 -P out none;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=0 dir=1 id=0 priority=2147483648 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=6 prefixlen=8 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=6 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=80
 c0000209  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483648 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=17 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=1024
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=17 prefixlen=0 reserved=0x0000 }
sockaddr{ len=16 family=2 port=65535
 c0000209  }

