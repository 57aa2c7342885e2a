// SPDX-License-Identifier: GPL-2.0-only
/* Do the parts of a command fit together? No addresses, no socket. */
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

/* What an SA of each protocol must and must not have. */
static void check_algs(struct script *s, const struct command *c)
{
	const char *proto = c->proto.s;
	int e = !!c->ealg_word.s, a = !!c->aalg_word.s, comp = !!c->calg_word.s;

	switch (c->satype) {
	case SADB_SATYPE_ESP:
		if (!e && !a)
			script_error(s, c->loc, "%s needs -E", proto);
		break;
	case SADB_SATYPE_AH:
		if (!a || c->aalg == SADB_X_AALG_NULL)
			script_error(s, a ? c->aalg_word.loc : c->loc,
				     "%s needs -A with an algorithm other than null",
				     proto);
		break;
	case SADB_X_SATYPE_IPCOMP:
		if (!comp)
			script_error(s, c->loc, "%s needs -C", proto);
		if (a)
			script_error(s, c->aalg_word.loc,
				     "-A cannot be used with %s", proto);
		break;
	case SADB_X_SATYPE_TCPSIGNATURE:
		if (c->aalg != SADB_X_AALG_TCP_MD5)
			script_error(s, c->loc, "%s needs -A tcp-md5", proto);
		break;
	}
	if (e && c->satype != SADB_SATYPE_ESP)
		script_error(s, c->ealg_word.loc, "-E cannot be used with %s",
			     proto);
	if (comp && c->satype != SADB_X_SATYPE_IPCOMP)
		script_error(s, c->calg_word.loc, "-C cannot be used with %s",
			     proto);
}

/* RFC 1827 encrypts and does not authenticate. */
static void check_old_esp(struct script *s, const struct command *c)
{
	if (c->aalg_word.s && c->aalg != SADB_X_AALG_NULL)
		script_error(s, c->aalg_word.loc,
			     "-A cannot be used with %s", c->proto.s);
	if (c->ealg_word.s && c->ealg != SADB_EALG_DESCBC &&
	    c->ealg != SADB_EALG_NULL)
		script_error(s, c->ealg_word.loc,
			     "`%s' cannot be used with %s, only des-cbc, des-32iv and null",
			     c->ealg_word.s, c->proto.s);
}

static void check_numbers(struct script *s, const struct command *c)
{
	int old = c->flags & SADB_X_EXT_OLD;

	if (old && c->replay)
		script_error(s, c->replay_word.loc,
			     "-r cannot be used with %s, which has no sequence numbers",
			     c->proto.s);
	if (old && (c->sequence || c->flags & SADB_X_SAFLAGS_ESN))
		script_error(s, c->loc,
			     "%s has no sequence numbers: neither -seq nor -f esn can be used",
			     c->proto.s);
	if (c->sequence > UINT32_MAX && !(c->flags & SADB_X_SAFLAGS_ESN))
		script_error(s, c->loc,
			     "-seq beyond 32 bits needs -f esn");
	if (old && c->satype == SADB_SATYPE_ESP)
		check_old_esp(s, c);
	if (old && (c->flags & SADB_X_EXT_DERIV))
		script_error(s, c->ealg_word.loc,
			     "des-deriv cannot be used with %s", c->proto.s);
	if (!old && (c->flags & SADB_X_EXT_IV4B))
		script_error(s, c->ealg_word.loc,
			     "des-32iv can only be used with esp-old");
}

static void check_sa(struct script *s, const struct command *c)
{
	if (!c->satype)
		return;		/* already reported */
	if (c->kind != CMD_ADD && c->kind != CMD_UPDATE) {
		const struct word *w = c->ealg_word.s ? &c->ealg_word :
			c->aalg_word.s ? &c->aalg_word : &c->calg_word;

		if (w->s)
			script_error(s, w->loc,
				     "an algorithm has no meaning for `%s'",
				     cmd_name(c->kind));
		return;
	}
	check_algs(s, c);
	check_numbers(s, c);
	if (c->satype == SADB_X_SATYPE_IPCOMP && c->spi > 0xffff)
		script_error(s, c->loc,
			     "the SPI of ipcomp is a CPI of 16 bits, %u is too big",
			     c->spi);
	check_keys(s, c);
}

