// SPDX-License-Identifier: GPL-2.0-only
/*
 * AH (RFC 4302, and RFC 1826 for SAs that are OLD), for IPv4 and IPv6. The ICV
 * covers the whole packet, with zeros for what routers change on the way: the IP
 * headers are hashed piece by piece and never altered.
 */
#include <crypto/algapi.h>
#include <linux/skbuff.h>
#include <net/ah.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/icv.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

/* What is in front of the addresses of a routing header. */
#define ROUTE_HEAD	8

static int ah_init(struct ipsec_sa *sa, const struct ipsec_sa_params *p)
{
	const struct ipsec_alg_desc *aalg;

	if (p->ealg || p->flags & (SADB_X_EXT_IV4B | SADB_X_EXT_DERIV) ||
	    !ipsec_numbers_ok(p))
		return -EINVAL;
	aalg = ipsec_alg_find(IPSEC_ALG_AUTH, p->aalg);
	if (!aalg)
		return -ENOSYS;
	return ipsec_mac_init(&sa->mac, aalg, &p->akey,
			      p->flags & SADB_X_EXT_OLD);
}

static void ah_destroy(struct ipsec_sa *sa)
{
	ipsec_mac_destroy(&sa->mac);
}

/* Whether packets have sequence numbers. */
static bool ah_numbered(const struct ipsec_sa *sa)
{
	return !(sa->flags & SADB_X_EXT_OLD);
}

/* What is in front of the ICV. */
static unsigned int ah_fixed(const struct ipsec_sa *sa)
{
	return ah_numbered(sa) ? sizeof(struct ip_auth_hdr) :
				 offsetof(struct ip_auth_hdr, seq_no);
}

/* The header with its ICV, a multiple of 4 bytes, in IPv6 of 8 (section 2.2). */
static unsigned int ah_headroom(const struct ipsec_sa *sa)
{
	return ALIGN(ah_fixed(sa) + sa->mac.icv,
		     sa->key.family == AF_INET ? 4 : 8);
}

static unsigned int ah_tailroom(const struct ipsec_sa *sa)
{
	return 0;
}

static unsigned int ah_payload(const struct ipsec_sa *sa, unsigned int space)
{
	return space - min(space, ah_headroom(sa));
}

/* Options that no router changes (RFC 4302 appendix A1). */
static bool ip4_option_immutable(u8 type)
{
	switch (type) {
	case IPOPT_SEC:
	case 0x85:		/* extended security, RFC 1108 */
	case IPOPT_CIPSO:
	case IPOPT_RA:
	case 0x95:		/* sender directed delivery, RFC 1770 */
		return true;
	default:
		return false;
	}
}

static bool is_source_route(u8 type)
{
	return type == IPOPT_LSRR || type == IPOPT_SSRR;
}

/*
 * Walks the options of an IPv4 header: feeds them to @icv and finds where a
 * source route ends, for a sender who only knows its next stop. Either may be
 * NULL. Returns 0 or -EINVAL.
 */
static int ip4_options(const struct iphdr *iph, struct ipsec_icv *icv,
		       __be32 *last_stop)
{
	const u8 *opt = (const u8 *)(iph + 1);
	const u8 *end = (const u8 *)iph + iph->ihl * 4;
	unsigned int len;

	for (; opt < end && *opt != IPOPT_END; opt += len) {
		len = 1;
		if (*opt != IPOPT_NOOP) {
			if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
				return -EINVAL;
			len = opt[1];
		}
		if (last_stop && is_source_route(*opt) && len >= 7 &&
		    opt[2] <= len)
			memcpy(last_stop, opt + len - 4, 4);
		if (!icv)
			continue;
		if (*opt == IPOPT_NOOP || ip4_option_immutable(*opt))
			ipsec_icv_add(icv, opt, len);
		else
			ipsec_icv_add_zeros(icv, len);
	}
	if (icv)
		ipsec_icv_add(icv, opt, end - opt);
	return 0;
}

