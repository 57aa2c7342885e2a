// SPDX-License-Identifier: BSD-2-Clause
/*
 * Policy text to X_POLICY extension.
 *
 *	policy   = direction [ priority ] [ action ]
 *	priority = ( "prio" | "priority" ) ( [ "-" ] N | base [ ("+"|"-") N ] )
 *	action   = "discard" | "none" | "entrust" | "bypass"
 *		 | "ipsec" { request }
 *	request  = proto "/" mode [ "/" [ endpoints ] [ "/" level ] ]
 *
 * One function per rule, one word of look-ahead, all state on the stack.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "local.h"

/* More requests than any kernel takes; keeps the length field from wrapping. */
#define POLICY_MAX	4096

struct parser {
	const char *text;	/* start, for offsets */
	const char *tok;	/* current token */
	size_t len;		/* its length, 0 at the end */
	char *buf;		/* the extension being built */
	size_t used;
};

static const char blanks[] = " \t\r\n";
static const char word_chars[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._%";

static int offset(const struct parser *p)
{
	return p->tok - p->text;
}

/* Step to the next token: a word, or one character of anything else. */
static void next(struct parser *p)
{
	p->tok += p->len;
	p->tok += strspn(p->tok, blanks);
	p->len = strspn(p->tok, word_chars);
	if (!p->len && *p->tok)
		p->len = 1;
}

static int at_end(const struct parser *p)
{
	return !p->len;
}

static int is(const struct parser *p, const char *word)
{
	return p->len == strlen(word) && !memcmp(p->tok, word, p->len);
}

static int is_word(const struct parser *p)
{
	return p->len && strchr(word_chars, *p->tok);
}

static int accept_tok(struct parser *p, const char *word)
{
	if (!is(p, word))
		return 0;
	next(p);
	return 1;
}

/* Fail at the current token, which should have been @wanted. */
static int unexpected(const struct parser *p, int code, const char *wanted)
{
	if (at_end(p))
		return ipsec_fail_at(code, offset(p),
				     "expected %s, but the text ends", wanted);
	return ipsec_fail_at(code, offset(p), "expected %s, found `%.*s'",
			     wanted, p->len > 40 ? 40 : (int)p->len, p->tok);
}

/* Look the current token up in a list that ends in NULL: index or -1. */
static int one_of(const struct parser *p, const char *const *list)
{
	int i;

	for (i = 0; list[i]; i++)
		if (is(p, list[i]))
			return i;
	return -1;
}

/* A decimal number no larger than @max that fills the whole of @s. */
static int number(const char *s, size_t len, unsigned long max,
		  unsigned long *out)
{
	unsigned long n = 0;
	size_t i;

	if (!len || len > 10)
		return -1;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		n = n * 10 + (s[i] - '0');
	}
	if (n > max)
		return -1;
	*out = n;
	return 0;
}

static int append(struct parser *p, const void *data, size_t len)
{
	char *buf;

	if (p->used + len > POLICY_MAX)
		return ipsec_fail_at(EIPSEC_NO_BUFS, offset(p),
				     "the policy is too long");
	buf = realloc(p->buf, p->used + len);
	if (!buf)
		return ipsec_fail(EIPSEC_NO_BUFS);
	memcpy(buf + p->used, data, len);
	p->buf = buf;
	p->used += len;
	return 0;
}

static int parse_direction(struct parser *p, struct sadb_x_policy *xpl)
{
	static const char *const names[] = { "in", "out", "fwd", NULL };
	static const unsigned char values[] = {
		IPSEC_DIR_INBOUND, IPSEC_DIR_OUTBOUND, IPSEC_DIR_FWD
	};
	int i = one_of(p, names);

	if (i < 0)
		return unexpected(p, at_end(p) ? EIPSEC_FEW_ARGUMENTS :
				  EIPSEC_INVAL_DIR, "in, out or fwd");
	xpl->sadb_x_policy_dir = values[i];
	next(p);
	return 0;
}

/* The offset after a base: more is sooner, so it counts down. */
static int parse_base_offset(struct parser *p, uint32_t *prio)
{
	unsigned long n, max = 0x40000000UL;
	int minus = is(p, "-");

	if (!minus && !is(p, "+"))
		return 0;
	next(p);
	if (minus)
		max = 0x3fffffffUL;
	if (number(p->tok, p->len, max, &n))
		return unexpected(p, EIPSEC_INVAL_PRIORITY_BASE_OFFSET,
				  minus ? "a number up to 1073741823" :
				  "a number up to 1073741824");
	*prio = minus ? *prio + n : *prio - n;
	next(p);
	return 0;
}

