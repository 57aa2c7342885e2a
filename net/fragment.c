// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragments that came out of a tunnel one by one (RFC 4301 section 7). The stack would put
 * them together with any others of the same addresses and number, and take the first one
 * for what all of them are: one that came in clear could complete a packet that was
 * protected. So those that the stack would put together, to deliver them or since
 * connection tracking wants to see whole packets, are put together here, apart from all
 * that did not come through the same tunnels. So are those that the SPD cannot judge one
 * by one. What went past us nevertheless is found out when it is judged.
 *
 * The stack's own queues are used, under numbers that nobody else has: of IPv4 they are
 * always there, of IPv6 they come with nf_defrag_ipv6, which connection tracking uses.
 * Without that module protected fragments of IPv6 for this host are dropped.
 */
#include <linux/kmod.h>
#include <linux/module.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/netfilter/ipv6/nf_defrag_ipv6.h>
#include <net/route.h>
#include <ipsec/compat.h>
#include "net.h"

/* Numbers of other users of the stack's queues are small. */
#define OWN_QUEUE	BIT(31)

/* Puts IPv6 packets together; NULL until there is a tunnel, and without nf_defrag_ipv6. */
static typeof(nf_ct_frag6_gather) *gather6;

/* Whether connection tracking would put a namespace's fragments together. */
static bool is_defragged(const struct net *net, bool v4)
{
#if IS_ENABLED(CONFIG_NF_DEFRAG_IPV4)
	if (v4)
		return READ_ONCE(net->nf.defrag_ipv4_users);
#endif
#if IS_ENABLED(CONFIG_NF_DEFRAG_IPV6)
	if (!v4)
		return READ_ONCE(net->nf.defrag_ipv6_users);
#endif
	return false;
}

/* Whether the stack would deliver it here, to say nothing of groups and broadcasts. */
static bool is_for_us4(struct sk_buff *skb)
{
	u8 type = RTN_UNICAST;

	if (!ipsec_route_input4(skb))
		type = skb_rtable(skb)->rt_type;
	skb_dst_drop(skb);
	return type != RTN_UNICAST;
}

static bool is_for_us6(struct net *net, struct sk_buff *skb)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	struct flowi6 fl6 = {
		.flowi6_iif	= skb->dev->ifindex,
		.flowi6_mark	= skb->mark,
		.flowi6_proto	= iph->nexthdr,
		.flowlabel	= ip6_flowinfo(iph),
		.saddr		= iph->saddr,
		.daddr		= iph->daddr,
	};
	struct dst_entry *dst;
	bool ours;

	if (ipv6_addr_is_multicast(&iph->daddr))
		return true;
	dst = ip6_route_input_lookup(net, skb->dev, &fl6, skb,
				     RT6_LOOKUP_F_HAS_SADDR);
	ours = container_of(dst, struct rt6_info, dst)->rt6i_flags &
	       (RTF_LOCAL | RTF_ANYCAST);
	dst_release(dst);
	return ours;
}

/* Whether a fragment without a route has to be seen as part of its packet. */
static bool is_joined(struct net *net, struct sk_buff *skb, bool v4)
{
	if (is_defragged(net, v4))
		return true;
	if (v4 ? is_for_us4(skb) : is_for_us6(net, skb))
		return true;
	return ipsec_policy_wants_whole(net, skb, v4 ? AF_INET : AF_INET6);
}

/* Whether there is a fragment header, and not of the only fragment. */
static bool is_fragment6(const struct sk_buff *skb)
{
	const struct frag_hdr *fh;
	unsigned int off = 0;
	struct frag_hdr buf;

	if (ipv6_find_hdr(skb, &off, NEXTHDR_FRAGMENT, NULL, NULL) < 0)
		return false;
	fh = skb_header_pointer(skb, off, sizeof(buf), &buf);
	return fh && fh->frag_off & htons(IP6_OFFSET | IP6_MF);
}

/*
 * The whole packet gets a new checksum: of a fragment that is damaged it would hide that.
 * The stack drops such a one.
 */
static struct sk_buff *join4(struct net *net, struct sk_buff *skb, u32 queue)
{
	if (!pskb_may_pull(skb, ip_hdrlen(skb)) ||
	    ip_fast_csum(skb->data, ip_hdr(skb)->ihl))
		return skb;
	skb = ip_check_defrag(net, skb, queue);
	/* As connection tracking says: fragments of this size had found their way. */
	if (skb)
		skb->ignore_df = 1;
	return skb;
}

