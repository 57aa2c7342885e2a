// SPDX-License-Identifier: GPL-2.0-only
/* What is remembered of a flow, for whom, and until when. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/percpu.h>
#include "../../net/net.h"

/* Two namespaces, as far as the cache looks at them, with the same secret. */
static struct ipsec_net *spaces[2];

static const struct ipsec_flow flow = {
	.sport	= cpu_to_be16(1),
	.dport	= cpu_to_be16(2),
	.proto	= IPPROTO_UDP,
	.family	= AF_INET,
};

/* The next generation, as ipsec_generation_bump() does it. */
static void renew(struct ipsec_net *in)
{
	atomic64_set(&in->generation, atomic64_inc_return(&ipsec_generations));
}

static int flow_cache_setup(struct kunit *test)
{
	unsigned int i;

	KUNIT_ASSERT_EQ(test, ipsec_flow_cache_alloc(), 0);
	for (i = 0; i < ARRAY_SIZE(spaces); i++) {
		spaces[i] = kunit_kzalloc(test, sizeof(*spaces[i]), GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, spaces[i]);
		spaces[i]->stats = alloc_percpu(struct ipsec_stats);
		KUNIT_ASSERT_NOT_NULL(test, spaces[i]->stats);
		renew(spaces[i]);
	}
	return 0;
}

static void flow_cache_teardown(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		free_percpu(spaces[i]->stats);
}

/* What @in knows of a flow: a verdict, or -1. */
static int known_of(struct ipsec_net *in, const struct ipsec_flow *which,
		    u64 *generation)
{
	struct ipsec_decision decision;
	int verdict = -1;

	local_bh_disable();
	if (ipsec_flow_cache_lookup(in, which, &decision))
		verdict = decision.verdict;
	local_bh_enable();
	*generation = decision.generation;
	return verdict;
}

static int known(struct ipsec_net *in, u64 *generation)
{
	return known_of(in, &flow, generation);
}

static void remember_of(struct ipsec_net *in, const struct ipsec_flow *which,
			u8 verdict, u64 generation)
{
	struct ipsec_decision decision = {
		.verdict = verdict, .generation = generation,
	};

	local_bh_disable();
	ipsec_flow_cache_store(in, which, &decision);
	local_bh_enable();
}

static void remember(struct ipsec_net *in, u8 verdict, u64 generation)
{
	remember_of(in, &flow, verdict, generation);
}

static void flow_cache_forgets(struct kunit *test)
{
	u64 then, now;

	KUNIT_EXPECT_EQ(test, known(spaces[0], &then), -1);
	remember(spaces[0], IPSEC_DISCARD, then);
	KUNIT_EXPECT_EQ(test, known(spaces[0], &now), IPSEC_DISCARD);
	renew(spaces[0]);
	KUNIT_EXPECT_EQ(test, known(spaces[0], &now), -1);
	/* A decision that was under way when something changed. */
	remember(spaces[0], IPSEC_PASS, then);
	KUNIT_EXPECT_EQ(test, known(spaces[0], &now), -1);
}

/* The same flow of another namespace, in the same slot. */
static void flow_cache_tells_namespaces(struct kunit *test)
{
	u64 one, other;

	KUNIT_EXPECT_EQ(test, known(spaces[0], &one), -1);
	remember(spaces[0], IPSEC_DISCARD, one);
	KUNIT_EXPECT_EQ(test, known(spaces[1], &other), -1);
	KUNIT_EXPECT_NE(test, one, other);
	remember(spaces[1], IPSEC_PASS, other);
	KUNIT_EXPECT_EQ(test, known(spaces[1], &other), IPSEC_PASS);
	KUNIT_EXPECT_EQ(test, known(spaces[0], &one), -1);
}

/* Both directions of a connection, or two of them, wherever they fall. */
static void flow_cache_has_room_for_two(struct kunit *test)
{
	struct ipsec_flow other = flow;
	unsigned int i, lost = 0;
	u64 generation;

	known(spaces[0], &generation);
	for (i = 0; i < 10000; i++) {
		other.src.a6[0] = cpu_to_be32(i + 1);
		remember(spaces[0], IPSEC_DISCARD, generation);
		remember_of(spaces[0], &other, IPSEC_PASS, generation);
		lost += known(spaces[0], &generation) != IPSEC_DISCARD;
		lost += known_of(spaces[0], &other, &generation) != IPSEC_PASS;
	}
	KUNIT_EXPECT_EQ(test, lost, 0);
}

static struct kunit_case flow_cache_cases[] = {
	KUNIT_CASE(flow_cache_forgets),
	KUNIT_CASE(flow_cache_tells_namespaces),
	KUNIT_CASE(flow_cache_has_room_for_two),
	{}
};

static struct kunit_suite flow_cache_suite = {
	.name		= "ipsec_flow_cache",
	.init		= flow_cache_setup,
	.exit		= flow_cache_teardown,
	.test_cases	= flow_cache_cases,
};

kunit_test_suite(flow_cache_suite);
