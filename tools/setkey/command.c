// SPDX-License-Identifier: GPL-2.0-only
/* What the parser's words mean; every value is checked where it is read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

static const char *const cmd_names[] = {
	[CMD_ADD] = "add", [CMD_UPDATE] = "update", [CMD_GETSPI] = "getspi",
	[CMD_DELETE] = "delete", [CMD_DELETEALL] = "deleteall",
	[CMD_GET] = "get", [CMD_FLUSH] = "flush", [CMD_DUMP] = "dump",
	[CMD_SPDADD] = "spdadd", [CMD_SPDUPDATE] = "spdupdate",
	[CMD_SPDDELETE] = "spddelete", [CMD_SPDFLUSH] = "spdflush",
	[CMD_SPDDUMP] = "spddump",
};

/**
 * cmd_name() - the word for a command
 * @kind: the command
 *
 * Return: a constant string.
 */
const char *cmd_name(enum cmd_kind kind)
{
	return cmd_names[kind];
}

/**
 * cmd_begin() - begin a command
 * @s: the script
 * @kind: the command
 * @loc: where its word is
 */
void cmd_begin(struct script *s, enum cmd_kind kind, struct place loc)
{
	struct command *c = script_alloc(s, sizeof(*c));

	c->kind = kind;
	c->loc = loc;
	c->flags = SADB_X_EXT_CYCSEQ;
	s->cmd = c;
}

/**
 * cmd_end() - a semicolon was read
 * @s: the script
 * @failed: the command had a syntax error
 */
void cmd_end(struct script *s, int failed)
{
	struct command *c = s->cmd;

	s->cmd = NULL;
	s->want = "a command";
	if (failed || !c)
		return;
	check_command(s, c);
	*s->tail = c;
	s->tail = &c->next;
}

/**
 * word_number() - read a number
 * @s: the script
 * @w: decimal, or hexadecimal behind 0x
 * @max: the largest one
 * @what: its name in an error
 * @out: where it goes
 *
 * Return: 0, or -1 after an error was reported.
 */
int word_number(struct script *s, struct word w, uint64_t max,
		const char *what, uint64_t *out)
{
	int base = w.len > 1 && (w.s[1] == 'x' || w.s[1] == 'X') ? 16 : 10;
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(w.s, &end, base);
	if (end == w.s || *end) {
		script_error(s, w.loc, "invalid %s `%s', expected a number",
			     what, w.s);
		return -1;
	}
	if (errno || n > max) {
		script_error(s, w.loc, "%s `%s' is too big, the limit is %llu",
			     what, w.s, (unsigned long long)max);
		return -1;
	}
	*out = n;
	return 0;
}

/**
 * cmd_flags() - -4, -6, -n
 * @s: the script
 * @w: the letters; the last of 4 and 6 counts
 */
void cmd_flags(struct script *s, struct word w)
{
	const char *p;

	for (p = w.s; *p; p++) {
		if (*p == 'n')
			s->cmd->numeric = 1;
		else
			s->cmd->family = *p == '4' ? AF_INET : AF_INET6;
	}
}

struct proto {
	const char *name;
	unsigned char satype;
	unsigned char flags;
	unsigned char natt;
};

static const struct proto protos[] = {
	{ "esp", SADB_SATYPE_ESP, 0, 0 },
	{ "esp-old", SADB_SATYPE_ESP, SADB_X_EXT_OLD, 0 },
	{ "esp-udp", SADB_SATYPE_ESP, 0, 1 },
	{ "ah", SADB_SATYPE_AH, 0, 0 },
	{ "ah-old", SADB_SATYPE_AH, SADB_X_EXT_OLD, 0 },
	{ "ipcomp", SADB_X_SATYPE_IPCOMP, 0, 0 },
	{ "tcp", SADB_X_SATYPE_TCPSIGNATURE, 0, 0 },
};

/**
 * cmd_proto() - the protocol of an SA
 * @s: the script
 * @w: its name
 * @oa: an address behind esp-udp, may be absent
 */
