// SPDX-License-Identifier: GPL-2.0-only
/* Bad and good bytes for the parser of PF_KEY (RFC 2367 section 2.3). */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/in.h>
#include "../../pfkey/pfkey.h"

/**
 * struct parse_case - extensions, and what the parser says
 * @name: what is right or wrong
 * @hex: everything behind the base header
 * @err: what pfkey_parse() returns
 * @present: extension that must then have been found, 0 = none
 */
struct parse_case {
	const char	*name;
	const char	*hex;
	int		err;
	u8		present;
};

/* Little endian, as on every machine that the tests run on. */
#define SA	"02000100" "00001001" "04000003" "40000000"
#define SA2	"02001300" "01000000" "00000000" "07000000"
#define ADDR4(type)	"0300" type "00" "ff200000" "02000000" "0a000001" \
			"0000000000000000"

static const struct parse_case parses[] = {
	{ "nothing", "", 0, 0 },
	{ "an SA", SA, 0, SADB_EXT_SA },
	{ "SA and SA2", SA SA2, 0, SADB_X_EXT_SA2 },
	{ "any order", SA2 SA ADDR4("06") ADDR4("05"), 0,
	  SADB_EXT_ADDRESS_SRC },
	{ "length 0", "0000010000001001", -EINVAL, 0 },
	{ "length beyond the message", "0300010000001001" "0400000340000000",
	  -EINVAL, 0 },
	{ "half a header", "0200", -EINVAL, 0 },
	{ "SA too short", "01000100" "00001001", -EINVAL, 0 },
	{ "SA too long", "03000100" "00001001" "0400000340000000"
	  "0000000000000000", -EINVAL, 0 },
	{ "twice", SA SA, -EINVAL, 0 },
	{ "type 0", "0100000000000000", -EINVAL, 0 },
	{ "type beyond the last is skipped", "01001b0000000000" SA, 0,
	  SADB_EXT_SA },
	{ "type 65535 is skipped", "0100ffff00000000", 0, 0 },
	{ "lifetime", "04000300" "00000000" "0000000000000000"
	  "0000000000000000" "0000000000000000", 0, SADB_EXT_LIFETIME_HARD },
	{ "lifetime cut short", "03000300" "00000000" "0000000000000000"
	  "0000000000000000", -EINVAL, 0 },
	{ "key of 128 bits", "03000900" "80000000" "00112233445566778899aabbccddeeff",
	  0, SADB_EXT_KEY_ENCRYPT },
	{ "key of 129 bits in 128", "03000900" "81000000"
	  "00112233445566778899aabbccddeeff", -EINVAL, 0 },
	{ "key of 65535 bits in none", "01000900" "ffff0000", -EINVAL, 0 },
	{ "key of 0 bits", "01000900" "00000000", 0, SADB_EXT_KEY_ENCRYPT },
	{ "key of 1 bit", "02000900" "01000000" "8000000000000000", 0,
	  SADB_EXT_KEY_ENCRYPT },
	{ "our own extension", SA "02001d00" "00100000" "0000000000000000", 0,
	  SADB_X_EXT_SA_REPLAY },
	{ "our own extension cut short", "01001d00" "00100000", -EINVAL, 0 },
	{ "our own extension twice", "02001d00" "00100000" "0000000000000000"
	  "02001d00" "00100000" "0000000000000000", -EINVAL, 0 },
	{ "the gap before it is skipped", "01001c0000000000" SA, 0,
	  SADB_EXT_SA },
	{ "policy without room for itself", "01001200" "02000200", -EINVAL, 0 },
};

