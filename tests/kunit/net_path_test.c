// SPDX-License-Identifier: GPL-2.0-only
/* Where protected packets go. */
#include <kunit/test.h>
#include <ipsec/netns.h>
#include "../../net/net.h"

/**
 * struct way_case - a flow from 192.0.2.1 to 192.0.2.2, or in IPv6, and its SAs
 * @name: what it shows
 * @v6: the flow is of IPv6
 * @n: how many SAs
 * @tunnel: bit i set: the SA i encapsulates
 * @ends: last byte of the SAs' destinations
 * @ends6: bit i set: the SA i is of IPv6
 * @elsewhere: what is asked
 * @udp: the outermost SA is ESP in UDP
 */
struct way_case {
	const char	*name;
	bool		v6;
	u8		n;
	u8		tunnel;
	u8		ends[2];
	u8		ends6;
	bool		elsewhere;
	bool		udp;
};

static const struct way_case ways[] = {
	{ "transport mode", false, 1, 0, { 2 }, 0, false },
	{ "transport mode in UDP", false, 1, 0, { 2 }, 0, false, true },
	{ "a tunnel to another in UDP", false, 1, 1, { 9 }, 0, true, true },
	{ "transport mode, SA of a group", false, 1, 0, { 9 }, 0, false },
	{ "a tunnel to the flow's destination", false, 1, 1, { 2 }, 0, false },
	{ "a tunnel to another", false, 1, 1, { 9 }, 0, true },
	{ "a tunnel of another family", false, 1, 1, { 2 }, 1, true },
	{ "IPv6 in a tunnel to its destination", true, 1, 1, { 2 }, 1, false },
	{ "a tunnel to another in transport mode", false, 2, 1, { 9, 9 }, 0,
	  true },
	{ "transport mode in a tunnel to another", false, 2, 2, { 2, 9 }, 0,
	  true },
	{ "a tunnel to another in one back", false, 2, 3, { 9, 2 }, 0, false },
};

static void way_name(const struct way_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(way, ways, way_name);

static void set_address(union ipsec_addr *addr, bool v6, u8 last)
{
	if (v6)
		ipv6_addr_set(&addr->in6, htonl(0x20010db8), 0, 0, htonl(last));
	else
		ipsec_addr_set4(addr, htonl(0xc0000200 | last));
}

static void way_of(struct kunit *test)
{
	const struct way_case *c = test->param_value;
	struct ipsec_decision decision = { .n = c->n, .tunnel = c->tunnel };
	struct ipsec_flow flow = { .family = c->v6 ? AF_INET6 : AF_INET };
	struct ipsec_sa *sa = NULL;
	struct ipsec_way way;
	unsigned int i;

	set_address(&flow.dst, c->v6, 2);
	for (i = 0; i < c->n; i++) {
		sa = kunit_kzalloc(test, sizeof(*sa), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, sa);
		sa->ends.family = c->ends6 & BIT(i) ? AF_INET6 : AF_INET;
		set_address(&sa->ends.daddr, c->ends6 & BIT(i), c->ends[i]);
		decision.sas[i] = sa;
	}
	sa->natt.type = c->udp ? UDP_ENCAP_ESPINUDP : 0;
	way = ipsec_way_of(&decision, &flow);
	KUNIT_EXPECT_EQ(test, way.elsewhere, c->elsewhere);
	KUNIT_EXPECT_EQ(test, way.udp, c->udp);
	KUNIT_EXPECT_PTR_EQ(test, way.dst, c->tunnel ?
			    &decision.sas[fls(c->tunnel) - 1]->ends.daddr :
			    (const union ipsec_addr *)&flow.dst);
}

static struct kunit_case path_cases[] = {
	KUNIT_CASE_PARAM(way_of, way_gen_params),
	{}
};

static struct kunit_suite path_suite = {
	.name		= "ipsec_path",
	.test_cases	= path_cases,
};

kunit_test_suite(path_suite);
