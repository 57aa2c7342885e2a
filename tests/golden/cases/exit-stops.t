--- args
-n -v -f @IN
--- in
flush; exit; this is not parsed "
--- out
sadb_msg{ version=2 type=9 errno=0 satype=0
  len=2 reserved=0 seq=0 pid=0