void cmd_proto(struct script *s, struct word w, struct word oa)
{
	struct command *c = s->cmd;
	size_t i;

	c->proto = w;
	for (i = 0; i < ARRAY_SIZE(protos); i++)
		if (!strcmp(protos[i].name, w.s))
			break;
	if (i == ARRAY_SIZE(protos)) {
		script_error(s, w.loc,
			     "unknown protocol `%s', expected esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp",
			     w.s);
		return;
	}
	c->satype = protos[i].satype;
	c->flags |= protos[i].flags;
	c->natt = protos[i].natt;
	if (!oa.s)
		return;
	if (c->natt)
		c->natt_oa = oa;
	else
		script_error(s, oa.loc, "unexpected `%s', expected an SPI",
			     oa.s);
}

/**
 * cmd_spi() - the SPI of an SA
 * @s: the script
 * @w: the number
 */
void cmd_spi(struct script *s, struct word w)
{
	uint64_t n;

	if (!word_number(s, w, 0xffffffffU, "SPI", &n))
		s->cmd->spi = n;
}

/**
 * cmd_mode() - -m
 * @s: the script
 * @w: name of the mode
 */
void cmd_mode(struct script *s, struct word w)
{
	static const char *const names[] = { "any", "transport", "tunnel" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(names[i], w.s)) {
			s->cmd->mode = i;
			return;
		}
	}
	script_error(s, w.loc,
		     "unknown mode `%s', expected transport, tunnel or any",
		     w.s);
}

/**
 * cmd_replay() - -r; beyond 255 it takes an extension of our own
 * @s: the script
 * @w: bytes of the window
 */
void cmd_replay(struct script *s, struct word w)
{
	uint64_t n;

	s->cmd->replay_word = w;
	if (!word_number(s, w, SADB_X_SA_REPLAY_MAX / 8, "replay window", &n))
		s->cmd->replay = n;
}

/**
 * cmd_sequence() - -seq
 * @s: the script
 * @w: the number that was used last
 */
void cmd_sequence(struct script *s, struct word w)
{
	uint64_t n;

	if (!word_number(s, w, UINT64_MAX, "sequence number", &n))
		s->cmd->sequence = n;
}

/**
 * cmd_reqid() - -u
 * @s: the script
 * @w: the number, as behind unique:
 */
void cmd_reqid(struct script *s, struct word w)
{
	uint64_t n;

	if (!word_number(s, w, 0xffffffffU, "request id", &n))
		s->cmd->reqid = n;
}

/**
 * cmd_pad() - -f
 * @s: the script
 * @w: name of the option
 */
void cmd_pad(struct script *s, struct word w)
{
	struct command *c = s->cmd;
	unsigned int pad;

	if (!strcmp(w.s, "nocyclic-seq")) {
		c->flags &= ~SADB_X_EXT_CYCSEQ;
		return;
	}
	if (!strcmp(w.s, "esn")) {
		c->flags |= SADB_X_SAFLAGS_ESN;
		return;
	}
	if (!strcmp(w.s, "random-pad")) {
		pad = SADB_X_EXT_PRAND;
	} else if (!strcmp(w.s, "zero-pad")) {
		pad = SADB_X_EXT_PZERO;
	} else if (!strcmp(w.s, "seq-pad")) {
		pad = SADB_X_EXT_PSEQ;
	} else {
		script_error(s, w.loc,
			     "unknown option `%s', expected random-pad, seq-pad, zero-pad, nocyclic-seq or esn",
			     w.s);
		return;
	}
	/* the field has no value for two kinds at once */
	if (c->pad_set && (c->flags & SADB_X_EXT_PMASK) != pad)
		script_error(s, w.loc, "a second kind of padding, `%s'", w.s);
	c->pad_set = 1;
	c->flags |= pad;
}

/**
 * cmd_limit() - -lh, -ls, -bh, -bs
 * @s: the script
 * @option: which
 * @w: seconds or bytes
 */
void cmd_limit(struct script *s, const char *option, struct word w)
{
	struct command *c = s->cmd;
	struct sadb_lifetime *lt = option[2] == 'h' ? &c->hard : &c->soft;
	uint64_t n;

	if (word_number(s, w, UINT64_MAX, "limit", &n))
		return;
	if (option[1] == 'l')
		lt->sadb_lifetime_addtime = n;
	else
		lt->sadb_lifetime_bytes = n;
}

