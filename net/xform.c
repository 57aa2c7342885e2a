// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of transforms: a new one is a row here and a file xform_*.c. Below
 * it is what all transforms do: find their place in the packet, make room for a
 * header there, and ask the replay window.
 */
#include <linux/kernel.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

static const struct ipsec_xform *const xforms[] = {
	&ipsec_xform_esp,
	&ipsec_xform_ah,
	&ipsec_xform_ipcomp,
};

/**
 * ipsec_xform_find() - the transform of a protocol
 * @proto: IPPROTO_*
 *
 * Return: the transform, or NULL if there is none.
 */
const struct ipsec_xform *ipsec_xform_find(u8 proto)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xforms); i++)
		if (xforms[i]->proto == proto)
			return xforms[i];
	return NULL;
}

/**
 * ipsec_header_place() - where the header of a transform goes
 * @skb: the packet, linear, its data at the IP header
 * @nexthdr: the place of the byte that names what follows
 *
 * Behind the IPv4 header and its options; behind IPv6 headers that routers on
 * the way look at (RFC 4303 section 3.1.1, RFC 4302 section 3.1.1).
 *
 * Return: the length of what stays in front, or -EINVAL.
 */
int ipsec_header_place(const struct sk_buff *skb, unsigned int *nexthdr)
{
	const struct ipv6_opt_hdr *opt;
	unsigned int off, next;

	if (ipsec_skb_family(skb) == AF_INET) {
		*nexthdr = offsetof(struct iphdr, protocol);
		return ip_hdrlen(skb);
	}
	*nexthdr = offsetof(struct ipv6hdr, nexthdr);
	off = sizeof(struct ipv6hdr);
	while (skb->data[*nexthdr] == NEXTHDR_HOP ||
	       skb->data[*nexthdr] == NEXTHDR_ROUTING ||
	       skb->data[*nexthdr] == NEXTHDR_DEST) {
		if (off + sizeof(*opt) > skb->len)
			return -EINVAL;
		opt = (const struct ipv6_opt_hdr *)(skb->data + off);
		next = off + ipv6_optlen(opt);
		if (next > skb->len)
			return -EINVAL;
		/* Options for the destination alone belong behind us. */
		if (skb->data[*nexthdr] == NEXTHDR_DEST &&
		    opt->nexthdr != NEXTHDR_ROUTING)
			break;
		*nexthdr = off;
		off = next;
	}
	return off;
}

/**
 * ipsec_set_length() - tell the IP header how long the packet is now
 * @skb: the packet, its data at the IP header
 */
void ipsec_set_length(struct sk_buff *skb)
{
	if (ip_hdr(skb)->version == 4) {
		ip_hdr(skb)->tot_len = htons(skb->len);
		ip_send_check(ip_hdr(skb));
	} else {
		ipv6_hdr(skb)->payload_len = htons(skb->len -
						   sizeof(struct ipv6hdr));
	}
}

/**
 * ipsec_header_insert() - make room for the header of a transform
 * @skb: the packet, linear and unshared, with @len bytes of headroom; what goes
 *	behind the payload is there already
 * @place: from ipsec_header_place()
 * @nexthdr: the same
 * @len: length of the header
 * @proto: IPPROTO_*
 *
 *	before: | IP header | payload |
 *	after:  | IP header | @len bytes | payload |
 *
 * The IP header tells the new length and @proto.
 *
 * Return: the header, not written yet.
 */
void *ipsec_header_insert(struct sk_buff *skb, unsigned int place,
			  unsigned int nexthdr, unsigned int len, u8 proto)
{
	skb->data[nexthdr] = proto;
	__skb_push(skb, len);
	memmove(skb->data, skb->data + len, place);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, place);
	ipsec_set_length(skb);
	return skb_transport_header(skb);
}

/**
 * ipsec_numbers_ok() - whether an SA can have the sequence numbers it asks for
 * @p: its parameters
 *
 * RFC 1826 and 1827 have none, so neither a window.
 */
bool ipsec_numbers_ok(const struct ipsec_sa_params *p)
{
	return !(p->flags & SADB_X_EXT_OLD) ||
	       !(p->window || p->sequence || p->flags & SADB_X_SAFLAGS_ESN);
}

/**
 * ipsec_window_check() - whether a received packet may be new
 * @sa: its SA
 * @wire: the sequence number in the packet
 * @seq: the full number, with ESN all 64 bits
 *
 * To be asked before the ICV is verified, which costs more.
 *
 * Context: BH disabled. Return: the verdict.
 */
enum ipsec_replay_verdict ipsec_window_check(struct ipsec_sa *sa, __be32 wire,
					     u64 *seq)
{
	enum ipsec_replay_verdict verdict;

	spin_lock(&sa->lock);
	*seq = ipsec_replay_extend(&sa->replay, ntohl(wire));
	verdict = ipsec_replay_check(&sa->replay, *seq);
	spin_unlock(&sa->lock);
	return verdict;
}

/**
 * ipsec_window_accept() - the packet is genuine, move the window
 * @sa: its SA
 * @seq: from ipsec_window_check()
 *
 * The number is looked at again, because the same packet may have been verified
 * on another CPU.
 *
 * Context: BH disabled. Return: the verdict.
 */
enum ipsec_replay_verdict ipsec_window_accept(struct ipsec_sa *sa, u64 seq)
{
	enum ipsec_replay_verdict verdict;

	/* Extended numbers need the last one to find the next high half. */
	if (!sa->replay.window && !sa->replay.esn)
		return IPSEC_REPLAY_OK;
	spin_lock(&sa->lock);
	verdict = ipsec_replay_check(&sa->replay, seq);
	if (verdict == IPSEC_REPLAY_OK)
		ipsec_replay_commit(&sa->replay, seq);
	spin_unlock(&sa->lock);
	return verdict;
}
