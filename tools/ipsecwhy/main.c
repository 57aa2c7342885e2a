// SPDX-License-Identifier: GPL-2.0-only
/*
 * ipsecwhy: which policy applies to a packet, which SAs carry it out, and what
 * becomes of the packet. The kernel decides (/proc/net/ipsec_why); this turns
 * its words into sentences.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <unistd.h>

#include <libipsec.h>

#define WHY_FILE	"/proc/thread-self/net/ipsec_why"
#define NETNS_DIR	"/run/netns"

/* The file's answer is a few lines for each SA between the ends. */
#define ANSWER_MAX	(1024 * 1024)

enum { EXIT_PASS, EXIT_DROP, EXIT_TROUBLE };

static const char usage_text[] =
"usage: ipsecwhy [-n NETNS] in|out|fwd SOURCE DESTINATION [PROTOCOL [TYPE,CODE]]\n"
"  SOURCE and DESTINATION are ADDRESS or ADDRESS[PORT], as in setkey;\n"
"  without PROTOCOL the packet is of none that a policy names.\n"
"  ipsecwhy out 192.0.2.1 192.0.2.2[80] tcp\n"
"Says which policy applies, which SAs, and what becomes of the packet.\n"
"Exit status: 0 it passes, 1 it is dropped, 2 no answer.\n";

/**
 * struct flow - what is asked about
 * @dir: in, out or fwd
 * @src: address and port
 * @dst: likewise
 * @proto: upper layer protocol
 */
struct flow {
	const char *dir;
	struct sockaddr_storage src;
	struct sockaddr_storage dst;
	int proto;
};

/* What lines are made of may have been chosen by others, like a device's name. */
__printf(2, 0)
static void print_lines(FILE *f, const char *fmt, va_list ap)
{
	char *text, *p;
	size_t n;

	if (vasprintf(&text, fmt, ap) < 0)
		return;
	for (p = text; *p; p += n) {
		n = strcspn(p, "\n\t");
		ipsec_print_text(f, p, n);
		if (!n)
			fputc(p[n++], f);
	}
	free(text);
}

__printf(1, 2)
static void say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_lines(stdout, fmt, ap);
	va_end(ap);
}

__printf(1, 2)
static noreturn void trouble(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("ipsecwhy: ", stderr);
	va_start(ap, fmt);
	print_lines(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(EXIT_TROUBLE);
}

static void enter_netns(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), strchr(name, '/') ? "%s" : NETNS_DIR "/%s",
		 name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		trouble("network namespace %s: %s", path, strerror(errno));
	close(fd);
}

/* ADDRESS or ADDRESS[PORT], the port a number or a name. */
static void parse_end(char *text, struct sockaddr_storage *end)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found;
	char *port = strchr(text, '[');
	int err;

	if (port) {
		*port++ = '\0';
		if (!strchr(port, ']') || strchr(port, ']')[1])
			trouble("%s[%s: expected a port and `]'", text, port);
		*strchr(port, ']') = '\0';
		if (!strcmp(port, "any"))
			port = NULL;
	}
	err = getaddrinfo(text, port, &hints, &found);
	if (err == EAI_SERVICE || err == EAI_NONAME) {
		hints.ai_socktype = SOCK_STREAM;
		err = getaddrinfo(text, port, &hints, &found);
	}
	if (err)
		trouble("%s%s%s: %s", text, port ? " port " : "",
			port ? port : "", gai_strerror(err));
	if (found->ai_addrlen > sizeof(*end))
		trouble("%s: an address of an unknown kind", text);
	memcpy(end, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
}

static in_port_t *port_of(struct sockaddr_storage *end)
{
	return &((struct sockaddr_in *)end)->sin_port;	/* as in sockaddr_in6 */
}

/* TYPE,CODE of ICMP take the place of ports. */
static void parse_type(const char *text, struct flow *flow)
{
	unsigned int type, code = 0;
	char rest;

	if (flow->proto != IPPROTO_ICMP && flow->proto != IPPROTO_ICMPV6)
		trouble("%s: only icmp and icmp6 have a type and a code", text);
	if (sscanf(text, "%u,%u%c", &type, &code, &rest) != 2 &&
	    sscanf(text, "%u%c", &type, &rest) != 1)
		trouble("%s: expected TYPE,CODE", text);
	*port_of(&flow->src) = htons(type);
	*port_of(&flow->dst) = htons(code);
}

