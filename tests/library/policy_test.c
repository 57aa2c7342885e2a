// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policy language, as a program that links with the installed library sees
 * it: one row a text (the forms are those that KAME's test-policy tries). Prints
 * a line for each claim.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libipsec.h>

struct row {
	const char *text;	/* NULL is NULL */
	const char *dump;	/* what it reads like again, NULL if refused */
	int len;		/* bytes of the binary form */
	int code;		/* error */
	int offset;		/* where in the text */
};

#define OK(_text, _len, _dump)	{ .text = _text, .len = _len, .dump = _dump }
#define BAD(_text, _code, _offset)				\
	{ .text = _text, .code = EIPSEC_##_code, .offset = _offset }

static const struct row rows[] = {
	OK("in", 16, "in discard"),
	OK("out bypass", 16, "out prio def bypass"),
	OK("in entrust", 16, "in prio def entrust"),
	OK("out discard", 16, "out prio def discard"),
	OK("fwd none", 16, "fwd prio def none"),
	OK("out ipsec", 16, "out prio def ipsec"),
	OK("in ipsec ah/transport", 32, "in prio def ipsec ah/transport//default"),
	OK("in ipsec ah/transport/", 32, "in prio def ipsec ah/transport//default"),
	OK("in ipsec ah/transport//use", 32, "in prio def ipsec ah/transport//use"),
	OK("out ipsec ipcomp/transport//require", 32,
	   "out prio def ipsec ipcomp/transport//require"),
	OK(" out\tipsec  esp / transport / / unique:7", 32,
	   "out prio def ipsec esp/transport//unique:7"),
	OK("out ipsec esp/transport//unique", 32,
	   "out prio def ipsec esp/transport//unique"),
	OK("out ipsec esp/transport/10.0.0.1-10.0.0.2/use", 64,
	   "out prio def ipsec esp/transport/10.0.0.1-10.0.0.2/use"),
	OK("out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require", 64,
	   "out prio def ipsec esp/tunnel/10.0.0.1-10.0.0.2/require"),
	OK("out ipsec esp/tunnel/10.0.0.1[500]-10.0.0.2[501]/require", 64,
	   "out prio def ipsec esp/tunnel/10.0.0.1-10.0.0.2/require"),
	OK("out ipsec esp/tunnel/fd00::1-fd00::2", 88,
	   "out prio def ipsec esp/tunnel/fd00::1-fd00::2/default"),
	/* A level is not carried over to the next request. */
	OK("out ipsec esp/transport//use ah/transport", 48,
	   "out prio def ipsec esp/transport//use ah/transport//default"),
	OK("out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require ah/transport//unique:9",
	   80, "out prio def ipsec esp/tunnel/10.0.0.1-10.0.0.2/require "
	   "ah/transport//unique:9"),
	OK("in prio low none", 16, "in prio low none"),
	OK("in priority high + 10 none", 16, "in prio high + 10 none"),
	OK("in prio def - 5 none", 16, "in prio def - 5 none"),
	OK("in prio 100 none", 16, "in prio def + 100 none"),
	OK("in prio -100 none", 16, "in prio def - 100 none"),

	BAD(NULL, INVAL_ARGUMENT, -1),
	BAD("", FEW_ARGUMENTS, 0),
	BAD("sideways none", INVAL_DIR, 0),
	BAD("in encrypt", INVAL_POLICY, 3),
	BAD("in none esp/transport", INVAL_POLICY, 8),
	BAD("in prio none", INVAL_PRIORITY_OFFSET, 8),
	BAD("in prio high + 1073741825 none", INVAL_PRIORITY_BASE_OFFSET, 15),
	BAD("out ipsec gre/transport", INVAL_PROTO, 10),
	BAD("out ipsec esp", FEW_ARGUMENTS, 13),
	BAD("out ipsec esp/", FEW_ARGUMENTS, 14),
	BAD("out ipsec esp/use", INVAL_MODE, 14),
	BAD("out ipsec esp/carrier", INVAL_MODE, 14),
	BAD("out ipsec ah/tunnel", INVAL_ADDRESS, 19),
	BAD("out ipsec ah/tunnel/", INVAL_ADDRESS, 20),
	BAD("out ipsec ah/tunnel//use", INVAL_ADDRESS, 24),
	BAD("out ipsec esp/tunnel/10.0.0.1", INVAL_ADDRESS, 29),
	BAD("out ipsec esp/tunnel/10.0.0.1-host", INVAL_ADDRESS, 30),
	BAD("out ipsec esp/tunnel/10.0.0.1-::2", FAMILY_MISMATCH, 21),
	BAD("out ipsec esp/tunnel/10.0.0.1[1]-10.0.0.2", INVAL_ADDRESS, 21),
	BAD("out ipsec esp/transport//sometimes", INVAL_LEVEL, 25),
	BAD("out ipsec esp/transport//unique:0", INVAL_LEVEL, 25),
	BAD("out ipsec esp/transport//unique:16384", INVAL_LEVEL, 25),
	BAD("out ipsec esp/transport//", FEW_ARGUMENTS, 25),
	BAD("out ipsec esp/transport & ah/transport", INVAL_PROTO, 24),
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

static int say(int good, const char *what, const char *text)
{
	printf("%s library: %s `%s'", good ? "ok" : "not ok", what,
	       text ? text : "NULL");
	if (!good)
		printf(" - %s", ipsec_strerror());
	putchar('\n');
	return good;
}

static int try_row(const struct row *row)
{
	const struct ipsec_error *last = ipsec_last_error();
	char *policy = ipsec_set_policy(row->text, 0), *text;
	int good;

	if (!row->dump) {
		good = !policy && last->code == row->code &&
			last->offset == row->offset;
		free(policy);
		return good;
	}
	if (!policy)
		return 0;
	text = ipsec_dump_policy(policy, NULL);
	good = text && !strcmp(text, row->dump) &&
		ipsec_get_policylen(policy) == row->len;
	free(policy);
	free(text);
	return good;
}

/* Every thread meets its own errors only, whatever the others do. */
static void *hammer(void *start)
{
	unsigned int i, bad = 0;

	for (i = 0; i < 20000; i++)
		bad += !try_row(&rows[(i + (size_t)start) % ROWS]);
	return (void *)(size_t)bad;
}

static void threads(void)
{
	pthread_t thread[8];
	size_t bad = 0, i;
	void *result;

	for (i = 0; i < 8; i++)
		pthread_create(&thread[i], NULL, hammer, (void *)(i * 7));
	for (i = 0; i < 8; i++) {
		pthread_join(thread[i], &result);
		bad += (size_t)result;
	}
	say(!bad, "eight threads, each with its own errors, parse", "all that");
}

/* The dump of a policy whose lengths lie must end, and in an error. */
static void lies(void)
{
	static const uint16_t lengths[] = { 0, 1, 15, 17, 4096, 65535 };
	char *policy = ipsec_set_policy("out ipsec esp/transport//use", 0);
	char *text, name[40];
	unsigned int i;

	for (i = 0; policy && i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		memcpy(policy + 16, &lengths[i], sizeof(lengths[i]));
		text = ipsec_dump_policy(policy, NULL);
		snprintf(name, sizeof(name), "a request of %u bytes",
			 lengths[i]);
		say(!text, "not dumped:", name);
		free(text);
	}
	free(policy);
}

/* Text from elsewhere, the room for it, and what a terminal gets. */
static const struct {
	const char *text;
	size_t room;
	const char *shown;
} texts[] = {
	{ "plain ~ text", 32, "plain ~ text" },
	{ "\033[31mred", 32, "\\x1b[31mred" },
	{ "\xc3\xbc\x7f\t\n", 32, "\\xc3\\xbc\\x7f\\x09\\x0a" },
	{ "cut off", 4, "cut" },
	{ "a\033", 5, "a" },
	{ "a\033", 6, "a\\x1b" },
	{ "", 1, "" },
};

static void escapes(void)
{
	char shown[32];
	unsigned int i;
	size_t len;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		memset(shown, '!', sizeof(shown));
		len = ipsec_escape(shown, texts[i].room, texts[i].text,
				   strlen(texts[i].text));
		say(!strcmp(shown, texts[i].shown) && len == strlen(shown),
		    "escapes:", texts[i].shown);
	}
}

/* Of messages that came before it, none is taken for the answer. */
static void replies(void)
{
	const struct sadb_msg request = {
		.sadb_msg_version = PF_KEY_V2, .sadb_msg_type = SADB_GET,
		.sadb_msg_pid = 7, .sadb_msg_seq = 9,
	};
	const struct sadb_msg others[] = {
		{ 2, SADB_GET, EEXIST, 0, 2, 0, 8, 7 },
		{ 2, SADB_GET, EEXIST, 0, 2, 0, 9, 8 },
		{ 2, SADB_ADD, EEXIST, 0, 2, 0, 9, 7 },
		{ 1, SADB_GET, EEXIST, 0, 2, 0, 9, 7 },
		{ 2, SADB_X_PROMISC, 0, 0, 2, 0, 9, 7 },
		{ 2, SADB_GET, ENOENT, 0, 2, 0, 9, 7 },
	};
	struct sadb_msg *reply;
	unsigned int i;
	int so[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, so))
		abort();
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (send(so[1], &others[i], sizeof(others[i]), 0) < 0)
			abort();
	reply = pfkey_recv_reply(so[0], &request);
	say(reply && reply->sadb_msg_errno == ENOENT, "takes the answer,",
	    "and not what other processes caused");
	pfkey_msg_free(reply);
	close(so[0]);
	close(so[1]);
}

int main(void)
{
	unsigned int i;

	for (i = 0; i < ROWS; i++)
		say(try_row(&rows[i]), rows[i].dump ? "understands" : "refuses",
		    rows[i].text);
	threads();
	lies();
	escapes();
	replies();
	return 0;
}
