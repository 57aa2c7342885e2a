--- args
missing
--- err
setkey: missing: No such file or directory
--- status
1
