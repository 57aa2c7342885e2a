// SPDX-License-Identifier: GPL-2.0-only
/* What levels ask for, and what a received packet misses; no socket, no packet. */
#include <kunit/test.h>
#include <linux/in.h>
#include <ipsec/netns.h>
#include "../../net/net.h"

/* A knob each, so that none is taken for another. */
static const struct ipsec_knobs_family knob_sets[] = {
	{ .esp_trans_deflev = 1, .esp_net_deflev = 1, .ah_trans_deflev = 1,
	  .ah_net_deflev = 1 },
	{ .esp_trans_deflev = 2, .esp_net_deflev = 1, .ah_trans_deflev = 1,
	  .ah_net_deflev = 1 },
	{ .esp_trans_deflev = 1, .esp_net_deflev = 2, .ah_trans_deflev = 1,
	  .ah_net_deflev = 1 },
	{ .esp_trans_deflev = 1, .esp_net_deflev = 1, .ah_trans_deflev = 2,
	  .ah_net_deflev = 1 },
	{ .esp_trans_deflev = 1, .esp_net_deflev = 1, .ah_trans_deflev = 1,
	  .ah_net_deflev = 2 },
};

#define SETS	ARRAY_SIZE(knob_sets)

/**
 * struct level_case - a request, and its level under each set of knobs
 * @name: what it shows
 * @proto: IPPROTO_*
 * @mode: enum ipsec_mode_kind
 * @level: as written in the policy
 * @want: 'u' use, 'r' require, 'q' unique; one for each set
 */
struct level_case {
	const char	*name;
	u8		proto;
	u8		mode;
	u8		level;
	const char	*want;
};

#define TRANS	IPSEC_MODE_KIND_TRANSPORT
#define TUNNEL	IPSEC_MODE_KIND_TUNNEL

static const struct level_case levels[] = {
	{ "use", IPPROTO_ESP, TRANS, IPSEC_LEVEL_IS_USE, "uuuuu" },
	{ "require", IPPROTO_AH, TUNNEL, IPSEC_LEVEL_IS_REQUIRE, "rrrrr" },
	{ "unique", IPPROTO_ESP, TUNNEL, IPSEC_LEVEL_IS_UNIQUE, "qqqqq" },
	{ "default, ESP transport", IPPROTO_ESP, TRANS, IPSEC_LEVEL_IS_DEFAULT,
	  "uruuu" },
	{ "default, ESP tunnel", IPPROTO_ESP, TUNNEL, IPSEC_LEVEL_IS_DEFAULT,
	  "uuruu" },
	{ "default, AH transport", IPPROTO_AH, TRANS, IPSEC_LEVEL_IS_DEFAULT,
	  "uuuru" },
	{ "default, AH tunnel", IPPROTO_AH, TUNNEL, IPSEC_LEVEL_IS_DEFAULT,
	  "uuuur" },
	{ "default, IPComp", IPPROTO_COMP, TRANS, IPSEC_LEVEL_IS_DEFAULT,
	  "uuuuu" },
};

