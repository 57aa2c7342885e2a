--- args
-F
--- in
--- replies
02090000 02000000 00000000 eeeeeeee
--
--- out
--- sent
type 9 length 16
