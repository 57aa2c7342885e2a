--- args
-n -f @IN
--- in
get 192.0.2.1 192.0.2.2 esp 300 -E null;
--- err
setkey: input:1:36: an algorithm has no meaning for `get'
setkey: input: 1 error, nothing was sent
--- status
1
