// SPDX-License-Identifier: GPL-2.0-only
/* What is read out of a packet for the SPD (RFC 4301 section 4.4.1.1). */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ipv6.h>
#include <ipsec/selector.h>

/**
 * struct packet_case - the bytes of a packet and what is seen of it
 * @name: what it is
 * @hex: the packet from its IP header on
 * @family: AF_INET or AF_INET6
 * @dir: looked up for this direction
 * @ok: it can be read
 * @proto: protocol seen
 * @sport: source port or type
 * @dport: destination port or code
 */
struct packet_case {
	const char	*name;
	const char	*hex;
	u8		family;
	u8		dir;
	bool		ok;
	u8		proto;
	u16		sport, dport;
};

/* Headers without what does not matter here: lengths and checksums are zero. */
#define IP4(frag, proto)	"4500000000" "00" frag "40" proto "0000" \
				"0a000001" "0a000002"
#define IP6(next)		"60000000" "0000" next "40" \
				"fd000000000000000000000000000001" \
				"fd000000000000000000000000000002"

static const struct packet_case packets[] = {
	{ "UDP", IP4("4000", "11") "01f4003500080000", AF_INET, IPSEC_OUT, true,
	  17, 500, 53 },
	{ "TCP, four bytes of it", IP4("0000", "06") "03e80050", AF_INET,
	  IPSEC_OUT, true, 6, 1000, 80 },
	{ "TCP cut short", IP4("0000", "06") "03e800", AF_INET, IPSEC_OUT,
	  false, 6, 0, 0 },
	{ "echo request", IP4("0000", "01") "0800", AF_INET, IPSEC_OUT, true,
	  1, 8, 0 },
	{ "ESP has no ports", IP4("0000", "32") "0000100100000001", AF_INET,
	  IPSEC_IN, true, 50, 0, 0 },
	{ "first fragment", IP4("2000", "11") "01f40035", AF_INET, IPSEC_OUT,
	  true, 17, 0, 0 },
	{ "first fragment, ports of 0", IP4("2000", "11") "00000000", AF_INET,
	  IPSEC_OUT, true, 17, 0, 0 },
	{ "later fragment", IP4("0010", "11") "01f40035", AF_INET, IPSEC_FWD,
	  true, 17, 0, 0 },
	{ "IPv6 UDP", IP6("11") "01f40035", AF_INET6, IPSEC_OUT, true, 17, 500,
	  53 },
	{ "ICMPv6 neighbour solicitation", IP6("3a") "8700", AF_INET6,
	  IPSEC_OUT, true, 58, 135, 0 },
	{ "hop-by-hop, then UDP", IP6("00") "1100000000000000" "01f40035",
	  AF_INET6, IPSEC_OUT, true, 17, 500, 53 },
	{ "destination options of 16 bytes, then TCP",
	  IP6("3c") "06010000000000000000000000000000" "03e80050",
	  AF_INET6, IPSEC_OUT, true, 6, 1000, 80 },
	{ "atomic fragment", IP6("2c") "1100000000000001" "01f40035", AF_INET6,
	  IPSEC_OUT, true, 17, 500, 53 },
	{ "first fragment, forwarded", IP6("2c") "1100000100000001" "01f40035",
	  AF_INET6, IPSEC_FWD, true, 17, 0, 0 },
	{ "first fragment, forwarded, without its ports",
	  IP6("2c") "1100000100000001" "01", AF_INET6, IPSEC_FWD, true, 17, 0,
	  0 },
	{ "later fragment, forwarded", IP6("2c") "1100001000000001" "01f40035",
	  AF_INET6, IPSEC_FWD, true, 17, 0, 0 },
	{ "later fragment behind destination options, forwarded",
	  IP6("2c") "3c00001000000001" "01f40035", AF_INET6, IPSEC_FWD, true,
	  255, 0, 0 },
	{ "first fragment, for us", IP6("2c") "1100000100000001" "01f40035",
	  AF_INET6, IPSEC_IN, true, 17, 500, 53 },
	{ "first fragment, for us, without its ports",
	  IP6("2c") "1100000100000001" "01f4", AF_INET6, IPSEC_IN, false, 0, 0,
	  0 },
	{ "later fragment, for us", IP6("2c") "1100001000000001" "01f40035",
	  AF_INET6, IPSEC_IN, true, 44, 0, 0 },
	{ "option header cut short", IP6("00") "1100", AF_INET6, IPSEC_OUT,
	  false, 0, 0, 0 },
	{ "option header longer than the packet", IP6("00") "11ff000000000000",
	  AF_INET6, IPSEC_OUT, false, 0, 0, 0 },
	{ "the same before a protocol without ports",
	  IP6("3c") "0fff000000000000", AF_INET6, IPSEC_OUT, false, 0, 0, 0 },
	{ "seventeen destination options",
	  IP6("3c")
	  "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "3c00000000000000" "3c00000000000000"
	  "3c00000000000000" "1100000000000000" "01f40035",
	  AF_INET6, IPSEC_OUT, false, 0, 0, 0 },
	{ "no next header", IP6("3b"), AF_INET6, IPSEC_OUT, true, 59, 0, 0 },
};

