// SPDX-License-Identifier: BSD-2-Clause
/* X_POLICY extension to policy text. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"

static const char *const dir_names[] = {
	[IPSEC_DIR_ANY] = "any",
	[IPSEC_DIR_INBOUND] = "in",
	[IPSEC_DIR_OUTBOUND] = "out",
	[IPSEC_DIR_FWD] = "fwd",
	[IPSEC_DIR_SOCKET_IN] = "in(socket)",
	[IPSEC_DIR_SOCKET_OUT] = "out(socket)",
};

static const char *const type_names[] = {
	[IPSEC_POLICY_DISCARD] = "discard",
	[IPSEC_POLICY_NONE] = "none",
	[IPSEC_POLICY_IPSEC] = "ipsec",
	[IPSEC_POLICY_ENTRUST] = "entrust",
	[IPSEC_POLICY_BYPASS] = "bypass",
};

static const char *const mode_names[] = {
	[IPSEC_MODE_ANY] = "any",
	[IPSEC_MODE_TRANSPORT] = "transport",
	[IPSEC_MODE_TUNNEL] = "tunnel",
};

static const char *const level_names[] = {
	[IPSEC_LEVEL_DEFAULT] = "default",
	[IPSEC_LEVEL_USE] = "use",
	[IPSEC_LEVEL_REQUIRE] = "require",
	[IPSEC_LEVEL_UNIQUE] = "unique",
};

static const char *request_proto(unsigned int proto)
{
	switch (proto) {
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	case IPPROTO_COMP:
		return "ipcomp";
	default:
		return NULL;
	}
}

/* Nearest base first, then the distance with the sign a user would type. */
static void dump_priority(FILE *f, uint32_t prio)
{
	const char *base = "low";
	int64_t from = IPSEC_PRIORITY_LOW;
	int64_t off;

	if (!prio)
		return;
	if (prio < 0x60000000U) {
		base = "high";
		from = IPSEC_PRIORITY_HIGH;
	} else if (prio < 0xa0000000U) {
		base = "def";
		from = IPSEC_PRIORITY_DEFAULT;
	}
	fprintf(f, " prio %s", base);
	off = from - (int64_t)prio;
	if (off)
		fprintf(f, " %c %lld", off > 0 ? '+' : '-',
			(long long)(off > 0 ? off : -off));
}

/* Both addresses of a request lie at @p, which holds @len bytes. */
static int dump_endpoints(FILE *f, const char *p, size_t len, int ports)
{
	char buf[ADDRSTR_LEN];
	size_t salen;
	int i;

	if (!len)
		return 0;
	if (len < sizeof(sa_family_t))
		return ipsec_fail(EIPSEC_INVAL_ADDRESS);
	salen = ipsec_sockaddr_len(ipsec_sockaddr_family(p));
	if (!salen || len != 2 * salen ||
	    ipsec_sockaddr_family(p) != ipsec_sockaddr_family(p + salen))
		return ipsec_fail(EIPSEC_INVAL_ADDRESS);
	for (i = 0; i < 2; i++, p += salen) {
		fprintf(f, "%s%s", i ? "-" : "",
			ipsec_sockaddr_text(p, buf, sizeof(buf)));
		if (ports)
			fprintf(f, "[%u]", ipsec_sockaddr_port(p));
	}
	return 0;
}

/* One request at @p with @rest bytes behind it: its length or -1. */
static int dump_request(FILE *f, const char *p, size_t rest, int ports)
{
	struct sadb_x_ipsecrequest x;
	const char *proto;

	if (rest < sizeof(x))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	memcpy(&x, p, sizeof(x));
	if (x.sadb_x_ipsecrequest_len < sizeof(x))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	if (x.sadb_x_ipsecrequest_len > rest)
		return ipsec_fail(EIPSEC_INVAL_PROTO);
	proto = request_proto(x.sadb_x_ipsecrequest_proto);
	if (!proto)
		return ipsec_fail(EIPSEC_INVAL_PROTO);
	if (x.sadb_x_ipsecrequest_mode >= ARRAY_SIZE(mode_names))
		return ipsec_fail(EIPSEC_INVAL_MODE);
	if (x.sadb_x_ipsecrequest_level >= ARRAY_SIZE(level_names))
		return ipsec_fail(EIPSEC_INVAL_LEVEL);

	fprintf(f, "%s/%s/", proto, mode_names[x.sadb_x_ipsecrequest_mode]);
	if (dump_endpoints(f, p + sizeof(x),
			   x.sadb_x_ipsecrequest_len - sizeof(x), ports))
		return -1;
	fprintf(f, "/%s", level_names[x.sadb_x_ipsecrequest_level]);
	if (x.sadb_x_ipsecrequest_level == IPSEC_LEVEL_UNIQUE &&
	    x.sadb_x_ipsecrequest_reqid)
		fprintf(f, "%c%u",
			x.sadb_x_ipsecrequest_reqid > IPSEC_MANUAL_REQID_MAX ?
			'#' : ':', x.sadb_x_ipsecrequest_reqid);
	return x.sadb_x_ipsecrequest_len;
}

