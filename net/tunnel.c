// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tunnels: the outer header put on and taken off (RFC 4301 section 5.1.2), DF
 * and congestion notification as net.inet.ipsec.dfbit and .ecn ask.
 */
#include <net/dst_cache.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <ipsec/xform.h>
#include "net.h"

/* Values of the knob dfbit. */
enum { DFBIT_CLEAR, DFBIT_SET, DFBIT_COPY };

/* Values of the knob ecn. */
enum { ECN_NOCARE = -1, ECN_FORBIDDEN, ECN_ALLOWED };

static struct dst_entry *route4(struct ipsec_sa *sa)
{
	struct flowi4 fl4 = {
		.saddr	= sa->ends.saddr.a4,
		.daddr	= sa->ends.daddr.a4,
	};
	struct rtable *rt;

	rt = ip_route_output_key(sa->net, &fl4);
	if (IS_ERR(rt))
		return NULL;
	dst_cache_set_ip4(&sa->outer_dst, &rt->dst, fl4.saddr);
	return &rt->dst;
}

static struct dst_entry *route6(struct ipsec_sa *sa)
{
	struct flowi6 fl6 = {
		.saddr	= sa->ends.saddr.in6,
		.daddr	= sa->ends.daddr.in6,
	};
	struct dst_entry *dst;

	dst = ip6_route_output(sa->net, NULL, &fl6);
	if (dst->error) {
		dst_release(dst);
		return NULL;
	}
	dst_cache_set_ip6(&sa->outer_dst, dst, &fl6.saddr);
	return dst;
}

/**
 * ipsec_tunnel_dst() - the route of a tunnel's outer packets
 * @sa: the SA
 *
 * Kept on each CPU and looked up again only when routes changed.
 *
 * Context: BH disabled. Return: the route with a reference for the caller, or
 * NULL without a route.
 */
struct dst_entry *ipsec_tunnel_dst(struct ipsec_sa *sa)
{
	struct dst_entry *dst = dst_cache_get(&sa->outer_dst);

	if (likely(dst))
		return dst;
	return sa->ends.family == AF_INET ? route4(sa) : route6(sa);
}

/* The outer DS field and ECN bits for a packet with @inner (RFC 6040 4.1). */
static u8 outer_tos(int ecn, u8 inner)
{
	switch (ecn) {
	case ECN_ALLOWED:
		return INET_ECN_encapsulate(inner, inner);
	case ECN_FORBIDDEN:
		return inner & ~INET_ECN_MASK;
	default:
		return inner;
	}
}

/**
 * struct inner - what the outer header takes from the inner one
 * @tos: type of service or traffic class
 * @df: DF of an IPv4 packet
 * @label: flow label of an IPv6 packet
 * @proto: how the outer header calls it: IPPROTO_IPIP or IPPROTO_IPV6
 */
struct inner {
	u8	tos;
	bool	df;
	__be32	label;
	u8	proto;
};

static void inner_read(struct inner *inner, const struct sk_buff *skb)
{
	*inner = (struct inner){};
	if (ipsec_skb_family(skb) == AF_INET) {
		inner->tos = ip_hdr(skb)->tos;
		inner->df = !!(ip_hdr(skb)->frag_off & htons(IP_DF));
		inner->proto = IPPROTO_IPIP;
	} else {
		inner->tos = ipv6_get_dsfield(ipv6_hdr(skb));
		inner->label = ip6_flowlabel(ipv6_hdr(skb));
		inner->proto = IPPROTO_IPV6;
	}
}

static void push_ip4(struct sk_buff *skb, const struct ipsec_sa *sa,
		     const struct inner *inner, struct dst_entry *dst)
{
	const struct ipsec_knobs *knobs = &ipsec_net(sa->net)->knobs;
	int dfbit = READ_ONCE(knobs->dfbit);
	struct iphdr *iph;
	bool df;

	df = dfbit == DFBIT_SET || (dfbit == DFBIT_COPY && inner->df);
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = outer_tos(READ_ONCE(knobs->v4.ecn), inner->tos);
	iph->tot_len = htons(skb->len);
	iph->frag_off = df ? htons(IP_DF) : 0;
	iph->ttl = ip4_dst_hoplimit(dst);
	iph->protocol = inner->proto;
	iph->saddr = sa->ends.saddr.a4;
	iph->daddr = sa->ends.daddr.a4;
	__ip_select_ident(sa->net, iph, 1);
	skb->protocol = htons(ETH_P_IP);
}

