--- args
-v -f @IN | sed "s/ pid=[0-9]*/ pid=N/"
--- in
flush esp;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
02090003 02000000 00000000 eeeeeeee
--
--- out
sadb_msg{ version=2 type=9 errno=0 satype=3
  len=2 reserved=0 seq=0 pid=N

sadb_msg{ version=2 type=9 errno=0 satype=3
  len=2 reserved=0 seq=0 pid=N

--- sent
type 7 length 16
type 9 length 16