static struct sk_buff *join6(struct net *net, struct sk_buff *skb, u32 queue)
{
	typeof(gather6) gather = READ_ONCE(gather6);
	int err = -EINVAL;

	memset(IP6CB(skb), 0, sizeof(*IP6CB(skb)));
	if (gather &&
	    !pskb_trim_rcsum(skb, sizeof(struct ipv6hdr) +
				  ntohs(ipv6_hdr(skb)->payload_len)))
		err = gather(net, skb, queue);
	if (err == -EINPROGRESS)
		return NULL;
	if (!err && IP6CB(skb)->flags & IP6SKB_FRAGMENTED)
		return skb;
	ipsec_drop(net, skb, IPSEC_STAT_in_reasm, NULL, NULL);
	return NULL;
}

/**
 * ipsec_fragment_join() - put a fragment that was opened to the others
 * @net: the namespace
 * @skb: the fragment, its data at the IP header; if it has a route, it is for us
 *
 * Those that are only to be forwarded stay what they are, as do those that nothing but
 * IPComp was around.
 *
 * Context: RCU read side, BH disabled. Return: what goes on, without a route if it was
 * put together, or NULL while some are missing.
 */
struct sk_buff *ipsec_fragment_join(struct net *net, struct sk_buff *skb)
{
	u32 queue = ipsec_history_hash(skb);
	bool v4 = ipsec_skb_family(skb) == AF_INET;

	if (!queue || !(v4 || is_fragment6(skb)))
		return skb;
	if (!skb_dst(skb) && !is_joined(net, skb, v4))
		return skb;
	skb_dst_drop(skb);
	queue |= OWN_QUEUE;
	return v4 ? join4(net, skb, queue) : join6(net, skb, queue);
}

/**
 * ipsec_fragment_mixed() - whether others put fragments together that we opened
 * @skb: a received packet; a fragment, or was put together since it was received or
 *	 opened last
 * @whole: it is no fragment
 *
 * Then it is not known whether all of them were protected. A packet in transport mode
 * was put together before it was opened.
 *
 * Context: RCU read side.
 */
bool ipsec_fragment_mixed(const struct sk_buff *skb, bool whole)
{
	if (!ipsec_history_have(skb))
		return false;
	return !whole || ipsec_history_left_tunnel(skb);
}

/**
 * ipsec_fragment_size() - how long the longest fragment was
 * @skb: a packet that was put together before it was received, its fragments linked
 * @family: AF_INET or AF_INET6
 *
 * It is forwarded in fragments that are no longer. Where the stack knows that from, it
 * has forgotten it since.
 */
void ipsec_fragment_size(struct sk_buff *skb, sa_family_t family)
{
	unsigned int header = skb_network_header_len(skb), size = skb->len;
	const struct sk_buff *piece;

	skb_walk_frags(skb, piece) {
		size -= piece->len;
	}
	skb_walk_frags(skb, piece) {
		size = max(size, piece->len + header);
	}
	if (family == AF_INET)
		IPCB(skb)->frag_max_size = size;
	else
		IP6CB(skb)->frag_max_size = size + sizeof(struct frag_hdr);
}

/*
 * Loaded once: a kernel without it is not asked again for each tunnel, though whoever
 * loads it later is found.
 */
static typeof(gather6) gather6_find(void)
{
	static atomic_t asked = ATOMIC_INIT(0);
	typeof(gather6) found = symbol_get(nf_ct_frag6_gather);

	if (found || atomic_xchg(&asked, 1))
		return found;
	request_module("nf_defrag_ipv6");
	return symbol_get(nf_ct_frag6_gather);
}

/**
 * ipsec_fragments_expect() - fragments may come out of a tunnel
 *
 * Context: process, may sleep long.
 */
void ipsec_fragments_expect(void)
{
	typeof(gather6) found;

	if (READ_ONCE(gather6))
		return;
	found = gather6_find();
	/* Another tunnel was faster: one reference to the module is enough. */
	if (found && cmpxchg(&gather6, NULL, found))
		symbol_put(nf_ct_frag6_gather);
}

/**
 * ipsec_fragments_exit() - no fragment comes any more
 */
void ipsec_fragments_exit(void)
{
	if (gather6)
		symbol_put(nf_ct_frag6_gather);
}