static void push_ip6(struct sk_buff *skb, const struct ipsec_sa *sa,
		     const struct inner *inner, struct dst_entry *dst)
{
	const struct ipsec_knobs *knobs = &ipsec_net(sa->net)->knobs;
	struct ipv6hdr *iph;

	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));
	ip6_flow_hdr(iph, outer_tos(READ_ONCE(knobs->v6.ecn), inner->tos),
		     inner->label);
	iph->payload_len = htons(skb->len - sizeof(*iph));
	iph->nexthdr = inner->proto;
	iph->hop_limit = ip6_dst_hoplimit(dst);
	iph->saddr = sa->ends.saddr.in6;
	iph->daddr = sa->ends.daddr.in6;
	skb->protocol = htons(ETH_P_IPV6);
}

/**
 * ipsec_tunnel_encap() - put the SA's outer header in front of a packet
 * @skb: the packet, linear, with room in front; its data is the IP header
 * @sa: the SA, whose ends become the outer addresses
 *
 *	before: | inner IP | payload |
 *	after:  | outer IP | inner IP | payload |
 *
 * Any family in any family. The route of the outer packet replaces the route of
 * the inner one.
 *
 * Context: RCU read side, BH disabled. Return: false when the packet was
 * dropped, for want of a route or because it grew too long.
 */
bool ipsec_tunnel_encap(struct sk_buff *skb, struct ipsec_sa *sa)
{
	struct dst_entry *dst;
	struct inner inner;

	if (unlikely(skb->len + sizeof(struct ipv6hdr) +
		     sa->xform->headroom(sa) + sa->xform->tailroom(sa) >
		     IP_MAX_MTU)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_out_toobig, sa, NULL);
		return false;
	}
	dst = ipsec_tunnel_dst(sa);
	if (unlikely(!dst)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_out_noroute, sa, NULL);
		return false;
	}
	inner_read(&inner, skb);
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	if (sa->ends.family == AF_INET)
		push_ip4(skb, sa, &inner, dst);
	else
		push_ip6(skb, sa, &inner, dst);
	return true;
}

/*
 * What congestion the outer packet met goes into the inner header. With the
 * knob "forbidden" nothing does, and nothing is dropped for it.
 */
static bool decap_ecn(struct sk_buff *skb, const struct ipsec_sa *sa,
		      int nexthdr)
{
	const struct ipsec_knobs_family *knobs;
	u8 outer;

	knobs = ipsec_knobs_of(ipsec_net(sa->net), sa->ends.family);
	if (READ_ONCE(knobs->ecn) != ECN_ALLOWED)
		return true;
	outer = sa->ends.family == AF_INET ? ip_hdr(skb)->tos :
					     ipv6_get_dsfield(ipv6_hdr(skb));
	if (!INET_ECN_is_ce(outer))
		return true;
	if (nexthdr == IPPROTO_IPIP)
		return IP_ECN_set_ce((struct iphdr *)skb->data);
	return IP6_ECN_set_ce(skb, (struct ipv6hdr *)skb->data);
}

/**
 * ipsec_tunnel_decap() - take the outer header off
 * @skb: the packet, its data behind the removed ESP header, its network header
 *       still the outer one
 * @sa: the SA
 * @nexthdr: IPPROTO_IPIP or IPPROTO_IPV6
 *
 * The inner packet is then ready for the stack as if it had just arrived. What
 * is wrong inside its header the stack finds.
 *
 * Context: RCU read side, BH disabled. Return: false when the packet was
 * dropped.
 */
bool ipsec_tunnel_decap(struct sk_buff *skb, struct ipsec_sa *sa, int nexthdr)
{
	unsigned int len = nexthdr == IPPROTO_IPIP ? sizeof(struct iphdr) :
						     sizeof(struct ipv6hdr);

	if (!pskb_may_pull(skb, len)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_hdrops, sa, NULL);
		return false;
	}
	if (!decap_ecn(skb, sa, nexthdr)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_ecn, sa, NULL);
		return false;
	}
	skb->protocol = nexthdr == IPPROTO_IPIP ? htons(ETH_P_IP) :
						  htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	skb_mac_header_rebuild(skb);
	skb->pkt_type = PACKET_HOST;
	skb_dst_drop(skb);
	skb_clear_hash(skb);
	return true;
}
