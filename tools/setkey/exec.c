// SPDX-License-Identifier: GPL-2.0-only
/* The only file that talks to the kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "exec.h"

static int sock = -1;
static int socket_policies;	/* hidden by -N in this dump */

/**
 * exec_open() - open the socket, unless -n; learn the kernel's algorithms
 *
 * Return: 0, or -1 after an error was reported.
 */
int exec_open(void)
{
	struct timeval tv = { .tv_sec = 1 };
	int err;

	if (opt.dry || sock >= 0)
		return 0;
	sock = pfkey_open();
	if (sock < 0) {
		err = ipsec_last_error()->sys_errno;
		if (err == EAFNOSUPPORT)
			fail("no PF_KEY in this kernel: load ipsec.ko");
		else if (err == EPERM || err == EACCES)
			fail("PF_KEY socket: %s: needs CAP_NET_ADMIN",
			     strerror(err));
		else
			fail("PF_KEY socket: %s", strerror(err));
		return -1;
	}
	setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	return 0;
}

/**
 * exec_register() - ask the kernel for its algorithms
 *
 * Return: 0, or -1 after an error was reported.
 */
int exec_register(void)
{
	if (opt.dry)
		return 0;
	if (pfkey_send_register(sock, SADB_SATYPE_UNSPEC) < 0 ||
	    pfkey_recv_register(sock)) {
		fail("cannot get the kernel's algorithms: %s",
		     ipsec_strerror());
		return -1;
	}
	return 0;
}

/**
 * exec_socket() - the socket, for setkey -x
 *
 * Return: the socket.
 */
int exec_socket(void)
{
	return sock;
}

/**
 * show_message() - decode a message if -v or -H ask for it
 * @msg: the message
 */
void show_message(struct sadb_msg *msg)
{
	if (opt.verbose) {
		kdebug_sadb(msg);
		printf("\n");
	}
	if (opt.hex)
		hex_lines(msg, PFKEY_UNUNIT64(msg->sadb_msg_len));
	fflush(stdout);
}

/**
 * hex_lines() - print bytes, 16 a line
 * @buf: the bytes
 * @len: how many
 */
void hex_lines(const void *buf, size_t len)
{
	const unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++) {
		if (i % 16 == 0)
			printf("%s%08zx: ", i ? "\n" : "", i);
		printf("%02x ", p[i]);
	}
	printf("\n\n");
}

static void print_sa(struct sadb_msg *msg)
{
	char *mhp[SADB_EXT_MAX + 1];

	if (!opt.all && !pfkey_align(msg, mhp) && mhp[SADB_EXT_SA] &&
	    ((struct sadb_sa *)mhp[SADB_EXT_SA])->sadb_sa_state ==
	    SADB_SASTATE_DEAD)
		return;
	if (opt.brief)
		pfkey_sadump_short(msg);
	else if (opt.ports)
		pfkey_sadump_withports(msg);
	else
		pfkey_sadump(msg);
}

static void print_sp(struct sadb_msg *msg)
{
	char *mhp[SADB_EXT_MAX + 1];
	struct sadb_x_policy *xpl;

	if (opt.no_socket_policies && !pfkey_align(msg, mhp) &&
	    mhp[SADB_X_EXT_POLICY]) {
		xpl = (struct sadb_x_policy *)mhp[SADB_X_EXT_POLICY];
		if (IPSEC_POLICY_ID_IS_SOCKET(xpl->sadb_x_policy_id)) {
			socket_policies++;
			return;
		}
	}
	pfkey_spdump(msg);
}

static void print_spi(struct sadb_msg *msg)
{
	char *mhp[SADB_EXT_MAX + 1];
	uint32_t spi;

	if (pfkey_align(msg, mhp) || !mhp[SADB_EXT_SA])
		return;
	spi = ntohl(((struct sadb_sa *)mhp[SADB_EXT_SA])->sadb_sa_spi);
	printf("spi=%u(0x%08x)\n", spi, spi);
}

/* What a command that succeeded has to show. */
static void print_reply(struct sadb_msg *msg)
{
	switch (msg->sadb_msg_type) {
	case SADB_GETSPI:
		print_spi(msg);
		break;
	case SADB_GET:
	case SADB_DUMP:
		print_sa(msg);
		break;
	case SADB_X_SPDGET:
	case SADB_X_SPDDUMP:
		print_sp(msg);
		break;
	}
	fflush(stdout);
}

/**
 * exec_message() - send a message and take its replies
 * @req: the message
 * @each: given every reply without an error, or NULL
 * @arg: for @each
 *
 * A dump ends with the reply of sequence number 0, anything else at once.
 *
 * Return: 0, the errno of the kernel's refusal, or -1 with libipsec's error.
 */
