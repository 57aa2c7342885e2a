--- args
-f
--- err
setkey: -f needs a file
usage: setkey [-knrv] -c            commands from standard input
       setkey [-knrv] -f FILE       commands from FILE, - is standard input
       setkey [-alpv] -D            show the SAs
       setkey [-Nv] -DP             show the policies
       setkey [-v] -F               remove all SAs
       setkey [-v] -FP              remove all policies
       setkey [-H] -x               show all PF_KEY messages
       setkey [-lpv] FILE ...       show the PF_KEY messages in files
       setkey -V | -h               version, this text
  -a  show dead SAs too       -n  check only, open no socket
  -l  short form, for ever    -r  inbound policies also as fwd
  -p  show ports of SAs       -k  not so (this is the default)
  -v  decode messages         -H  print messages in hexadecimal
  -N  without the policies of sockets
--- status
1
