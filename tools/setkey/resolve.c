// SPDX-License-Identifier: GPL-2.0-only
/* Words that stand for addresses, ports and protocols. */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

static int all_digits(const char *text)
{
	return *text && !text[strspn(text, "0123456789")];
}

/* A port in network order; services of both transports are known. */
static int resolve_port(struct script *s, const struct word *w,
			in_port_t *port)
{
	const struct servent *se;
	uint64_t n;

	*port = 0;
	if (!w->s || !strcmp(w->s, "any"))
		return 0;
	if (all_digits(w->s)) {
		if (word_number(s, *w, 65535, "port", &n))
			return -1;
		*port = htons(n);
		return 0;
	}
	se = getservbyname(w->s, "udp");
	if (!se)
		se = getservbyname(w->s, "tcp");
	if (!se) {
		script_error(s, w->loc, "unknown service `%s'", w->s);
		return -1;
	}
	*port = se->s_port;
	return 0;
}

/**
 * resolve_host() - addresses of a host
 * @s: the script
 * @c: the command, for its address flags
 * @host: name or number
 * @port: put into each address; may be absent
 *
 * Return: a list for freeaddrinfo(), or NULL after an error was reported.
 */
struct addrinfo *resolve_host(struct script *s, const struct command *c,
			      const struct word *host,
			      const struct word *port)
{
	struct addrinfo hints = {
		.ai_family = c->family ? c->family : AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
		.ai_protocol = IPPROTO_UDP,
		.ai_flags = c->numeric ? AI_NUMERICHOST : 0,
	};
	struct addrinfo *res, *ai;
	in_port_t n;
	int err;

	if (resolve_port(s, port, &n))
		return NULL;
	err = getaddrinfo(host->s, NULL, &hints, &res);
	if (err) {
		script_error(s, host->loc, "address `%s': %s", host->s,
			     gai_strerror(err));
		return NULL;
	}
	for (ai = res; ai; ai = ai->ai_next)
		/* the port has the same place in both families */
		((struct sockaddr_in *)ai->ai_addr)->sin_port = n;
	return res;
}

/**
 * resolve_one() - the one address of an end of a policy's selector
 * @s: the script
 * @c: the command
 * @e: the end
 * @ss: where the address goes
 * @prefix: where its prefix length goes
 *
 * Return: 0, or -1 after an error was reported.
 */
int resolve_one(struct script *s, const struct command *c,
		const struct endpoint *e, struct sockaddr_storage *ss,
		unsigned char *prefix)
{
	struct addrinfo *res = resolve_host(s, c, &e->host, &e->port);
	uint64_t max, n;
	int ret = -1;

	if (!res)
		return -1;
	if (res->ai_next) {
		script_error(s, e->host.loc,
			     "`%s' has more than one address; -4 or -6 may choose",
			     e->host.s);
		goto out;
	}
	memset(ss, 0, sizeof(*ss));
	memcpy(ss, res->ai_addr, res->ai_addrlen);
	max = ss->ss_family == AF_INET ? 32 : 128;
	n = max;
	if (e->prefix.s &&
	    word_number(s, e->prefix, max, "prefix length", &n))
		goto out;
	*prefix = n;
	ret = 0;
out:
	freeaddrinfo(res);
	return ret;
}

/* Type and code travel where ports would. */
static int parse_type_code(struct script *s, const struct word *w,
			   unsigned int *hi, unsigned int *lo)
{
	unsigned int type, code = 0;
	char extra;
	int n;

	n = sscanf(w->s, "%3u,%3u%c", &type, &code, &extra);
	if ((n != 2 && !(n == 1 && all_digits(w->s))) || type > 255 ||
	    code > 255) {
		script_error(s, w->loc,
			     "invalid `%s', expected TYPE,CODE of at most 255 each",
			     w->s);
		return -1;
	}
	*hi = type;
	*lo = code;
	return 0;
}

/* The key of GRE is cut into halves. */
static int parse_gre_key(struct script *s, const struct word *w,
			 unsigned int *hi, unsigned int *lo)
{
	struct in_addr in;
	uint64_t key;

	if (strchr(w->s, '.') && inet_pton(AF_INET, w->s, &in) == 1)
		key = ntohl(in.s_addr);
	else if (word_number(s, *w, 0xffffffffU, "GRE key", &key))
		return -1;
	*hi = key >> 16;
	*lo = key & 0xffff;
	return 0;
}

/**
 * resolve_upper() - the upper layer protocol and what comes behind it
 * @s: the script
 * @c: the command
 * @src: type, or the upper half of a GRE key, goes into its port
 * @dst: code, or the lower half, goes into its port
 *
 * Return: the protocol, or -1 after an error was reported.
 */
int resolve_upper(struct script *s, const struct command *c,
		  struct sockaddr_storage *src, struct sockaddr_storage *dst)
{
	unsigned int hi, lo;
	uint64_t n;
	int proto, err;

	if (all_digits(c->upper.s)) {
		if (word_number(s, c->upper, 255, "protocol", &n))
			return -1;
		proto = n;
	} else {
		proto = ipsec_ulproto_lookup(c->upper.s);
		if (proto < 0) {
			script_error(s, c->upper.loc,
				     "unknown upper layer protocol `%s'",
				     c->upper.s);
			return -1;
		}
	}
	if (!c->misc.s)
		return proto;

	if (proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ||
	    proto == IPPROTO_MH) {
		err = parse_type_code(s, &c->misc, &hi, &lo);
	} else if (proto == IPPROTO_GRE) {
		err = parse_gre_key(s, &c->misc, &hi, &lo);
	} else {
		script_error(s, c->misc.loc,
			     "unexpected `%s', expected -P and a policy: only icmp, icmp6, mh and gre take a value",
			     c->misc.s);
		return -1;
	}
	if (err)
		return -1;
	((struct sockaddr_in *)src)->sin_port = htons(hi);
	((struct sockaddr_in *)dst)->sin_port = htons(lo);
	return proto;
}
