--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -r 131073 -E null;
--- err
setkey: input:1:36: replay window `131073' is too big, the limit is 131072
setkey: input: 1 error, nothing was sent
--- status
1
