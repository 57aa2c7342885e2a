// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stand-in for the kernel's end of PF_KEY, preloaded into setkey.
 *
 * FAKE_REPLIES names a file of hexadecimal messages, one a line, and lines
 * "--": what is before the first "--" answers the first message that is
 * sent, and so on. Two fields of a reply are filled in here: a pid of
 * eeeeeeee becomes the sender's. FAKE_SENT collects the type and length of
 * every message that was sent. A line "fail ERRNO" makes socket() fail, a
 * line "close" ends the connection.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MSG_MAX	4096

static FILE *replies;
static int near_end = -1, far_end = -1;

int socket(int domain, int type, int protocol)
{
	int (*real)(int d, int t, int p);
	int pair[2], err;
	char line[64];

	real = (int (*)(int d, int t, int p))dlsym(RTLD_NEXT, "socket");
	if (domain != 15)
		return real(domain, type, protocol);
	replies = fopen(getenv("FAKE_REPLIES"), "r");
	if (!replies || !fgets(line, sizeof(line), replies)) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	if (sscanf(line, "fail %d", &err) == 1) {
		errno = err;
		return -1;
	}
	rewind(replies);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		return -1;
	near_end = pair[0];
	far_end = pair[1];
	return near_end;
}

/* Queue one reply; @line is hexadecimal with blanks. */
static void reply(const char *line, const unsigned char *request)
{
	static const unsigned char own[4] = { 0xee, 0xee, 0xee, 0xee };
	unsigned char msg[MSG_MAX];
	unsigned int byte;
	size_t len = 0;
	int used;

	while (len < sizeof(msg) && strncmp(line, "close", 5) &&
	       sscanf(line, " %2x%n", &byte, &used) == 1) {
		msg[len++] = byte;
		line += used;
	}
	if (!len) {
		if (!strncmp(line, "close", 5))
			close(far_end);
		return;
	}
	if (len >= 16 && !memcmp(msg + 12, own, sizeof(own)))
		memcpy(msg + 12, request + 12, sizeof(own));
	if (write(far_end, msg, len) != (ssize_t)len)
		abort();
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	ssize_t (*real)(int s, const void *b, size_t n, int f);
	const unsigned char *msg = buf;
	char line[2 * MSG_MAX];
	FILE *f;

	real = (ssize_t (*)(int s, const void *b, size_t n, int f))
		dlsym(RTLD_NEXT, "send");
	if (fd != near_end || near_end < 0)
		return real(fd, buf, len, flags);
	f = fopen(getenv("FAKE_SENT"), "a");
	if (!f || len < 16)
		abort();
	fprintf(f, "type %u length %zu\n", msg[1], len);
	fclose(f);
	while (fgets(line, sizeof(line), replies) && strncmp(line, "--", 2))
		reply(line, msg);
	return len;
}
