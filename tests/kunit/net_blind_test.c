// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fragment hides from the SPD: with which entries it may go on, and that the
 * look-up says the same as a walk over all policies. See net_spd_test.c for how the
 * namespaces' stacks come up.
 */
#include <kunit/test.h>
#include <linux/in6.h>
#include <linux/prandom.h>
#include <net/net_namespace.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "../../net/net.h"
#include "kunit.h"

#define ANY	IPSEC_PROTO_ANY

/**
 * struct entry - a policy of all addresses, or of others than the fragment's
 * @type: enum ipsec_sp_type
 * @proto: its protocol; 0 ends a list
 * @dport: its destination port
 * @elsewhere: of other addresses
 */
struct entry {
	u8	type;
	u8	proto;
	u16	dport;
	bool	elsewhere;
};

/**
 * struct blind_case - entries, the first one first, and a fragment
 * @name: what it is
 * @entries: all of one direction and family
 * @family: AF_INET or AF_INET6
 * @proto: what the fragment tells of its protocol
 * @hides: it must not go on
 */
struct blind_case {
	const char	*name;
	struct entry	entries[3];
	u8		family;
	u8		proto;
	bool		hides;
};

#define PROTECT	IPSEC_SP_IPSEC
#define DISCARD	IPSEC_SP_DISCARD
#define NONE	IPSEC_SP_NONE

static const struct blind_case cases[] = {
	{ "no entry", {}, AF_INET, 17, false },
	{ "a port alone", { { PROTECT, 17, 53 } }, AF_INET, 17, true },
	{ "a port alone, IPv6", { { PROTECT, 17, 53 } }, AF_INET6, 17, true },
	{ "a port that is discarded", { { DISCARD, 17, 53 } }, AF_INET, 17,
	  true },
	{ "a port that passes", { { NONE, 17, 53 } }, AF_INET, 17, false },
	{ "a port of another protocol", { { PROTECT, 6, 53 } }, AF_INET, 17,
	  false },
	{ "a port of any protocol", { { PROTECT, ANY, 53 } }, AF_INET, 17,
	  true },
	{ "a port of any protocol, and GRE", { { PROTECT, ANY, 53 } }, AF_INET,
	  47, false },
	{ "a type of ICMP", { { PROTECT, 1, 8 } }, AF_INET, 1, true },
	{ "a port of other addresses", { { PROTECT, 17, 53, true } }, AF_INET,
	  17, false },
	{ "a port before what passes", { { PROTECT, 17, 53 }, { NONE, ANY } },
	  AF_INET, 17, true },
	{ "a port behind what passes", { { NONE, ANY }, { PROTECT, 17, 53 } },
	  AF_INET, 17, false },
	{ "a port before what protects",
	  { { PROTECT, 17, 53 }, { PROTECT, ANY } }, AF_INET, 17, false },
	{ "a discarded port before what protects",
	  { { DISCARD, 17, 53 }, { PROTECT, ANY } }, AF_INET, 17, true },
	{ "a discarded port behind what protects",
	  { { PROTECT, ANY }, { DISCARD, 17, 53 } }, AF_INET, 17, false },
	{ "a port that passes before what protects",
	  { { NONE, 17, 53 }, { PROTECT, ANY } }, AF_INET, 17, false },
	{ "a protocol that is told", { { PROTECT, 17, 0 } }, AF_INET6, 17,
	  false },
	{ "a protocol that is hidden", { { PROTECT, 17, 0 } }, AF_INET6, ANY,
	  true },
	{ "a port, with the protocol hidden", { { PROTECT, 17, 53 } }, AF_INET6,
	  ANY, true },
	{ "a protocol that is hidden, and passes", { { NONE, 17, 0 } },
	  AF_INET6, ANY, false },
	{ "a hidden protocol before what passes",
	  { { PROTECT, 17, 0 }, { NONE, ANY } }, AF_INET6, ANY, true },
	{ "a hidden protocol behind what passes",
	  { { NONE, ANY }, { PROTECT, 17, 0 } }, AF_INET6, ANY, false },
	{ "a hidden protocol before what protects",
	  { { PROTECT, 17, 0 }, { PROTECT, ANY } }, AF_INET6, ANY, false },
	{ "any protocol, with it hidden", { { PROTECT, ANY } }, AF_INET6, ANY,
	  false },
};

