// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a packet goes back to the stack: sent when it is protected, let go when it needs
 * nothing, delivered when it was opened.
 */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/xfrm.h>
#include <ipsec/netns.h>
#include "net.h"

/*
 * The stack takes the socket that pays for a packet for one that knows IP. Others stop
 * to pay here.
 */
static void orphan_stranger(struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (sk && sk->sk_family != AF_INET && sk->sk_family != AF_INET6)
		skb_orphan(skb);
}

/**
 * ipsec_stack_send() - send a packet that went through all its SAs
 * @net: the namespace
 * @skb: the packet, its data at the IP header, its route set
 * @pmtu: what is known of its path, 0 = no more than its route
 *
 * Marked, so that neither we nor native IPsec take it for plaintext. If it is too
 * long, by its route's MTU or by @pmtu, the stack fragments it. It has no sender: the
 * programs of his control group have seen what he sent, and nobody is told of errors.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_stack_send(struct net *net, struct sk_buff *skb, u32 pmtu)
{
	if (likely(!pmtu) || skb->len <= pmtu || pmtu >= dst_mtu(skb_dst(skb)))
		pmtu = 0;
	orphan_stranger(skb);
	nf_reset_ct(skb);
	secpath_reset(skb);
	skb->encapsulation = 0;
	skb->ip_summed = CHECKSUM_NONE;
	skb->ignore_df = 1;
	memset(skb->cb, 0, sizeof(skb->cb));
	if (ipsec_skb_family(skb) == AF_INET) {
		IPCB(skb)->flags = IPSKB_XFRM_TRANSFORMED;
		IPCB(skb)->frag_max_size = pmtu;
		ip_local_out(net, NULL, skb);
	} else {
		IP6CB(skb)->flags = IP6SKB_XFRM_TRANSFORMED;
		IP6CB(skb)->frag_max_size = pmtu;
		ip6_local_out(net, NULL, skb);
	}
}

/**
 * ipsec_stack_resume() - let a packet go on that its SAs left as it was
 * @net: the namespace
 * @skb: the packet, its data at the IP header, its route set
 *
 * It has been through POST_ROUTING already: no second time, and its connection
 * stays what it is.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_stack_resume(struct net *net, struct sk_buff *skb)
{
	orphan_stranger(skb);
	memset(skb->cb, 0, sizeof(skb->cb));
	if (ipsec_skb_family(skb) == AF_INET)
		IPCB(skb)->flags = IPSKB_REROUTED;
	else
		IP6CB(skb)->flags = IP6SKB_REROUTED;
	dst_output(net, NULL, skb);
}

static int deliver_finish(struct net *net, struct sock *sk,
			  struct sk_buff *skb)
{
	if (likely(skb_dst(skb)))
		return dst_input(skb);
	/* Address translation in PRE_ROUTING took the route: find another. */
	netif_rx(skb);
	return 0;
}

/**
 * ipsec_stack_receive() - receive an opened packet
 * @net: the namespace
 * @skb: as for ipsec_stack_deliver(), which comes before
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_stack_receive(struct net *net, struct sk_buff *skb)
{
	bool v4 = ipsec_skb_family(skb) == AF_INET;

	if (!skb_dst(skb)) {
		memset(skb->cb, 0, sizeof(skb->cb));
		netif_rx(skb);
		return;
	}
	NF_HOOK(v4 ? NFPROTO_IPV4 : NFPROTO_IPV6, NF_INET_PRE_ROUTING, net,
		NULL, skb, skb->dev, NULL, deliver_finish);
}

/* Whether somebody else has a hook in PRE_ROUTING, and we none yet. */
static bool arrivals_watched(struct net *net, const struct sk_buff *skb)
{
	const struct netns_nf *nf = &net->nf;
	const void *hooks;

	if (ipsec_skb_family(skb) == AF_INET)
		hooks = rcu_access_pointer(nf->hooks_ipv4[NF_INET_PRE_ROUTING]);
	else
		hooks = rcu_access_pointer(nf->hooks_ipv6[NF_INET_PRE_ROUTING]);
	return hooks && !READ_ONCE(ipsec_net(net)->arrivals.shown);
}

/**
 * ipsec_stack_deliver() - give an opened packet back to the stack
 * @net: the namespace
 * @skb: the packet, its data at the IP header; without a route, because it came out
 *       of a tunnel or the route went while it waited, it begins anew, else it goes
 *       on where it was taken
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_stack_deliver(struct net *net, struct sk_buff *skb)
{
	nf_reset_ct(skb);
	if (unlikely(arrivals_watched(net, skb)) && ipsec_arrivals_wait(net, skb))
		return;
	ipsec_stack_receive(net, skb);
}
