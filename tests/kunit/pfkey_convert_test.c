// SPDX-License-Identifier: GPL-2.0-only
/* Addresses of PF_KEY and ours: every field, both ways, both families. */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/in.h>
#include "../../pfkey/pfkey.h"

#define ANY	IPSEC_PROTO_ANY

/**
 * struct end - one address extension, as a client fills it
 * @addr: address as text
 * @port: port, host order
 * @prefixlen: prefix length
 * @proto: upper-layer protocol
 */
struct end {
	const char	*addr;
	u16		port;
	u8		prefixlen;
	u8		proto;
};

/**
 * struct pair_case - the two of a message, and what we make of them
 * @name: what it shows
 * @src: ADDRESS_SRC
 * @dst: ADDRESS_DST
 * @err: what pfkey_get_ends() and pfkey_get_selector() return
 * @proto: protocol of the selector
 */
struct pair_case {
	const char	*name;
	struct end	src, dst;
	int		err;
	u8		proto;
};

static const struct pair_case pairs[] = {
	{ "IPv4 hosts", { "10.0.0.1", 0, 32, 255 }, { "10.0.0.2", 0, 32, 255 },
	  0, ANY },
	{ "IPv6 hosts", { "fd00::1", 0, 128, 255 }, { "fd00::2", 0, 128, 255 },
	  0, ANY },
	{ "protocol 0 is any", { "10.0.0.1", 0, 32, 0 },
	  { "10.0.0.2", 0, 32, 0 }, 0, ANY },
	{ "ports and protocol", { "10.0.0.1", 500, 32, 17 },
	  { "10.0.0.2", 4500, 32, 17 }, 0, 17 },
	{ "type and code of ICMPv6", { "fd00::1", 135, 128, 58 },
	  { "fd00::2", 0, 128, 58 }, 0, 58 },
	{ "networks, bits behind the prefix kept", { "10.1.2.3", 0, 8, 6 },
	  { "192.168.255.255", 0, 17, 6 }, 0, 6 },
	{ "everything", { "::", 0, 0, 255 }, { "::", 0, 0, 255 }, 0, ANY },
	{ "prefix of a host and of nothing", { "10.0.0.1", 0, 32, 255 },
	  { "0.0.0.0", 0, 0, 255 }, 0, ANY },
	{ "an IPv4 address in IPv6 stays one of IPv6",
	  { "::ffff:10.0.0.1", 0, 128, 255 }, { "::ffff:10.0.0.2", 0, 128, 255 },
	  0, ANY },
	{ "families mixed", { "10.0.0.1", 0, 32, 255 },
	  { "fd00::2", 0, 128, 255 }, -EINVAL, 0 },
	{ "protocols differ", { "10.0.0.1", 0, 32, 6 },
	  { "10.0.0.2", 0, 32, 17 }, -EINVAL, 0 },
	{ "prefix 33 of the source", { "10.0.0.1", 0, 33, 255 },
	  { "10.0.0.2", 0, 32, 255 }, -EINVAL, 0 },
	{ "prefix 129 of the destination", { "fd00::1", 0, 128, 255 },
	  { "fd00::2", 0, 129, 255 }, -EINVAL, 0 },
	{ "no source", { NULL }, { "10.0.0.2", 0, 32, 255 }, -EINVAL, 0 },
	{ "no destination", { "10.0.0.1", 0, 32, 255 }, { NULL }, -EINVAL, 0 },
};

static void pair_name(const struct pair_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(pair, pairs, pair_name);

static sa_family_t read_addr(const char *text, union ipsec_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (strchr(text, ':')) {
		in6_pton(text, -1, (u8 *)addr, -1, NULL);
		return AF_INET6;
	}
	in4_pton(text, -1, (u8 *)addr, -1, NULL);
	return AF_INET;
}

/* The extension that a client would send; NULL for none. */
static void *make_ext(struct kunit *test, const struct end *end)
{
	struct sadb_address *ext;
	union ipsec_addr addr;
	unsigned int len;
	sa_family_t family;

	if (!end->addr)
		return NULL;
	family = read_addr(end->addr, &addr);
	len = sizeof(*ext) + round_up(pfkey_sockaddr_len(family), PFKEY_WORD);
	ext = kunit_kzalloc(test, len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, ext);
	ext->sadb_address_len = len / PFKEY_WORD;
	ext->sadb_address_proto = end->proto;
	ext->sadb_address_prefixlen = end->prefixlen;
	pfkey_put_sockaddr(ext + 1, family, &addr, htons(end->port));
	return ext;
}

static void expect_addr(struct kunit *test, const struct end *end,
			const union ipsec_addr *seen)
{
	union ipsec_addr want;

	read_addr(end->addr, &want);
	KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(&want, seen, sizeof(want)), "%s",
			    end->addr);
}

