// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SPD: which policy wins, and that a look-up by groups says the same as a
 * walk over all policies. Suites run before the module's own initialization, so
 * this one brings the namespaces' stacks up and down itself, and uses init_net's.
 */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/prandom.h>
#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "../../net/net.h"
#include "kunit.h"

static struct ipsec_sp *add(struct kunit *test, u32 src, u8 src_len, u32 dst,
			    u8 dst_len, u8 proto, u16 dport, u32 priority)
{
	struct ipsec_sp *sp = ipsec_sp_alloc(&init_net, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sp);
	ipsec_addr_set4(&sp->sel.src, htonl(src));
	ipsec_addr_set4(&sp->sel.dst, htonl(dst));
	sp->sel.src_len = src_len;
	sp->sel.dst_len = dst_len;
	sp->sel.proto = proto;
	sp->sel.dport = htons(dport);
	sp->sel.family = AF_INET;
	sp->dir = IPSEC_OUT;
	sp->type = IPSEC_SP_NONE;
	sp->priority = priority;
	if (ipsec_spd_add(sp, false)) {
		ipsec_sp_put(sp);
		return NULL;
	}
	return sp;
}

static struct ipsec_sp *find(u32 src, u32 dst, u8 proto, u16 dport)
{
	struct ipsec_flow flow = {
		.dport = htons(dport), .proto = proto, .family = AF_INET,
		.dir = IPSEC_OUT,
	};
	struct ipsec_sp *sp;

	ipsec_addr_set4(&flow.src, htonl(src));
	ipsec_addr_set4(&flow.dst, htonl(dst));
	rcu_read_lock();
	sp = ipsec_spd_lookup(&init_net, &flow);
	rcu_read_unlock();
	return sp;
}

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

/* One policy, one flow: the look-up by masks finds it if it should. */
static void spd_match(struct kunit *test)
{
	const struct match_case *c = test->param_value;
	struct ipsec_sp *sp = ipsec_sp_alloc(&init_net, 0, GFP_KERNEL);
	struct ipsec_flow flow = {
		.sport = htons(c->fsport), .dport = htons(c->fdport),
		.proto = c->fproto, .dir = IPSEC_OUT,
	};
	struct ipsec_selector *sel;
	u8 len;

	KUNIT_ASSERT_NOT_NULL(test, sp);
	sel = &sp->sel;
	sel->sport = htons(c->ssport);
	sel->dport = htons(c->sdport);
	sel->proto = c->sproto;
	sel->family = parse_addr(c->ssrc, &sel->src, &sel->src_len);
	parse_addr(c->sdst, &sel->dst, &sel->dst_len);
	flow.family = parse_addr(c->fsrc, &flow.src, &len);
	parse_addr(c->fdst, &flow.dst, &len);
	sp->dir = IPSEC_OUT;
	sp->type = IPSEC_SP_NONE;
	KUNIT_ASSERT_EQ(test, 0, ipsec_spd_add(sp, false));
	rcu_read_lock();
	KUNIT_EXPECT_PTR_EQ(test, c->match ? sp : NULL,
			    ipsec_spd_lookup(&init_net, &flow));
	rcu_read_unlock();
}

#define A	0x0a000001
#define B	0x0a000002
#define ANY	IPSEC_PROTO_ANY

static void spd_first_come(struct kunit *test)
{
	struct ipsec_sp *wide = add(test, 0, 0, 0, 0, ANY, 0, 100);
	struct ipsec_sp *narrow = add(test, A, 32, B, 32, 6, 80, 100);

	KUNIT_EXPECT_PTR_EQ(test, wide, find(A, B, 6, 80));
	ipsec_spd_delete(wide);
	KUNIT_EXPECT_PTR_EQ(test, narrow, find(A, B, 6, 80));
	KUNIT_EXPECT_NULL(test, find(A, B, 6, 81));
}

static void spd_priority_wins(struct kunit *test)
{
	struct ipsec_sp *late, *low;

	low = add(test, A, 32, B, 32, 6, 80, 0x80000000);
	late = add(test, 0, 0, 0, 0, ANY, 0, 5);
	KUNIT_EXPECT_PTR_EQ(test, late, find(A, B, 6, 80));
	/* Priorities are unsigned: the greatest number comes last. */
	add(test, A, 24, B, 24, ANY, 0, 0xffffffff);
	KUNIT_EXPECT_PTR_EQ(test, late, find(A, B, 6, 80));
	ipsec_spd_delete(late);
	KUNIT_EXPECT_PTR_EQ(test, low, find(A, B, 6, 80));
}

