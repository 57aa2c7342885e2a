--- args
-n -x
--- err
setkey: -x needs the kernel, it cannot be used with -n
--- status
1
