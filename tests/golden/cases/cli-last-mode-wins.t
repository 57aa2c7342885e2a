--- args
-n -v -F -D
--- in
--- out
sadb_msg{ version=2 type=10 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=0

