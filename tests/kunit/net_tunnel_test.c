// SPDX-License-Identifier: GPL-2.0-only
/* Congestion marks and type of service across tunnels (RFC 6040 section 4). */
#include <kunit/test.h>
#include <net/inet_ecn.h>
#include "../../net/net.h"

#define DSCP	0xb8	/* expedited forwarding, in its place */

/**
 * struct tos_case - an outer header is made
 * @name: what it shows
 * @ecn: value of the knob
 * @want: the outer marks for each of the four inner ones, by code point
 */
struct tos_case {
	const char	*name;
	int		ecn;
	u8		want[4];
};

static const struct tos_case tos_cases[] = {
	{ "allowed copies the marks", 1, { 0, 1, 2, 3 } },
	{ "forbidden clears them", 0, { 0, 0, 0, 0 } },
	{ "no care copies them", -1, { 0, 1, 2, 3 } },
};

/* Names of the code points, and what the figure puts into parentheses. */
#define NOT	0
#define ECT1	1
#define ECT0	2
#define CE	3
#define ODD	true
#define DROP	4

/**
 * struct ecn_case - a cell of RFC 6040's figure 4
 * @name: it
 * @inner: marks of the inner header
 * @outer: marks of the outer header
 * @want: marks of what comes out, or DROP
 * @odd: the cell is one of those "currently unused"
 */
struct ecn_case {
	const char	*name;
	u8		inner;
	u8		outer;
	u8		want;
	bool		odd;
};

static const struct ecn_case ecn_cases[] = {
	{ "Not-ECT in Not-ECT", NOT, NOT, NOT },
	{ "Not-ECT in ECT(0)", NOT, ECT0, NOT, ODD },
	{ "Not-ECT in ECT(1)", NOT, ECT1, NOT, ODD },
	{ "Not-ECT in CE", NOT, CE, DROP },
	{ "ECT(0) in Not-ECT", ECT0, NOT, ECT0 },
	{ "ECT(0) in ECT(0)", ECT0, ECT0, ECT0 },
	{ "ECT(0) in ECT(1)", ECT0, ECT1, ECT1 },
	{ "ECT(0) in CE", ECT0, CE, CE },
	{ "ECT(1) in Not-ECT", ECT1, NOT, ECT1 },
	{ "ECT(1) in ECT(0)", ECT1, ECT0, ECT1, ODD },
	{ "ECT(1) in ECT(1)", ECT1, ECT1, ECT1 },
	{ "ECT(1) in CE", ECT1, CE, CE },
	{ "CE in Not-ECT", CE, NOT, CE },
	{ "CE in ECT(0)", CE, ECT0, CE },
	{ "CE in ECT(1)", CE, ECT1, CE, ODD },
	{ "CE in CE", CE, CE, CE },
};

static void tos_name(const struct tos_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

static void ecn_name(const struct ecn_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(tos, tos_cases, tos_name);
KUNIT_ARRAY_PARAM(ecn, ecn_cases, ecn_name);

static void tunnel_tos(struct kunit *test)
{
	const struct tos_case *c = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->want); i++)
		KUNIT_EXPECT_EQ(test, ipsec_tunnel_tos(c->ecn, DSCP | i),
				DSCP | c->want[i]);
}

/* The rest of the two headers' type of service does not matter. */
static void tunnel_ecn(struct kunit *test)
{
	const struct ecn_case *c = test->param_value;
	u8 got = ipsec_tunnel_ecn(c->inner | DSCP, c->outer | 0x20);

	KUNIT_EXPECT_EQ(test, !!(got & IPSEC_ECN_DROP), c->want == DROP);
	KUNIT_EXPECT_EQ(test, !!(got & IPSEC_ECN_ODD), c->odd);
	if (c->want != DROP)
		KUNIT_EXPECT_EQ(test, got & INET_ECN_MASK, c->want);
}

static struct kunit_case tunnel_cases[] = {
	KUNIT_CASE_PARAM(tunnel_tos, tos_gen_params),
	KUNIT_CASE_PARAM(tunnel_ecn, ecn_gen_params),
	{}
};

static struct kunit_suite tunnel_suite = {
	.name		= "ipsec_tunnel",
	.test_cases	= tunnel_cases,
};

kunit_test_suite(tunnel_suite);
