--- args
-f @IN
--- in
flush;
--- replies
02071600 02000000 00000000 eeeeeeee
--
--- err
setkey: cannot get the kernel's algorithms: Invalid argument
--- sent
type 7 length 16
--- status
1