static void spd_equal_selector(struct kunit *test)
{
	struct ipsec_selector sel;
	struct ipsec_sp *sp, *same;

	sp = add(test, A, 24, B, 24, 17, 53, 7);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	KUNIT_EXPECT_NULL(test, add(test, A, 24, B, 24, 17, 53, 9));
	/* Bits behind the prefix make it another entry. */
	KUNIT_EXPECT_NOT_NULL(test, add(test, A & ~0xff, 24, B, 24, 17, 53, 9));
	sel = sp->sel;
	same = ipsec_spd_find(&init_net, IPSEC_OUT, &sel);
	KUNIT_EXPECT_PTR_EQ(test, sp, same);
	if (same)
		ipsec_sp_put(same);
	KUNIT_EXPECT_NULL(test, ipsec_spd_find(&init_net, IPSEC_IN, &sel));
}

static void spd_replace(struct kunit *test)
{
	struct ipsec_sp *old = add(test, A, 32, B, 32, ANY, 0, 1);
	struct ipsec_sp *sp = ipsec_sp_alloc(&init_net, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, old);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	sp->sel = old->sel;
	sp->dir = IPSEC_OUT;
	sp->priority = 900;
	KUNIT_EXPECT_EQ(test, 0, ipsec_spd_add(sp, true));
	KUNIT_EXPECT_PTR_EQ(test, sp, find(A, B, 6, 1));
	KUNIT_EXPECT_EQ(test, 1U, ipsec_spd_count(&init_net));
}

static void spd_ids(struct kunit *test)
{
	struct ipsec_sp *a = add(test, A, 32, B, 32, ANY, 0, 1);
	struct ipsec_sp *b = add(test, B, 32, A, 32, ANY, 0, 1);
	struct ipsec_sp *got;

	KUNIT_ASSERT_NOT_NULL(test, a);
	KUNIT_ASSERT_NOT_NULL(test, b);
	KUNIT_EXPECT_EQ(test, 1U, a->id % 8);
	KUNIT_EXPECT_NE(test, a->id, b->id);
	got = ipsec_spd_get(&init_net, a->id);
	KUNIT_EXPECT_PTR_EQ(test, a, got);
	if (got)
		ipsec_sp_put(got);
	KUNIT_EXPECT_NULL(test, ipsec_spd_get(&init_net, 0));
}

/* The numbers are used up: those of policies that are still there are passed over. */
static void spd_ids_again(struct kunit *test)
{
	/* The last one, what comes then, and both again. */
	static const u32 from[] = { BIT(29) - 1, 0, 1, BIT(29) - 1 };
	struct ipsec_spd *spd = &ipsec_net(&init_net)->spd;
	struct ipsec_sp *sp[ARRAY_SIZE(from)];
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sp); i++) {
		if (from[i])
			spd->next_id = from[i];
		sp[i] = add(test, A + i, 32, B, 32, ANY, 0, 1);
		KUNIT_ASSERT_NOT_NULL(test, sp[i]);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, sp[i]->id, sp[j]->id);
	}
	KUNIT_EXPECT_EQ(test, sp[1]->id / 8, 1U);
	for (i = 0; i < ARRAY_SIZE(sp); i++) {
		struct ipsec_sp *got = ipsec_spd_get(&init_net, sp[i]->id);

		KUNIT_EXPECT_PTR_EQ(test, sp[i], got);
		if (got)
			ipsec_sp_put(got);
	}
}

static void spd_walk_in_order(struct kunit *test)
{
	static const u32 priorities[] = { 30, 10, 20, 10, 40, 10 };
	struct ipsec_sp_cursor cursor = {};
	struct ipsec_sp *sp, *last = NULL;
	unsigned int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(priorities); i++)
		add(test, A + i, 32, B, 32, ANY, 0, priorities[i]);
	while ((sp = ipsec_spd_next(&init_net, IPSEC_OUT, &cursor))) {
		KUNIT_EXPECT_TRUE(test, !last || ipsec_sp_before(last, sp));
		last = sp;
		ipsec_sp_put(sp);
		n++;
	}
	KUNIT_EXPECT_EQ(test, (unsigned int)ARRAY_SIZE(priorities), n);
}

