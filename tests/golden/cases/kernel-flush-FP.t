--- args
-FP
--- in
--- replies
02130000 02000000 00000000 eeeeeeee
--
--- out
--- sent
type 19 length 16
