--- args
-f @IN
--- in
flush;
--- out
--- err
setkey: no PF_KEY in this kernel: load ipsec.ko
--- status
1
