--- args
-x -H | sed "s/^[0-9][0-9:.]*$/TIME/; s/pid=[0-9]*/pid=N/; s/^00000000: .*/HEX/"
--- replies
020b0001 02000000 00000000 eeeeeeee
02090003 02000000 00000000 07000000
020b0001 06000000 00000000 09000000 020a0003 04000000 00000000 09000000 02000100 0000012d 0001000b 40000000
020b0001 04000000 00000000 09000000 00000000 00000000 00000000 00000000
close
--
--- out
TIME
sadb_msg{ version=2 type=11 errno=0 satype=1
  len=2 reserved=0 seq=0 pid=N

HEX

TIME
sadb_msg{ version=2 type=9 errno=0 satype=3
  len=2 reserved=0 seq=0 pid=N

HEX

TIME
sadb_msg{ version=2 type=11 errno=0 satype=1
  len=2 reserved=0 seq=0 pid=N
sadb_msg{ version=2 type=10 errno=0 satype=3
  len=4 reserved=0 seq=0 pid=N
sadb_ext{ len=2 type=1 }
sadb_sa{ spi=301 replay=0 state=1
  auth=0 encrypt=11 flags=0x00000040 }

HEX
00000010: 02 0a 00 03 04 00 00 00 00 00 00 00 09 00 00 00 
00000020: 02 00 01 00 00 00 01 2d 00 01 00 0b 40 00 00 00 

TIME
sadb_msg{ version=2 type=11 errno=0 satype=1
  len=2 reserved=0 seq=0 pid=N
invalid length of the message inside

HEX
00000010: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 

--- err
setkey: Connection reset by peer
--- sent
type 11 length 16
--- status
1
