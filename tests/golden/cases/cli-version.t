--- args
-V
--- out
setkey 1.0 (ipsec.ko)
