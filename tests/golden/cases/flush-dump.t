--- args
-n -v -f @IN
--- in
flush ;flush ah;flush ipcomp;dump;dump esp;
--- out
sadb_msg{ version=2 type=9 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=0

sadb_msg{ version=2 type=9 errno=0 satype=2
  len=2 reserved=0 seq=0 pid=0

sadb_msg{ version=2 type=9 errno=0 satype=9
  len=2 reserved=0 seq=0 pid=0

sadb_msg{ version=2 type=10 errno=0 satype=0
  len=4 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=0 sequence=0 }

sadb_msg{ version=2 type=10 errno=0 satype=3
  len=4 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=0 sequence=0 }