static int parse_priority(struct parser *p, struct sadb_x_policy *xpl)
{
	static const char *const names[] = { "low", "def", "high", NULL };
	static const uint32_t values[] = {
		IPSEC_PRIORITY_LOW, IPSEC_PRIORITY_DEFAULT, IPSEC_PRIORITY_HIGH
	};
	uint32_t prio = IPSEC_PRIORITY_DEFAULT;
	unsigned long n;
	int i, minus;

	i = one_of(p, names);
	if (i >= 0) {
		prio = values[i];
		next(p);
		if (parse_base_offset(p, &prio))
			return -1;
	} else {
		minus = accept_tok(p, "-");
		if (number(p->tok, p->len, 0x7fffffffUL, &n))
			return unexpected(p, EIPSEC_INVAL_PRIORITY_OFFSET,
					  "low, def, high or a number up to 2147483647");
		prio = minus ? prio + n : prio - n;
		next(p);
	}
	xpl->sadb_x_policy_priority = prio;
	return 0;
}

/* An address, never a name: resolving could itself need the policy. */
static int parse_address(struct parser *p, struct sockaddr_storage *ss)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *res;
	char host[ADDRSTR_LEN];

	if (!is_word(p) || p->len >= sizeof(host))
		return unexpected(p, EIPSEC_INVAL_ADDRESS, "an address");
	memcpy(host, p->tok, p->len);
	host[p->len] = '\0';
	if (getaddrinfo(host, NULL, &hints, &res))
		return unexpected(p, EIPSEC_INVAL_ADDRESS,
				  "a numeric address");
	memset(ss, 0, sizeof(*ss));
	if (ipsec_sockaddr_len(res->ai_family))
		memcpy(ss, res->ai_addr, ipsec_sockaddr_len(res->ai_family));
	freeaddrinfo(res);
	next(p);
	return 0;
}

/* "[" number "]" behind an address: 1 if there was one. */
static int parse_port(struct parser *p, struct sockaddr_storage *ss)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;
	unsigned long n;

	if (!accept_tok(p, "["))
		return 0;
	if (number(p->tok, p->len, 65535, &n))
		return unexpected(p, EIPSEC_INVAL_ADDRESS, "a port number");
	sin->sin_port = htons(n);	/* same place in sockaddr_in6 */
	next(p);
	if (!accept_tok(p, "]"))
		return unexpected(p, EIPSEC_INVAL_ADDRESS, "`]'");
	return 1;
}

static int parse_endpoints(struct parser *p, size_t request)
{
	struct sadb_x_ipsecrequest xisr;
	struct sockaddr_storage src, dst;
	int start = offset(p), sport, dport;
	size_t len;

	if (is(p, "me") || is(p, "any"))
		return ipsec_fail_at(EIPSEC_NOT_SUPPORTED, start,
				     "`%.*s' as an endpoint", (int)p->len,
				     p->tok);
	if (parse_address(p, &src))
		return -1;
	sport = parse_port(p, &src);
	if (sport < 0)
		return -1;
	if (!accept_tok(p, "-"))
		return unexpected(p, EIPSEC_INVAL_ADDRESS,
				  "`-' and the second address");
	if (parse_address(p, &dst))
		return -1;
	dport = parse_port(p, &dst);
	if (dport < 0)
		return -1;
	if (sport != dport)
		return ipsec_fail_at(EIPSEC_INVAL_ADDRESS, start,
				     "give both ports or none");
	if (src.ss_family != dst.ss_family)
		return ipsec_fail_at(EIPSEC_FAMILY_MISMATCH, start,
				     "the endpoints are of different families");

	len = ipsec_sockaddr_len(src.ss_family);
	if (append(p, &src, len) || append(p, &dst, len))
		return -1;
	memcpy(&xisr, p->buf + request, sizeof(xisr));
	xisr.sadb_x_ipsecrequest_len = p->used - request;
	memcpy(p->buf + request, &xisr, sizeof(xisr));
	return 0;
}

static int parse_level(struct parser *p, struct sadb_x_ipsecrequest *xisr)
{
	static const char *const names[] = {
		"default", "use", "require", "unique", NULL
	};
	static const char prefix[] = "unique:";
	const size_t plen = sizeof(prefix) - 1;
	unsigned long reqid;
	int i = one_of(p, names);

	if (i >= 0) {
		xisr->sadb_x_ipsecrequest_level = i;
		next(p);
		return 0;
	}
	if (p->len < plen || memcmp(p->tok, prefix, plen))
		return unexpected(p, at_end(p) ? EIPSEC_FEW_ARGUMENTS :
				  EIPSEC_INVAL_LEVEL,
				  "default, use, require or unique");
	if (number(p->tok + plen, p->len - plen, IPSEC_MANUAL_REQID_MAX,
		   &reqid) || !reqid)
		return unexpected(p, EIPSEC_INVAL_LEVEL,
				  "a number from 1 to 16383 after unique:");
	xisr->sadb_x_ipsecrequest_level = IPSEC_LEVEL_UNIQUE;
	xisr->sadb_x_ipsecrequest_reqid = reqid;
	next(p);
	return 0;
}

static const char *const proto_names[] = { "esp", "ah", "ipcomp", NULL };

