--- args
-n -v -F -D
--- in
--- out
sadb_msg{ version=2 type=10 errno=0 satype=0
  len=4 reserved=0 seq=0 pid=0
sadb_ext{ len=2 type=29 }
sadb_x_sa_replay{ window=0 sequence=0 }

