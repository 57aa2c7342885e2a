--- args
-n -v -f @IN
--- in

# nothing
--- out
