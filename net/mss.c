// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSS option of TCP made small enough for what protection adds, as
 * net.inet.ipsec.mss_clamp asks. It helps where ICMP errors do not arrive: a
 * connection whose two first packets passed here never sends what is too long.
 */
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>
#include <ipsec/compat.h>
#include "net.h"

/* Less than every host has to take is never asked for, but by the knob. */
#define MIN_MSS4	536U
#define MIN_MSS6	1220U

/* Where the TCP header is, or a negative number. */
static int tcp_place(const struct sk_buff *skb, sa_family_t family)
{
	__be16 frag_off;
	u8 nexthdr;
	int place;

	/* An ICMP error may go by the route of TCP, see quote.c. */
	if (family == AF_INET)
		return ip_hdr(skb)->protocol == IPPROTO_TCP ? ip_hdrlen(skb) :
							      -ENOENT;
	nexthdr = ipv6_hdr(skb)->nexthdr;
	place = ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr,
				 &frag_off);
	return nexthdr == IPPROTO_TCP && !frag_off ? place : -ENOENT;
}

/* Writes a smaller value into the option whose two bytes are at @opt. */
static void lower(struct sk_buff *skb, struct tcphdr *th, u8 *opt, u16 mss)
{
	__be16 old = get_unaligned((__be16 *)opt), new = htons(mss);

	put_unaligned(new, (__be16 *)opt);
	/* The device will compute it. */
	if (skb->ip_summed == CHECKSUM_PARTIAL)
		return;
	/* The sum is over words: an option at an odd place is in two of them. */
	if ((opt - (u8 *)th) % 2) {
		old = (__force __be16)swab16((__force u16)old);
		new = (__force __be16)swab16((__force u16)new);
	}
	inet_proto_csum_replace2(&th->check, skb, old, new, false);
}

/* The value of the option in a TCP header of @len bytes, or NULL without one. */
static u8 *mss_option(struct tcphdr *th, unsigned int len)
{
	u8 *opt = (u8 *)th;
	unsigned int i, step;

	for (i = sizeof(*th); i < len && opt[i] != TCPOPT_EOL; i += step) {
		step = 1;
		if (opt[i] == TCPOPT_NOP)
			continue;
		if (i + 1 >= len || opt[i + 1] < 2 || i + opt[i + 1] > len)
			break;
		step = opt[i + 1];
		if (opt[i] == TCPOPT_MSS && step == TCPOLEN_MSS)
			return opt + i + 2;
	}
	return NULL;
}

/* Where the TCP header of a packet that opens a connection is; negative: none does. */
static int syn_place(struct sk_buff *skb, sa_family_t family)
{
	int place = tcp_place(skb, family);
	const struct tcphdr *th;

	if (place < 0 || !pskb_may_pull(skb, place + sizeof(*th)))
		return -1;
	th = (struct tcphdr *)(skb->data + place);
	return th->syn && __tcp_hdrlen(th) >= sizeof(*th) ? place : -1;
}

/* Looks for the option in the header at @place. */
static void clamp_mss(struct net *net, struct sk_buff *skb, int place, u16 mss)
{
	struct tcphdr *th = (struct tcphdr *)(skb->data + place);
	unsigned int len = __tcp_hdrlen(th);
	u8 *opt;

	/* What we may write to is shared with the sender's queue. */
	if (skb_ensure_writable(skb, place + len))
		return;
	th = (struct tcphdr *)(skb->data + place);
	opt = mss_option(th, len);
	if (!opt || get_unaligned_be16(opt) <= mss)
		return;
	lower(skb, th, opt, mss);
	ipsec_count(net, IPSEC_STAT_mss_clamped);
}

/* The MSS for packets that may be @mtu long, as the knob wants it. */
static u16 mss_of(struct net *net, sa_family_t family, unsigned int mtu)
{
	int knob = READ_ONCE(ipsec_knobs_of(ipsec_net(net), family)->mss_clamp);
	unsigned int headers, mss;

	headers = sizeof(struct tcphdr) + (family == AF_INET ?
			sizeof(struct iphdr) : sizeof(struct ipv6hdr));
	mss = mtu - min(mtu, headers);
	mss = max(mss, family == AF_INET ? MIN_MSS4 : MIN_MSS6);
	return knob > 1 ? min_t(unsigned int, mss, knob) : mss;
}

/**
 * ipsec_mss_clamp_out() - see to the MSS in a TCP packet that will be protected
 * @net: the namespace
 * @skb: the packet
 * @route: what it is about to be protected by
 *
 * What our host, or one behind us, announces: the other end's packets then fit
 * if its tunnel is like ours.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_mss_clamp_out(struct net *net, struct sk_buff *skb,
			 const struct ipsec_route *route)
{
	sa_family_t family = route->flow.family;
	int place = syn_place(skb, family);

	if (place >= 0)
		clamp_mss(net, skb, place, mss_of(net, family, route->mtu));
}

/**
 * ipsec_mss_clamp_in() - see to the MSS in a TCP packet that was received
 * @net: the namespace
 * @skb: the packet, its data at the IP header
 * @flow: its flow
 *
 * What the other end announces, if our packets to it will be protected. Without
 * a tunnel they leave, in all likelihood, where this one came from.
 *
 * Context: RCU read side.
 */
void ipsec_mss_clamp_in(struct net *net, struct sk_buff *skb,
			const struct ipsec_flow *flow)
{
	int place = syn_place(skb, flow->family);
	struct ipsec_flow back = *flow;
	struct ipsec_decision decision;
	unsigned int mtu;

	if (place < 0)
		return;
	back.dir = IPSEC_OUT;
	swap(back.src, back.dst);
	swap(back.sport, back.dport);
	local_bh_disable();
	ipsec_output_decide(net, &back, &decision);
	if (decision.verdict == IPSEC_PROTECT) {
		mtu = ipsec_outer_mtu(&decision, &back,
				      READ_ONCE(skb->dev->mtu));
		mtu = ipsec_inner_mtu(&decision, flow->family, mtu);
		clamp_mss(net, skb, place, mss_of(net, flow->family, mtu));
	}
	local_bh_enable();
}