static void parse_desc(const struct parse_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(parse, parses, parse_desc);

static void ext_parse(struct kunit *test)
{
	const struct parse_case *c = test->param_value;
	unsigned int len = strlen(c->hex) / 2;
	struct pfkey_request req = {};
	struct sadb_msg *msg;

	/* Exactly as long as the message, so that KASAN sees one byte more. */
	msg = kunit_kzalloc(test, sizeof(*msg) + len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, msg);
	KUNIT_EXPECT_EQ(test, 0, hex2bin((u8 *)(msg + 1), c->hex, len));
	KUNIT_EXPECT_EQ(test, c->err,
			pfkey_parse(&req, msg, sizeof(*msg) + len));
	if (!c->err && c->present)
		KUNIT_EXPECT_NOT_NULL(test, req.ext[c->present]);
}

/**
 * struct address_case - an address extension
 * @name: what is right or wrong
 * @hex: the extension
 * @err: what pfkey_get_address() returns
 */
struct address_case {
	const char	*name;
	const char	*hex;
	int		err;
};

static const struct address_case addresses[] = {
	{ "IPv4", ADDR4("05"), 0 },
	{ "IPv4, prefix 33", "03000500" "ff210000" "02000000" "0a000001"
	  "0000000000000000", -EINVAL },
	{ "IPv4 in the room of IPv6", "05000500" "ff200000" "02000000"
	  "0a000001" "0000000000000000" "0000000000000000"
	  "0000000000000000", -EINVAL },
	{ "IPv4 cut short", "02000500" "ff200000" "02000000" "0a000001",
	  -EINVAL },
	{ "IPv6", "05000500" "ff800000" "0a000000" "00000000"
	  "fd000000000000000000000000000001" "00000000" "00000000", 0 },
	{ "IPv6, prefix 129", "05000500" "ff810000" "0a000000" "00000000"
	  "fd000000000000000000000000000001" "00000000" "00000000", -EINVAL },
	{ "IPv6 cut short", "04000500" "ff800000" "0a000000" "00000000"
	  "fd000000000000000000000000000001", -EINVAL },
	{ "family 0", "03000500" "ff200000" "00000000" "0a000001"
	  "0000000000000000", -EAFNOSUPPORT },
	{ "family AF_UNIX", "03000500" "ff200000" "01000000" "0a000001"
	  "0000000000000000", -EAFNOSUPPORT },
	{ "no address at all", "01000500" "ff200000", -EINVAL },
};

static void address_desc(const struct address_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(address, addresses, address_desc);

static void convert_address(struct kunit *test)
{
	const struct address_case *c = test->param_value;
	unsigned int len = strlen(c->hex) / 2;
	u8 *ext = kunit_kzalloc(test, len, GFP_KERNEL);
	struct pfkey_address addr;

	KUNIT_ASSERT_NOT_NULL(test, ext);
	KUNIT_EXPECT_EQ(test, 0, hex2bin(ext, c->hex, len));
	KUNIT_EXPECT_EQ(test, c->err, pfkey_get_address((void *)ext, &addr));
}

/* What is written is read back the same, and no byte is left as it was. */
static void convert_round_trip(struct kunit *test)
{
	union ipsec_addr in = {}, in6 = {
		.a6 = { htonl(0xfd000000), 0, 0, htonl(1) },
	};
	struct pfkey_address out;
	u8 buf[32] = {};

	ipsec_addr_set4(&in, htonl(0x0a000001));
	pfkey_put_sockaddr(buf, AF_INET, &in, htons(500));
	KUNIT_EXPECT_EQ(test, 16, pfkey_get_sockaddr(buf, 16, &out));
	KUNIT_EXPECT_TRUE(test, ipsec_addr_equal(&in, &out.addr));
	KUNIT_EXPECT_EQ(test, htons(500), out.port);
	memset(buf, 0, sizeof(buf));
	pfkey_put_sockaddr(buf, AF_INET6, &in6, 0);
	KUNIT_EXPECT_EQ(test, 28, pfkey_get_sockaddr(buf, 28, &out));
	KUNIT_EXPECT_TRUE(test, ipsec_addr_equal(&in6, &out.addr));
	KUNIT_EXPECT_EQ(test, -EINVAL, pfkey_get_sockaddr(buf, 27, &out));
	KUNIT_EXPECT_EQ(test, -EINVAL, pfkey_get_sockaddr(buf, 1, &out));
}

/**
 * struct policy_case - requests of a policy extension
 * @name: what is right or wrong
 * @hex: everything behind struct sadb_x_policy
 * @n: number of requests or errno
 * @dir: of the policy; 0 = out
 */
struct policy_case {
	const char	*name;
	const char	*hex;
	int		n;
	u8		dir;
};

#define REQ(len, proto, mode, level) \
	len "00" proto "00" mode level "0000" "00000000" "00000000"
#define PAIR4	"0200000001020304" "0000000000000000" \
		"0200000005060708" "0000000000000000"

static const struct policy_case policies[] = {
	{ "none", "", 0 },
	{ "esp/transport//require", REQ("10", "32", "01", "02"), 1 },
	{ "esp/tunnel with ends", REQ("30", "32", "02", "02") PAIR4, 1 },
	{ "esp/transport with ends", REQ("30", "32", "01", "00") PAIR4, 1 },
	{ "two", REQ("10", "32", "01", "02") REQ("10", "33", "01", "01"), 2 },
	{ "five", REQ("10", "32", "01", "02") REQ("10", "32", "01", "02")
	  REQ("10", "32", "01", "02") REQ("10", "32", "01", "02")
	  REQ("10", "32", "01", "02"), 5 },
	{ "six are too many", REQ("10", "32", "01", "02")
	  REQ("10", "32", "01", "02") REQ("10", "32", "01", "02")
	  REQ("10", "32", "01", "02") REQ("10", "32", "01", "02")
	  REQ("10", "32", "01", "02"), -EINVAL },
	{ "request length 0", REQ("00", "32", "01", "02"), -EINVAL },
	{ "request length 1", REQ("01", "32", "01", "02"), -EINVAL },
	{ "request length in words", REQ("02", "32", "01", "02"), -EINVAL },
	{ "request longer than the policy", REQ("18", "32", "01", "02"),
	  -EINVAL },
	{ "rest of half a request", REQ("10", "32", "01", "02")
	  "1000320001020000", -EINVAL },
	{ "tunnel without ends", REQ("10", "32", "02", "02"), -EINVAL },
	{ "mode any", REQ("10", "32", "00", "02"), -EINVAL },
	{ "mode 3", REQ("10", "32", "03", "02"), -EINVAL },
	{ "level 4", REQ("10", "32", "01", "04"), -EINVAL },
	{ "protocol TCP", REQ("10", "06", "01", "02"), -EPROTONOSUPPORT },
	{ "protocol 0", REQ("10", "00", "01", "02"), -EPROTONOSUPPORT },
	{ "one end only", REQ("20", "32", "02", "02") "0200000001020304"
	  "0000000000000000", -EINVAL },
	{ "ends of two families", REQ("30", "32", "02", "02")
	  "0200000001020304" "0000000000000000" "0a00000005060708"
	  "0000000000000000", -EINVAL },
	{ "ends of no family", REQ("30", "32", "02", "02")
	  "0100000001020304" "0000000000000000" "0100000005060708"
	  "0000000000000000", -EAFNOSUPPORT },
	{ "an end that is unspecified", REQ("30", "32", "02", "02")
	  "0200000000000000" "0000000000000000" "0200000005060708"
	  "0000000000000000", -EINVAL },
	{ "the same of what is received", REQ("30", "32", "02", "02")
	  "0200000000000000" "0000000000000000" "0200000005060708"
	  "0000000000000000", 1, IPSEC_DIR_INBOUND },
};

static void policy_desc(const struct policy_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(policy, policies, policy_desc);

static void convert_requests(struct kunit *test)
{
	const struct policy_case *c = test->param_value;
	unsigned int len = strlen(c->hex) / 2;
	struct sadb_x_policy *p;

	p = kunit_kzalloc(test, sizeof(*p) + len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, p);
	p->sadb_x_policy_len = (sizeof(*p) + len) / 8;
	p->sadb_x_policy_dir = c->dir ?: IPSEC_DIR_OUTBOUND;
	KUNIT_EXPECT_EQ(test, 0, hex2bin((u8 *)(p + 1), c->hex, len));
	KUNIT_EXPECT_EQ(test, c->n, pfkey_count_requests(p));
}

static struct kunit_case pfkey_test_cases[] = {
	KUNIT_CASE_PARAM(ext_parse, parse_gen_params),
	KUNIT_CASE_PARAM(convert_address, address_gen_params),
	KUNIT_CASE(convert_round_trip),
	KUNIT_CASE_PARAM(convert_requests, policy_gen_params),
	{}
};

static struct kunit_suite pfkey_suite = {
	.name		= "ipsec_pfkey",
	.test_cases	= pfkey_test_cases,
};

kunit_test_suite(pfkey_suite);
