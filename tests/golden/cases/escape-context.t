--- args
-n -v -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -ctx 1 1 "a[31mbé" -P out none;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=13 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483648 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }
sadb_ext{ len=3 type=24 }
sadb_x_sec_ctx{ doi=1 alg=1 len=10
  ctx=a\x1b[31mb\x7f\xc3\xa9 }

