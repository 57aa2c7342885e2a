--- args
-n -v -f @IN
--- in
quit;
--- out
