// SPDX-License-Identifier: GPL-2.0-only
/*
 * Makes system calls as a 32-bit program does, on behalf of a test: reads a call,
 * makes it, writes it back with its result. It has no library, because none for
 * 32 bits is installed.
 */
#define READ	3
#define WRITE	4
#define EXIT	1

/*
 * @result: of the call, the number of the call before it
 * @pointers: a bit for each argument that is an offset in @buffer
 */
static struct {
	int result;
	unsigned int pointers;
	unsigned int args[5];
	unsigned char buffer[16384];
} call;

static int system_call(int number, const unsigned int *args)
{
	int result;

	asm volatile("int $0x80"
		     : "=a" (result)
		     : "a" (number), "b" (args[0]), "c" (args[1]),
		       "d" (args[2]), "S" (args[3]), "D" (args[4])
		     : "memory");
	return result;
}

/* The whole call from standard input, or to standard output. */
static void move(int number, unsigned int fd)
{
	unsigned int done = 0;
	int n;

	while (done < sizeof(call)) {
		unsigned int args[5] = {
			fd, (unsigned int)&call + done, sizeof(call) - done,
		};

		n = system_call(number, args);
		if (n <= 0) {
			args[0] = n < 0;
			system_call(EXIT, args);
		}
		done += n;
	}
}

void _start(void)
{
	int i;

	for (;;) {
		move(READ, 0);
		for (i = 0; i < 5; i++)
			if (call.pointers & 1U << i)
				call.args[i] += (unsigned int)call.buffer;
		call.result = system_call(call.result, call.args);
		move(WRITE, 1);
	}
}
