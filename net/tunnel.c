// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tunnels: the outer header put on and taken off (RFC 4301 section 5.1.2), DF
 * and congestion notification as net.inet.ipsec.dfbit and .ecn ask.
 */
#include <net/dsfield.h>
#include <net/inet_ecn.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

/* Values of the knob dfbit. */
enum { DFBIT_CLEAR, DFBIT_SET, DFBIT_COPY };

static struct dst_entry *route4(const struct ipsec_sa *sa, int l3mdev)
{
	struct flowi4 fl4 = {
		.flowi4_l3mdev	= l3mdev,
		.saddr		= sa->ends.saddr.a4,
		.daddr		= sa->ends.daddr.a4,
	};
	struct rtable *rt;

	rt = ip_route_output_key(sa->net, &fl4);
	return IS_ERR(rt) ? NULL : &rt->dst;
}

static struct dst_entry *route6(const struct ipsec_sa *sa, int l3mdev)
{
	struct flowi6 fl6 = {
		.flowi6_l3mdev	= l3mdev,
		.saddr		= sa->ends.saddr.in6,
		.daddr		= sa->ends.daddr.in6,
	};
	struct dst_entry *dst;

	dst = ip6_route_output(sa->net, NULL, &fl6);
	if (!dst->error)
		return dst;
	dst_release(dst);
	return NULL;
}

/**
 * ipsec_tunnel_route() - find the route of a tunnel's outer packets
 * @sa: the SA
 * @l3mdev: the VRF device in whose table, or 0
 *
 * The mark of the inner packet leads that one only, as with native IPsec.
 *
 * Context: BH disabled. Return: the route with a reference for the caller, or
 * NULL without a route.
 */
struct dst_entry *ipsec_tunnel_route(const struct ipsec_sa *sa, int l3mdev)
{
	return sa->ends.family == AF_INET ? route4(sa, l3mdev) :
					    route6(sa, l3mdev);
}

/* What the knob says about the SA's congestion marks, or the SA's own flag. */
static int ecn_of(const struct ipsec_sa *sa)
{
	const struct ipsec_knobs_family *knobs;

	if (sa->flags & SADB_SAFLAGS_NOECN)
		return IPSEC_ECN_FORBIDDEN;
	knobs = ipsec_knobs_of(ipsec_net(sa->net), sa->ends.family);
	return READ_ONCE(knobs->ecn);
}

/**
 * ipsec_tunnel_tos() - the type of service of an outer header
 * @ecn: a value of the knob ecn
 * @inner: type of service or traffic class of the inner header
 *
 * All of it is copied, in RFC 6040 section 4.1 the normal mode; "forbidden" is
 * its compatibility mode: no congestion marks outside.
 *
 * Return: the outer one.
 */
u8 ipsec_tunnel_tos(int ecn, u8 inner)
{
	return ecn == IPSEC_ECN_FORBIDDEN ? inner & ~INET_ECN_MASK : inner;
}

/* RFC 6040 figure 4: what comes out, by inner (rows) and outer marks. */
static const u8 ecn_table[4][4] = {
#define NOT	INET_ECN_NOT_ECT
#define ECT0	INET_ECN_ECT_0
#define ECT1	INET_ECN_ECT_1
#define CE	INET_ECN_CE
#define ODD	IPSEC_ECN_ODD
#define DROP	IPSEC_ECN_DROP
	[NOT]  = { [NOT] = NOT,  [ECT0] = NOT | ODD,  [ECT1] = NOT | ODD,
		   [CE] = DROP },
	[ECT0] = { [NOT] = ECT0, [ECT0] = ECT0,	      [ECT1] = ECT1,
		   [CE] = CE },
	[ECT1] = { [NOT] = ECT1, [ECT0] = ECT1 | ODD, [ECT1] = ECT1,
		   [CE] = CE },
	[CE]   = { [NOT] = CE,   [ECT0] = CE,	      [ECT1] = CE | ODD,
		   [CE] = CE },
#undef NOT
#undef ECT0
#undef ECT1
#undef CE
#undef ODD
#undef DROP
};

/**
 * ipsec_tunnel_ecn() - the congestion marks of a packet that leaves a tunnel
 * @inner: type of service or traffic class of its own header
 * @outer: of the header that the tunnel had put around it
 *
 * Return: the marks, with IPSEC_ECN_ODD if no conforming sender makes this
 * combination, or IPSEC_ECN_DROP (RFC 6040 section 4.2).
 */
u8 ipsec_tunnel_ecn(u8 inner, u8 outer)
{
	return ecn_table[inner & INET_ECN_MASK][outer & INET_ECN_MASK];
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
		     const struct inner *inner)
{
	const struct ipsec_knobs *knobs = &ipsec_net(sa->net)->knobs;
	int dfbit = READ_ONCE(knobs->dfbit);
	struct iphdr *iph;
	bool df;

	df = dfbit == DFBIT_SET || (dfbit == DFBIT_COPY && inner->df);
	if (sa->flags & SADB_SAFLAGS_NOPMTUDISC)
		df = false;
	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));
	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->tos = ipsec_tunnel_tos(ecn_of(sa), inner->tos);
	iph->tot_len = htons(skb->len);
	iph->frag_off = df ? htons(IP_DF) : 0;
	iph->ttl = ip4_dst_hoplimit(skb_dst(skb));
	iph->protocol = inner->proto;
	iph->saddr = sa->ends.saddr.a4;
	iph->daddr = sa->ends.daddr.a4;
	__ip_select_ident(sa->net, iph, 1);
	skb->protocol = htons(ETH_P_IP);
}

