--- args
-n -H -f @IN
--- in
flush ipcomp;
--- out
00000000: 02 09 00 09 02 00 00 00 00 00 00 00 00 00 00 00 

