--- args
-D -P | sed "s/ pid=[0-9]*/ pid=N/"
--- in
--- replies
02120200 02000000 00000000 eeeeeeee
--
--- out
No SPD entries.
--- sent
type 18 length 16
