--- args
-D | sed "s/ pid=[0-9]*/ pid=N/"
--- in
--- replies
020a0200 02000000 00000000 eeeeeeee
--
--- out
No SAD entries.
--- sent
type 10 length 32
