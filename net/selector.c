// SPDX-License-Identifier: GPL-2.0-only
/* Selectors, and what they see of a packet (RFC 4301 section 4.4.1.1). */
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/selector.h>

/* A chain of extension headers longer than this is an attack. */
#define MAX_EXT_HEADERS		16

/**
 * ipsec_selector_equal() - whether two selectors are the same entry
 * @a: one
 * @b: the other
 *
 * Addresses count with all their bits, those behind the prefix too.
 */
bool ipsec_selector_equal(const struct ipsec_selector *a,
			  const struct ipsec_selector *b)
{
	return ipsec_addr_equal(&a->src, &b->src) &&
	       ipsec_addr_equal(&a->dst, &b->dst) &&
	       a->sport == b->sport && a->dport == b->dport &&
	       a->src_len == b->src_len && a->dst_len == b->dst_len &&
	       a->proto == b->proto && a->family == b->family;
}

/**
 * ipsec_proto_has_ports() - whether packets of a protocol go from a port to a port
 * @proto: IPPROTO_*
 */
bool ipsec_proto_has_ports(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		return true;
	default:
		return false;
	}
}

/**
 * ipsec_proto_has_parts() - whether selectors name more of a protocol than itself
 * @proto: IPPROTO_*
 *
 * Return: whether its packets have ports, or a type, in @sport and @dport.
 */
bool ipsec_proto_has_parts(u8 proto)
{
	return ipsec_proto_has_ports(proto) || proto == IPPROTO_ICMP ||
	       proto == IPPROTO_ICMPV6 || proto == IPPROTO_MH;
}

/* Ports, or type and code, of the header at @off. */
static bool flow_ports(struct ipsec_flow *flow, const struct sk_buff *skb,
		       unsigned int off)
{
	__be16 ports[2];
	const __be16 *p;
	const u8 *type;

	switch (flow->proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
		p = skb_header_pointer(skb, off, sizeof(ports), ports);
		if (!p)
			return false;
		flow->sport = p[0];
		flow->dport = p[1];
		return true;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		type = skb_header_pointer(skb, off, 2, ports);
		if (!type)
			return false;
		flow->sport = htons(type[0]);
		flow->dport = htons(type[1]);
		return true;
	case IPPROTO_MH:
		/* The type is the third byte (RFC 6275 section 6.1.1). */
		type = skb_header_pointer(skb, off + 2, 1, ports);
		if (!type)
			return false;
		flow->sport = htons(type[0]);
		return true;
	default:
		return true;
	}
}

/* The header is @iph, and begins at @off. */
static bool flow_ip4(struct ipsec_flow *flow, const struct sk_buff *skb,
		     const struct iphdr *iph, unsigned int off)
{
	ipsec_addr_set4(&flow->src, iph->saddr);
	ipsec_addr_set4(&flow->dst, iph->daddr);
	flow->proto = iph->protocol;
	if (ip_is_fragment(iph)) {
		flow->fragment = true;
		return true;
	}
	return flow_ports(flow, skb, off + iph->ihl * 4);
}

/* One extension header: its length in bytes, 0 at the end of the chain. */
static int ext_length(const struct sk_buff *skb, unsigned int off, u8 nexthdr,
		      __be16 *frag_off)
{
	struct frag_hdr buf;
	const struct frag_hdr *fh;

	switch (nexthdr) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_DEST:
	case NEXTHDR_FRAGMENT:
		break;
	default:
		return 0;
	}
	fh = skb_header_pointer(skb, off, sizeof(buf), &buf);
	if (!fh)
		return -EINVAL;
	if (nexthdr != NEXTHDR_FRAGMENT)
		return ipv6_optlen((const struct ipv6_opt_hdr *)fh);
	*frag_off = fh->frag_off;
	return sizeof(*fh);
}

static bool is_extension(u8 nexthdr)
{
	return nexthdr == NEXTHDR_HOP || nexthdr == NEXTHDR_ROUTING ||
	       nexthdr == NEXTHDR_DEST;
}

/*
 * Whether nothing behind the fragment header has to be looked at; @nexthdr is what it
 * names. A later fragment does not tell what is behind extension headers in the first
 * one: only entries for any protocol are sure to be about it, see spd_blind.c.
 *
 * Locally delivered IPv6 packets are met before they are reassembled. The first
 * fragment is then taken for the whole packet, and the others, which cannot be
 * delivered without it, are told by the protocol of the fragment header.
 */
static bool fragment_decided(struct ipsec_flow *flow, __be16 frag_off, u8 nexthdr)
{
	if (frag_off & htons(IP6_OFFSET | IP6_MF))
		flow->fragment = true;
	if (!(frag_off & htons(IP6_OFFSET)))
		return false;
	if (flow->dir == IPSEC_IN)
		flow->proto = IPPROTO_FRAGMENT;
	else
		flow->proto = is_extension(nexthdr) ? IPSEC_PROTO_ANY : nexthdr;
	return true;
}