static void packet_desc(const struct packet_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(packet, packets, packet_desc);

static void flow_read(struct kunit *test)
{
	const struct packet_case *c = test->param_value;
	unsigned int len = strlen(c->hex) / 2;
	struct sk_buff *skb = alloc_skb(len + 16, GFP_KERNEL);
	bool ok, fragment;
	struct ipsec_flow flow;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	skb_reserve(skb, 16);
	KUNIT_EXPECT_EQ(test, 0, hex2bin(skb_put(skb, len), c->hex, len));
	skb_reset_network_header(skb);
	memset(&flow, 0xff, sizeof(flow));
	ok = ipsec_flow_from_skb(&flow, skb, c->family, c->dir);
	kfree_skb(skb);
	KUNIT_EXPECT_EQ(test, c->ok, ok);
	if (!c->ok || !ok)
		return;
	KUNIT_EXPECT_EQ(test, c->proto, flow.proto);
	KUNIT_EXPECT_EQ(test, c->sport, ntohs(flow.sport));
	KUNIT_EXPECT_EQ(test, c->dport, ntohs(flow.dport));
	KUNIT_EXPECT_EQ(test, c->family, flow.family);
	fragment = strstr(c->name, "fragment") && !strstr(c->name, "atomic");
	KUNIT_EXPECT_EQ(test, fragment, flow.fragment);
	if (c->family == AF_INET) {
		KUNIT_EXPECT_EQ(test, htonl(0x0a000001), flow.src.a4);
		KUNIT_EXPECT_EQ(test, 0U, (u32)flow.src.a6[3]);
	}
}

/*
 * Whichever bit of a packet changes: who looks at it at a glance sees no flow that a
 * closer look does not, and that it is unchanged he sees.
 */
static void flow_lasts(struct kunit *test)
{
	const struct packet_case *c = test->param_value;
	bool simple = c->sport && (c->proto == IPPROTO_UDP || c->proto == IPPROTO_TCP);
	unsigned int bit, len = strlen(c->hex) / 2;
	struct ipsec_flow flow, now;
	struct sk_buff *skb;

	if (!c->ok)
		return;
	skb = alloc_skb(len, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, 0, hex2bin(skb_put(skb, len), c->hex, len));
	skb_reset_network_header(skb);
	ipsec_flow_from_skb(&flow, skb, c->family, c->dir);
	/* Nothing is between IP and UDP or TCP. */
	simple = simple && skb->data[c->family == AF_INET ? 9 : 6] == c->proto;
	KUNIT_EXPECT_EQ(test, ipsec_flow_lasts(&flow, skb), simple);
	for (bit = 0; bit < 8 * len; bit++) {
		skb->data[bit / 8] ^= 1 << bit % 8;
		if (ipsec_flow_lasts(&flow, skb)) {
			KUNIT_EXPECT_TRUE(test, ipsec_flow_from_skb(&now, skb, c->family,
								    c->dir));
			KUNIT_EXPECT_TRUE(test, !memcmp(&flow, &now, sizeof(flow)));
		}
		skb->data[bit / 8] ^= 1 << bit % 8;
	}
	kfree_skb(skb);
}

static void addr_mask(struct kunit *test)
{
	union ipsec_addr addr, masked;
	unsigned int bits, i;

	memset(&addr, 0xff, sizeof(addr));
	for (bits = 0; bits <= 128; bits++) {
		unsigned int ones = 0;

		ipsec_addr_mask(&masked, &addr, bits);
		for (i = 0; i < 16; i++)
			ones += hweight8(((u8 *)&masked)[i]);
		KUNIT_EXPECT_EQ(test, bits, ones);
		KUNIT_EXPECT_TRUE(test, ipv6_prefix_equal(&masked.in6,
							  &addr.in6, bits));
		if (bits < 128)
			KUNIT_EXPECT_FALSE(test,
					   ipv6_prefix_equal(&masked.in6,
							     &addr.in6,
							     bits + 1));
	}
}

static struct kunit_case selector_test_cases[] = {
	KUNIT_CASE_PARAM(flow_read, packet_gen_params),
	KUNIT_CASE_PARAM(flow_lasts, packet_gen_params),
	KUNIT_CASE(addr_mask),
	{}
};

static struct kunit_suite selector_suite = {
	.name		= "ipsec_selector",
	.test_cases	= selector_test_cases,
};

kunit_test_suite(selector_suite);