static int add_ip4(struct ipsec_icv *icv, const struct ipsec_sa *sa,
		   const struct iphdr *iph, bool output)
{
	const struct ipsec_knobs *knobs = &ipsec_net(sa->net)->knobs;
	struct iphdr fixed = *iph;
	int err;

	if (READ_ONCE(knobs->ah_cleartos))
		fixed.tos = 0;
	fixed.frag_off &= htons(READ_ONCE(knobs->ah_offsetmask));
	fixed.ttl = 0;
	fixed.check = 0;
	err = ip4_options(iph, NULL, output ? &fixed.daddr : NULL);
	if (err)
		return err;
	ipsec_icv_add(icv, &fixed, sizeof(fixed));
	return ip4_options(iph, icv, NULL);
}

/* Hop-by-hop and destination options: some say that they may change. */
static int add_ip6_options(struct ipsec_icv *icv, const u8 *header,
			   unsigned int len)
{
	const u8 *opt = header + sizeof(struct ipv6_opt_hdr);
	const u8 *end = header + len;
	unsigned int n;

	ipsec_icv_add(icv, header, sizeof(struct ipv6_opt_hdr));
	for (; opt < end; opt += n) {
		if (*opt == IPV6_TLV_PAD1) {
			n = 1;
			ipsec_icv_add(icv, opt, n);
			continue;
		}
		if (end - opt < 2 || opt[1] > end - opt - 2)
			return -EINVAL;
		n = opt[1] + 2;
		if (*opt & 0x20) {
			ipsec_icv_add(icv, opt, 2);
			ipsec_icv_add_zeros(icv, n - 2);
		} else {
			ipsec_icv_add(icv, opt, n);
		}
	}
	return 0;
}

/*
 * Where a route still to go ends, for a sender who only knows its next stop. The
 * list of type 4 is in reverse order (RFC 8754). NULL for what we cannot follow.
 */
static const struct in6_addr *ip6_last_stop(const struct ipv6_rt_hdr *rt,
					    unsigned int len)
{
	const struct in6_addr *list = (const void *)((const u8 *)rt + ROUTE_HEAD);
	unsigned int n = (len - ROUTE_HEAD) / sizeof(*list);

	if (rt->segments_left > n)
		return NULL;
	switch (rt->type) {
	case IPV6_SRCRT_TYPE_0:
	case IPV6_SRCRT_TYPE_2:
		return len == ROUTE_HEAD + n * sizeof(*list) ? &list[n - 1] :
							       NULL;
	case IPV6_SRCRT_TYPE_4:
		return &list[0];
	default:
		return NULL;
	}
}

/*
 * A routing header as its last stop gets it (RFC 4302 section 3.3.3.1.2.3): no
 * segment is left, and with types 0 and 2 each stop has put the address by which
 * it was reached in the place of the one that it took.
 */
static void add_ip6_route(struct ipsec_icv *icv, const struct ipv6_rt_hdr *rt,
			  unsigned int len, const struct in6_addr *stop)
{
	const u8 *list = (const u8 *)rt + ROUTE_HEAD, *end = (const u8 *)rt + len;
	const u8 *next = end - rt->segments_left * sizeof(*stop);
	struct ipv6_rt_hdr fixed = *rt;

	fixed.segments_left = 0;
	ipsec_icv_add(icv, &fixed, sizeof(fixed));
	ipsec_icv_add(icv, rt + 1, ROUTE_HEAD - sizeof(fixed));
	if (rt->type == IPV6_SRCRT_TYPE_4) {
		ipsec_icv_add(icv, list, end - list);
		return;
	}
	ipsec_icv_add(icv, list, next - list);
	ipsec_icv_add(icv, stop, sizeof(*stop));
	ipsec_icv_add(icv, next, end - next - sizeof(*stop));
}

static int ip6_route(struct ipsec_icv *icv, const struct ipv6_rt_hdr *rt,
		     unsigned int len, struct in6_addr *stop)
{
	const struct in6_addr *last;

	if (!rt->segments_left) {
		if (icv)
			ipsec_icv_add(icv, rt, len);
		return 0;
	}
	/* A receiver is the last stop, or this is not for him. */
	last = stop ? ip6_last_stop(rt, len) : NULL;
	if (!last)
		return -EINVAL;
	if (icv)
		add_ip6_route(icv, rt, len, stop);
	*stop = *last;
	return 0;
}

/*
 * Walks the extension headers in front of ours: feeds them to @icv and follows
 * routes from @stop to where they end. Either may be NULL. Returns 0 or -EINVAL.
 */
