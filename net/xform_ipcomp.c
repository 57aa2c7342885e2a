// SPDX-License-Identifier: GPL-2.0-only
/*
 * IPComp (RFC 3173), for IPv4 and IPv6. It protects nothing, and a payload that
 * would not shrink goes without it: transport packets then are what they were,
 * those of tunnels are IP in IP, which is taken apart at the end of this file.
 */
#include <linux/ip.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <ipsec/comp.h>
#include <ipsec/compat.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

#define HEADER		sizeof(struct ip_comp_hdr)

/* Forms that ESP and AH have. */
#define FLAGS_REFUSED	(SADB_X_EXT_OLD | SADB_X_EXT_IV4B | SADB_X_EXT_DERIV)

static int comp_init(struct ipsec_sa *sa, const struct ipsec_sa_params *p)
{
	const struct ipsec_alg_desc *alg;

	if (p->aalg || p->akey.bits || p->ekey.bits)
		return -EINVAL;
	if (p->flags & FLAGS_REFUSED)
		return -EINVAL;
	if (!p->spi || ntohl(p->spi) > IPSEC_CPI_MAX)
		return -EINVAL;
	alg = ipsec_alg_find(IPSEC_ALG_COMP, p->ealg);
	return alg ? ipsec_comp_init(&sa->comp, alg) : -ENOSYS;
}

static void comp_destroy(struct ipsec_sa *sa)
{
	ipsec_comp_destroy(&sa->comp);
}

/* What is sent is never longer than it was. */
static unsigned int comp_room(const struct ipsec_sa *sa)
{
	return 0;
}

/* Whether a packet shrinks is not known before: so it must fit as it is. */
static unsigned int comp_payload(const struct ipsec_sa *sa, unsigned int space)
{
	return space;
}

static int comp_drop(struct ipsec_sa *sa, struct sk_buff *skb,
		     enum ipsec_stat reason)
{
	ipsec_drop(sa->net, skb, reason, sa, NULL);
	return -EINPROGRESS;
}

/* The rest of a fragmented payload goes another way (RFC 3173 section 2). */
static bool is_fragment(const struct sk_buff *skb, unsigned int nexthdr)
{
	if (ipsec_skb_family(skb) == AF_INET)
		return ip_is_fragment(ip_hdr(skb));
	return skb->data[nexthdr] == NEXTHDR_FRAGMENT;
}

/* The SPI itself if the owner wants that, else the algorithm's number. */
static __be16 cpi_of(const struct ipsec_sa *sa)
{
	if (sa->flags & SADB_X_EXT_RAWCPI)
		return htons(ntohl(sa->key.spi));
	return htons(sa->ealg);
}

/*
 *	before: | IP header | payload                                    |
 *	after:  | IP header | next | 0 | CPI | compressed payload |
 *
 * The new payload is shorter by a byte at least, the header included.
 */
static int comp_output(struct ipsec_sa *sa, struct sk_buff *skb)
{
	struct ip_comp_hdr *header;
	unsigned int nexthdr, len;
	const u8 *small;
	int place, made;

	place = ipsec_header_place(skb, &nexthdr);
	if (unlikely(place < 0))
		return comp_drop(sa, skb, IPSEC_STAT_out_inval);
	len = skb->len - place;
	if (len < sa->comp.threshold || is_fragment(skb, nexthdr))
		goto unchanged;
	made = ipsec_comp_compress(&sa->comp, skb->data + place, len,
				   len - HEADER - 1, &small);
	header = (struct ip_comp_hdr *)(skb->data + place);
	if (made >= 0) {
		header->nexthdr = skb->data[nexthdr];
		memcpy(header + 1, small, made);
	}
	ipsec_comp_done(&sa->comp);
	if (made < 0)
		goto unchanged;

	header->flags = 0;
	header->cpi = cpi_of(sa);
	skb->data[nexthdr] = IPPROTO_COMP;
	__skb_trim(skb, place + HEADER + made);
	ipsec_set_length(skb);
	ipsec_count(sa->net, IPSEC_STAT_out_comphist);
	return 0;

unchanged:
	/* A tunnel's header has no checksum yet; another one may follow. */
	ipsec_set_length(skb);
	ipsec_count(sa->net, IPSEC_STAT_out_uncompr);
	return IPSEC_UNCHANGED;
}

