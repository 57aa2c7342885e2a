--- args
-D | sed "s/ pid=[0-9]*/ pid=N/"
--- in
--- replies
020a0100 02000000 00000000 eeeeeeee
--
--- err
setkey: Operation not permitted (needs CAP_NET_ADMIN)
--- sent
type 10 length 32
--- status
1
