// SPDX-License-Identifier: GPL-2.0-only
/* Counting, and the one way to drop a packet. */
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <net/dst.h>
#include <ipsec/log.h>
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

/* One end of a packet, with its port where there is one. */
static void explain_end(char *text, size_t size, const struct ipsec_flow *flow,
			const union ipsec_addr *addr, __be16 port)
{
	int n;

	if (flow->family == AF_INET)
		n = scnprintf(text, size, "%pI4", &addr->a4);
	else
		n = scnprintf(text, size, "%pI6c", &addr->in6);
	if (port)
		scnprintf(text + n, size - n, "[%u]", ntohs(port));
}

static const char *proto_name(u8 proto)
{
	switch (proto) {
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	default:
		return "ipcomp";
	}
}

/* The policy, and the request that was not met. */
static void explain_policy(char *text, size_t size, const struct ipsec_sp *sp,
			   int rule)
{
	const struct ipsec_request *req;
	int n;

	if (!sp) {
		strscpy(text, "no policy", size);
		return;
	}
	n = scnprintf(text, size, "policy %u", sp->id);
	if (rule < 0 || rule >= sp->n_requests)
		return;
	req = &sp->requests[rule];
	scnprintf(text + n, size - n, ", no SA for request %d: %s/%s", rule + 1,
		  proto_name(req->proto),
		  req->mode == IPSEC_MODE_KIND_TUNNEL ? "tunnel" : "transport");
}

/*
 * Where a packet came in, or else where it goes. Not by skb->dev, to which a packet
 * whose crypto took a while holds no reference.
 */
static const struct net_device *device(struct net *net,
				       const struct sk_buff *skb)
{
	if (skb->skb_iif)
		return dev_get_by_index_rcu(net, skb->skb_iif);
	return skb_dst(skb) ? READ_ONCE(skb_dst(skb)->dev) : NULL;
}

/* Why, for the administrator who set net.inet.ipsec.debug; never a key. */
static void explain(struct net *net, struct sk_buff *skb,
		    enum ipsec_stat reason, const struct ipsec_sa *sa,
		    const struct ipsec_sp *sp, int rule)
{
	char src[64], dst[64], policy[64];
	struct ipsec_flow flow;
	u32 hidden;

	if (!ipsec_log_take(net, reason, &hidden))
		return;
	/* What cannot be read of the headers is zero. */
	ipsec_flow_from_skb(&flow, skb, ip_hdr(skb)->version == 6 ? AF_INET6 :
			    AF_INET, IPSEC_OUT);
	explain_end(src, sizeof(src), &flow, &flow.src, flow.sport);
	explain_end(dst, sizeof(dst), &flow, &flow.dst, flow.dport);
	explain_policy(policy, sizeof(policy), sp, rule);
	rcu_read_lock();
	ipsec_log_line(net, device(net, skb), hidden,
		       "%s: %s > %s proto %u, spi 0x%08x, %s",
		       ipsec_stat_names[reason], src, dst, flow.proto,
		       sa ? ntohl(sa->key.spi) : 0, policy);
	rcu_read_unlock();
}

static void drop(struct net *net, struct sk_buff *skb, enum ipsec_stat reason,
		 const struct ipsec_sa *sa, const struct ipsec_sp *sp, int rule)
{
	ipsec_count(net, reason);
	if (unlikely(READ_ONCE(ipsec_net(net)->knobs.debug)))
		explain(net, skb, reason, sa, sp, rule);
	kfree_skb(skb);
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
	drop(net, skb, reason, sa, sp, -1);
}

/**
 * ipsec_drop_rule() - drop a packet for want of an SA
 * @net: the namespace
 * @skb: the packet
 * @reason: the counter
 * @sp: the policy that decided, or NULL
 * @rule: its request that was not met, or -1
 *
 * Context: as ipsec_drop().
 */
void ipsec_drop_rule(struct net *net, struct sk_buff *skb,
		     enum ipsec_stat reason, const struct ipsec_sp *sp,
		     int rule)
{
	drop(net, skb, reason, NULL, sp, rule);
}
