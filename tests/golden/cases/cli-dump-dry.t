--- args
-n -v -DP
--- out
sadb_msg{ version=2 type=18 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=0