static void parse_flow(int argc, char **argv, struct flow *flow)
{
	if (argc < 3 || argc > 5) {
		fputs(usage_text, stderr);
		exit(EXIT_TROUBLE);
	}
	flow->dir = argv[0];
	if (strcmp(flow->dir, "in") && strcmp(flow->dir, "out") &&
	    strcmp(flow->dir, "fwd"))
		trouble("%s: expected in, out or fwd", flow->dir);
	parse_end(argv[1], &flow->src);
	parse_end(argv[2], &flow->dst);
	if (flow->src.ss_family != flow->dst.ss_family)
		trouble("%s and %s are of different families", argv[1], argv[2]);
	flow->proto = argc > 3 ? ipsec_ulproto_lookup(argv[3]) :
				 IPSEC_ULPROTO_ANY;
	if (flow->proto < 0)
		flow->proto = atoi(argv[3]);
	if (flow->proto <= 0 || flow->proto > 255)
		trouble("unknown upper layer protocol `%s'", argv[3]);
	if (argc > 4)
		parse_type(argv[4], flow);
}

static void show_address(struct sockaddr_storage *end, char *buf, size_t len)
{
	if (getnameinfo((struct sockaddr *)end, sizeof(*end), buf, len, NULL, 0,
			NI_NUMERICHOST))
		trouble("an address that cannot be shown");
}

/* Writes the question, reads the answer. */
static char *ask(struct flow *flow)
{
	char src[64], dst[64], line[200], *answer = malloc(ANSWER_MAX);
	int fd = open(WHY_FILE, O_RDWR | O_CLOEXEC);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		trouble("%s: %s%s", WHY_FILE, strerror(errno),
			errno == ENOENT ? " (is ipsec.ko loaded?)" : "");
	show_address(&flow->src, src, sizeof(src));
	show_address(&flow->dst, dst, sizeof(dst));
	n = snprintf(line, sizeof(line), "%s %s %u %s %u %u", flow->dir, src,
		     ntohs(*port_of(&flow->src)), dst,
		     ntohs(*port_of(&flow->dst)), flow->proto);
	if (!answer || write(fd, line, n) != n)
		trouble("`%s': %s", line, strerror(errno));
	while (used < ANSWER_MAX - 1) {
		n = read(fd, answer + used, ANSWER_MAX - 1 - used);
		if (n < 0)
			trouble("%s: %s", WHY_FILE, strerror(errno));
		if (!n)
			break;
		used += n;
	}
	answer[used] = '\0';
	close(fd);
	return answer;
}

/* The policy as setkey -DP shows it. */
static void show_policy(unsigned int id)
{
	const struct sadb_msg request = {
		.sadb_msg_version = PF_KEY_V2,
		.sadb_msg_type = SADB_X_SPDGET,
		.sadb_msg_pid = getpid(),
	};
	struct sadb_msg *msg;
	int so = pfkey_open();

	if (so < 0 || pfkey_send_spdget(so, id) < 0)
		trouble("reading policy %u: %s", id, ipsec_strerror());
	msg = pfkey_recv_reply(so, &request);
	if (!msg)
		trouble("reading policy %u: %s", id, ipsec_strerror());
	if (msg->sadb_msg_errno)
		trouble("reading policy %u: %s (it may have gone just now)", id,
			strerror(msg->sadb_msg_errno));
	pfkey_spdump(msg);
	free(msg);
	pfkey_close(so);
}

static void say_policy(const char *line, const char *dir)
{
	char type[16];
	unsigned int id;

	if (sscanf(line, "policy %u %15s", &id, type) != 2)
		trouble("`%s': not understood", line);
	if (id) {
		say("policy:\n");
		show_policy(id);
	} else {
		say("policy: no entry `%s' matches, so the knob def_policy decides: %s\n",
		    dir, type);
	}
}

