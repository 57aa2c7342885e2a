--- args
-n -v -r -f @IN
--- in
spdadd 10.0.0.0/24 10.0.1.0/24 any -P in ipsec esp/tunnel/192.0.2.1-192.0.2.2/unique:7 ah/transport//unique:8;
spddelete 10.0.0.0/24 10.0.1.0/24 any -P in;
spdadd 10.0.0.0/24 10.0.1.0/24 any -P out none;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=18 reserved=0 seq=0 pid=0
sadb_ext{ len=10 type=18 }
sadb_x_policy{ type=2 dir=1 id=0 priority=2147483648 }
 { len=48 proto=50 mode=2 level=3 reqid=7
sockaddr{ len=16 family=2 port=0
 c0000201  }
sockaddr{ len=16 family=2 port=0
 c0000202  }
 }
 { len=16 proto=51 mode=1 level=3 reqid=8
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=18 reserved=0 seq=0 pid=0
sadb_ext{ len=10 type=18 }
sadb_x_policy{ type=2 dir=3 id=0 priority=2147483648 }
 { len=48 proto=50 mode=2 level=2 reqid=0
sockaddr{ len=16 family=2 port=0
 c0000201  }
sockaddr{ len=16 family=2 port=0
 c0000202  }
 }
 { len=16 proto=51 mode=1 level=3 reqid=8
 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }

sadb_msg{ version=2 type=15 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=0 dir=1 id=0 priority=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }

sadb_msg{ version=2 type=15 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=0 dir=3 id=0 priority=0 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483648 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000000  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=24 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000100  }

