--- args
-f "$(printf 'no\033[2Jfile')"
--- err
setkey: Can't open `no\x1b[2Jfile': No such file or directory
--- status
1
