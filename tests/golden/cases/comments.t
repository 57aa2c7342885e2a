--- args
-n -v -f @IN
--- in
# one
flush # two "
 esp # three ;
;# four
--- out
sadb_msg{ version=2 type=9 errno=0 satype=3
  len=2 reserved=0 seq=0 pid=0

