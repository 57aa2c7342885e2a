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
#include <net/ipv6.h>
#include <ipsec/compat.h>
#include <ipsec/xform.h>
#include "net.h"

/* Smaller values in ICMP errors are lies or attacks (RFC 791, RFC 8200). */
#define MIN_MTU4	576
#define MIN_MTU6	IPV6_MIN_MTU

static unsigned int header_len(sa_family_t family)
{
	return family == AF_INET ? sizeof(struct iphdr) :
				   sizeof(struct ipv6hdr);
}

/* MTU of the way that the outermost packet takes. */
static unsigned int outer_mtu(const struct sk_buff *skb,
			      const struct ipsec_decision *decision)
{
	unsigned int mtu = dst_mtu(skb_dst(skb));
	int i;

	for (i = decision->n - 1; i >= 0; i--) {
		struct ipsec_sa *sa = decision->sas[i];
		struct dst_entry *dst;
		u32 learned;

		if (!(decision->tunnel & BIT(i)))
			continue;
		dst = ipsec_tunnel_dst(sa);
		if (dst) {
			mtu = dst_mtu(dst);
			dst_release(dst);
		}
		learned = READ_ONCE(sa->pmtu);
		return learned ? min(mtu, learned) : mtu;
	}
	return mtu;
}

/**
 * ipsec_inner_mtu() - the longest packet that fits when it is protected
 * @skb: a packet of the flow, with its route
 * @decision: with verdict IPSEC_PROTECT
 *
 * Context: BH disabled. Return: length in bytes, IP header included.
 */
unsigned int ipsec_inner_mtu(const struct sk_buff *skb,
			     const struct ipsec_decision *decision)
{
	unsigned int space = outer_mtu(skb, decision);
	sa_family_t family = ipsec_skb_family(skb);
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

/* Cuts a TCP packet of our own into segments of at most @mtu bytes. */
static bool resegment(struct sk_buff *skb, unsigned int mtu)
{
	bool v4 = ipsec_skb_family(skb) == AF_INET;
	const struct tcphdr *th;
	unsigned int headers;

	if (skb->ip_summed != CHECKSUM_PARTIAL)
		return false;
	/* The retransmit queue shares what we are about to write. */
	if (skb_unclone(skb, GFP_ATOMIC))
		return false;
	th = tcp_hdr(skb);
	headers = skb_transport_offset(skb) + __tcp_hdrlen(th);
	if (mtu <= headers)
		return false;
	if (!skb_is_gso(skb))
		skb_shinfo(skb)->gso_type = v4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
	skb_shinfo(skb)->gso_size = mtu - headers;
	skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(skb->len - headers,
						 mtu - headers);
	return true;
}

/* Whether the innermost tunnel leads elsewhere than the packet itself. */
static bool route_differs(const struct sk_buff *skb,
			  const struct ipsec_decision *decision)
{
	const struct ipsec_sa *sa = decision->sas[0];

	if (!(decision->tunnel & BIT(0)))
		return false;
	if (sa->ends.family != ipsec_skb_family(skb))
		return true;
	if (sa->ends.family == AF_INET)
		return sa->ends.daddr.a4 != ip_hdr(skb)->daddr;
	return !ipv6_addr_equal(&sa->ends.daddr.in6, &ipv6_hdr(skb)->daddr);
}

static bool is_local_tcp(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	return sk && sk_fullsock(sk) && sk->sk_protocol == IPPROTO_TCP;
}

/* Whether the sender asked to be told instead of fragmented. */
static bool wants_error(const struct sk_buff *skb)
{
	const struct sock *sk = skb->sk;

	if (ipsec_skb_family(skb) != AF_INET)
		return false;
	if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
		return false;
	return sk && sk_fullsock(sk) &&
	       inet_sk(sk)->pmtudisc >= IP_PMTUDISC_DO;
}

/*
 * A packet of our own. The route of the plaintext learns the smaller MTU, but
 * only if it is not the route of the ESP packet as well: that would shrink with
 * it, and the next packet's MTU again, without end.
 */
static int too_big_local(struct sk_buff *skb, unsigned int mtu,
			 const struct ipsec_decision *decision)
{
	if (route_differs(skb, decision))
		skb_dst_update_pmtu_no_confirm(skb, mtu);
	if (is_local_tcp(skb) && resegment(skb, mtu))
		return 0;
	if (wants_error(skb))
		return -EMSGSIZE;
	/* Encapsulated whole; the outer packet is fragmented. */
	skb->ignore_df = 1;
	return 0;
}

static int too_big_forwarded(struct sk_buff *skb, unsigned int mtu)
{
	if (ipsec_skb_family(skb) == AF_INET) {
		if (!(ip_hdr(skb)->frag_off & htons(IP_DF)))
			return 0;
		icmp_send(skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, htonl(mtu));
		return -EMSGSIZE;
	}
	/* Every link carries 1280 bytes; below, the outer packet is cut. */
	if (mtu < MIN_MTU6) {
		if (skb->len <= MIN_MTU6)
			return 0;
		mtu = MIN_MTU6;
	}
	icmpv6_send(skb, ICMPV6_PKT_TOOBIG, 0, mtu);
	return -EMSGSIZE;
}

/**
 * ipsec_pmtu_check() - see to packets that are too long to be protected
 * @net: the namespace
 * @skb: the packet, its device set; a TCP packet of our own may be resegmented
 * @decision: with verdict IPSEC_PROTECT
 * @forward: the packet is not our own
 *
 * Context: RCU read side, BH disabled. Return: 0 to go on, -EMSGSIZE when the
 * sender was or is to be told.
 */
int ipsec_pmtu_check(struct net *net, struct sk_buff *skb,
		     const struct ipsec_decision *decision, bool forward)
{
	unsigned int mtu = ipsec_inner_mtu(skb, decision);

	if (skb_is_gso(skb) ? skb_gso_validate_network_len(skb, mtu) :
			      skb->len <= mtu)
		return 0;
	return forward ? too_big_forwarded(skb, mtu) :
			 too_big_local(skb, mtu, decision);
}

/**
 * ipsec_pmtu_learn() - a router could not forward our ESP packet
 * @net: the namespace
 * @key: destination, protocol and SPI that the ICMP error quotes
 * @mtu: what it says would fit; believed only if that is plausible
 *
 * Context: RCU read side.
 */
void ipsec_pmtu_learn(struct net *net, const struct ipsec_sad_key *key,
		      u32 mtu)
{
	struct ipsec_sa *sa = ipsec_sad_lookup_spi(net, key);

	if (!sa || !ipsec_sa_usable(sa))
		return;
	if (mtu < (key->family == AF_INET ? MIN_MTU4 : MIN_MTU6))
		return;
	if (!sa->pmtu || mtu < sa->pmtu)
		WRITE_ONCE(sa->pmtu, mtu);
}