static int ip6_extensions(struct ipsec_icv *icv, const struct ipv6hdr *iph,
			  unsigned int len, struct in6_addr *stop)
{
	unsigned int off = sizeof(*iph), n;
	const struct ipv6_opt_hdr *opt;
	u8 next = iph->nexthdr;
	int err = 0;

	for (; off < len && !err; off += n) {
		opt = (const struct ipv6_opt_hdr *)((const u8 *)iph + off);
		if (len - off < sizeof(*opt))
			return -EINVAL;
		n = ipv6_optlen(opt);
		if (n > len - off)
			return -EINVAL;
		if (next == NEXTHDR_ROUTING)
			err = ip6_route(icv, (const struct ipv6_rt_hdr *)opt, n,
					stop);
		else if (next != NEXTHDR_HOP && next != NEXTHDR_DEST)
			err = -EINVAL;
		else if (icv)
			err = add_ip6_options(icv, (const u8 *)opt, n);
		next = opt->nexthdr;
	}
	return err;
}

/* The IPv6 header and the extension headers in front of ours, @len in all. */
static int add_ip6(struct ipsec_icv *icv, const struct ipv6hdr *iph,
		   unsigned int len, bool output)
{
	struct in6_addr stop = iph->daddr;
	struct ipv6hdr fixed = *iph;
	int err;

	fixed.priority = 0;
	memset(fixed.flow_lbl, 0, sizeof(fixed.flow_lbl));
	fixed.hop_limit = 0;
	if (output) {
		err = ip6_extensions(NULL, iph, len, &fixed.daddr);
		if (err)
			return err;
	}
	ipsec_icv_add(icv, &fixed, sizeof(fixed));
	return ip6_extensions(icv, iph, len, output ? &stop : NULL);
}

/*
 * The ICV of a packet, linear, whose network and transport header are set; the
 * latter is AH. The ICV in it is not looked at.
 */
static int ah_icv(const struct ipsec_sa *sa, const struct sk_buff *skb,
		  u64 seq, bool output, u8 *digest)
{
	const unsigned char *ip = skb_network_header(skb);
	const unsigned char *ah = skb_transport_header(skb);
	unsigned int fixed = ah_fixed(sa), used = fixed + sa->mac.icv;
	__be32 seq_hi = htonl(upper_32_bits(seq));
	struct ipsec_icv icv;
	int err, err2;

	ipsec_icv_begin(&icv, &sa->mac);
	if (ipsec_skb_family(skb) == AF_INET)
		err = add_ip4(&icv, sa, (const struct iphdr *)ip, output);
	else
		err = add_ip6(&icv, (const struct ipv6hdr *)ip, ah - ip, output);
	ipsec_icv_add(&icv, ah, fixed);
	ipsec_icv_add_zeros(&icv, sa->mac.icv);
	/* Padding of the ICV, then the payload. */
	ipsec_icv_add(&icv, ah + used, skb_tail_pointer(skb) - ah - used);
	if (sa->replay.esn)
		ipsec_icv_add(&icv, &seq_hi, sizeof(seq_hi));
	err2 = ipsec_icv_end(&icv, digest);
	return err ?: err2;
}

static int ah_drop(struct ipsec_sa *sa, struct sk_buff *skb,
		   enum ipsec_stat reason)
{
	ipsec_drop(sa->net, skb, reason, sa, NULL);
	return -EINPROGRESS;
}

/*
 *	before: | IP header | payload |
 *	after:  | IP header | next | len | 0 | SPI | seq | ICV | pad | payload |
 *
 * RFC 1826 has no seq.
 */
