// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP in UDP, so that packets pass address translation (RFC 3948), for IPv4 and
 * IPv6. Received datagrams reach us by way of a socket that a key manager marked
 * with UDP_ENCAP: the core keeps its IKE messages and eats keepalives, and calls
 * us with the UDP header still between the IP and the ESP header. Sending needs
 * no socket.
 */
#include <crypto/algapi.h>
#include <linux/icmpv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/esp.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <net/udp.h>
#include <ipsec/km.h>
#include <ipsec/natt.h>
#include "net.h"

/* The checksum of what is transport header and data of @skb, @len bytes. */
static __sum16 upper_checksum(const struct sk_buff *skb, unsigned int len,
			      u8 proto)
{
	__wsum sum = csum_partial(skb_transport_header(skb), len, 0);

	if (ipsec_skb_family(skb) == AF_INET)
		return csum_tcpudp_magic(ip_hdr(skb)->saddr,
					 ip_hdr(skb)->daddr, len, proto, sum);
	return csum_ipv6_magic(&ipv6_hdr(skb)->saddr, &ipv6_hdr(skb)->daddr,
			       len, proto, sum);
}

/**
 * ipsec_natt_encap() - put a UDP header in front of ESP (RFC 3948 section 3.2)
 * @skb: the packet, linear and unshared, its data at the IP header, ESP done,
 *	 with ipsec_natt_overhead() bytes of headroom
 * @sa: the SA, whose natt.type is not 0
 *
 *	before: | IP header | ESP |
 *	after:  | IP header | UDP | ESP |
 *
 * Without a checksum in IPv4, where receivers do not look at it; in IPv6, where
 * they insist on one, with it.
 */
void ipsec_natt_encap(struct sk_buff *skb, const struct ipsec_sa *sa)
{
	unsigned int nexthdr, len;
	struct udphdr *uh;
	int place;

	/* The headers in front were walked to find the place of ESP. */
	place = ipsec_header_place(skb, &nexthdr);
	uh = ipsec_header_insert(skb, place, nexthdr, sizeof(*uh), IPPROTO_UDP);
	len = skb->len - place;
	uh->source = READ_ONCE(sa->natt.sport);
	uh->dest = READ_ONCE(sa->natt.dport);
	uh->len = htons(len);
	uh->check = 0;
	if (ipsec_skb_family(skb) == AF_INET6)
		uh->check = upper_checksum(skb, len, IPPROTO_UDP) ?:
			    CSUM_MANGLED_0;
}

static bool endpoint_equal(const struct ipsec_endpoint *a,
			   const struct ipsec_endpoint *b)
{
	return a->port == b->port && ipsec_addr_equal(&a->addr, &b->addr);
}

/*
 * Tells key managers, once for each change, that the peer is not where its SA
 * says. What to do about it is theirs to decide: the packet may be genuine and
 * still have been sent on by somebody else.
 */
static void mapping_check(struct ipsec_sa *sa, const struct ipsec_endpoint *now)
{
	struct ipsec_endpoint said = {
		.addr	= sa->ends.saddr,
		.port	= READ_ONCE(sa->natt.sport),
	};
	bool moved = !endpoint_equal(now, &said);
	bool news = false;

	if (likely(!moved && !READ_ONCE(sa->peer_moved)))
		return;
	spin_lock(&sa->lock);
	if (moved)
		news = !sa->peer_moved || !endpoint_equal(now, &sa->peer);
	sa->peer = *now;
	WRITE_ONCE(sa->peer_moved, moved);
	spin_unlock(&sa->lock);
	if (news)
		ipsec_km_mapping(sa, now);
}

/**
 * ipsec_natt_received() - look at the UDP header of a packet, and forget it
 * @skb: the packet, opened and linear: data at the payload, transport header
 *	 where ESP was, behind the UDP header
 * @sa: its SA, whose natt.type is not 0
 *
 * Afterwards the transport header is where UDP was: what closes the gap that ESP
 * left closes that of UDP as well.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_natt_received(struct sk_buff *skb, struct ipsec_sa *sa)
{
	struct ipsec_endpoint now = {};

	skb_set_transport_header(skb, skb_transport_offset(skb) -
				      (int)sizeof(struct udphdr));
	/* Only who has the key can say where he is. */
	if (!sa->cipher.auth)
		return;
	now.port = udp_hdr(skb)->source;
	if (sa->ends.family == AF_INET)
		ipsec_addr_set4(&now.addr, ip_hdr(skb)->saddr);
	else
		now.addr.in6 = ipv6_hdr(skb)->saddr;
	mapping_check(sa, &now);
}

/*
 * Where a protocol that covers addresses has its checksum, and how many bytes it
 * is over; NULL when there is none to put right.
 */
static __sum16 *upper_check(struct sk_buff *skb, u8 proto, unsigned int *len)
{
	unsigned int left = skb_tail_pointer(skb) - skb_transport_header(skb);

	*len = left;
	switch (proto) {
	case IPPROTO_TCP:
		return left < sizeof(struct tcphdr) ? NULL :
						      &tcp_hdr(skb)->check;
	case IPPROTO_UDP:
		if (left < sizeof(struct udphdr))
			return NULL;
		*len = ntohs(udp_hdr(skb)->len);
		return *len > left || !udp_hdr(skb)->check ?
			NULL : &udp_hdr(skb)->check;
	case IPPROTO_ICMPV6:
		return left < sizeof(struct icmp6hdr) ? NULL :
						&icmp6_hdr(skb)->icmp6_cksum;
	default:
		return NULL;
	}
}

