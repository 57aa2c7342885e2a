--- args
-n -v -f @IN
--- in
deleteall 192.0.2.1 192.0.2.2 esp ; flush esp ; spdflush ;
--- out
sadb_msg{ version=2 type=4 errno=0 satype=3
  len=8 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }

sadb_msg{ version=2 type=9 errno=0 satype=3
  len=2 reserved=0 seq=0 pid=0

sadb_msg{ version=2 type=19 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=0