/**
 * cmd_ctx() - -ctx
 * @s: the script
 * @doi: domain of interpretation
 * @alg: algorithm
 * @text: the context
 */
void cmd_ctx(struct script *s, struct word doi, struct word alg,
	     struct word text)
{
	struct context *ctx = &s->cmd->ctx;
	uint64_t n;

	if (!word_number(s, doi, 255, "domain of interpretation", &n))
		ctx->doi = n;
	if (!word_number(s, alg, 255, "context algorithm", &n))
		ctx->alg = n;
	if (text.len > 4096)
		script_error(s, text.loc, "the security context is too long");
	else
		ctx->text = text;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/**
 * cmd_hex_key() - bytes of a key in hexadecimal
 * @s: the script
 * @w: the digits behind 0x; 0x123 is 01 23
 *
 * Return: the bytes.
 */
struct word cmd_hex_key(struct script *s, struct word w)
{
	struct word key = { .len = (w.len - 1) / 2, .loc = w.loc };
	size_t i;

	key.s = script_alloc(s, key.len + 1);
	/* counted from the end, so that an odd digit comes first */
	for (i = 0; i < w.len - 2; i++)
		key.s[key.len - 1 - i / 2] |=
			hex_digit(w.s[w.len - 1 - i]) << (i % 2 * 4);
	return key;
}

static int get_alg(struct script *s, unsigned int supported,
		   const struct word *old, struct word name, struct word *key)
{
	int auth = supported == SADB_EXT_SUPPORTED_AUTH;
	int id = ipsec_alg_lookup(supported, name.s);

	if (old->s)
		script_error(s, name.loc, "a second -%c", auth ? 'A' : 'E');
	if (id < 0) {
		script_error(s, name.loc, "unknown %s algorithm `%s'",
			     auth ? "authentication" : "encryption", name.s);
		return -1;
	}
	if (!key->s && strcmp(name.s, "null") && strcmp(name.s, "simple")) {
		script_error(s, name.loc,
			     "`%s' needs a key: \"text\" or 0x...", name.s);
		return -1;
	}
	return id;
}

/**
 * cmd_ealg() - -E
 * @s: the script
 * @name: of the cipher
 * @key: absent only for null
 */
void cmd_ealg(struct script *s, struct word name, struct word key)
{
	struct command *c = s->cmd;
	int id = get_alg(s, SADB_EXT_SUPPORTED_ENCRYPT, &c->ealg_word, name,
			 &key);

	c->ealg_word = name;
	if (id < 0)
		return;
	c->ealg = id;
	c->ekey = key;
	if (!strcmp(name.s, "des-deriv"))
		c->flags |= SADB_X_EXT_DERIV;
	if (!strcmp(name.s, "des-32iv"))
		c->flags |= SADB_X_EXT_IV4B;
	if (!strcmp(name.s, "simple"))
		script_warning(s, name.loc,
			       "`simple' is obsolete, write `null'");
}

/**
 * cmd_aalg() - -A
 * @s: the script
 * @name: of the hash
 * @key: absent only for null
 */
void cmd_aalg(struct script *s, struct word name, struct word key)
{
	struct command *c = s->cmd;
	int id = get_alg(s, SADB_EXT_SUPPORTED_AUTH, &c->aalg_word, name,
			 &key);

	c->aalg_word = name;
	if (id < 0)
		return;
	c->aalg = id;
	c->akey = key;
}

/**
 * cmd_calg() - -C
 * @s: the script
 * @name: of the compression algorithm
 */
void cmd_calg(struct script *s, struct word name)
{
	struct command *c = s->cmd;
	int id = ipsec_calg_lookup(name.s);

	if (c->calg_word.s)
		script_error(s, name.loc, "a second -C");
	c->calg_word = name;
	if (id < 0)
		script_error(s, name.loc,
			     "unknown compression algorithm `%s', expected deflate, lzs or oui",
			     name.s);
	else
		c->ealg = id;
}

/**
 * cmd_rawcpi() - -R
 * @s: the script
 * @loc: where it is
 */
void cmd_rawcpi(struct script *s, struct place loc)
{
	if (!s->cmd->calg_word.s)
		script_error(s, loc, "-R belongs behind -C");
	s->cmd->flags |= SADB_X_EXT_RAWCPI;
}
