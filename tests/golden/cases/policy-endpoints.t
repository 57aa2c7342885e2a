--- args
-n -v -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/transport/1.2.3.4-5.6.7.8/use;
spdadd 10.0.0.1 10.0.0.2 any -P out ipsec esp/tunnel/1.2.3.4[500]-5.6.7.8[4500]/require;
spdadd 10.0.0.1 10.0.0.2 any -P fwd ipsec ipcomp/tunnel/2001:db8::1-2001:db8::2;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=8 type=18 }
sadb_x_policy{ type=2 dir=2 id=0 priority=2147483648 }
 { len=48 proto=50 mode=1 level=1 reqid=0
sockaddr{ len=16 family=2 port=0
 01020304  }
sockaddr{ len=16 family=2 port=0
 05060708  }
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=16 reserved=0 seq=0 pid=0
sadb_ext{ len=8 type=18 }
sadb_x_policy{ type=2 dir=2 id=0 priority=2147483648 }
 { len=48 proto=50 mode=2 level=2 reqid=0
sockaddr{ len=16 family=2 port=500
 01020304  }
sockaddr{ len=16 family=2 port=4500
 05060708  }
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=19 reserved=0 seq=0 pid=0
sadb_ext{ len=11 type=18 }
sadb_x_policy{ type=2 dir=3 id=0 priority=2147483648 }
 { len=72 proto=108 mode=2 level=0 reqid=0
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000001  }
sockaddr{ len=28 family=10 port=0
  flowinfo=0x00000000, scope_id=0x00000000
 20010db8 00000000 00000000 00000002  }
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