static int ah_output(struct ipsec_sa *sa, struct sk_buff *skb)
{
	unsigned int size = ah_headroom(sa), nexthdr;
	u8 digest[HASH_MAX_DIGESTSIZE], payload;
	struct ip_auth_hdr *ah;
	u64 seq = 0;
	int place, err;

	place = ipsec_header_place(skb, &nexthdr);
	if (unlikely(place < 0))
		return ah_drop(sa, skb, IPSEC_STAT_out_inval);
	if (unlikely(skb->len + size > IP_MAX_MTU))
		return ah_drop(sa, skb, IPSEC_STAT_out_toobig);
	if (unlikely(ah_numbered(sa) && ipsec_seq_next(sa, &seq)))
		return ah_drop(sa, skb, IPSEC_STAT_out_wrap);

	payload = skb->data[nexthdr];
	ah = ipsec_header_insert(skb, place, nexthdr, size, IPPROTO_AH);
	memset(ah, 0, size);
	ah->nexthdr = payload;
	ah->hdrlen = size / 4 - 2;
	ah->spi = sa->key.spi;
	if (ah_numbered(sa))
		ah->seq_no = htonl((u32)seq);
	err = ah_icv(sa, skb, seq, true, digest);
	if (unlikely(err))
		return ah_drop(sa, skb, err == -EINVAL ? IPSEC_STAT_out_inval :
							 IPSEC_STAT_out_crypto);
	memcpy((u8 *)ah + ah_fixed(sa), digest, sa->mac.icv);
	return 0;
}

static enum ipsec_stat replay_reason(enum ipsec_replay_verdict verdict)
{
	return verdict == IPSEC_REPLAY_OLD ? IPSEC_STAT_in_ahold :
					     IPSEC_STAT_in_ahreplay;
}

/*
 * The length that the header claims, in the packet and right for the ICV; some
 * pad to 8 bytes in IPv4 as well. 0 if it is not.
 */
static unsigned int ah_claimed(const struct ipsec_sa *sa,
			       const struct sk_buff *skb)
{
	unsigned int size = (ip_auth_hdr(skb)->hdrlen + 2) * 4;

	if (size != ah_headroom(sa) && size != ALIGN(ah_headroom(sa), 8))
		return 0;
	return size <= skb->len ? size : 0;
}

static int ah_verify(struct ipsec_sa *sa, struct sk_buff *skb, u64 seq)
{
	const u8 *sent = skb_transport_header(skb) + ah_fixed(sa);
	u8 digest[HASH_MAX_DIGESTSIZE];
	int err;

	err = ah_icv(sa, skb, seq, false, digest);
	if (unlikely(err))
		return ah_drop(sa, skb, err == -EINVAL ? IPSEC_STAT_in_inval :
							 IPSEC_STAT_in_crypto);
	if (crypto_memneq(sent, digest, sa->mac.icv))
		return ah_drop(sa, skb, IPSEC_STAT_in_ahauthfail);
	ipsec_count(sa->net, IPSEC_STAT_in_ahauthsucc);
	return 0;
}

/* Refuse what is cheap to refuse, then believe the ICV, then the number. */
static int ah_input(struct ipsec_sa *sa, struct sk_buff *skb)
{
	enum ipsec_replay_verdict verdict;
	unsigned int size;
	u64 seq;
	int err;

	if (unlikely(!pskb_may_pull(skb, sizeof(struct ip_auth_hdr))))
		return ah_drop(sa, skb, IPSEC_STAT_in_hdrops);
	size = ah_claimed(sa, skb);
	if (unlikely(!size))
		return ah_drop(sa, skb, IPSEC_STAT_in_badilen);
	/* Without numbers there is no window either, and any will do. */
	verdict = ipsec_window_check(sa, ip_auth_hdr(skb)->seq_no, &seq);
	if (unlikely(verdict != IPSEC_REPLAY_OK))
		return ah_drop(sa, skb, replay_reason(verdict));
	/* The header in front moves when ours goes. */
	if (unlikely(skb_linearize_cow(skb)))
		return ah_drop(sa, skb, IPSEC_STAT_in_nomem);
	err = ah_verify(sa, skb, seq);
	if (unlikely(err))
		return err;
	verdict = ipsec_window_accept(sa, seq);
	if (unlikely(verdict != IPSEC_REPLAY_OK))
		return ah_drop(sa, skb, replay_reason(verdict));
	/* As long as it was on the wire, IP header included. */
	ipsec_sa_charge(sa, 1, skb->len - skb_network_offset(skb));

	err = ip_auth_hdr(skb)->nexthdr;
	__skb_pull(skb, size);
	skb->ip_summed = CHECKSUM_NONE;
	return err;
}

const struct ipsec_xform ipsec_xform_ah = {
	.proto		= IPPROTO_AH,
	.init		= ah_init,
	.destroy	= ah_destroy,
	.output		= ah_output,
	.input		= ah_input,
	.headroom	= ah_headroom,
	.tailroom	= ah_tailroom,
	.payload	= ah_payload,
};