static void say_request(const char *line)
{
	char mode[16], level[16], now[16], src[64], dst[64];
	unsigned int proto, reqid;
	struct protoent *name;

	if (sscanf(line, "request %u %15s %15s %15s %u %63s %63s", &proto, mode,
		   level, now, &reqid, src, dst) != 7)
		trouble("`%s': not understood", line);
	name = getprotobynumber(proto);
	say("request: %s/%s, level %s", name ? name->p_name : "protocol",
	    mode, level);
	if (strcmp(level, now))
		say(", which is %s now", now);
	say("; SAs from %s to %s", src, dst);
	if (reqid)
		say(" with reqid %u", reqid);
	say(":\n");
}

static void say_candidate(const char *line)
{
	char state[16], mode[16], fit[16];
	unsigned int spi, reqid;

	if (sscanf(line, "candidate %x %15s %15s %u %15s", &spi, state, mode,
		   &reqid, fit) != 5)
		trouble("`%s': not understood", line);
	say("\tspi=%u(0x%08x) %s, mode %s, reqid %u: ", spi, spi, state,
	    mode, reqid);
	if (!strcmp(fit, "state"))
		say("not usable in this state\n");
	else if (!strcmp(fit, "fits"))
		say("would do\n");
	else
		say("does not do, because of its %s\n", fit);
}

static int say_verdict(const char *line, const char *dir)
{
	char what[16], counter[40] = "";

	if (sscanf(line, "verdict %15s %39s", what, counter) < 1)
		trouble("`%s': not understood", line);
	if (!strcmp(what, "drop")) {
		say("result: the packet is dropped and counted as %s\n",
		    counter);
		return EXIT_DROP;
	}
	if (!strcmp(what, "protect"))
		say("result: the packet is sent protected\n");
	else if (!strcmp(dir, "out"))
		say("result: the packet is sent in clear\n");
	return EXIT_PASS;
}

/* Of a received packet: what becomes of it in clear, what otherwise. */
static void say_clear(const char *line, int *wanted)
{
	char counter[40] = "";

	*wanted = 1;
	if (sscanf(line, "clear drop %39s", counter) == 1)
		say("result: a packet in clear is dropped and counted as %s;\n"
		    "\tone that came through all that is required passes\n",
		    counter);
	else
		say("result: the packet passes, in clear as well\n");
}

static int is(const char *line, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(line, word, len) && line[len] == ' ';
}

static int explain(char *answer, const char *dir)
{
	int status = EXIT_TROUBLE, judged = 0, empty = 0;
	char *line;

	for (line = strtok(answer, "\n"); line; line = strtok(NULL, "\n")) {
		/* A request is followed by the SAs between its ends. */
		if (empty && !is(line, "candidate"))
			say("\tnone\n");
		empty = is(line, "request");
		if (is(line, "policy"))
			say_policy(line, dir);
		else if (is(line, "quote"))
			say("\tbut an ICMP error first goes by the policy of what replies\n"
			    "\tto the packet that it quotes: ask about that\n");
		else if (is(line, "request"))
			say_request(line);
		else if (is(line, "candidate"))
			say_candidate(line);
		else if (is(line, "more"))
			printf("\tand %s others\n", line + 5);
		else if (is(line, "sa"))
			say("\tused: spi=%ld(%s)\n", strtol(line + 3, NULL, 16),
			    line + 3);
		else if (is(line, "route"))
			say("\ttunnel %.10s leaves by %s\n", line + 6,
			    strrchr(line, ' ') + 1);
		else if (is(line, "clear"))
			say_clear(line, &judged);
		else if (is(line, "verdict"))
			status = say_verdict(line, dir);
		/* A newer kernel may say more: that is no error. */
	}
	if (status == EXIT_PASS && strcmp(dir, "out") && !judged)
		say("result: the packet passes\n");
	if (status == EXIT_TROUBLE)
		trouble("the kernel gave no verdict");
	return status;
}

int main(int argc, char **argv)
{
	struct flow flow = { .proto = IPSEC_ULPROTO_ANY };
	char *answer;
	int c, status;

	while ((c = getopt(argc, argv, "hn:")) != -1) {
		switch (c) {
		case 'n':
			enter_netns(optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_PASS;
		default:
			fputs(usage_text, stderr);
			return EXIT_TROUBLE;
		}
	}
	parse_flow(argc - optind, argv + optind, &flow);
	answer = ask(&flow);
	status = explain(answer, flow.dir);
	free(answer);
	return status;
}
