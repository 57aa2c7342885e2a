// SPDX-License-Identifier: GPL-2.0-only
/* Counting, and the one way to drop a packet. */
#include <linux/net.h>
#include <linux/skbuff.h>
#include <ipsec/netns.h>
#include "net.h"

/* One initialiser of the table below. */
#define STAT_NAME(name)		\
	[IPSEC_STAT_##name] = #name,

const char *const ipsec_stat_names[IPSEC_STAT_MAX] = {
	IPSEC_STATS(STAT_NAME)
};

/**
 * ipsec_count() - count an event
 * @net: the namespace
 * @stat: which
 *
 * Context: any but hard interrupts.
 */
void ipsec_count(struct net *net, enum ipsec_stat stat)
{
	this_cpu_inc(ipsec_net(net)->stats->n[stat]);
}

/**
 * ipsec_stat_read() - the value of a counter
 * @net: the namespace
 * @stat: which
 *
 * Return: the sum over all CPUs.
 */
unsigned long ipsec_stat_read(struct net *net, enum ipsec_stat stat)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(ipsec_net(net)->stats, cpu)->n[stat];
	return sum;
}

/* Why, for the administrator who set net.inet.ipsec.debug; never a key. */
static void explain(const struct sk_buff *skb, enum ipsec_stat reason,
		    const struct ipsec_sa *sa, const struct ipsec_sp *sp)
{
	const char *why = ipsec_stat_names[reason];
	u32 spi = sa ? ntohl(sa->key.spi) : 0;
	u32 policy = sp ? sp->id : 0;

	if (!net_ratelimit())
		return;
	if (skb->protocol == htons(ETH_P_IPV6))
		pr_info("ipsec: %s: %pI6c > %pI6c spi 0x%08x policy %u\n", why,
			&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr, spi,
			policy);
	else
		pr_info("ipsec: %s: %pI4 > %pI4 spi 0x%08x policy %u\n", why,
			&ip_hdr(skb)->saddr, &ip_hdr(skb)->daddr, spi, policy);
}

/**
 * ipsec_drop() - drop a packet: count it, explain it, free it
 * @net: the namespace
 * @skb: the packet, its network header set
 * @reason: the counter
 * @sa: the SA it was using, or NULL
 * @sp: the policy it fell under, or NULL
 *
 * Context: any but hard interrupts, no lock held.
 */
void ipsec_drop(struct net *net, struct sk_buff *skb, enum ipsec_stat reason,
		const struct ipsec_sa *sa, const struct ipsec_sp *sp)
{
	ipsec_count(net, reason);
	if (unlikely(READ_ONCE(ipsec_net(net)->knobs.debug)))
		explain(skb, reason, sa, sp);
	kfree_skb(skb);
}
