// SPDX-License-Identifier: GPL-2.0-only
/* Runs the commands of a script: all are built before the first is sent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"

/* "10.0.0.0/24[80]", as written */
static void put_endpoint(FILE *f, const struct endpoint *e)
{
	fprintf(f, " %s", e->host.s);
	if (e->prefix.s)
		fprintf(f, "/%s", e->prefix.s);
	if (e->port.s)
		fprintf(f, "[%s]", e->port.s);
}

static const char *msg_direction(const struct sadb_msg *msg)
{
	const struct sadb_x_policy *xpl = (const void *)(msg + 1);

	switch (xpl->sadb_x_policy_dir) {
	case IPSEC_DIR_INBOUND:
		return "in";
	case IPSEC_DIR_OUTBOUND:
		return "out";
	default:
		return "fwd";
	}
}

/* The command in one line, without keys. */
static char *describe(const struct command *c, const struct sadb_msg *msg)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	fputs(cmd_name(c->kind), f);
	if (c->src.host.s) {
		put_endpoint(f, &c->src);
		put_endpoint(f, &c->dst);
	}
	if (c->proto.s)
		fprintf(f, " %s", c->proto.s);
	if (c->upper.s) {
		fprintf(f, " %s", c->upper.s);
		if (c->misc.s)
			fprintf(f, " %s", c->misc.s);
		fprintf(f, " -P %s", msg_direction(msg));
	} else if (c->kind < CMD_FLUSH && c->kind != CMD_DELETEALL) {
		fprintf(f, " 0x%x", c->spi);
	}
	fclose(f);
	return text;
}

struct spi_list {
	const struct sadb_msg *like;	/* has the addresses to look for */
	uint32_t *spi;
	size_t n;
	int failed;
};

static int same_address(const char *a, const char *b)
{
	const size_t skip = sizeof(struct sadb_address);
	const struct sockaddr_in *x = (const void *)(a + skip);
	const struct sockaddr_in *y = (const void *)(b + skip);
	const struct sockaddr_in6 *x6 = (const void *)x;
	const struct sockaddr_in6 *y6 = (const void *)y;

	if (x->sin_family != y->sin_family)
		return 0;
	if (x->sin_family == AF_INET)
		return x->sin_addr.s_addr == y->sin_addr.s_addr;
	return !memcmp(&x6->sin6_addr, &y6->sin6_addr,
		       sizeof(x6->sin6_addr)) &&
	       x6->sin6_scope_id == y6->sin6_scope_id;
}

static void each_collect(struct sadb_msg *msg, void *arg)
{
	char *got[SADB_EXT_MAX + 1], *like[SADB_EXT_MAX + 1];
	struct spi_list *l = arg;
	uint32_t *spi;

	if (pfkey_align(msg, got) ||
	    pfkey_align((struct sadb_msg *)l->like, like) ||
	    !got[SADB_EXT_SA] || !got[SADB_EXT_ADDRESS_SRC] ||
	    !got[SADB_EXT_ADDRESS_DST] ||
	    !same_address(got[SADB_EXT_ADDRESS_SRC],
			  like[SADB_EXT_ADDRESS_SRC]) ||
	    !same_address(got[SADB_EXT_ADDRESS_DST],
			  like[SADB_EXT_ADDRESS_DST]))
		return;
	spi = realloc(l->spi, (l->n + 1) * sizeof(*spi));
	if (!spi) {
		l->failed = 1;
		return;
	}
	spi[l->n++] = ((struct sadb_sa *)got[SADB_EXT_SA])->sadb_sa_spi;
	l->spi = spi;
}

static int delete_spi(struct sadb_msg *like, uint32_t spi)
{
	char *mhp[SADB_EXT_MAX + 1];
	const size_t skip = sizeof(struct sadb_address);
	struct pfkey_sa_args a = {
		.msg_type = SADB_DELETE, .satype = like->sadb_msg_satype,
		.pid = getpid(), .with_sa = 1, .spi = spi,
	};
	struct sadb_msg *req;
	int err;

	if (pfkey_align(like, mhp))
		return -1;
	a.src = (struct sockaddr *)(mhp[SADB_EXT_ADDRESS_SRC] + skip);
	a.dst = (struct sockaddr *)(mhp[SADB_EXT_ADDRESS_DST] + skip);
	req = pfkey_build_sa(&a);
	if (!req)
		return -1;
	err = exec_message(req, NULL, NULL);
	pfkey_msg_free(req);
	/* it may have expired since the dump */
	return err == ENOENT || err == ESRCH ? 0 : err;
}

/* For kernels that want an SPI in every DELETE: ask for them first. */
static int delete_each(struct sadb_msg *like)
{
	struct spi_list l = { .like = like };
	struct sadb_msg *req;
	size_t i;
	int err;

	req = pfkey_build_base(SADB_DUMP, like->sadb_msg_satype, 0, getpid());
	if (!req)
		return -1;
	err = exec_message(req, each_collect, &l);
	pfkey_msg_free(req);
	if (err == ENOENT)
		err = 0;
	if (!err && l.failed)
		err = ENOMEM;
	for (i = 0; !err && i < l.n; i++)
		err = delete_spi(like, l.spi[i]);
	free(l.spi);
	return err;
}

static void run_command(struct script *s, const struct command *c,
			struct messages *m)
{
	char text[256];
	char *what;
	size_t i;
	int err;

	if (!opt.dry && check_keys(s, c))
		return;
	for (i = 0; i < m->n; i++) {
		err = exec_run(m->msg[i]);
		if (err == EINVAL && c->kind == CMD_DELETEALL)
			err = delete_each(m->msg[i]);
		if (!err)
			continue;
		exec_error_text(m->msg[i]->sadb_msg_type, err, text,
				sizeof(text));
		what = describe(c, m->msg[i]);
		script_error(s, c->loc, "%s: %s",
			     what ? what : cmd_name(c->kind), text);
		free(what);
	}
}

/**
 * exec_script() - build all commands, then send them
 * @s: a script that was parsed
 *
 * An error in the text means that nothing is sent; a refusal by the kernel
 * does not keep the later commands from being sent.
 *
 * Return: 0, or -1 after errors were reported.
 */
int exec_script(struct script *s)
{
	const struct command *c;
	struct messages *m;
	size_t n = 0, i = 0;

	for (c = s->head; c; c = c->next)
		n++;
	m = script_alloc(s, (n + 1) * sizeof(*m));

	if (!s->errors)
		for (c = s->head; c; c = c->next)
			build_messages(s, c, &m[i++]);
	if (!s->errors) {
		for (c = s->head, i = 0; c; c = c->next, i++) {
			run_command(s, c, &m[i]);
			free_messages(&m[i]);
		}
	} else {
		fail("%s: %d error%s, nothing was sent", s->name, s->errors,
		     s->errors == 1 ? "" : "s");
	}
	for (i = 0; i < n; i++)
		free_messages(&m[i]);
	return s->errors ? -1 : 0;
}
