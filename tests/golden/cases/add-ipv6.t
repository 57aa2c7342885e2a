--- args
-n -v -f @IN
--- in
add -6 2001:db8::1 2001:db8::2 esp 0xffffffff -m tunnel -E null;
add fe80::1 ff02::1 ah 300 -A hmac-md5 0x00112233445566778899aabbccddeeff;
--- out
sadb_msg{ version=2 type=3 errno=0 satype=3
  len=17 reserved=0 seq=0 pid=0
sadb_ext{ len=1 type=9 }
sadb_key{ bits=0 reserved=0
  key= }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=4294967295 replay=0 state=0
  auth=0 encrypt=11 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=2 reqid=0
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

sadb_msg{ version=2 type=3 errno=0 satype=2
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=3 type=8 }
sadb_key{ bits=128 reserved=0
  key= 00112233 44556677 8899aabb ccddeeff }
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=300 replay=0 state=0
  auth=2 encrypt=0 flags=0x00000040 }
sadb_ext{ len=2 type=19 }
sadb_x_sa2{ mode=0 reqid=0
  reserved1=0 reserved2=0 sequence=0 }
sadb_ext{ len=5 type=5 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 fe800000 00000000 00000000 00000001  }
sadb_ext{ len=5 type=6 }
sadb_address{ proto=255 prefixlen=128 reserved=0x0000 }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 ff020000 00000000 00000000 00000001  }

