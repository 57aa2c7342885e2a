--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp-old 300 -E des-deriv "8 bytes!";
--- err
setkey: input:1:40: des-deriv cannot be used with esp-old
setkey: input: 1 error, nothing was sent
--- status
1