static void convert_pair(struct kunit *test)
{
	const struct pair_case *c = test->param_value;
	struct sadb_msg hdr = { .sadb_msg_satype = SADB_SATYPE_ESP };
	struct pfkey_request req = { .hdr = &hdr };
	struct ipsec_selector sel;
	struct ipsec_ends_key ends;

	req.ext[SADB_EXT_ADDRESS_SRC] = make_ext(test, &c->src);
	req.ext[SADB_EXT_ADDRESS_DST] = make_ext(test, &c->dst);
	KUNIT_ASSERT_EQ(test, c->err, pfkey_get_ends(&req, &ends));
	KUNIT_ASSERT_EQ(test, c->err, pfkey_get_selector(&req, &sel));
	if (c->err)
		return;
	KUNIT_EXPECT_EQ(test, IPPROTO_ESP, ends.proto);
	KUNIT_EXPECT_EQ(test, strchr(c->src.addr, ':') ? AF_INET6 : AF_INET,
			ends.family);
	expect_addr(test, &c->src, &ends.saddr);
	expect_addr(test, &c->dst, &ends.daddr);

	KUNIT_EXPECT_EQ(test, ends.family, sel.family);
	KUNIT_EXPECT_EQ(test, c->proto, sel.proto);
	KUNIT_EXPECT_EQ(test, htons(c->src.port), sel.sport);
	KUNIT_EXPECT_EQ(test, htons(c->dst.port), sel.dport);
	KUNIT_EXPECT_EQ(test, c->src.prefixlen, sel.src_len);
	KUNIT_EXPECT_EQ(test, c->dst.prefixlen, sel.dst_len);
	expect_addr(test, &c->src, &sel.src);
	expect_addr(test, &c->dst, &sel.dst);
}

/* The bytes on the wire, by hand: no structure of ours can agree with itself. */
static void convert_bytes(struct kunit *test)
{
	static const u8 want4[16] = { AF_INET, 0, 0x11, 0x94, 10, 0, 0, 1 };
	static const u8 want6[28] = {
		AF_INET6, 0, 0x01, 0xf4, 0, 0, 0, 0,
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
	};
	union ipsec_addr addr;
	u8 buf[32] = {};

	read_addr("10.0.0.1", &addr);
	pfkey_put_sockaddr(buf, AF_INET, &addr, htons(4500));
	KUNIT_EXPECT_EQ(test, 0, memcmp(buf, want4, sizeof(want4)));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 16, 0, 16));
	memset(buf, 0, sizeof(buf));
	read_addr("fd00::1", &addr);
	pfkey_put_sockaddr(buf, AF_INET6, &addr, htons(500));
	KUNIT_EXPECT_EQ(test, 0, memcmp(buf, want6, sizeof(want6)));
	KUNIT_EXPECT_NULL(test, memchr_inv(buf + 28, 0, 4));
	KUNIT_EXPECT_EQ(test, 0, pfkey_sockaddr_len(AF_UNIX));
}

static void convert_satype(struct kunit *test)
{
	static const struct {
		u8	satype, proto;
	} rows[] = {
		{ SADB_SATYPE_AH, IPPROTO_AH },
		{ SADB_SATYPE_ESP, IPPROTO_ESP },
		{ SADB_X_SATYPE_IPCOMP, IPPROTO_COMP },
		{ SADB_SATYPE_UNSPEC, 0 },
	};
	unsigned int i, known = 0;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		KUNIT_EXPECT_EQ(test, rows[i].proto,
				pfkey_satype_to_proto(rows[i].satype));
		KUNIT_EXPECT_EQ(test, rows[i].satype,
				pfkey_proto_to_satype(rows[i].proto));
	}
	for (i = 0; i < 256; i++)
		known += !!pfkey_satype_to_proto(i);
	KUNIT_EXPECT_EQ(test, 3U, known);
}

static struct kunit_case convert_cases[] = {
	KUNIT_CASE_PARAM(convert_pair, pair_gen_params),
	KUNIT_CASE(convert_bytes),
	KUNIT_CASE(convert_satype),
	{}
};

static struct kunit_suite convert_suite = {
	.name		= "ipsec_convert",
	.test_cases	= convert_cases,
};

kunit_test_suite(convert_suite);
