// SPDX-License-Identifier: GPL-2.0-only
/*
 * ICMP errors and redirects are about the packet that they quote. An error that a
 * gateway makes about a packet out of a tunnel has an address of the gateway for its
 * source, which the tunnel's policies need not know. Where no entry of the SPD is about
 * an error itself, it is sent, and judged, as the reply to the packet that it quotes
 * would be (RFC 4301 section 6.2).
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include "net.h"

/* Types that have one answer: echo. */
static const u8 echoes[][2] = {
	{ ICMP_ECHO, ICMP_ECHOREPLY },
	{ ICMPV6_ECHO_REQUEST, ICMPV6_ECHO_REPLY },
};

/**
 * ipsec_flow_is_error() - whether packets of a flow are ICMP errors
 * @flow: the flow
 *
 * Those that routers far away make, too. A redirect is none of them: it never leaves its
 * wire.
 */
bool ipsec_flow_is_error(const struct ipsec_flow *flow)
{
	unsigned int type = ntohs(flow->sport);

	if (flow->family == AF_INET && flow->proto == IPPROTO_ICMP)
		return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
		       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETERPROB;
	if (flow->family == AF_INET6 && flow->proto == IPPROTO_ICMPV6)
		return type >= ICMPV6_DEST_UNREACH && type <= ICMPV6_PARAMPROB;
	return false;
}

/**
 * ipsec_flow_is_redirect() - whether packets of a flow are redirects
 * @flow: the flow
 */
bool ipsec_flow_is_redirect(const struct ipsec_flow *flow)
{
	if (flow->family == AF_INET)
		return flow->proto == IPPROTO_ICMP &&
		       flow->sport == htons(ICMP_REDIRECT);
	return flow->proto == IPPROTO_ICMPV6 &&
	       flow->sport == htons(NDISC_REDIRECT);
}

/* To whom the packet goes now, whatever address translation did to its flow. */
static bool goes_to(const struct sk_buff *skb, const struct ipsec_flow *flow)
{
	if (flow->family == AF_INET)
		return ip_hdr(skb)->daddr == flow->src.a4;
	return ipv6_addr_equal(&ipv6_hdr(skb)->daddr, &flow->src.in6);
}

static void turn_type(struct ipsec_flow *flow, const u8 pair[2])
{
	if (flow->sport == htons(pair[0]))
		flow->sport = htons(pair[1]);
	else if (flow->sport == htons(pair[1]))
		flow->sport = htons(pair[0]);
}

static void turn_round(struct ipsec_flow *flow)
{
	swap(flow->src, flow->dst);
	if (flow->proto == IPPROTO_ICMP)
		turn_type(flow, echoes[0]);
	else if (flow->proto == IPPROTO_ICMPV6)
		turn_type(flow, echoes[1]);
	else if (flow->proto != IPPROTO_MH)
		swap(flow->sport, flow->dport);
}

/**
 * ipsec_flow_of_reply() - what would reply to the packet that an ICMP error quotes
 * @reply: filled, with the direction of @flow
 * @skb: the error
 * @flow: its flow
 *
 * Only who sent a packet is told of errors: one that quotes somebody else's is taken as
 * it is. No error is about an error.
 *
 * Context: any. Return: false if nothing that serves is quoted.
 */
bool ipsec_flow_of_reply(struct ipsec_flow *reply, const struct sk_buff *skb,
			 const struct ipsec_flow *flow)
{
	int off = ipsec_upper_offset(skb, flow->family);

	BUILD_BUG_ON(sizeof(struct icmphdr) != sizeof(struct icmp6hdr));
	if (off < 0 ||
	    !ipsec_flow_from_quote(reply, skb, off + sizeof(struct icmphdr),
				   flow->family, IPSEC_FWD))
		return false;
	if (!goes_to(skb, reply) || ipsec_flow_is_error(reply) ||
	    ipsec_flow_is_redirect(reply))
		return false;
	reply->dir = flow->dir;
	/* Whatever was quoted, the reply is whole. */
	reply->fragment = 0;
	turn_round(reply);
	return true;
}

/**
 * ipsec_sp_takes_error() - whether what a policy asks for serves an ICMP error as well
 * @sp: the policy of the reply to the packet that it quotes, or NULL
 * @flow: the flow of the error
 * @reply: that of the reply
 *
 * To a tunnel it does not matter between which ends a packet is, to an SA in transport
 * mode it does: a host that refuses a packet replies from the same address.
 */
bool ipsec_sp_takes_error(const struct ipsec_sp *sp,
			  const struct ipsec_flow *flow,
			  const struct ipsec_flow *reply)
{
	return sp && sp->type == IPSEC_SP_IPSEC &&
	       (ipsec_sp_tunnels(sp) ||
		ipsec_addr_equal(&flow->src, &reply->src));
}

/* Where in a redirect of IPv6 the packet is that it is about, 0 if it does not say. */
static unsigned int redirected_offset(const struct sk_buff *skb, unsigned int off)
{
	const u8 *opt;
	u8 buf[2];

	for (off += sizeof(struct rd_msg);; off += opt[1] * 8) {
		opt = skb_header_pointer(skb, off, sizeof(buf), buf);
		if (!opt || !opt[1])
			return 0;
		if (opt[0] == ND_OPT_REDIRECT_HDR)
			return off + 8;
	}
}

/**
 * ipsec_flow_of_redirected() - which packets a redirect would lead elsewhere
 * @redirected: filled, of direction out
 * @skb: the redirect
 * @flow: its flow
 *
 * Context: any. Return: false if it does not say.
 */
bool ipsec_flow_of_redirected(struct ipsec_flow *redirected,
			      const struct sk_buff *skb,
			      const struct ipsec_flow *flow)
{
	int off = ipsec_upper_offset(skb, flow->family);

	if (off < 0)
		return false;
	off = flow->family == AF_INET ? off + sizeof(struct icmphdr) :
					redirected_offset(skb, off);
	return off && ipsec_flow_from_quote(redirected, skb, off, flow->family,
					    IPSEC_OUT);
}
