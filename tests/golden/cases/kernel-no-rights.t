--- args
-F
--- replies
fail 1
--- err
setkey: PF_KEY socket: Operation not permitted: needs CAP_NET_ADMIN
--- status
1
