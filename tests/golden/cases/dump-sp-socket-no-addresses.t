--- args
@IN
--- hex
02120000 04000000 00000000 67120000
02001200 04000500 10000000 00000000
--- out
(per-socket policy) 
	out(socket) bypass
	spid=16 seq=0 pid=4711
	refcnt=0
