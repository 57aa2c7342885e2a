// SPDX-License-Identifier: GPL-2.0-only
/* Which SAs a packet came through: what the firewall sees of them, and what the core. */
#include <kunit/test.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/netdevice.h>
#include <linux/rcupdate.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/net_namespace.h>
#include <net/xfrm.h>
#include <ipsec/sa.h>
#include "../../net/net.h"

/**
 * struct history_case - one row
 * @name: what it shows
 * @tunnels: of each SA that the packet came through whether it was a tunnel
 * @n: how many they are
 */
struct history_case {
	const char	*name;
	bool		tunnels[3];
	unsigned int	n;
};

static const struct history_case cases[] = {
	{ "transport", { false }, 1 },
	{ "a tunnel", { true }, 1 },
	{ "transport in a tunnel", { true, false }, 2 },
	{ "a tunnel in transport", { false, true }, 2 },
	{ "tunnels in each other", { true, true, true }, 3 },
};

static void case_name(const struct history_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(history, cases, case_name);

/* Not in any table; its stand-ins end with it. */
static struct ipsec_sa *sa_make(struct kunit *test, u32 spi)
{
	struct ipsec_sa *sa = kunit_kzalloc(test, sizeof(*sa), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, sa);
	sa->net = &init_net;
	sa->key.spi = htonl(spi);
	sa->key.proto = IPPROTO_ESP;
	sa->key.family = AF_INET;
	return sa;
}

/* A UDP datagram that has arrived. */
static struct sk_buff *packet_make(struct kunit *test)
{
	struct sk_buff *skb = alloc_skb(128, GFP_KERNEL);
	struct iphdr *iph;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, skb);
	iph = skb_put_zero(skb, sizeof(*iph) + sizeof(struct udphdr));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tot_len = htons(skb->len);
	iph->protocol = IPPROTO_UDP;
	skb->protocol = htons(ETH_P_IP);
	skb->dev = init_net.loopback_dev;
	return skb;
}

/* As it asks before a socket gets the packet. */
static bool core_takes(struct sk_buff *skb)
{
	bool taken;

	rcu_read_lock();
	taken = __xfrm_policy_check(NULL, XFRM_POLICY_IN, skb, AF_INET);
	rcu_read_unlock();
	return taken;
}

static u8 mode_of(const struct sk_buff *skb, unsigned int i)
{
	return skb_sec_path(skb)->xvec[i]->props.mode;
}

static void expect_shown(struct kunit *test, const struct history_case *c,
			 struct sk_buff *skb)
{
	bool any = false;
	unsigned int i;

	for (i = 0; i < c->n; i++) {
		KUNIT_EXPECT_EQ(test, mode_of(skb, i), c->tunnels[i] ?
				XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT);
		any |= c->tunnels[i];
	}
	/* Had a hook of ours gone that was to hide them, that is no more than a drop. */
	KUNIT_EXPECT_EQ(test, core_takes(skb), !any);
}

static void expect_hidden(struct kunit *test, const struct history_case *c,
			  struct sk_buff *skb)
{
	unsigned int i;

	for (i = 0; i < c->n; i++)
		KUNIT_EXPECT_EQ(test, mode_of(skb, i), XFRM_MODE_TRANSPORT);
	KUNIT_EXPECT_TRUE(test, core_takes(skb));
}

static void shown_and_hidden(struct kunit *test)
{
	const struct history_case *c = test->param_value;
	struct ipsec_sa *sas[ARRAY_SIZE(c->tunnels)];
	struct sk_buff *skb = packet_make(test);
	unsigned int i;

	local_bh_disable();
	for (i = 0; i < c->n; i++) {
		sas[i] = sa_make(test, 0x1000 + i);
		KUNIT_ASSERT_TRUE(test, ipsec_history_push(skb, sas[i], c->tunnels[i]));
	}
	local_bh_enable();
	rcu_read_lock();
	expect_hidden(test, c, skb);
	ipsec_history_show(skb);
	expect_shown(test, c, skb);
	ipsec_history_hide(skb);
	expect_hidden(test, c, skb);
	ipsec_history_show(skb);
	expect_shown(test, c, skb);
	rcu_read_unlock();

	/* A packet may outlive them. */
	for (i = 0; i < c->n; i++)
		ipsec_history_end(sas[i]);
	synchronize_rcu();
	for (i = 0; i < c->n; i++)
		ipsec_history_release(sas[i]);
	expect_hidden(test, c, skb);
	kfree_skb(skb);
}

static struct kunit_case history_cases[] = {
	KUNIT_CASE_PARAM(shown_and_hidden, history_gen_params),
	{}
};

static struct kunit_suite history_suite = {
	.name = "ipsec_history",
	.test_cases = history_cases,
};

kunit_test_suite(history_suite);
