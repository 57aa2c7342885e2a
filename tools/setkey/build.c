// SPDX-License-Identifier: GPL-2.0-only
/* Commands become messages. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "setkey.h"

#define NATT_PORT	4500

/* Nothing is sent under -n, so the output can be the same each time. */
static uint32_t own_pid(void)
{
	return opt.dry ? 0 : getpid();
}

static int add_message(struct script *s, const struct command *c,
		       struct messages *m, struct sadb_msg *msg)
{
	struct sadb_msg **list;

	if (!msg) {
		script_error(s, c->loc, "%s", ipsec_strerror());
		return -1;
	}
	list = realloc(m->msg, (m->n + 1) * sizeof(*list));
	if (!list) {
		pfkey_msg_free(msg);
		script_error(s, c->loc, "out of memory");
		return -1;
	}
	list[m->n++] = msg;
	m->msg = list;
	return 0;
}

/**
 * free_messages() - wipe and free
 * @m: the messages
 */
void free_messages(struct messages *m)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		pfkey_msg_free(m->msg[i]);
	free(m->msg);
	m->msg = NULL;
	m->n = 0;
}

static int base_type(enum cmd_kind kind)
{
	switch (kind) {
	case CMD_ADD:
		return SADB_ADD;
	case CMD_UPDATE:
		return SADB_UPDATE;
	case CMD_GETSPI:
		return SADB_GETSPI;
	case CMD_DELETE:
	case CMD_DELETEALL:
		return SADB_DELETE;
	case CMD_GET:
		return SADB_GET;
	case CMD_FLUSH:
		return SADB_FLUSH;
	case CMD_DUMP:
		return SADB_DUMP;
	case CMD_SPDADD:
		return SADB_X_SPDADD;
	case CMD_SPDUPDATE:
		return SADB_X_SPDUPDATE;
	case CMD_SPDDELETE:
		return SADB_X_SPDDELETE;
	case CMD_SPDFLUSH:
		return SADB_X_SPDFLUSH;
	case CMD_SPDDUMP:
		return SADB_X_SPDDUMP;
	}
	return 0;
}

static void fill_algs(const struct command *c, struct pfkey_sa_args *a)
{
	int change = c->kind == CMD_ADD || c->kind == CMD_UPDATE;

	a->encrypt = c->ealg;
	a->auth = c->aalg;
	/* ESP that only authenticates is ESP with the null cipher */
	if (change && c->satype == SADB_SATYPE_ESP && !c->ealg_word.s)
		a->encrypt = SADB_EALG_NULL;
	a->with_enc_key = a->encrypt == SADB_EALG_NULL &&
		c->satype == SADB_SATYPE_ESP;
	a->key_enc = (const uint8_t *)c->ekey.s;
	a->key_enc_len = c->ekey.len;
	a->key_auth = (const uint8_t *)c->akey.s;
	a->key_auth_len = c->akey.len;
}

/* Does the command make an SA, or only look one up? */
static int makes_sa(const struct command *c)
{
	return c->kind == CMD_ADD || c->kind == CMD_UPDATE ||
	       c->kind == CMD_GETSPI;
}

static void fill_sa(const struct command *c, struct pfkey_sa_args *a)
{
	a->msg_type = base_type(c->kind);
	a->satype = c->satype;
	a->pid = own_pid();
	if (c->kind == CMD_DELETEALL)
		return;
	a->with_sa = 1;
	a->spi = htonl(c->spi);
	a->mode = c->mode;
	a->reqid = c->reqid;
	a->replay = c->replay;
	a->sequence = c->sequence;
	a->want_replay = c->kind == CMD_GET;
	a->flags = c->flags;
	if (!makes_sa(c))
		return;
	fill_algs(c, a);
	a->hard = c->hard;
	a->soft = c->soft;
	if (c->kind == CMD_GETSPI && c->spi) {
		a->spi_min = c->spi;
		a->spi_max = c->spi;
	}
	a->ctx = c->ctx.text.s;
	a->ctx_len = c->ctx.text.len;
	a->ctx_doi = c->ctx.doi;
	a->ctx_alg = c->ctx.alg;
}

static uint16_t natt_port(const struct sockaddr *sa)
{
	uint16_t port = ((const struct sockaddr_in *)sa)->sin_port;

	return port ? port : htons(NATT_PORT);
}

static int build_pair(struct script *s, const struct command *c,
		      struct messages *m, struct pfkey_sa_args *a,
		      const struct addrinfo *oa)
{
	if (c->natt && makes_sa(c)) {
		a->natt_type = SADB_X_NAT_T_ESPINUDP;
		a->natt_sport = natt_port(a->src);
		a->natt_dport = natt_port(a->dst);
		a->natt_oa = oa ? oa->ai_addr : NULL;
	}
	return add_message(s, c, m, pfkey_build_sa(a));
}

