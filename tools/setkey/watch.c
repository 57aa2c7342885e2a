// SPDX-License-Identifier: GPL-2.0-only
/* Messages that are only shown: setkey -x, and files of messages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "exec.h"

/* A file of messages holds no more than a socket delivers at once. */
#define FILE_MAX	32768

static void print_timestamp(void)
{
	struct timeval tv;
	struct tm tm = { 0 };

	gettimeofday(&tv, NULL);
	if (opt.timestamp > 1) {
		printf("%lld.%06ld\n", (long long)tv.tv_sec,
		       (long)tv.tv_usec);
		return;
	}
	localtime_r(&tv.tv_sec, &tm);
	printf("%02d:%02d:%02d.%06ld\n", tm.tm_hour, tm.tm_min, tm.tm_sec,
	       (long)tv.tv_usec);
}

/* KAME puts a header of its own before a message that was overheard. */
static void print_overheard(struct sadb_msg *msg)
{
	struct sadb_msg head = *msg;
	size_t rest = PFKEY_UNUNIT64(msg->sadb_msg_len) - sizeof(head);

	print_timestamp();
	if (msg->sadb_msg_type == SADB_X_PROMISC && rest >= sizeof(*msg)) {
		head.sadb_msg_len = PFKEY_UNIT64(sizeof(head));
		kdebug_sadb(&head);
		if ((size_t)PFKEY_UNUNIT64(msg[1].sadb_msg_len) == rest)
			kdebug_sadb(msg + 1);
		else
			printf("invalid length of the message inside\n");
	} else {
		kdebug_sadb(msg);
	}
	printf("\n");
	if (opt.hex)
		hex_lines(msg, PFKEY_UNUNIT64(msg->sadb_msg_len));
	fflush(stdout);
}

/**
 * exec_promisc() - -x: show every message until killed
 *
 * Return: exit status.
 */
int exec_promisc(void)
{
	struct timeval forever = { 0 };
	struct sadb_msg *msg;

	if (opt.dry) {
		fail("-x needs the kernel, it cannot be used with -n");
		return EXIT_FAILURE;
	}
	if (exec_open())
		return EXIT_FAILURE;
	setsockopt(exec_socket(), SOL_SOCKET, SO_RCVTIMEO, &forever,
		   sizeof(forever));
	if (pfkey_send_promisc_toggle(exec_socket(), 1) < 0) {
		fail("X_PROMISC: %s", ipsec_strerror());
		return EXIT_FAILURE;
	}
	for (;;) {
		msg = pfkey_recv(exec_socket());
		if (msg) {
			print_overheard(msg);
			pfkey_msg_free(msg);
			continue;
		}
		fail("%s", ipsec_strerror());
		if (ipsec_last_error()->code == EIPSEC_SYSTEM_ERROR &&
		    ipsec_last_error()->sys_errno != ENOBUFS)
			return EXIT_FAILURE;
	}
}

static void print_stored(struct sadb_msg *msg)
{
	show_message(msg);
	switch (msg->sadb_msg_type) {
	case SADB_GETSPI:
	case SADB_UPDATE:
	case SADB_ADD:
	case SADB_DELETE:
	case SADB_GET:
	case SADB_ACQUIRE:
	case SADB_EXPIRE:
	case SADB_DUMP:
		if (opt.brief)
			pfkey_sadump_short(msg);
		else if (opt.ports)
			pfkey_sadump_withports(msg);
		else
			pfkey_sadump(msg);
		break;
	case SADB_X_SPDUPDATE:
	case SADB_X_SPDADD:
	case SADB_X_SPDDELETE:
	case SADB_X_SPDGET:
	case SADB_X_SPDACQUIRE:
	case SADB_X_SPDDUMP:
	case SADB_X_SPDSETIDX:
	case SADB_X_SPDEXPIRE:
	case SADB_X_SPDDELETE2:
		pfkey_spdump(msg);
		break;
	default:
		if (!opt.verbose)
			kdebug_sadb(msg);
	}
}

static int dump_buffer(const char *name, char *buf, size_t len)
{
	struct sadb_msg *msg;
	size_t off = 0, n;

	while (len - off >= sizeof(*msg)) {
		msg = (struct sadb_msg *)(buf + off);
		n = PFKEY_UNUNIT64(msg->sadb_msg_len);
		if (n < sizeof(*msg) || n > len - off)
			break;
		print_stored(msg);
		off += n;
	}
	fflush(stdout);
	if (off == len && len)
		return 0;
	fail("%s: byte %zu: no message begins here", name, off);
	return -1;
}

static int dump_file(const char *name)
{
	static union {
		struct sadb_msg aligned;
		char bytes[FILE_MAX + 1];
	} buf;
	size_t len;
	FILE *f;
	int err;

	f = fopen(name, "rb");
	if (!f) {
		fail("%s: %s", name, strerror(errno));
		return -1;
	}
	errno = 0;
	len = fread(buf.bytes, 1, sizeof(buf.bytes), f);
	err = ferror(f) ? errno : 0;
	fclose(f);
	if (err) {
		fail("%s: %s", name, strerror(err));
		return -1;
	}
	if (len > FILE_MAX) {
		fail("%s: longer than %d bytes", name, FILE_MAX);
		return -1;
	}
	return dump_buffer(name, buf.bytes, len);
}

/**
 * exec_files() - show files of messages, as if the kernel had sent them
 * @names: their names, the last one is NULL
 *
 * Return: exit status.
 */
int exec_files(char **names)
{
	int status = EXIT_SUCCESS;

	for (; *names; names++)
		if (dump_file(*names))
			status = EXIT_FAILURE;
	return status;
}
