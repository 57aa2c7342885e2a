// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that do not fit any more once they are protected (RFC 4301 section
 * 8.2): who is told, who is resegmented, who is fragmented outside.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/tcp.h>
#include <net/icmp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <ipsec/compat.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

/* Smaller values in ICMP errors are lies or attacks (RFC 791, RFC 8201). */
#define MIN_MTU4	576
#define MIN_MTU6	IPV6_MIN_MTU

/* A packet that is quoted later than so many others is none of ours. */
#define SENT_LATELY	BIT(20)

static unsigned int header_len(sa_family_t family)
{
	return family == AF_INET ? sizeof(struct iphdr) :
				   sizeof(struct ipv6hdr);
}

/*
 * What every link carries. When less than that is left inside, nobody is told:
 * he could do nothing about it.
 */
static unsigned int least_mtu(sa_family_t family)
{
	return family == AF_INET ? IPV4_MIN_MTU : IPV6_MIN_MTU;
}

/**
 * ipsec_pmtu_learned() - what ICMP errors told about the way of an SA's packets
 * @sa: the SA
 *
 * Return: path MTU, 0 when nothing was told or it is too long ago.
 */
u32 ipsec_pmtu_learned(const struct ipsec_sa *sa)
{
	u32 mtu = READ_ONCE(sa->pmtu);

	if (likely(!mtu))
		return 0;
	return time_before(jiffies, READ_ONCE(sa->pmtu_until)) ? mtu : 0;
}

/* The MTU of the route of an SA's outer header; @mtu without a route. */
static unsigned int route_mtu(struct ipsec_sa *sa, unsigned int mtu,
			      const struct ipsec_way *way)
{
	struct dst_entry *dst = ipsec_tunnel_route(sa, 0);

	if (!dst)
		return mtu;
	mtu = ipsec_path_mtu(sa->net, dst, way);
	dst_release(dst);
	return mtu;
}

/**
 * ipsec_way_of() - where the outermost packets of a flow go
 * @decision: with verdict IPSEC_PROTECT
 * @flow: the flow; pointed at, as the decision's SAs are
 *
 * Return: their destination, and whether it is another than the flow's own. If not,
 * what is told about the flow's packets would also be told about what protects them.
 */
struct ipsec_way ipsec_way_of(const struct ipsec_decision *decision,
			      const struct ipsec_flow *flow)
{
	struct ipsec_way way = {
		.dst = &flow->dst,
		.udp = decision->sas[decision->n - 1]->natt.type,
	};
	const struct ipsec_sa *sa;

	if (!decision->tunnel)
		return way;
	sa = decision->sas[fls(decision->tunnel) - 1];
	way.dst = &sa->ends.daddr;
	way.elsewhere = sa->ends.family != flow->family ||
			!ipsec_addr_equal(way.dst, &flow->dst);
	return way;
}

/**
 * ipsec_outer_mtu() - how long the outermost packet may be, where no route tells it
 * @decision: with verdict IPSEC_PROTECT
 * @flow: of the packet
 * @mtu: of the packet's own route, if no tunnel leads it elsewhere
 *
 * Context: RCU read side, BH disabled. Return: length in bytes.
 */
unsigned int ipsec_outer_mtu(const struct ipsec_decision *decision,
			     const struct ipsec_flow *flow, unsigned int mtu)
{
	struct ipsec_way way = ipsec_way_of(decision, flow);
	unsigned int learned;

	if (decision->tunnel)
		mtu = route_mtu(decision->sas[fls(decision->tunnel) - 1], mtu,
				&way);
	/* Routers see, and quote, the outermost header only. */
	learned = ipsec_pmtu_learned(decision->sas[decision->n - 1]);
	return learned ? min(mtu, learned) : mtu;
}

/**
 * ipsec_inner_mtu() - the longest packet that fits when it is protected
 * @decision: with verdict IPSEC_PROTECT
 * @family: of the packet
 * @outer: how long the outermost packet may be
 *
 * Return: length in bytes, IP header included.
 */
unsigned int ipsec_inner_mtu(const struct ipsec_decision *decision,
			     sa_family_t family, unsigned int outer)
{
	unsigned int space = outer;
	int i;

	for (i = decision->n - 1; i >= 0; i--) {
		const struct ipsec_sa *sa = decision->sas[i];
		bool tunnel = decision->tunnel & BIT(i);
		unsigned int header;

		header = header_len(tunnel ? sa->ends.family : family);
		space -= min(space, header);
		space = sa->xform->payload(sa, space);
		if (!tunnel)
			space += header;
	}
	return space;
}

static bool fits(const struct sk_buff *skb, unsigned int mtu)
{
	return skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
				 skb->len <= mtu;
}

/* The headers in front of a TCP segment's data, also inside another tunnel. */
static unsigned int tcp_headers(const struct sk_buff *skb)
{
	return skb->encapsulation ? skb_inner_tcp_all_headers(skb) :
				    skb_tcp_all_headers(skb);
}