int exec_message(struct sadb_msg *req,
		 void (*each)(struct sadb_msg *msg, void *arg), void *arg)
{
	int dump = req->sadb_msg_type == SADB_DUMP ||
		req->sadb_msg_type == SADB_X_SPDDUMP;
	struct sadb_msg *msg;
	int err, more;

	show_message(req);
	if (opt.dry)
		return 0;
	socket_policies = 0;
	if (pfkey_send(sock, req, PFKEY_UNUNIT64(req->sadb_msg_len)) < 0)
		return -1;
	do {
		msg = pfkey_recv_reply(sock, req);
		if (!msg)
			return -1;
		show_message(msg);
		err = msg->sadb_msg_errno;
		more = !err && dump && msg->sadb_msg_seq;
		if (!err && each)
			each(msg, arg);
		pfkey_msg_free(msg);
	} while (more);
	return err;
}

static void each_print(struct sadb_msg *msg, void *arg)
{
	(void)arg;
	print_reply(msg);
}

/* Our own words where errno's help nobody. */
static const char *explain(int type, int err)
{
	int spd = type >= SADB_X_SPDUPDATE && type <= SADB_X_SPDDELETE2;

	switch (err) {
	case EEXIST:
		if (spd)
			return " (such a policy is already there, spdupdate replaces it)";
		return " (an SA with this protocol, destination and SPI is already there)";
	case ENOENT:
	case ESRCH:
		return spd ? " (no such policy)" : " (no such SA)";
	case EINVAL:
		return " (the kernel does not accept this combination of values)";
	case ENOSYS:
		return " (algorithm not available in this kernel)";
	case EPERM:
		return " (needs CAP_NET_ADMIN)";
	case EOPNOTSUPP:
		return " (not supported by this kernel)";
	default:
		return "";
	}
}

/**
 * exec_error_text() - why exec_message() failed
 * @type: of the message
 * @err: what it returned
 * @buf: where the text goes
 * @len: its size
 */
void exec_error_text(int type, int err, char *buf, size_t len)
{
	const struct ipsec_error *e = ipsec_last_error();

	if (err > 0)
		/* "No such file" and "No such process" would be odd here */
		snprintf(buf, len, "%s%s", err == ENOENT || err == ESRCH ?
			 "No entry" : strerror(err), explain(type, err));
	else if (e->code == EIPSEC_SYSTEM_ERROR &&
		 (e->sys_errno == EAGAIN || e->sys_errno == EWOULDBLOCK))
		snprintf(buf, len, "no reply from the kernel in one second");
	else
		snprintf(buf, len, "%s", ipsec_strerror());
}

/**
 * exec_run() - send a message, print what comes back
 * @req: the message
 *
 * An empty database is no error.
 *
 * Return: as exec_message().
 */
int exec_run(struct sadb_msg *req)
{
	int err = exec_message(req, each_print, NULL);

	if (err == ENOENT && req->sadb_msg_type == SADB_DUMP)
		printf("No SAD entries.\n");
	else if (err == ENOENT && req->sadb_msg_type == SADB_X_SPDDUMP)
		printf("No SPD entries.\n");
	else
		return err;
	return 0;
}

/**
 * exec_simple() - -D and -F, with and without -P
 * @type: SADB_*
 * @satype: SADB_SATYPE_*
 *
 * Return: exit status.
 */
int exec_simple(int type, unsigned int satype)
{
	pid_t pid = opt.dry ? 0 : getpid();
	struct sadb_msg *req;
	char text[256];
	int err, header = 0;

	if (exec_open())
		return EXIT_FAILURE;
	req = type == SADB_DUMP ? pfkey_build_dump(satype, pid) :
		pfkey_build_base(type, satype, 0, pid);
	if (!req) {
		fail("%s", ipsec_strerror());
		return EXIT_FAILURE;
	}
	do {
		if (opt.brief && type == SADB_DUMP && !header++)
			pfkey_sadump_short_header();
		err = exec_run(req);
		if (!err && opt.brief && type == SADB_DUMP && !opt.dry)
			sleep(1);
	} while (!err && opt.brief && type == SADB_DUMP && !opt.dry);
	pfkey_msg_free(req);
	if (err) {
		exec_error_text(type, err, text, sizeof(text));
		fail("%s", text);
		return EXIT_FAILURE;
	}
	if (opt.no_socket_policies && socket_policies)
		printf("%d per-socket polic%s not shown (filtered by -N)\n",
		       socket_policies, socket_policies == 1 ? "y" : "ies");
	return EXIT_SUCCESS;
}
