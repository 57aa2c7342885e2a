--- args
-n -v -f @IN
--- in
deleteall 192.0.2.1 192.0.2.2 ah;deleteall -n 2001:db8::1 2001:db8::2 ipcomp;
--- out
sadb_msg{ version=2 type=4 errno=0 satype=2
  len=8 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

sadb_msg{ version=2 type=4 errno=0 satype=9
  len=12 reserved=0 seq=0 pid=0
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