/* The longest payload behind the packet's IP header and extension headers. */
static unsigned int payload_max(const struct sk_buff *skb)
{
	unsigned int hlen = -skb_network_offset(skb);

	if (ip_hdr(skb)->version == 6)
		hlen -= sizeof(struct ipv6hdr);
	return IPSEC_COMP_MAX - hlen;
}

/*
 * Replaces what is behind @skb's data by @len bytes: as much as there is room for
 * in the buffer, the rest in pages, because large buffers are hard to come by.
 */
static int replace_payload(struct sk_buff *skb, const u8 *data, unsigned int len)
{
	unsigned int n;

	BUILD_BUG_ON(MAX_SKB_FRAGS < DIV_ROUND_UP(IPSEC_COMP_MAX, PAGE_SIZE));
	__skb_trim(skb, 0);
	n = min_t(unsigned int, len, skb_tailroom(skb));
	skb_put_data(skb, data, n);
	while (len -= n) {
		struct page *page = alloc_page(GFP_ATOMIC | __GFP_NOWARN);

		if (!page)
			return -ENOMEM;
		data += n;
		n = min_t(unsigned int, len, PAGE_SIZE);
		memcpy(page_address(page), data, n);
		skb_add_rx_frag(skb, skb_shinfo(skb)->nr_frags, page, 0, n,
				PAGE_SIZE);
	}
	return 0;
}

/*
 * Expands what is behind the IPComp header, in one piece, in its place. Return: 0,
 * -EINVAL for what cannot be expanded, -ENOMEM.
 */
static int comp_expand(struct ipsec_sa *sa, struct sk_buff *skb)
{
	const u8 *large;
	int made, err;

	made = ipsec_comp_expand(&sa->comp, skb->data + HEADER,
				 skb->len - HEADER, payload_max(skb), &large);
	if (likely(made >= 0)) {
		__skb_pull(skb, HEADER);
		err = replace_payload(skb, large, made);
	} else {
		err = -EINVAL;
	}
	ipsec_comp_done(&sa->comp);
	return err;
}

static int comp_input(struct ipsec_sa *sa, struct sk_buff *skb)
{
	u8 nexthdr;
	int err;

	if (unlikely(!pskb_may_pull(skb, HEADER)))
		return comp_drop(sa, skb, IPSEC_STAT_in_hdrops);
	nexthdr = ((struct ip_comp_hdr *)skb->data)->nexthdr;
	/* Nobody compresses twice, but who wants to keep us busy does. */
	if (unlikely(nexthdr == IPPROTO_COMP))
		return comp_drop(sa, skb, IPSEC_STAT_in_ipcompnested);
	if (unlikely(skb_linearize_cow(skb)))
		return comp_drop(sa, skb, IPSEC_STAT_in_nomem);
	err = comp_expand(sa, skb);
	if (unlikely(err))
		return comp_drop(sa, skb, err == -ENOMEM ?
				 IPSEC_STAT_in_nomem :
				 IPSEC_STAT_in_ipcompinval);
	ipsec_count(sa->net, IPSEC_STAT_in_comphist);
	/* As long as it is without IPComp. */
	ipsec_sa_charge(sa, 1, skb->len - HEADER - skb_network_offset(skb));
	skb->ip_summed = CHECKSUM_NONE;
	return nexthdr;
}

const struct ipsec_xform ipsec_xform_ipcomp = {
	.proto		= IPPROTO_COMP,
	.init		= comp_init,
	.destroy	= comp_destroy,
	.output		= comp_output,
	.input		= comp_input,
	.counts_payload	= true,
	.headroom	= comp_room,
	.tailroom	= comp_room,
	.payload	= comp_payload,
};

/**
 * ipsec_ipcomp_find() - the SA of a received IPComp packet
 * @net: the namespace
 * @key: destination, protocol and family; the CPI is filled in
 * @header: the IPComp header
 * @ip: the IP header of the packet
 *
 * A well-known CPI names an algorithm and no SA. Expanding is work that strangers
 * are not done: there has to be an SA between the same two ends.
 *
 * Context: RCU read side. Return: the SA, without a reference and perhaps
 * unusable, or NULL.
 */
