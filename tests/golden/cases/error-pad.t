--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -f some-pad -E null;
--- err
setkey: input:1:36: unknown option `some-pad', expected random-pad, seq-pad, zero-pad, nocyclic-seq or esn
setkey: input: 1 error, nothing was sent
--- status
1