static int parse_proto_mode(struct parser *p, struct sadb_x_ipsecrequest *x)
{
	static const unsigned char protos[] = {
		IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP
	};
	static const char *const modes[] = { "transport", "tunnel", NULL };
	int i = one_of(p, proto_names);

	if (i < 0)
		return unexpected(p, EIPSEC_INVAL_PROTO, "esp, ah or ipcomp");
	x->sadb_x_ipsecrequest_proto = protos[i];
	next(p);
	if (!accept_tok(p, "/") || at_end(p))
		return unexpected(p, EIPSEC_FEW_ARGUMENTS,
				  "/transport or /tunnel");
	i = one_of(p, modes);
	if (i < 0)
		return unexpected(p, EIPSEC_INVAL_MODE,
				  "transport or tunnel");
	x->sadb_x_ipsecrequest_mode = i ? IPSEC_MODE_TUNNEL :
		IPSEC_MODE_TRANSPORT;
	next(p);
	return 0;
}

static int parse_request(struct parser *p)
{
	struct sadb_x_ipsecrequest xisr = { .sadb_x_ipsecrequest_len = 0 };
	size_t start = p->used;

	if (parse_proto_mode(p, &xisr))
		return -1;
	xisr.sadb_x_ipsecrequest_len = sizeof(xisr);
	if (append(p, &xisr, sizeof(xisr)))
		return -1;

	if (accept_tok(p, "/")) {
		/* a keyword is the next request, not an address */
		if (is_word(p) && one_of(p, proto_names) < 0 &&
		    parse_endpoints(p, start))
			return -1;
		if (accept_tok(p, "/")) {
			if (parse_level(p, &xisr))
				return -1;
		}
	}
	if (xisr.sadb_x_ipsecrequest_mode == IPSEC_MODE_TUNNEL &&
	    p->used - start == sizeof(xisr))
		return unexpected(p, EIPSEC_INVAL_ADDRESS,
				  "SRC-DST, which tunnel mode needs");

	xisr.sadb_x_ipsecrequest_len = p->used - start;
	memcpy(p->buf + start, &xisr, sizeof(xisr));
	return 0;
}

static int parse_action(struct parser *p, struct sadb_x_policy *xpl)
{
	/* in the order of IPSEC_POLICY_* */
	static const char *const names[] = {
		"discard", "none", "ipsec", "entrust", "bypass", NULL
	};
	int i = one_of(p, names);

	if (i < 0)
		return unexpected(p, EIPSEC_INVAL_POLICY,
				  "discard, none, ipsec, entrust or bypass");
	xpl->sadb_x_policy_type = i;
	next(p);
	while (i == IPSEC_POLICY_IPSEC && !at_end(p))
		if (parse_request(p))
			return -1;
	if (!at_end(p))
		return unexpected(p, EIPSEC_INVAL_POLICY,
				  "nothing more");
	return 0;
}

static int parse_policy(struct parser *p)
{
	struct sadb_x_policy xpl = {
		.sadb_x_policy_exttype = SADB_X_EXT_POLICY,
	};

	/* the header is filled in when all is known */
	if (append(p, &xpl, sizeof(xpl)) || parse_direction(p, &xpl))
		return -1;

	/* the direction alone: a key for spddelete and getsockopt */
	if (!at_end(p)) {
		xpl.sadb_x_policy_priority = IPSEC_PRIORITY_DEFAULT;
		if ((accept_tok(p, "prio") || accept_tok(p, "priority")) &&
		    parse_priority(p, &xpl))
			return -1;
		if (!at_end(p) && parse_action(p, &xpl))
			return -1;
	}
	xpl.sadb_x_policy_len = PFKEY_UNIT64(p->used);
	memcpy(p->buf, &xpl, sizeof(xpl));
	return 0;
}

/**
 * ipsec_set_policy() - turn a policy text into its binary form
 * @text: the policy, NUL terminated
 * @len: ignored, as ever
 *
 * The result fits setsockopt(IP_IPSEC_POLICY) and the messages about the SPD.
 * On failure ipsec_last_error() knows the place in the text.
 *
 * Return: the extension, to be given to free(), or NULL.
 */
char *ipsec_set_policy(const char *text, int len)
{
	struct parser p = { .text = text, .tok = text };

	(void)len;
	if (!text) {
		ipsec_fail(EIPSEC_INVAL_ARGUMENT);
		return NULL;
	}
	next(&p);
	if (parse_policy(&p)) {
		free(p.buf);
		return NULL;
	}
	ipsec_clear_error();
	return p.buf;
}

/**
 * ipsec_get_policylen() - length of a binary policy
 * @policy: result of ipsec_set_policy()
 *
 * Return: bytes, -1 for NULL.
 */
int ipsec_get_policylen(const char *policy)
{
	struct sadb_x_policy xpl;

	if (!policy)
		return ipsec_fail(EIPSEC_INVAL_ARGUMENT);
	memcpy(&xpl, policy, sizeof(xpl));
	return PFKEY_UNUNIT64(xpl.sadb_x_policy_len);
}