struct ipsec_sa *ipsec_ipcomp_find(struct net *net, struct ipsec_sad_key *key,
				   const void *header, const void *ip)
{
	const struct ip_comp_hdr *comp = header;
	u16 cpi = ntohs(get_unaligned(&comp->cpi));
	struct ipsec_ends_key ends = {
		.daddr	= key->daddr,
		.proto	= IPPROTO_COMP,
		.family	= key->family,
	};
	struct ipsec_sa *sa;

	key->spi = htonl(cpi);
	sa = ipsec_sad_lookup_spi(net, key);
	if (sa || cpi > IPSEC_CPI_WELL_KNOWN)
		return sa;
	if (key->family == AF_INET)
		ends.saddr.a4 = ((const struct iphdr *)ip)->saddr;
	else
		ends.saddr.in6 = ((const struct ipv6hdr *)ip)->saddr;
	if (ipsec_proto_is_ip(comp->nexthdr))
		sa = ipsec_sad_find_out(net, &ends, IPSEC_MODE_KIND_TUNNEL, 0);
	if (!sa)
		sa = ipsec_sad_find_out(net, &ends, IPSEC_MODE_KIND_TRANSPORT,
					0);
	return sa && sa->ealg == cpi ? sa : NULL;
}

/**
 * ipsec_ipcomp_bare() - whether a packet is of an IPComp tunnel, but bare of it
 * @net: the namespace
 * @skb: the packet, for us and in one piece; its network header is set
 * @family: AF_INET or AF_INET6
 *
 * IP in IP between the ends of an IPComp SA that is not of mode transport. Other
 * headers in front of the inner packet are not what the other end puts there.
 *
 * Context: RCU read side. Return: the SA, without a reference, or NULL.
 */
struct ipsec_sa *ipsec_ipcomp_bare(struct net *net, const struct sk_buff *skb,
				   sa_family_t family)
{
	struct ipsec_ends_key ends = {
		.proto	= IPPROTO_COMP,
		.family	= family,
	};

	if (family == AF_INET) {
		const struct iphdr *iph = ip_hdr(skb);

		if (!ipsec_proto_is_ip(iph->protocol) || iph->ihl * 4 != sizeof(*iph) ||
		    ip_is_fragment(iph))
			return NULL;
		ends.saddr.a4 = iph->saddr;
		ends.daddr.a4 = iph->daddr;
	} else {
		const struct ipv6hdr *iph = ipv6_hdr(skb);

		if (!ipsec_proto_is_ip(iph->nexthdr))
			return NULL;
		ends.saddr.in6 = iph->saddr;
		ends.daddr.in6 = iph->daddr;
	}
	return ipsec_sad_find_out(net, &ends, IPSEC_MODE_KIND_TUNNEL, 0);
}

/**
 * ipsec_ipcomp_unwrap() - take such a packet out of its tunnel
 * @net: the namespace
 * @skb: the packet, for us and in one piece, its data at the IP header
 * @family: AF_INET or AF_INET6
 *
 * What comes out is as free as any plaintext: a policy has to want this tunnel,
 * and whether it wants more than that is asked like everywhere.
 *
 * Context: RCU read side, BH disabled. Return: false for other packets; true
 * when it was taken.
 */
bool ipsec_ipcomp_unwrap(struct net *net, struct sk_buff *skb,
			 sa_family_t family)
{
	struct ipsec_sa *sa = ipsec_ipcomp_bare(net, skb, family);
	u8 nexthdr;

	if (likely(!sa))
		return false;
	nexthdr = ipsec_first_proto(skb, family);
	/* A sniffer may share the bytes; it may be several packets merged. */
	if (skb_unclone(skb, GFP_ATOMIC) || iptunnel_pull_offloads(skb)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_nomem, sa, NULL);
		return true;
	}
	skb_pull_rcsum(skb, family == AF_INET ? sizeof(struct iphdr) :
						sizeof(struct ipv6hdr));
	if (!ipsec_history_push(skb, sa, true)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_depth, sa, NULL);
		return true;
	}
	if (!ipsec_tunnel_decap(skb, sa, nexthdr))
		return true;
	ipsec_count(net, IPSEC_STAT_in_uncompr);
	ipsec_deliver(net, skb);
	return true;
}
