--- args
-f @IN | sed "s/ pid=[0-9]*/ pid=N/"
--- in
dump;spddump;
--- replies
02070000 08000000 00000000 eeeeeeee 03000e00 00000000 02008000 80000000 0300a000 a0000000 03000f00 00000000 0b000000 00000000 0c108000 00010000
--
020a0200 02000000 00000000 eeeeeeee
--
02120200 02000000 00000000 eeeeeeee
--
--- out
No SAD entries.
No SPD entries.
--- sent
type 7 length 16
type 10 length 32
type 18 length 16
