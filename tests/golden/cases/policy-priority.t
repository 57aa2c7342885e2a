--- args
-n -v -f @IN
--- in
spdadd 10.0.0.1 10.0.0.2 any -P out prio low none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio def none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio high none;
spdadd 10.0.0.1 10.0.0.2 any -P out priority 100 none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio -100 none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio low + 5 none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio high - 1073741823 none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio def + 1073741824 none;
spdadd 10.0.0.1 10.0.0.2 any -P out prio 2147483647 none;
--- out
sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=3221225472 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
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

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=1073741824 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483548 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483748 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=3221225467 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=2147483647 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=1073741824 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

sadb_msg{ version=2 type=14 errno=0 satype=0
  len=10 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=18 }
sadb_x_policy{ type=1 dir=2 id=0 priority=1 }
sadb_ext{ len=3 type=5 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000001  }
sadb_ext{ len=3 type=6 }
sadb_address{ proto=255 prefixlen=32 reserved=0x0000 }
sockaddr{ len=16 family=2 port=0
 0a000002  }