/* The place of a byte inside a word that may have several lines. */
static struct place loc_in(const struct word *w, int offset)
{
	struct place loc = w->loc;
	int i;

	for (i = 0; i < offset && w->s[i]; i++) {
		loc.col++;
		if (w->s[i] == '\n') {
			loc.line++;
			loc.col = 1;
		}
	}
	return loc;
}

static void check_policy(struct script *s, const struct command *c)
{
	const struct ipsec_error *e;
	char *policy;

	if (!c->policy.s)
		return;		/* tagged: already reported */
	policy = ipsec_set_policy(c->policy.s, c->policy.len);
	if (!policy) {
		e = ipsec_last_error();
		script_error(s, loc_in(&c->policy, e->offset), "%s%s%s",
			     ipsec_errtext(e->code), e->detail[0] ? ": " : "",
			     e->detail);
	}
	free(policy);
}

/**
 * check_command() - report what is wrong with a command by itself
 * @s: its script
 * @c: the command
 */
void check_command(struct script *s, const struct command *c)
{
	switch (c->kind) {
	case CMD_ADD:
	case CMD_UPDATE:
	case CMD_GETSPI:
	case CMD_GET:
	case CMD_DELETE:
		check_sa(s, c);
		break;
	case CMD_SPDADD:
	case CMD_SPDUPDATE:
	case CMD_SPDDELETE:
		check_policy(s, c);
		break;
	default:
		break;
	}
}

/* Key lengths between the least and the most that a cipher takes. */
static unsigned int key_step(unsigned int supported, unsigned int alg)
{
	if (supported != SADB_EXT_SUPPORTED_ENCRYPT ||
	    alg == SADB_X_EALG_CASTCBC || alg == SADB_X_EALG_BLOWFISHCBC)
		return 8;
	return 64;
}

static int check_key(struct script *s, unsigned int supported,
		     const struct word *name, unsigned int alg, size_t len)
{
	unsigned int step = key_step(supported, alg);
	unsigned int min, max;
	struct sadb_alg a;
	size_t bits = len * 8;

	if (ipsec_get_keylen(supported, alg, &a)) {
		script_error(s, name->loc,
			     "algorithm `%s' is not available in this kernel",
			     name->s);
		return -1;
	}
	/* KAME's table lets null have a key; nothing would use it */
	min = a.sadb_alg_minbits;
	max = strcmp(name->s, "null") ? a.sadb_alg_maxbits : 0;
	if (bits >= min && bits <= max && (bits - min) % step == 0)
		return 0;
	if (min == max)
		script_error(s, name->loc,
			     "`%s' takes a key of %u bits, not %zu", name->s,
			     min, bits);
	else if (step == 64)
		script_error(s, name->loc,
			     "`%s' takes a key of %u, %u or %u bits, not %zu",
			     name->s, min, min + 64, min + 128, bits);
	else
		script_error(s, name->loc,
			     "`%s' takes a key of %u to %u bits, not %zu",
			     name->s, min, max, bits);
	return -1;
}

/**
 * check_keys() - report algorithms and key lengths that are not supported
 * @s: the script
 * @c: the command
 *
 * Against the kernel's lists once they are known, else the built-in ones.
 *
 * Return: 0, or -1 after an error was reported.
 */
int check_keys(struct script *s, const struct command *c)
{
	int ret = 0;

	if (c->ealg_word.s && c->ealg)
		ret |= check_key(s, SADB_EXT_SUPPORTED_ENCRYPT, &c->ealg_word,
				 c->ealg, c->ekey.len);
	if (c->aalg_word.s && c->aalg)
		ret |= check_key(s, SADB_EXT_SUPPORTED_AUTH, &c->aalg_word,
				 c->aalg, c->akey.len);
	return ret;
}
