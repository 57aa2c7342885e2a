// SPDX-License-Identifier: GPL-2.0-only
/* Selectors, and what is read out of a packet (RFC 4301 section 4.4.1.1). */
#include <kunit/test.h>
#include <linux/kernel.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <ipsec/selector.h>

/**
 * struct match_case - a selector, a flow, and whether they match
 * @ssrc: source network of the selector, its prefix behind a slash
 * @sdst: destination network
 * @sproto: protocol, 255 any
 * @ssport: source port
 * @sdport: destination port
 * @fsrc: source address of the flow
 * @fdst: destination address
 * @fproto: its protocol
 * @fsport: its source port
 * @fdport: its destination port
 * @match: whether it is one of the selector's
 */
struct match_case {
	const char	*ssrc, *sdst;
	u8		sproto;
	u16		ssport, sdport;
	const char	*fsrc, *fdst;
	u8		fproto;
	u16		fsport, fdport;
	bool		match;
};

static const struct match_case matches[] = {
	{ "10.0.0.1/32", "10.0.0.2/32", 255, 0, 0,
	  "10.0.0.1", "10.0.0.2", 6, 1000, 80, true },
	{ "10.0.0.1/32", "10.0.0.2/32", 255, 0, 0,
	  "10.0.0.2", "10.0.0.1", 6, 1000, 80, false },
	{ "10.0.0.0/24", "10.0.1.0/24", 255, 0, 0,
	  "10.0.0.255", "10.0.1.0", 17, 1, 2, true },
	{ "10.0.0.0/24", "10.0.1.0/24", 255, 0, 0,
	  "10.0.1.0", "10.0.1.0", 17, 1, 2, false },
	{ "10.0.0.77/24", "10.0.1.0/24", 255, 0, 0,
	  "10.0.0.1", "10.0.1.9", 17, 1, 2, true },
	{ "10.0.0.128/25", "0.0.0.0/0", 255, 0, 0,
	  "10.0.0.127", "1.2.3.4", 17, 1, 2, false },
	{ "10.0.0.128/25", "0.0.0.0/0", 255, 0, 0,
	  "10.0.0.128", "1.2.3.4", 17, 1, 2, true },
	{ "0.0.0.0/0", "0.0.0.0/0", 6, 0, 0,
	  "10.0.0.1", "10.0.0.2", 17, 0, 0, false },
	{ "0.0.0.0/0", "0.0.0.0/0", 6, 0, 80,
	  "10.0.0.1", "10.0.0.2", 6, 5, 80, true },
	{ "0.0.0.0/0", "0.0.0.0/0", 6, 0, 80,
	  "10.0.0.1", "10.0.0.2", 6, 80, 5, false },
	{ "0.0.0.0/0", "0.0.0.0/0", 6, 80, 0,
	  "10.0.0.1", "10.0.0.2", 6, 80, 5, true },
	{ "0.0.0.0/0", "0.0.0.0/0", 1, 8, 0,
	  "10.0.0.1", "10.0.0.2", 1, 8, 0, true },
	{ "0.0.0.0/0", "0.0.0.0/0", 1, 8, 0,
	  "10.0.0.1", "10.0.0.2", 1, 0, 0, false },
	{ "0.0.0.0/0", "0.0.0.0/0", 255, 0, 0,
	  "10.0.0.1", "10.0.0.2", 255, 0, 0, true },
	{ "0.0.0.0/0", "0.0.0.0/0", 17, 0, 0,
	  "10.0.0.1", "10.0.0.2", 255, 0, 0, false },
	{ "fd00::/64", "fd01::/64", 255, 0, 0,
	  "fd00::1", "fd01::ffff", 58, 128, 0, true },
	{ "fd00::/64", "fd01::/64", 255, 0, 0,
	  "fd00:0:0:1::1", "fd01::1", 58, 128, 0, false },
	{ "fd00::/63", "::/0", 255, 0, 0,
	  "fd00:0:0:1::1", "fd01::1", 58, 128, 0, true },
	{ "fd00::1/128", "fd00::2/128", 58, 135, 0,
	  "fd00::1", "fd00::2", 58, 135, 0, true },
	{ "::/0", "::/0", 255, 0, 0,
	  "10.0.0.1", "10.0.0.2", 6, 1, 1, false },
};

static sa_family_t parse_addr(const char *text, union ipsec_addr *addr, u8 *len)
{
	const char *slash = strchrnul(text, '/');
	unsigned int bits;
	bool v6 = strchr(text, ':');

	memset(addr, 0, sizeof(*addr));
	if (v6)
		in6_pton(text, slash - text, (u8 *)addr, -1, NULL);
	else
		in4_pton(text, slash - text, (u8 *)addr, -1, NULL);
	bits = v6 ? 128 : 32;
	if (*slash && kstrtouint(slash + 1, 10, &bits))
		bits = 0;
	*len = bits;
	return v6 ? AF_INET6 : AF_INET;
}

static void match_desc(const struct match_case *c, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s %u[%u>%u] : %s %s %u[%u>%u]",
		 c->ssrc, c->sdst, c->sproto, c->ssport, c->sdport, c->fsrc,
		 c->fdst, c->fproto, c->fsport, c->fdport);
}

KUNIT_ARRAY_PARAM(match, matches, match_desc);

static void selector_match(struct kunit *test)
{
	const struct match_case *c = test->param_value;
	struct ipsec_selector sel = {
		.sport = htons(c->ssport), .dport = htons(c->sdport),
		.proto = c->sproto,
	};
	struct ipsec_flow flow = {
		.sport = htons(c->fsport), .dport = htons(c->fdport),
		.proto = c->fproto,
	};
	u8 len;

	sel.family = parse_addr(c->ssrc, &sel.src, &sel.src_len);
	parse_addr(c->sdst, &sel.dst, &sel.dst_len);
	flow.family = parse_addr(c->fsrc, &flow.src, &len);
	parse_addr(c->fdst, &flow.dst, &len);
	KUNIT_EXPECT_EQ(test, c->match, ipsec_selector_match(&sel, &flow));
}

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
	  true, 255, 0, 0 },
	{ "later fragment", IP4("0010", "11") "01f40035", AF_INET, IPSEC_FWD,
	  true, 255, 0, 0 },
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
	  AF_INET6, IPSEC_FWD, true, 255, 0, 0 },
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
	struct ipsec_flow flow;
	bool ok;

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
	KUNIT_EXPECT_EQ(test, 0, flow.pad);
	if (c->family == AF_INET) {
		KUNIT_EXPECT_EQ(test, htonl(0x0a000001), flow.src.a4);
		KUNIT_EXPECT_EQ(test, 0U, (u32)flow.src.a6[3]);
	}
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
		KUNIT_EXPECT_TRUE(test, ipsec_addr_match(&masked, &addr, bits));
		if (bits < 128)
			KUNIT_EXPECT_FALSE(test,
					   ipsec_addr_match(&masked, &addr,
							    bits + 1));
	}
}

static struct kunit_case selector_test_cases[] = {
	KUNIT_CASE_PARAM(selector_match, match_gen_params),
	KUNIT_CASE_PARAM(flow_read, packet_gen_params),
	KUNIT_CASE(addr_mask),
	{}
};

static struct kunit_suite selector_suite = {
	.name		= "ipsec_selector",
	.test_cases	= selector_test_cases,
};

kunit_test_suite(selector_suite);