static int dump_all(FILE *f, const char *policy, const char *delim, int ports)
{
	struct sadb_x_policy xpl;
	size_t len, off;
	int n;

	memcpy(&xpl, policy, sizeof(xpl));
	if (xpl.sadb_x_policy_exttype != SADB_X_EXT_POLICY)
		return ipsec_fail(EIPSEC_INVAL_EXTTYPE);
	if (xpl.sadb_x_policy_dir >= ARRAY_SIZE(dir_names))
		return ipsec_fail(EIPSEC_INVAL_DIR);
	if (xpl.sadb_x_policy_type >= ARRAY_SIZE(type_names))
		return ipsec_fail(EIPSEC_INVAL_POLICY);
	len = PFKEY_UNUNIT64(xpl.sadb_x_policy_len);
	if (len < sizeof(xpl))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);

	fputs(dir_names[xpl.sadb_x_policy_dir], f);
	dump_priority(f, xpl.sadb_x_policy_priority);
	fprintf(f, " %s", type_names[xpl.sadb_x_policy_type]);

	/* what else than ipsec has no requests; whatever lies there is not ours */
	if (xpl.sadb_x_policy_type != IPSEC_POLICY_IPSEC)
		return 0;
	for (off = sizeof(xpl); off < len; off += n) {
		fputs(delim, f);
		n = dump_request(f, policy + off, len - off, ports);
		if (n < 0)
			return -1;
	}
	return 0;
}

static char *dump_policy(const char *policy, const char *delim, int ports)
{
	char *text = NULL;
	size_t len;
	FILE *f;
	int err;

	if (!policy) {
		ipsec_fail(EIPSEC_INVAL_ARGUMENT);
		return NULL;
	}
	f = open_memstream(&text, &len);
	if (!f) {
		ipsec_fail(EIPSEC_NO_BUFS);
		return NULL;
	}
	err = dump_all(f, policy, delim ? delim : " ", ports);
	if (fclose(f) && !err)
		err = ipsec_fail(EIPSEC_NO_BUFS);
	if (err) {
		free(text);
		return NULL;
	}
	ipsec_clear_error();
	return text;
}

/**
 * ipsec_dump_policy() - turn a binary policy into text
 * @policy: a whole X_POLICY extension; its own length field is believed
 * @delimiter: put before each request, NULL for a blank
 *
 * Return: the text, to be given to free(), or NULL.
 */
char *ipsec_dump_policy(const char *policy, const char *delimiter)
{
	return dump_policy(policy, delimiter, 0);
}

/**
 * ipsec_dump_policy_withports() - the same, endpoints as address[port]
 * @policy: a whole X_POLICY extension
 * @delimiter: put before each request, NULL for a blank
 *
 * Return: the text, to be given to free(), or NULL.
 */
char *ipsec_dump_policy_withports(const char *policy, const char *delimiter)
{
	return dump_policy(policy, delimiter, 1);
}

/**
 * ipsec_policy_check() - do the requests tile the extension?
 * @policy: an X_POLICY extension
 * @len: its length in bytes, already known to be in the message
 *
 * Only lengths and addresses are looked at: values that this library does
 * not know must still reach its caller.
 *
 * Return: 0, or -1 with the error set.
 */
int ipsec_policy_check(const void *policy, size_t len)
{
	const char *p = policy;
	struct sadb_x_policy xpl;
	struct sadb_x_ipsecrequest x;
	size_t off;

	if (len < sizeof(xpl))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	memcpy(&xpl, p, sizeof(xpl));
	if (xpl.sadb_x_policy_type != IPSEC_POLICY_IPSEC)
		return 0;
	for (off = sizeof(xpl); off < len; off += x.sadb_x_ipsecrequest_len) {
		if (len - off < sizeof(x))
			return ipsec_fail(EIPSEC_INVAL_SADBMSG);
		memcpy(&x, p + off, sizeof(x));
		if (x.sadb_x_ipsecrequest_len < sizeof(x) ||
		    x.sadb_x_ipsecrequest_len > len - off)
			return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	}
	return 0;
}