static bool flow_ip6(struct ipsec_flow *flow, const struct sk_buff *skb,
		     const struct ipv6hdr *iph, unsigned int off)
{
	u8 nexthdr = iph->nexthdr;
	bool ports = true;
	unsigned int i;

	flow->src.in6 = iph->saddr;
	flow->dst.in6 = iph->daddr;
	off += sizeof(*iph);
	for (i = 0; i < MAX_EXT_HEADERS; i++) {
		__be16 frag_off = 0;
		const u8 *next;
		u8 buf;
		int len = ext_length(skb, off, nexthdr, &frag_off);

		if (len < 0)
			return false;
		if (!len) {
			flow->proto = nexthdr;
			return !ports || flow_ports(flow, skb, off);
		}
		next = skb_header_pointer(skb, off, 1, &buf);
		if (!next)
			return false;
		if (fragment_decided(flow, frag_off, *next))
			return true;
		if (off + len > skb->len)
			return false;
		/* All fragments of a packet are to go one way. */
		if (frag_off & htons(IP6_MF) && flow->dir != IPSEC_IN)
			ports = false;
		nexthdr = *next;
		off += len;
	}
	return false;
}

/**
 * ipsec_flow_from_skb() - what the policy layer sees of a packet
 * @flow: filled, every byte of it
 * @skb: the packet; its network header is complete and checked by the stack
 * @family: AF_INET or AF_INET6
 * @dir: the direction to look up
 *
 * A fragment has no ports that a policy could rely on: entries with ports do not match,
 * though they may be about it, see spd_blind.c. Only the first fragment has them, and
 * all are to be treated alike.
 *
 * Context: any. Return: false when headers are cut short or without end.
 */
bool ipsec_flow_from_skb(struct ipsec_flow *flow, struct sk_buff *skb,
			 sa_family_t family, enum ipsec_dir dir)
{
	memset(flow, 0, sizeof(*flow));
	flow->family = family;
	flow->dir = dir;
	if (family == AF_INET)
		return flow_ip4(flow, skb, ip_hdr(skb), skb_network_offset(skb));
	return flow_ip6(flow, skb, ipv6_hdr(skb), skb_network_offset(skb));
}

/* Whether the packet's header at @off, if it can be seen, begins with the flow's ports. */
static bool ports_last(const struct ipsec_flow *flow, const struct sk_buff *skb,
		       unsigned int off)
{
	const __be16 *ports = (const __be16 *)(skb->data + off);

	return !flow->fragment &&
	       (flow->proto == IPPROTO_UDP || flow->proto == IPPROTO_TCP) &&
	       off + 2 * sizeof(*ports) <= skb_headlen(skb) &&
	       ports[0] == flow->sport && ports[1] == flow->dport;
}

/**
 * ipsec_flow_lasts() - whether a packet obviously still is of a flow
 * @flow: the flow that it was of, with nothing from its socket
 * @skb: the packet; its network header is complete and checked by the stack
 *
 * For less than the price of ipsec_flow_from_skb().
 *
 * Context: any. Return: false also if that takes a closer look.
 */
bool ipsec_flow_lasts(const struct ipsec_flow *flow, const struct sk_buff *skb)
{
	unsigned int off = skb_network_offset(skb);

	if (ip_hdr(skb)->version != (flow->family == AF_INET ? 4 : 6))
		return false;
	if (flow->family == AF_INET) {
		const struct iphdr *iph = ip_hdr(skb);

		return iph->saddr == flow->src.a4 && iph->daddr == flow->dst.a4 &&
		       iph->protocol == flow->proto && !ip_is_fragment(iph) &&
		       ports_last(flow, skb, off + iph->ihl * 4);
	}
	return ipv6_hdr(skb)->nexthdr == flow->proto &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->saddr, &flow->src.in6) &&
	       ipv6_addr_equal(&ipv6_hdr(skb)->daddr, &flow->dst.in6) &&
	       ports_last(flow, skb, off + sizeof(struct ipv6hdr));
}

/**
 * ipsec_flow_from_quote() - the same of a packet that another one quotes
 * @flow: filled, every byte of it
 * @skb: the packet that quotes
 * @off: where in it the quoted IP header begins, of which nothing was checked
 * @family: AF_INET or AF_INET6
 * @dir: the direction to look up
 *
 * Context: any. Return: false when too little is quoted, or no such packet.
 */
bool ipsec_flow_from_quote(struct ipsec_flow *flow, const struct sk_buff *skb,
			   unsigned int off, sa_family_t family,
			   enum ipsec_dir dir)
{
	struct ipv6hdr buf6;
	struct iphdr buf4;
	const struct ipv6hdr *ip6h;
	const struct iphdr *iph;

	memset(flow, 0, sizeof(*flow));
	flow->family = family;
	flow->dir = dir;
	if (family == AF_INET) {
		iph = skb_header_pointer(skb, off, sizeof(buf4), &buf4);
		return iph && iph->version == 4 && iph->ihl * 4 >= sizeof(*iph) &&
		       flow_ip4(flow, skb, iph, off);
	}
	ip6h = skb_header_pointer(skb, off, sizeof(buf6), &buf6);
	return ip6h && ip6h->version == 6 && flow_ip6(flow, skb, ip6h, off);
}

/**
 * ipsec_upper_offset() - where the upper-layer header of a packet begins
 * @skb: the packet; its network header is complete and checked by the stack
 * @family: AF_INET or AF_INET6
 *
 * Return: the offset from its data, or a negative number.
 */
int ipsec_upper_offset(const struct sk_buff *skb, sa_family_t family)
{
	int off = skb_network_offset(skb);
	__be16 frag_off;
	u8 nexthdr;

	if (family == AF_INET)
		return off + ip_hdrlen(skb);
	nexthdr = ipv6_hdr(skb)->nexthdr;
	return ipv6_skip_exthdr(skb, off + sizeof(struct ipv6hdr), &nexthdr,
				&frag_off);
}
