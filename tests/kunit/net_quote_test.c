// SPDX-License-Identifier: GPL-2.0-only
/* What is read out of the packet that an ICMP message quotes (RFC 4301 section 6.2). */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include "../../net/net.h"

/**
 * struct quote_case - the bytes of an ICMP message and what is seen in it
 * @name: what it is
 * @hex: the message from its IP header on
 * @family: AF_INET or AF_INET6
 * @ok: there is something in it
 * @proto: protocol seen
 * @sport: source port or type
 * @dport: destination port or code
 */
struct quote_case {
	const char	*name;
	const char	*hex;
	u8		family;
	bool		ok;
	u8		proto;
	u16		sport, dport;
};

/* Headers without what does not matter here: lengths and checksums are zero. */
#define IP4(frag, proto, src, dst)	"4500000000" "00" frag "40" proto "0000" \
					"0a0000" src "0a0000" dst
#define IP6(next, src, dst)		"60000000" "0000" next "40" \
					"fd0000000000000000000000000000" src \
					"fd0000000000000000000000000000" dst

/* A router says to host 1 what it could not do for it. */
#define TELLS4(type)	IP4("0000", "01", "03", "01") type "00000000000000"
#define TELLS6(type)	IP6("3a", "03", "01") type "00000000000000"
#define SENT4(proto)	IP4("0000", proto, "01", "02")
#define SENT6(next)	IP6(next, "01", "02")
#define PORTS		"01f4003500080000"

static const struct quote_case errors[] = {
	{ "UDP", TELLS4("0b") SENT4("11") PORTS, AF_INET, true, 17, 53, 500 },
	{ "TCP, its ports only", TELLS4("03") SENT4("06") "03e80050", AF_INET,
	  true, 6, 80, 1000 },
	{ "TCP, less than its ports", TELLS4("03") SENT4("06") "03e800",
	  AF_INET, false, 0, 0, 0 },
	{ "ESP", TELLS4("03") SENT4("32") PORTS, AF_INET, true, 50, 0, 0 },
	{ "echo request", TELLS4("0b") SENT4("01") "0800", AF_INET, true, 1, 0,
	  0 },
	{ "echo reply", TELLS4("0b") SENT4("01") "0000", AF_INET, true, 1, 8,
	  0 },
	{ "an error", TELLS4("0b") SENT4("01") "0301", AF_INET, false, 0, 0, 0 },
	{ "a redirect", TELLS4("0b") SENT4("01") "0501", AF_INET, false, 0, 0,
	  0 },
	{ "somebody else's packet", TELLS4("0b") IP4("0000", "11", "04", "02")
	  PORTS, AF_INET, false, 0, 0, 0 },
	{ "first fragment", TELLS4("0b") IP4("2000", "11", "01", "02") PORTS,
	  AF_INET, true, 17, 0, 0 },
	{ "later fragment", TELLS4("0b") IP4("0010", "11", "01", "02") PORTS,
	  AF_INET, true, 17, 0, 0 },
	{ "behind IPv4 options", "46000000000000004001" "0000" "0a000003"
	  "0a000001" "01010100" "0b00000000000000" SENT4("11") PORTS, AF_INET,
	  true, 17, 53, 500 },
	{ "IPv4 header cut short", TELLS4("0b") "4500", AF_INET, false, 0, 0, 0 },
	{ "IPv4 header of 16 bytes", TELLS4("0b") "44000000" "00000000"
	  "40110000" "0a000001" "0a000002" PORTS, AF_INET, false, 0, 0, 0 },
	{ "IPv6 in ICMP", TELLS4("0b") SENT6("11") PORTS, AF_INET, false, 0, 0,
	  0 },
	{ "nothing", TELLS4("0b"), AF_INET, false, 0, 0, 0 },
	{ "IPv6 UDP", TELLS6("01") SENT6("11") PORTS, AF_INET6, true, 17, 53,
	  500 },
	{ "IPv6 UDP behind options", TELLS6("03") SENT6("3c") "1100000000000000"
	  PORTS, AF_INET6, true, 17, 53, 500 },
	{ "IPv6 first fragment", TELLS6("03") SENT6("2c") "1100000100000001"
	  PORTS, AF_INET6, true, 17, 0, 0 },
	{ "ICMPv6 echo request", TELLS6("02") SENT6("3a") "8000", AF_INET6,
	  true, 58, 129, 0 },
	{ "ICMPv6 echo reply", TELLS6("04") SENT6("3a") "8100", AF_INET6, true,
	  58, 128, 0 },
	{ "ICMPv6 error", TELLS6("03") SENT6("3a") "0100", AF_INET6, false, 0, 0,
	  0 },
	{ "in an ICMPv6 error behind options", IP6("00", "03", "01")
	  "3a00050200000000" "0300000000000000" SENT6("11") PORTS, AF_INET6,
	  true, 17, 53, 500 },
	{ "IPv6 options cut short", TELLS6("03") SENT6("3c") "1100", AF_INET6,
	  false, 0, 0, 0 },
	{ "IPv6 header cut short", TELLS6("03") "6000", AF_INET6, false, 0, 0,
	  0 },
};

