--- args
-f missing
--- err
setkey: Can't open `missing': No such file or directory
--- status
1
