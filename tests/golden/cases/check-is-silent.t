--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -E null;
--- out