/* What a selector means, word by word. */
static bool selects(const struct ipsec_selector *sel,
		    const struct ipsec_flow *flow)
{
	return sel->family == flow->family &&
	       (sel->proto == ANY || sel->proto == flow->proto) &&
	       (!sel->sport || sel->sport == flow->sport) &&
	       (!sel->dport || sel->dport == flow->dport) &&
	       ipv6_prefix_equal(&sel->src.in6, &flow->src.in6,
				 sel->src_len) &&
	       ipv6_prefix_equal(&sel->dst.in6, &flow->dst.in6,
				 sel->dst_len);
}

/* The walk that the groups spare us. */
static struct ipsec_sp *slow_find(u32 src, u32 dst, u8 proto, u16 dport)
{
	struct ipsec_flow flow = {
		.dport = htons(dport), .proto = proto, .family = AF_INET,
	};
	struct ipsec_sp *sp, *found = NULL;
	struct ipsec_sp_cursor cursor = {};

	ipsec_addr_set4(&flow.src, htonl(src));
	ipsec_addr_set4(&flow.dst, htonl(dst));
	while (!found &&
	       (sp = ipsec_spd_next(&init_net, IPSEC_OUT, &cursor))) {
		if (selects(&sp->sel, &flow))
			found = sp;
		ipsec_sp_put(sp);
	}
	return found;
}

/* Random policies come and go; after each change, random flows. */
static void spd_against_walk(struct kunit *test)
{
	static const u8 lens[] = { 0, 8, 24, 30, 32 };
	struct ipsec_sp *sps[32] = {};
	struct rnd_state rnd;
	unsigned int i, j;

	prandom_seed_state(&rnd, 4301);
	for (i = 0; i < 200; i++) {
		u32 r = prandom_u32_state(&rnd);
		unsigned int slot = r % 32;

		if (sps[slot]) {
			ipsec_spd_delete(sps[slot]);
			sps[slot] = NULL;
		} else {
			sps[slot] = add(test, A + (r >> 6) % 8,
					lens[(r >> 9) % 5], B + (r >> 12) % 8,
					lens[(r >> 15) % 5],
					r >> 18 & 1 ? 17 : ANY,
					r >> 19 & 1 ? 53 : 0, (r >> 20) % 4);
		}
		for (j = 0; j < 2; j++) {
			u32 s, d;
			u16 port;

			r = prandom_u32_state(&rnd);
			s = A + r % 8;
			d = B + (r >> 3) % 8;
			port = r >> 6 & 1 ? 53 : 54;
			KUNIT_EXPECT_PTR_EQ(test, slow_find(s, d, 17, port),
					    find(s, d, 17, port));
		}
	}
}

#define CROWD	512

/*
 * Selectors that differ in bits which they mask: the best is found, each is found by
 * its selector, and when the best goes the next best is.
 */
static void spd_crowd(struct kunit *test)
{
	struct ipsec_sp *sp, *best;
	struct rnd_state rnd;
	unsigned int i;

	prandom_seed_state(&rnd, 4301);
	for (i = 0; i < CROWD; i++)
		KUNIT_ASSERT_NOT_NULL(test, add(test, i, 0, A, 8, 17, 53,
						prandom_u32_state(&rnd) % 64));
	KUNIT_EXPECT_NULL(test, add(test, CROWD / 2, 0, A, 8, 17, 53, 0));
	for (i = CROWD; i; i--) {
		best = find(A, B, 17, 53);
		KUNIT_ASSERT_PTR_EQ(test, slow_find(A, B, 17, 53), best);
		sp = ipsec_spd_find(&init_net, IPSEC_OUT, &best->sel);
		KUNIT_EXPECT_PTR_EQ(test, best, sp);
		if (sp)
			ipsec_sp_put(sp);
		KUNIT_EXPECT_EQ(test, i, ipsec_spd_count(&init_net));
		KUNIT_EXPECT_TRUE(test, ipsec_spd_delete(best));
	}
	KUNIT_EXPECT_NULL(test, find(A, B, 17, 53));
}

/*
 * A policy of one tuple of masks, of 33 * 33 * 2 without a look at ports. Only the
 * first is about A and B.
 */