/* The peer called itself @oa when it made the checksum. */
static void repair_by_address(struct sk_buff *skb, __sum16 *check,
			      const union ipsec_addr *oa)
{
	if (ipsec_skb_family(skb) == AF_INET)
		csum_replace4(check, oa->a4, ip_hdr(skb)->saddr);
	else
		inet_proto_csum_replace16(check, skb, oa->a6,
					  ipv6_hdr(skb)->saddr.s6_addr32, true);
}

/**
 * ipsec_natt_checksum() - see to the checksum that address translation broke
 * @skb: a packet in transport mode, linear, ESP and UDP taken out, network and
 *	 transport header set
 * @natt: of its SA
 * @proto: what the payload is
 * @recompute: the knob natt_cksum_policy
 *
 * TCP and UDP cover the addresses that the sender saw (RFC 3948 section 3.1.2).
 * The stack is told not to look, because ESP vouches for the bytes. For those
 * who look at the packet otherwise the checksum is put right if that can be
 * done cheaply, or if @recompute asks for it; UDP over IPv4 may do without.
 *
 * Context: any.
 */
void ipsec_natt_checksum(struct sk_buff *skb, const struct ipsec_natt *natt,
			 u8 proto, bool recompute)
{
	bool udp = proto == IPPROTO_UDP;
	__sum16 *check;
	unsigned int len;

	skb->ip_summed = CHECKSUM_UNNECESSARY;
	skb->csum_level = 0;
	check = upper_check(skb, proto, &len);
	if (!check)
		return;
	if (recompute) {
		*check = 0;
		*check = upper_checksum(skb, len, proto);
	} else if (!ipsec_addr_any(&natt->oa)) {
		repair_by_address(skb, check, &natt->oa);
	} else if (udp && ipsec_skb_family(skb) == AF_INET) {
		*check = 0;
		return;
	}
	/* To UDP zero says that there is none. */
	if (udp && !*check)
		*check = CSUM_MANGLED_0;
}

/* Whether the socket that a datagram is for is marked with UDP_ENCAP. */
static bool socket_encaps(struct net *net, const struct sk_buff *skb,
			  const struct ipsec_flow *flow)
{
	int dif = skb->dev->ifindex;
	struct sock *sk;
	bool encaps;

	if (flow->family == AF_INET)
		sk = udp4_lib_lookup(net, flow->src.a4, flow->sport,
				     flow->dst.a4, flow->dport, dif);
	else
		sk = udp6_lib_lookup(net, &flow->src.in6, flow->sport,
				     &flow->dst.in6, flow->dport, dif);
	if (!sk)
		return false;
	encaps = READ_ONCE(udp_sk(sk)->encap_type) == UDP_ENCAP_ESPINUDP;
	sock_put(sk);
	return encaps;
}

static bool key_equal(const struct ipsec_key *a, const struct ipsec_key *b)
{
	return a->bits == b->bits &&
	       !crypto_memneq(a->data, b->data, ipsec_key_bytes(a));
}

/* Whether @p describes @sa, but for ports and original address. */
static bool same_sa(const struct ipsec_sa *sa, const struct ipsec_sa_params *p)
{
	return p->natt.type && p->natt.type == sa->natt.type &&
	       !memcmp(&p->ends, &sa->ends, sizeof(p->ends)) &&
	       p->mode == sa->mode && p->reqid == sa->reqid &&
	       p->flags == sa->flags && p->window == sa->window &&
	       !p->sequence && p->aalg == sa->aalg && p->ealg == sa->ealg &&
	       key_equal(&p->akey, &sa->akey) &&
	       key_equal(&p->ekey, &sa->ekey) &&
	       !memcmp(&p->hard, &sa->life.hard, sizeof(p->hard)) &&
	       !memcmp(&p->soft, &sa->life.soft, sizeof(p->soft));
}

/**
 * ipsec_natt_update() - take over the new place of a peer that moved
 * @sa: the SA, with its keys
 * @params: what it is to be like
 *
 * The same keys and limits with other ports are no new SA: its sequence numbers
 * go on, or the peer would take every packet for a replay.
 *
 * Context: process. Return: false, with nothing changed, if @params ask for more.
 */
bool ipsec_natt_update(struct ipsec_sa *sa, const struct ipsec_sa_params *params)
{
	if (!ipsec_sa_usable(sa) || !same_sa(sa, params))
		return false;
	spin_lock_bh(&sa->lock);
	WRITE_ONCE(sa->natt.sport, params->natt.sport);
	WRITE_ONCE(sa->natt.dport, params->natt.dport);
	sa->natt.oa = params->natt.oa;
	WRITE_ONCE(sa->peer_moved, false);
	spin_unlock_bh(&sa->lock);
	return true;
}

/**
 * ipsec_natt_carries_esp() - whether a datagram is for IPsec, not for a socket
 * @net: the namespace
 * @skb: a packet that is delivered locally, or its first IPv6 fragment
 * @flow: its flow
 *
 * Policies are about what is inside, and look at it when it was opened. The core
 * tells ESP from IKE by its SPI, where IKE has four zero bytes (RFC 3948
 * section 2).
 *
 * Context: RCU read side.
 */
bool ipsec_natt_carries_esp(struct net *net, const struct sk_buff *skb,
			    const struct ipsec_flow *flow)
{
	struct natt_start {
		struct udphdr	uh;
		__be32		spi;
	} buf;
	const struct natt_start *start;
	int off;

	if (flow->proto != IPPROTO_UDP)
		return false;
	off = ipsec_upper_offset(skb, flow->family);
	start = off < 0 ? NULL :
			  skb_header_pointer(skb, off, sizeof(buf), &buf);
	return start && start->spi &&
	       ntohs(start->uh.len) > sizeof(struct udphdr) +
				      sizeof(struct ip_esp_hdr) &&
	       socket_encaps(net, skb, flow);
}
