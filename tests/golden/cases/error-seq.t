--- args
-n -f @IN
--- in
add 192.0.2.1 192.0.2.2 esp 300 -seq 4294967296 -E null;
add 192.0.2.1 192.0.2.2 esp-old 301 -seq 1 -E null;
add 192.0.2.1 192.0.2.2 ah-old 302 -f esn -A hmac-md5 0x00112233445566778899aabbccddeeff;
add 192.0.2.1 192.0.2.2 esp 303 -seq -E null;
--- err
setkey: input:1:1: -seq beyond 32 bits needs -f esn
setkey: input:2:1: esp-old has no sequence numbers: neither -seq nor -f esn can be used
setkey: input:3:1: ah-old has no sequence numbers: neither -seq nor -f esn can be used
setkey: input:4:38: unexpected `-E', expected a number
setkey: input: 4 errors, nothing was sent
--- status
1