static void case_desc(const struct blind_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(blind, cases, case_desc);

static struct ipsec_sp *add(struct kunit *test, const struct entry *e,
			    u8 family, u8 prefix, u32 priority)
{
	struct ipsec_sp *sp = ipsec_sp_alloc(&init_net, 1, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sp);
	sp->sel.family = family;
	sp->sel.proto = e->proto;
	sp->sel.dport = htons(e->dport);
	sp->sel.src_len = e->elsewhere ? 8 : prefix;
	sp->sel.src.a6[0] = htonl(e->elsewhere ? 0x7f000000 : 0x0a000000);
	sp->dir = IPSEC_OUT;
	sp->type = e->type;
	sp->priority = priority;
	if (e->type != IPSEC_SP_IPSEC)
		sp->n_requests = 0;
	sp->requests[0] = (struct ipsec_request){
		.proto	= IPPROTO_ESP,
		.mode	= IPSEC_MODE_KIND_TRANSPORT,
		.level	= IPSEC_LEVEL_IS_REQUIRE,
	};
	if (ipsec_spd_add(sp, false)) {
		ipsec_sp_put(sp);
		return NULL;
	}
	return sp;
}

static bool hides(u8 family, u8 proto)
{
	struct ipsec_flow flow = {
		.proto = proto, .family = family, .dir = IPSEC_OUT,
		.fragment = 1,
	};
	struct ipsec_sp *sp;
	bool hidden;

	flow.src.a6[0] = htonl(0x0a000001);
	rcu_read_lock();
	sp = ipsec_spd_lookup(&init_net, &flow);
	hidden = ipsec_spd_hides(&init_net, &flow, IPSEC_OUT, sp,
				 ipsec_sp_insists(&init_net, &flow, sp));
	rcu_read_unlock();
	return hidden;
}

static void blind_decided(struct kunit *test)
{
	const struct blind_case *c = test->param_value;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(c->entries) && c->entries[i].proto; i++)
		KUNIT_ASSERT_NOT_NULL(test, add(test, &c->entries[i], c->family,
						0, 0));
	KUNIT_EXPECT_EQ(test, c->hides, hides(c->family, c->proto));
}

/* Whether fragments of UDP may not go on, by a walk in the order of matching. */
static bool slowly_hides(bool told)
{
	struct ipsec_sp_cursor cursor = {};
	bool decided = false, hidden = false, port = false;
	struct ipsec_sp *sp;

	while (!decided &&
	       (sp = ipsec_spd_next(&init_net, IPSEC_OUT, &cursor))) {
		bool found = sp->sel.proto == ANY || (told && !sp->sel.dport);

		if (found && !sp->sel.dport) {
			hidden = hidden || (port && sp->type != PROTECT);
			decided = true;
		} else if (sp->type == DISCARD) {
			hidden = true;
		} else if (sp->type == PROTECT) {
			port = true;
		}
		ipsec_sp_put(sp);
	}
	return decided ? hidden : hidden || port;
}

/* Random policies come and go. */
static void blind_against_walk(struct kunit *test)
{
	static const u8 types[] = { DISCARD, NONE, PROTECT };
	struct ipsec_sp *sps[12] = {};
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 4301);
	for (i = 0; i < 1000; i++) {
		u32 r = prandom_u32_state(&rnd);
		unsigned int slot = r % ARRAY_SIZE(sps);
		struct entry e = {
			.type	= types[(r >> 8) % 3],
			.proto	= r >> 16 & 3 ? 17 : ANY,
			.dport	= r >> 18 & 3 ? 53 + (r >> 20 & 1) : 0,
		};
		unsigned int prefix = r >> 21 & 3, priority = r >> 23 & 7;

		if (sps[slot]) {
			ipsec_spd_delete(sps[slot]);
			sps[slot] = NULL;
		} else {
			sps[slot] = add(test, &e, AF_INET6, prefix, priority);
		}
		KUNIT_EXPECT_EQ(test, slowly_hides(true), hides(AF_INET6, 17));
		KUNIT_EXPECT_EQ(test, slowly_hides(false), hides(AF_INET6, ANY));
	}
}

static void blind_exit(struct kunit *test)
{
	ipsec_spd_flush(&init_net);
	KUNIT_EXPECT_EQ(test, 0U, ipsec_spd_count(&init_net));
}

static int blind_suite_init(struct kunit_suite *suite)
{
	return module_is_initialized() ? 0 : ipsec_netns_init();
}

static void blind_suite_exit(struct kunit_suite *suite)
{
	if (!module_is_initialized())
		ipsec_netns_exit();
}

static struct kunit_case blind_test_cases[] = {
	KUNIT_CASE_PARAM(blind_decided, blind_gen_params),
	KUNIT_CASE(blind_against_walk),
	{}
};

static struct kunit_suite blind_suite = {
	.name		= "ipsec_blind",
	.suite_init	= blind_suite_init,
	.suite_exit	= blind_suite_exit,
	.exit		= blind_exit,
	.test_cases	= blind_test_cases,
};

kunit_test_suite(blind_suite);