static struct ipsec_sp *tuple(struct kunit *test, unsigned int n, u8 dir,
			      u8 family)
{
	struct ipsec_sp *sp = ipsec_sp_alloc(&init_net, 0, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, sp);
	ipsec_addr_set4(&sp->sel.src, htonl(~0U));
	ipsec_addr_set4(&sp->sel.dst, htonl(~0U));
	sp->sel.family = family;
	sp->sel.src_len = n % 33;
	sp->sel.dst_len = n / 33 % 33;
	sp->sel.proto = n / (33 * 33) ? 17 : ANY;
	sp->dir = dir;
	sp->type = IPSEC_SP_NONE;
	return sp;
}

static int add_tuple(struct kunit *test, unsigned int n, u8 dir, u8 family)
{
	struct ipsec_sp *sp = tuple(test, n, dir, family);
	int err = ipsec_spd_add(sp, false);

	if (err)
		ipsec_sp_put(sp);
	return err;
}

/* What a look-up has to probe is limited, each direction and family for itself. */
static void spd_tuples(struct kunit *test)
{
	unsigned int n = IPSEC_SPD_GROUPS_MAX, i;
	struct ipsec_sp *sp, *same;

	for (i = 0; i < n; i++)
		KUNIT_ASSERT_EQ(test, 0, add_tuple(test, i, IPSEC_OUT,
						   AF_INET));
	KUNIT_EXPECT_EQ(test, -ENOSPC, add_tuple(test, n, IPSEC_OUT, AF_INET));
	KUNIT_EXPECT_EQ(test, n, ipsec_spd_count(&init_net));
	KUNIT_EXPECT_EQ(test, 0, add_tuple(test, n, IPSEC_IN, AF_INET));
	KUNIT_EXPECT_EQ(test, 0, add_tuple(test, n, IPSEC_OUT, AF_INET6));
	same = tuple(test, 0, IPSEC_OUT, AF_INET);
	ipsec_addr_set4(&same->sel.src, htonl(A));
	KUNIT_EXPECT_EQ(test, 0, ipsec_spd_add(same, false));

	/* A tuple that is used no more makes room, with its last policy. */
	sp = find(A, B, 17, 53);
	KUNIT_ASSERT_NOT_NULL(test, sp);
	ipsec_spd_delete(sp);
	KUNIT_EXPECT_EQ(test, -ENOSPC, add_tuple(test, n, IPSEC_OUT, AF_INET));
	KUNIT_EXPECT_PTR_EQ(test, same, find(A, B, 17, 53));
	ipsec_spd_delete(same);
	KUNIT_EXPECT_EQ(test, 0, add_tuple(test, n, IPSEC_OUT, AF_INET));
	KUNIT_EXPECT_EQ(test, -ENOSPC, add_tuple(test, n + 1, IPSEC_OUT,
						 AF_INET));
}

static void spd_exit(struct kunit *test)
{
	ipsec_spd_flush(&init_net);
	KUNIT_EXPECT_EQ(test, 0U, ipsec_spd_count(&init_net));
}

static int spd_suite_init(struct kunit_suite *suite)
{
	return module_is_initialized() ? 0 : ipsec_netns_init();
}

static void spd_suite_exit(struct kunit_suite *suite)
{
	if (!module_is_initialized())
		ipsec_netns_exit();
}

static struct kunit_case spd_test_cases[] = {
	KUNIT_CASE_PARAM(spd_match, match_gen_params),
	KUNIT_CASE(spd_first_come),
	KUNIT_CASE(spd_priority_wins),
	KUNIT_CASE(spd_equal_selector),
	KUNIT_CASE(spd_replace),
	KUNIT_CASE(spd_ids),
	KUNIT_CASE(spd_ids_again),
	KUNIT_CASE(spd_walk_in_order),
	KUNIT_CASE(spd_against_walk),
	KUNIT_CASE(spd_crowd),
	KUNIT_CASE(spd_tuples),
	{}
};

static struct kunit_suite spd_suite = {
	.name		= "ipsec_spd",
	.suite_init	= spd_suite_init,
	.suite_exit	= spd_suite_exit,
	.exit		= spd_exit,
	.test_cases	= spd_test_cases,
};

kunit_test_suite(spd_suite);