/* One message for each pair of addresses of one family. */
static int build_pairs(struct script *s, const struct command *c,
		       struct messages *m, const struct addrinfo *src,
		       const struct addrinfo *dst, const struct addrinfo *oa)
{
	struct pfkey_sa_args a = { 0 };
	const struct addrinfo *i, *j;

	if (c->kind == CMD_DELETE && (src->ai_next || dst->ai_next)) {
		script_error(s, src->ai_next ? c->src.host.loc :
			     c->dst.host.loc, "multiple address specified");
		return -1;
	}
	fill_sa(c, &a);
	for (i = src; i; i = i->ai_next) {
		for (j = dst; j; j = j->ai_next) {
			if (i->ai_family != j->ai_family)
				continue;
			a.src = i->ai_addr;
			a.dst = j->ai_addr;
			if (build_pair(s, c, m, &a, oa))
				return -1;
		}
	}
	if (m->n)
		return 0;
	script_error(s, c->dst.host.loc,
		     "`%s' and `%s' have no address family in common",
		     c->src.host.s, c->dst.host.s);
	return -1;
}

static int build_sa(struct script *s, const struct command *c,
		    struct messages *m)
{
	struct addrinfo *src, *dst, *oa = NULL;
	struct word none = { 0 };
	int ret = -1;

	src = resolve_host(s, c, &c->src.host, &c->src.port);
	dst = resolve_host(s, c, &c->dst.host, &c->dst.port);
	if (c->natt_oa.s)
		oa = resolve_host(s, c, &c->natt_oa, &none);
	if (src && dst && (oa || !c->natt_oa.s))
		ret = build_pairs(s, c, m, src, dst, oa);
	if (src)
		freeaddrinfo(src);
	if (dst)
		freeaddrinfo(dst);
	if (oa)
		freeaddrinfo(oa);
	return ret;
}

/* The copy for forwarded packets: the SAs need not be the very same ones. */
static void make_fwd(char *policy, size_t len)
{
	struct sadb_x_policy *xpl = (struct sadb_x_policy *)policy;
	struct sadb_x_ipsecrequest *x = (struct sadb_x_ipsecrequest *)(xpl + 1);

	xpl->sadb_x_policy_dir = IPSEC_DIR_FWD;
	if (len < sizeof(*xpl) + sizeof(*x) ||
	    x->sadb_x_ipsecrequest_level != IPSEC_LEVEL_UNIQUE)
		return;
	x->sadb_x_ipsecrequest_level = IPSEC_LEVEL_REQUIRE;
	x->sadb_x_ipsecrequest_reqid = 0;
}

static int build_policy(struct script *s, const struct command *c,
			struct messages *m, struct pfkey_sp_args *a)
{
	char *policy = ipsec_set_policy(c->policy.s, c->policy.len);
	int dir, ret;

	if (!policy) {
		script_error(s, c->policy.loc, "%s", ipsec_strerror());
		return -1;
	}
	a->policy = policy;
	a->policy_len = ipsec_get_policylen(policy);
	dir = ((struct sadb_x_policy *)policy)->sadb_x_policy_dir;
	ret = add_message(s, c, m, pfkey_build_sp(a));
	if (!ret && opt.mirror && dir == IPSEC_DIR_INBOUND) {
		make_fwd(policy, a->policy_len);
		ret = add_message(s, c, m, pfkey_build_sp(a));
	}
	free(policy);
	return ret;
}

static int build_sp(struct script *s, const struct command *c,
		    struct messages *m)
{
	struct sockaddr_storage src, dst;
	struct pfkey_sp_args a = {
		.msg_type = base_type(c->kind), .pid = own_pid(),
		.src = (struct sockaddr *)&src, .dst = (struct sockaddr *)&dst,
		.ctx = c->ctx.text.s, .ctx_len = c->ctx.text.len,
		.ctx_doi = c->ctx.doi, .ctx_alg = c->ctx.alg,
	};
	int proto;

	if (resolve_one(s, c, &c->src, &src, &a.src_prefix) ||
	    resolve_one(s, c, &c->dst, &dst, &a.dst_prefix))
		return -1;
	if (src.ss_family != dst.ss_family) {
		script_error(s, c->dst.host.loc,
			     "`%s' and `%s' have no address family in common",
			     c->src.host.s, c->dst.host.s);
		return -1;
	}
	proto = resolve_upper(s, c, &src, &dst);
	if (proto < 0)
		return -1;
	a.proto = proto;
	return build_policy(s, c, m, &a);
}

/**
 * build_messages() - turn a command into what is to be sent
 * @s: its script
 * @c: the command
 * @m: empty; to be freed by the caller in any case
 *
 * Return: 0, or -1 after an error was reported.
 */
int build_messages(struct script *s, const struct command *c,
		   struct messages *m)
{
	switch (c->kind) {
	case CMD_SPDADD:
	case CMD_SPDUPDATE:
	case CMD_SPDDELETE:
		return build_sp(s, c, m);
	case CMD_DUMP:
		return add_message(s, c, m,
				   pfkey_build_dump(c->satype, own_pid()));
	case CMD_FLUSH:
	case CMD_SPDFLUSH:
	case CMD_SPDDUMP:
		return add_message(s, c, m,
				   pfkey_build_base(base_type(c->kind),
						    c->satype, 0, own_pid()));
	default:
		return build_sa(s, c, m);
	}
}