static void level_name(const struct level_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(level, levels, level_name);

static void level_resolve(struct kunit *test)
{
	static const char letters[] = {
		[IPSEC_LEVEL_IS_USE] = 'u', [IPSEC_LEVEL_IS_REQUIRE] = 'r',
		[IPSEC_LEVEL_IS_UNIQUE] = 'q',
	};
	const struct level_case *c = test->param_value;
	struct ipsec_request req = {
		.proto = c->proto, .mode = c->mode, .level = c->level,
	};
	unsigned int i;

	for (i = 0; i < SETS; i++)
		KUNIT_EXPECT_EQ(test, c->want[i],
				letters[ipsec_level_resolve(&knob_sets[i],
							    &req)]);
}

/**
 * struct unmet_case - a policy of two requests, and what a packet misses
 * @name: what it shows
 * @proto: of the requests, 0 = no such request
 * @level: of the requests
 * @want: index of the first request that is not met, '-' for none, by what
 *        protected the packet: nothing, ESP, AH, both
 */
struct unmet_case {
	const char	*name;
	u8		proto[2];
	u8		level[2];
	const char	*want;
};

#define REQUIRE	IPSEC_LEVEL_IS_REQUIRE
#define USE	IPSEC_LEVEL_IS_USE

static const struct unmet_case unmets[] = {
	{ "ESP required", { IPPROTO_ESP }, { REQUIRE }, "0-0-" },
	{ "AH required", { IPPROTO_AH }, { REQUIRE }, "00--" },
	{ "ESP used", { IPPROTO_ESP }, { USE }, "----" },
	{ "ESP unique", { IPPROTO_ESP }, { IPSEC_LEVEL_IS_UNIQUE }, "0-0-" },
	{ "ESP default, knobs say use", { IPPROTO_ESP },
	  { IPSEC_LEVEL_IS_DEFAULT }, "----" },
	{ "ESP and AH required", { IPPROTO_ESP, IPPROTO_AH },
	  { REQUIRE, REQUIRE }, "010-" },
	{ "ESP used, AH required", { IPPROTO_ESP, IPPROTO_AH },
	  { USE, REQUIRE }, "11--" },
	{ "IPComp required: nothing to ask for", { IPPROTO_COMP }, { REQUIRE },
	  "----" },
	{ "IPComp and ESP required", { IPPROTO_COMP, IPPROTO_ESP },
	  { REQUIRE, REQUIRE }, "1-1-" },
	{ "no request", { 0 }, { 0 }, "----" },
};

static void unmet_name(const struct unmet_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(unmet, unmets, unmet_name);

static void request_unmet(struct kunit *test)
{
	static const unsigned int have[] = {
		0, IPSEC_HAVE_ESP, IPSEC_HAVE_AH,
		IPSEC_HAVE_ESP | IPSEC_HAVE_AH,
	};
	const struct unmet_case *c = test->param_value;
	struct ipsec_sp *sp;
	unsigned int i;

	sp = kunit_kzalloc(test, struct_size(sp, requests, 2), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	for (i = 0; i < 2 && c->proto[i]; i++) {
		sp->requests[i].proto = c->proto[i];
		sp->requests[i].level = c->level[i];
		sp->requests[i].mode = TRANS;
		sp->n_requests++;
	}
	for (i = 0; i < ARRAY_SIZE(have); i++)
		KUNIT_EXPECT_EQ(test, c->want[i] == '-' ? -1 : c->want[i] - '0',
				ipsec_request_unmet(sp, &knob_sets[0], have[i]));
}

/**
 * struct decides_case - who decides, and what
 * @name: what it shows
 * @policy: type of the policy that was found, -1 for none
 * @socket: the flow is one of a socket with a policy
 * @def_policy: the knob
 * @want: the type that decides
 */
struct decides_case {
	const char	*name;
	int		policy;
	bool		socket;
	int		def_policy;
	int		want;
};

static const struct decides_case decideds[] = {
	{ "no policy, def_policy none", -1, false, 1, IPSEC_SP_NONE },
	{ "no policy, def_policy discard", -1, false, 0, IPSEC_SP_DISCARD },
	{ "none reopens", IPSEC_SP_NONE, false, 0, IPSEC_SP_NONE },
	{ "discard", IPSEC_SP_DISCARD, false, 1, IPSEC_SP_DISCARD },
	{ "ipsec", IPSEC_SP_IPSEC, false, 0, IPSEC_SP_IPSEC },
	{ "a socket's policy", IPSEC_SP_IPSEC, true, 0, IPSEC_SP_IPSEC },
	{ "a socket's policy that is lost", -1, true, 1, IPSEC_SP_DISCARD },
};

static void decides_name(const struct decides_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(decides, decideds, decides_name);

static void sp_decides(struct kunit *test)
{
	const struct decides_case *c = test->param_value;
	struct ipsec_net *in = kunit_kzalloc(test, sizeof(*in), GFP_KERNEL);
	struct ipsec_sp *sp = kunit_kzalloc(test, sizeof(*sp), GFP_KERNEL);
	struct ipsec_flow flow = { .socket = c->socket ? 11 : 0 };

	KUNIT_ASSERT_NOT_NULL(test, in);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	sp->type = max(c->policy, 0);
	/* Each family obeys its own knob. */
	flow.family = AF_INET;
	in->knobs.v4.def_policy = c->def_policy;
	in->knobs.v6.def_policy = !c->def_policy;
	KUNIT_EXPECT_EQ(test, c->want,
			ipsec_sp_decides(c->policy < 0 ? NULL : sp, in, &flow));
	flow.family = AF_INET6;
	in->knobs.v4.def_policy = !c->def_policy;
	in->knobs.v6.def_policy = c->def_policy;
	KUNIT_EXPECT_EQ(test, c->want,
			ipsec_sp_decides(c->policy < 0 ? NULL : sp, in, &flow));
}

static struct kunit_case level_cases[] = {
	KUNIT_CASE_PARAM(level_resolve, level_gen_params),
	KUNIT_CASE_PARAM(request_unmet, unmet_gen_params),
	KUNIT_CASE_PARAM(sp_decides, decides_gen_params),
	{}
};

static struct kunit_suite level_suite = {
	.name		= "ipsec_level",
	.test_cases	= level_cases,
};

kunit_test_suite(level_suite);