/*
 * Cuts a TCP packet of our own into segments of at most @mtu bytes. That may be less than
 * each link of IPv6 carries, because it does so once they are protected.
 */
static bool resegment(struct sk_buff *skb, unsigned int mtu)
{
	bool v4 = ipsec_skb_family(skb) == AF_INET;
	unsigned int headers;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return false;
	if (skb_is_gso(skb) ? !skb_is_gso_tcp(skb) : skb->encapsulation)
		return false;
	headers = tcp_headers(skb);
	mtu = max_t(unsigned int, mtu, MIN_MTU4);
	if (mtu <= headers || fits(skb, mtu))
		return false;
	/* The retransmit queue shares what we are about to write. */
	if (skb_unclone(skb, GFP_ATOMIC))
		return false;
	if (!skb_is_gso(skb))
		skb_shinfo(skb)->gso_type = v4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	skb_shinfo(skb)->gso_size = mtu - headers;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(skb->len - headers,
						 mtu - headers);
	return true;
}

/*
 * Whether the packet holds segments of a TCP connection of our own. When a tunnel
 * device made it, only a super-packet tells where their headers are.
 */
static bool is_local_tcp(const struct sk_buff *skb, const struct sock *sender)
{
	const struct sock *sk = sender;

	if (!sk && skb_is_gso(skb) && skb->encapsulation)
		sk = skb->sk;
	return sk && sk_fullsock(sk) && sk->sk_protocol == IPPROTO_TCP;
}

/* Whether the sender asked to be told instead of fragmented. */
static bool wants_error(const struct sk_buff *skb, const struct sock *sender)
{
	if (!sender)
		return false;
	if (ipsec_skb_family(skb) == AF_INET6)
		return !ip6_sk_ignore_df(sender);
	return ip_hdr(skb)->frag_off & htons(IP_DF) && !ip_sk_ignore_df(sender);
}

/*
 * Goes on, too long as it is. A packet of IPv4 enters the tunnel whole: the
 * outer one is fragmented, and who receives it may fragment it again. An IPv6
 * packet is fragmented by nobody but its sender, so it is before it enters.
 */
static int pass_too_big(struct sk_buff *skb, unsigned int mtu,
			const struct ipsec_decision *decision)
{
	skb->ignore_df = 1;
	if (ipsec_skb_family(skb) == AF_INET6 && decision->tunnel & BIT(0))
		IP6CB(skb)->frag_max_size = mtu;
	return 0;
}

/*
 * Whether a route is told at the first packet, however short that is. A tunnel device
 * asks the route for the MTU when the packet inside may still be refused: too late to
 * tell it by the first one that is too long. Nor does it cost much where each peer has
 * SAs of its own. Elsewhere, where a tunnel leads to many, the route learns if needed.
 */
static bool tells_early(const struct sock *sender,
			const struct ipsec_route *route)
{
	return !route->elsewhere ||
	       (!sender && route->flow.proto != IPPROTO_TCP);
}

/*
 * The route of the plaintext learns how long a packet may be, and with it who asks the
 * route: sockets, and tunnel devices, which tell others. Not every route can learn,
 * and the core forgets in time: not more than once a second.
 */
static void tell_route(struct sk_buff *skb, struct ipsec_route *route,
		       unsigned int mtu)
{
	if (route->mute || time_before(jiffies, READ_ONCE(route->tell_at)) ||
	    mtu >= dst_mtu(route->plain))
		return;
	WRITE_ONCE(route->tell_at, jiffies + HZ);
	ipsec_path_told(ipsec_net(route->net), &route->flow.dst, mtu);
	skb_dst_update_pmtu_no_confirm(skb, mtu);
}

/* A packet of our own. */
static int too_big_local(struct sk_buff *skb, const struct sock *sender,
			 unsigned int mtu,
			 const struct ipsec_decision *decision)
{
	unsigned int told = max(mtu, least_mtu(ipsec_skb_family(skb)));

	if (is_local_tcp(skb, sender) && resegment(skb, mtu))
		return 0;
	if (wants_error(skb, sender) && skb->len > told)
		return -EMSGSIZE;
	return pass_too_big(skb, told, decision);
}

static int too_big_forwarded(struct sk_buff *skb, unsigned int mtu,
			     const struct ipsec_decision *decision)
{
	bool v4 = ipsec_skb_family(skb) == AF_INET;
	unsigned int piece;

	if (v4 && !(ip_hdr(skb)->frag_off & htons(IP_DF)))
		return pass_too_big(skb, mtu, decision);
	/* A firewall put it together; how long were the fragments? */
	piece = v4 ? IPCB(skb)->frag_max_size : IP6CB(skb)->frag_max_size;
	if (skb->ignore_df && piece && piece <= mtu)
		return pass_too_big(skb, piece, decision);
	if (!skb_is_gso(skb) && skb->len <= mtu)
		return pass_too_big(skb, mtu, decision);
	if (v4)
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
	else
		icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	return -EMSGSIZE;
}