/* Of IPv6, the addresses of the other router and of the destination come first. */
#define WHERE	"fe800000000000000000000000000099" \
		"fd000000000000000000000000000002"
#define OWN	"0201020000000099"

static const struct quote_case redirects[] = {
	{ "IPv4", TELLS4("05") SENT4("11") PORTS, AF_INET, true, 17, 500, 53 },
	{ "IPv4, nothing", TELLS4("05"), AF_INET, false, 0, 0, 0 },
	{ "IPv6", TELLS6("89") WHERE "0406000000000000" SENT6("11") PORTS,
	  AF_INET6, true, 17, 500, 53 },
	{ "IPv6, behind a hardware address", TELLS6("89") WHERE OWN
	  "0406000000000000" SENT6("11") PORTS, AF_INET6, true, 17, 500, 53 },
	{ "IPv6, a hardware address only", TELLS6("89") WHERE OWN, AF_INET6,
	  false, 0, 0, 0 },
	{ "IPv6, an option without length", TELLS6("89") WHERE
	  "0200000000000000" "0406000000000000" SENT6("11") PORTS, AF_INET6,
	  false, 0, 0, 0 },
};

static void quote_desc(const struct quote_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(error, errors, quote_desc);
KUNIT_ARRAY_PARAM(redirect, redirects, quote_desc);

static struct sk_buff *message(struct kunit *test, const struct quote_case *c,
			       struct ipsec_flow *flow)
{
	unsigned int len = strlen(c->hex) / 2;
	struct sk_buff *skb = alloc_skb(len + 16, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 16);
	KUNIT_EXPECT_EQ(test, 0, hex2bin(skb_put(skb, len), c->hex, len));
	skb_reset_network_header(skb);
	KUNIT_EXPECT_TRUE(test, ipsec_flow_from_skb(flow, skb, c->family,
						    IPSEC_OUT));
	return skb;
}

/* From host @from to the other one of 1 and 2. */
static void expect(struct kunit *test, const struct quote_case *c,
		   const struct ipsec_flow *flow, unsigned int from)
{
	KUNIT_EXPECT_EQ(test, c->proto, flow->proto);
	KUNIT_EXPECT_EQ(test, c->sport, ntohs(flow->sport));
	KUNIT_EXPECT_EQ(test, c->dport, ntohs(flow->dport));
	KUNIT_EXPECT_EQ(test, c->family, flow->family);
	KUNIT_EXPECT_EQ(test, IPSEC_OUT, flow->dir);
	if (c->family == AF_INET) {
		KUNIT_EXPECT_EQ(test, 0x0a000000 + from, ntohl(flow->src.a4));
		KUNIT_EXPECT_EQ(test, 0x0a000003 - from, ntohl(flow->dst.a4));
	} else {
		KUNIT_EXPECT_EQ(test, from, flow->src.in6.s6_addr[15]);
		KUNIT_EXPECT_EQ(test, 3 - from, flow->dst.in6.s6_addr[15]);
	}
}

static void quote_reply(struct kunit *test)
{
	const struct quote_case *c = test->param_value;
	struct ipsec_flow flow, reply;
	struct sk_buff *skb = message(test, c, &flow);
	bool ok;

	memset(&reply, 0xff, sizeof(reply));
	KUNIT_EXPECT_TRUE(test, ipsec_flow_is_error(&flow));
	KUNIT_EXPECT_FALSE(test, ipsec_flow_is_redirect(&flow));
	ok = ipsec_flow_of_reply(&reply, skb, &flow);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, c->ok, ok);
	if (c->ok && ok)
		expect(test, c, &reply, 2);
}

static void quote_redirected(struct kunit *test)
{
	const struct quote_case *c = test->param_value;
	struct ipsec_flow flow, redirected;
	struct sk_buff *skb = message(test, c, &flow);
	bool ok;

	KUNIT_EXPECT_TRUE(test, ipsec_flow_is_redirect(&flow));
	KUNIT_EXPECT_FALSE(test, ipsec_flow_is_error(&flow));
	ok = ipsec_flow_of_redirected(&redirected, skb, &flow);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, c->ok, ok);
	if (c->ok && ok)
		expect(test, c, &redirected, 1);
}

static struct kunit_case quote_test_cases[] = {
	KUNIT_CASE_PARAM(quote_reply, error_gen_params),
	KUNIT_CASE_PARAM(quote_redirected, redirect_gen_params),
	{}
};

static struct kunit_suite quote_suite = {
	.name		= "ipsec_quote",
	.test_cases	= quote_test_cases,
};

kunit_test_suite(quote_suite);
