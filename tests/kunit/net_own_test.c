// SPDX-License-Identifier: GPL-2.0-only
/* The buffer that a packet is protected in: whose it is, and its room. */
#include <kunit/test.h>
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <net/route.h>
#include "../../net/net.h"

/* What becomes of the buffer: nothing, its bytes move, or another takes over. */
enum fate { STAYS, MOVES, ANOTHER };

/* How a packet may share its bytes. */
enum shape { ALONE, CLONED, PAGE };

/**
 * struct own_case - one row
 * @name: what it shows
 * @shape: with whom the packet shares its bytes
 * @head: bytes free in front of it
 * @tail: and behind
 * @front: bytes that are needed in front of it
 * @behind: and behind
 * @fate: what becomes of the buffer
 */
struct own_case {
	const char	*name;
	enum shape	shape;
	unsigned int	head, tail;
	unsigned int	front, behind;
	enum fate	fate;
};

static const struct own_case cases[] = {
	{ "room at both ends", ALONE, 64, 64, 64, 64, STAYS },
	{ "nothing needed", ALONE, 0, 0, 0, 0, STAYS },
	{ "no headroom", ALONE, 0, 104, 40, 64, MOVES },
	{ "no headroom and nothing to spare", ALONE, 0, 64, 40, 64, ANOTHER },
	{ "no tailroom", ALONE, 104, 0, 40, 64, MOVES },
	{ "no tailroom and nothing to spare", ALONE, 40, 0, 40, 64, ANOTHER },
	{ "neither", ALONE, 0, 0, 40, 64, ANOTHER },
	{ "one byte short in front", ALONE, 39, 72, 40, 64, MOVES },
	{ "one byte short in front, seven to spare", ALONE, 39, 71, 40, 64,
	  ANOTHER },
	{ "one byte short behind", ALONE, 48, 63, 40, 64, MOVES },
	{ "one byte short behind, seven to spare", ALONE, 47, 63, 40, 64,
	  ANOTHER },
	{ "one byte short at both ends", ALONE, 39, 63, 40, 64, ANOTHER },
	{ "cloned", CLONED, 64, 64, 40, 64, ANOTHER },
	{ "cloned, without room", CLONED, 0, 0, 40, 64, ANOTHER },
	{ "in a page", PAGE, 64, 64, 40, 64, ANOTHER },
	{ "in a page, without room", PAGE, 0, 0, 40, 64, ANOTHER },
};

static void case_name(const struct own_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(own, cases, case_name);

#define IN_PAGE	100

/* Bytes counted up, some of them in a page if the row says so. */
static struct sk_buff *make(struct kunit *test, const struct own_case *c)
{
	struct sk_buff *skb = alloc_skb(600, GFP_KERNEL);
	unsigned int i, len;
	struct page *page;
	u8 *data;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	len = skb_tailroom(skb) - c->head - c->tail;
	skb_reserve(skb, c->head);
	data = skb_put(skb, len);
	for (i = 0; i < len; i++)
		data[i] = i;
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(struct iphdr));
	if (c->shape != PAGE)
		return skb;
	page = alloc_page(GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page);
	data = page_address(page);
	for (i = 0; i < IN_PAGE; i++)
		data[i] = len + i;
	skb_add_rx_frag(skb, 0, page, 0, IN_PAGE, PAGE_SIZE);
	return skb;
}

/* Whether the packet's bytes still count up. */
static bool unharmed(const struct sk_buff *skb, unsigned int len)
{
	unsigned int i;

	for (i = 0; i < skb->len; i++)
		if (skb->data[i] != (u8)i)
			return false;
	return skb->len == len;
}

static void own(struct kunit *test)
{
	const struct own_case *c = test->param_value;
	struct sk_buff *skb = make(test, c), *clone = NULL, *mine;
	unsigned long align = (unsigned long)skb->data % 8;
	const u8 *head = skb->head, *data = skb->data;
	unsigned int len = skb->len;
	enum fate fate;

	if (c->shape == CLONED) {
		clone = skb_clone(skb, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, clone);
	}
	mine = ipsec_output_own(skb, c->front, c->behind);
	KUNIT_ASSERT_NOT_NULL(test, mine);
	fate = mine->head != head ? ANOTHER : mine->data != data ? MOVES : STAYS;
	KUNIT_EXPECT_EQ(test, fate, c->fate);
	KUNIT_EXPECT_FALSE(test, skb_is_nonlinear(mine));
	KUNIT_EXPECT_FALSE(test, skb_cloned(mine));
	KUNIT_EXPECT_GE(test, skb_headroom(mine), c->front);
	KUNIT_EXPECT_GE(test, (unsigned int)skb_tailroom(mine), c->behind);
	KUNIT_EXPECT_TRUE(test, unharmed(mine, len));
	KUNIT_EXPECT_PTR_EQ(test, skb_network_header(mine), mine->data);
	KUNIT_EXPECT_EQ(test, skb_transport_offset(mine),
			(int)sizeof(struct iphdr));
	if (c->shape == ALONE)
		KUNIT_EXPECT_EQ(test, (unsigned long)mine->data % 8, align);
	if (clone) {
		/* What is written into ours is not seen by the other. */
		memset(mine->data, 0xff, len);
		KUNIT_EXPECT_TRUE(test, unharmed(clone, len));
		consume_skb(clone);
	}
	consume_skb(mine);
}

/*
 * A packet may be left without a route, while its crypto needs one that stays: it only
 * borrowed a route whose last reference went in the same RCU section.
 */
static void test_route_gone(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(64, GFP_KERNEL);
	struct rtable *rt;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	rt = rt_dst_alloc(init_net.loopback_dev, 0, RTN_UNICAST, false);
	if (rt) {
		rcu_read_lock();
		skb_dst_set_noref(skb, &rt->dst);
		KUNIT_EXPECT_TRUE(test, ipsec_output_hold(skb));
		skb_dst_drop(skb);
		skb_dst_set_noref(skb, &rt->dst);
		dst_release(&rt->dst);
		KUNIT_EXPECT_FALSE(test, ipsec_output_hold(skb));
		KUNIT_EXPECT_NULL(test, skb_dst(skb));
		rcu_read_unlock();
	}
	kfree_skb(skb);
	KUNIT_ASSERT_NOT_NULL(test, rt);
}

static struct kunit_case own_cases[] = {
	KUNIT_CASE_PARAM(own, own_gen_params),
	KUNIT_CASE(test_route_gone),
	{}
};

static struct kunit_suite own_suite = {
	.name		= "ipsec_own",
	.test_cases	= own_cases,
};

kunit_test_suite(own_suite);