/**
 * ipsec_pmtu_check() - see to packets that are too long to be protected
 * @skb: the packet with its plain route, its device set; a TCP packet of our own may
 *	 be resegmented
 * @sender: the full socket that made this very packet, of its family; NULL if
 *	    another device made it or it is forwarded
 * @route: what it is about to be protected by
 * @forward: the packet is not our own
 *
 * Context: RCU read side, BH disabled. Return: 0 to go on, -EMSGSIZE when the
 * sender was or is to be told.
 */
int ipsec_pmtu_check(struct sk_buff *skb, const struct sock *sender,
		     struct ipsec_route *route, bool forward)
{
	const struct ipsec_decision *decision = &route->decision;
	unsigned int least = least_mtu(route->flow.family);
	unsigned int mtu = route->mtu, plain;

	if (forward)
		return fits(skb, mtu) ? 0 :
		       too_big_forwarded(skb, max(mtu, least), decision);
	plain = dst_mtu(route->plain);
	if (mtu < plain && tells_early(sender, route))
		tell_route(skb, route, max(mtu, least));
	/* Our own must also fit behind the tunnel, as far as we were told. */
	mtu = min(mtu, plain);
	if (fits(skb, mtu))
		return 0;
	tell_route(skb, route, max(mtu, least));
	return too_big_local(skb, sender, mtu, decision);
}

/* How long what was learned is believed; the same as for routes. */
static unsigned long learned_for(const struct net *net, sa_family_t family)
{
	return family == AF_INET ? net->ipv4.ip_rt_mtu_expires :
				   net->ipv6.sysctl.ip6_rt_mtu_expires;
}

/*
 * An ICMP error is not authentic (RFC 4301 section 8.2.1). It is believed if it
 * quotes a number that we sent lately, and says less than what we know.
 */
static bool plausible(struct ipsec_sa *sa, const struct ipsec_quote *quote)
{
	struct ipsec_way way = { .dst = &quote->key.daddr };
	u32 known = ipsec_pmtu_learned(sa), seq;

	if (sa->flags & SADB_SAFLAGS_NOPMTUDISC ||
	    !ipsec_addr_is(&sa->ends.saddr, &quote->saddr))
		return false;
	if (quote->mtu < (sa->ends.family == AF_INET ? MIN_MTU4 : MIN_MTU6))
		return false;
	/* The same again makes it younger. */
	if (known ? quote->mtu > known :
		    quote->mtu >= route_mtu(sa, 0, &way))
		return false;
	if (!quote->has_seq || sa->flags & SADB_X_EXT_OLD)
		return true;
	seq = atomic64_read(&sa->out_seq);
	return seq - quote->seq < SENT_LATELY;
}

/*
 * Who was told about the destination of an SA in transport mode hears the news now: a
 * tunnel device would otherwise not before the next packet that is too long.
 */
static void tell_learned(struct ipsec_sa *sa, struct sk_buff *skb,
			 const struct ipsec_quote *quote)
{
	struct ipsec_decision alone = { .n = 1, .sas = { sa } };
	sa_family_t family = sa->ends.family;
	struct dst_entry *dst;
	unsigned int mtu;
	bool news;

	if (sa->mode != IPSEC_MODE_KIND_TRANSPORT)
		return;
	dst = ipsec_tunnel_route(sa, 0);
	if (!dst)
		return;
	mtu = ipsec_inner_mtu(&alone, family, quote->mtu);
	mtu = max(mtu, least_mtu(family));
	news = ipsec_path_has_exception(dst) && mtu < dst_mtu(dst);
	dst_release(dst);
	if (!news)
		return;
	ipsec_path_told(ipsec_net(sa->net), &quote->key.daddr, mtu);
	if (family == AF_INET)
		ipv4_update_pmtu(skb, sa->net, mtu, 0, quote->key.proto);
	else
		ip6_update_pmtu(skb, sa->net, htonl(mtu), 0, 0,
				sock_net_uid(sa->net, NULL));
}

/**
 * ipsec_pmtu_learn() - a router could not forward our packet
 * @sa: the SA of the packet
 * @skb: the ICMP error, its data at the quoted IP header
 * @quote: what the ICMP error says and quotes
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_pmtu_learn(struct ipsec_sa *sa, struct sk_buff *skb,
		      const struct ipsec_quote *quote)
{
	struct net *net = sa->net;

	if (!ipsec_sa_usable(sa) || !plausible(sa, quote)) {
		ipsec_count(net, IPSEC_STAT_pmtu_refused);
		return;
	}
	WRITE_ONCE(sa->pmtu_until,
		   jiffies + learned_for(net, sa->ends.family));
	WRITE_ONCE(sa->pmtu, quote->mtu);
	tell_learned(sa, skb, quote);
	ipsec_count(net, IPSEC_STAT_pmtu_learned);
}
