// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that arrive before the keys of their SA. When SAs are renewed, the first end
 * to have the new one may send in it while the other has no more than the SPI that
 * GETSPI reserved: a few packets wait there for UPDATE, instead of being lost.
 */
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>
#include <net/ip.h>
#include <ipsec/sa.h>
#include "net.h"

/* Of one SA. Key managers load keys within a few packets, or never. */
#define EARLY_MAX	16

/**
 * struct early - what is kept in the control block of a packet that waits
 * @header: what the IP layer noted, and will look at again
 * @encap_type: 0, or what the core took ESP out of, UDP_ENCAP_*
 */
struct early {
	union {
		struct inet_skb_parm	v4;
		struct inet6_skb_parm	v6;
	} header;
	int	encap_type;
};

static struct early *early_of(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct early) > sizeof(skb->cb));
	return (struct early *)skb->cb;
}

/**
 * ipsec_early_keep() - let a packet wait for the keys of its SA
 * @sa: the SA that its destination and SPI name
 * @skb: the packet, data at its ESP, AH or IPComp header
 * @encap_type: as for ipsec_input()
 *
 * The upkeep ends the wait: IPSEC_EARLY_SECONDS after the first of them, if no
 * keys come. Each keeps its device, and none the SA, which they end with. One whose
 * route goes meanwhile is received anew when it was opened, see ipsec_stack_deliver().
 *
 * Context: RCU read side, BH disabled. Return: whether it was taken over; not when
 * the SA waits for no keys, or as many packets as may are waiting.
 */
bool ipsec_early_keep(struct ipsec_sa *sa, struct sk_buff *skb, int encap_type)
{
	bool kept, first;

	spin_lock(&sa->lock);
	first = skb_queue_empty(&sa->early);
	kept = sa->state == IPSEC_SA_LARVAL &&
	       skb_queue_len(&sa->early) < EARLY_MAX;
	if (kept) {
		early_of(skb)->encap_type = encap_type;
		dev_hold(skb->dev);
		skb_dst_force(skb);
		__skb_queue_tail(&sa->early, skb);
	}
	spin_unlock(&sa->lock);
	if (!kept)
		return false;
	ipsec_count(sa->net, IPSEC_STAT_in_early);
	if (first)
		ipsec_sa_arm(sa);
	return true;
}

/**
 * ipsec_early_move() - the keys have come
 * @larval: the SA that was reserved, dead by now: it takes no more packets
 * @sa: the one that replaced it, in the SAD
 *
 * The upkeep goes on from there, where no lock of a key manager is held.
 *
 * Context: process.
 */
void ipsec_early_move(struct ipsec_sa *larval, struct ipsec_sa *sa)
{
	struct sk_buff_head early;

	__skb_queue_head_init(&early);
	spin_lock_bh(&larval->lock);
	skb_queue_splice_init(&larval->early, &early);
	spin_unlock_bh(&larval->lock);
	if (skb_queue_empty(&early))
		return;
	spin_lock_bh(&sa->lock);
	skb_queue_splice_tail(&early, &sa->early);
	if (sa->state != IPSEC_SA_DEAD)
		ipsec_sa_due(sa, ktime_get_coarse_boottime());
	spin_unlock_bh(&sa->lock);
}

/**
 * ipsec_early_end() - nothing waits any longer
 * @sa: the SA; who looks at it now finds it usable, or it was too late
 *
 * Context: BH disabled, no lock held.
 */
void ipsec_early_end(struct ipsec_sa *sa)
{
	struct sk_buff_head early;
	struct sk_buff *skb;

	__skb_queue_head_init(&early);
	spin_lock(&sa->lock);
	skb_queue_splice_init(&sa->early, &early);
	spin_unlock(&sa->lock);

	rcu_read_lock();
	while ((skb = __skb_dequeue(&early))) {
		struct net_device *dev = skb->dev;

		if (ipsec_sa_usable(sa))
			ipsec_input(skb, sa, early_of(skb)->encap_type);
		else
			ipsec_drop(sa->net, skb, IPSEC_STAT_in_badspi, sa, NULL);
		dev_put(dev);
	}
	rcu_read_unlock();
}