static void push_ip6(struct sk_buff *skb, const struct ipsec_sa *sa,
		     const struct inner *inner)
{
	struct ipv6hdr *iph;

	iph = skb_push(skb, sizeof(*iph));
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, sizeof(*iph));
	ip6_flow_hdr(iph, ipsec_tunnel_tos(ecn_of(sa), inner->tos),
		     inner->label);
	iph->payload_len = htons(skb->len - sizeof(*iph));
	iph->nexthdr = inner->proto;
	iph->hop_limit = ip6_dst_hoplimit(skb_dst(skb));
	iph->saddr = sa->ends.saddr.in6;
	iph->daddr = sa->ends.daddr.in6;
	skb->protocol = htons(ETH_P_IPV6);
}

/**
 * ipsec_tunnel_encap() - put the SA's outer header in front of a packet
 * @skb: the packet, linear, with room in front; its data is the IP header, its route
 *       that of the outermost packet
 * @sa: the SA, whose ends become the outer addresses
 *
 *	before: | inner IP | payload |
 *	after:  | outer IP | inner IP | payload |
 *
 * Any family in any family.
 *
 * Context: RCU read side, BH disabled. Return: false when the packet was
 * dropped because it grew too long.
 */
bool ipsec_tunnel_encap(struct sk_buff *skb, struct ipsec_sa *sa)
{
	struct inner inner;

	if (unlikely(skb->len + sizeof(struct ipv6hdr) +
		     sa->xform->headroom(sa) + sa->xform->tailroom(sa) >
		     IP_MAX_MTU)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_out_toobig, sa, NULL);
		return false;
	}
	inner_read(&inner, skb);
	if (sa->ends.family == AF_INET)
		push_ip4(skb, sa, &inner);
	else
		push_ip6(skb, sa, &inner);
	return true;
}

/*
 * Whether this is the IP packet that it says it is, and all of it. More bytes
 * than it claims are padding (RFC 4303 section 2.7); the stack cuts them off.
 */
static bool inner_whole(const struct sk_buff *skb, bool v4)
{
	const struct ipv6hdr *ip6h = (const struct ipv6hdr *)skb->data;
	const struct iphdr *iph = (const struct iphdr *)skb->data;

	if (v4)
		return iph->version == 4 && iph->ihl * 4 >= sizeof(*iph) &&
		       ntohs(iph->tot_len) >= iph->ihl * 4 &&
		       ntohs(iph->tot_len) <= skb->len;
	return ip6h->version == 6 &&
	       ntohs(ip6h->payload_len) + sizeof(*ip6h) <= skb->len;
}

/*
 * What congestion the outer packet met goes into the inner header if the knob
 * allows it; the rest of the outer type of service only if the SA asks for it
 * (RFC 4301 section 5.1.2.1 leaves the inner one as it is).
 */
static bool decap_tos(struct sk_buff *skb, const struct ipsec_sa *sa, bool v4)
{
	struct ipv6hdr *ip6h = (struct ipv6hdr *)skb->data;
	struct iphdr *iph = (struct iphdr *)skb->data;
	u8 inner, outer, tos, ecn;

	outer = sa->ends.family == AF_INET ? ip_hdr(skb)->tos :
					     ipv6_get_dsfield(ipv6_hdr(skb));
	inner = v4 ? iph->tos : ipv6_get_dsfield(ip6h);
	tos = inner;
	if (ecn_of(sa) == IPSEC_ECN_ALLOWED) {
		ecn = ipsec_tunnel_ecn(inner, outer);
		if (ecn & IPSEC_ECN_DROP)
			return false;
		if (ecn & IPSEC_ECN_ODD)
			ipsec_count(sa->net, IPSEC_STAT_ecn_odd);
		tos = (tos & ~INET_ECN_MASK) | (ecn & INET_ECN_MASK);
	}
	if (sa->flags & SADB_SAFLAGS_DECAP_DSCP)
		tos = (outer & ~INET_ECN_MASK) | (tos & INET_ECN_MASK);
	if (likely(tos == inner))
		return true;
	if (v4)
		ipv4_change_dsfield(iph, 0, tos);
	else
		ipv6_change_dsfield(ip6h, 0, tos);
	return true;
}

/**
 * ipsec_tunnel_decap() - take the outer header off
 * @skb: the packet, writable, its data behind the removed ESP header, its
 *       network header still the outer one
 * @sa: the SA
 * @nexthdr: IPPROTO_IPIP or IPPROTO_IPV6
 *
 * The inner packet is then ready for the stack as if it had just arrived. What
 * else is wrong inside its header the stack finds.
 *
 * Context: RCU read side, BH disabled. Return: false when the packet was
 * dropped.
 */
bool ipsec_tunnel_decap(struct sk_buff *skb, struct ipsec_sa *sa, int nexthdr)
{
	bool v4 = nexthdr == IPPROTO_IPIP;

	if (!pskb_may_pull(skb, v4 ? sizeof(struct iphdr) :
				     sizeof(struct ipv6hdr))) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_hdrops, sa, NULL);
		return false;
	}
	if (unlikely(!inner_whole(skb, v4))) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_inner, sa, NULL);
		return false;
	}
	if (unlikely(!decap_tos(skb, sa, v4))) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_ecn, sa, NULL);
		return false;
	}
	skb->protocol = v4 ? htons(ETH_P_IP) : htons(ETH_P_IPV6);
	skb_reset_network_header(skb);
	skb_mac_header_rebuild(skb);
	skb->pkt_type = PACKET_HOST;
	skb_dst_drop(skb);
	skb_clear_hash(skb);
	return true;
}
