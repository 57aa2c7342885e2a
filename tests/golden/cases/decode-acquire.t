--- args
-v @IN
--- hex
02060003 14000000 05000000 00000000
03000500 ff200000 02000000 c0000201 00000000 00000000
03000600 ff200000 02000000 c0000202 00000000 00000000
02001200 02000200 09000000 00000080
0a000d00 20000000 030c0000 a000a000 80000001 00000000 01000000 01000000 00000000 00000000 00000000 00000000 000e0100 00000000 80510100 00000000 005a0000 00000000 80700000 00000000
--- out
sadb_msg{ version=2 type=6 errno=0 satype=3
  len=20 reserved=0 seq=5 pid=0
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000201  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 c0000202  }
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=2 dir=2 id=9 priority=2147483648 }
sadb_ext{ len=10 type=13 }
sadb_prop{ replay=32
sadb_comb{ auth=3 encrypt=12 flags=0x0000 reserved=0x00000000
  auth_minbits=160 auth_maxbits=160 encrypt_minbits=128 encrypt_maxbits=256
  soft_alloc=1 hard_alloc=1 soft_bytes=0 hard_bytes=0
  soft_addtime=69120 hard_addtime=86400 soft_usetime=23040 hard_usetime=28800 }
}

192.0.2.1 192.0.2.2 no SA extension.
