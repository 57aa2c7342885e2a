// SPDX-License-Identifier: GPL-2.0-only
/*
 * AH (RFC 4302), for IPv4 and IPv6. The ICV covers the whole packet, with zeros
 * for what routers change on the way: the IP headers are hashed piece by piece
 * and never altered.
 */
#include <crypto/algapi.h>
#include <linux/skbuff.h>
#include <net/ah.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/icv.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include "net.h"

static int ah_init(struct ipsec_sa *sa, const struct ipsec_sa_params *p)
{
	const struct ipsec_alg_desc *aalg;

	if (p->ealg)
		return -EINVAL;
	aalg = ipsec_alg_find(IPSEC_ALG_AUTH, p->aalg);
	return aalg ? ipsec_mac_init(&sa->mac, aalg, &p->akey) : -ENOSYS;
}

static void ah_destroy(struct ipsec_sa *sa)
{
	ipsec_mac_destroy(&sa->mac);
}

/* The header with its ICV, a multiple of 4 bytes, in IPv6 of 8 (section 2.2). */
static unsigned int ah_headroom(const struct ipsec_sa *sa)
{
	return ALIGN(sizeof(struct ip_auth_hdr) + sa->mac.icv,
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

/* The IPv6 header and the extension headers in front of ours, @len in all. */
static int add_ip6(struct ipsec_icv *icv, const struct ipv6hdr *iph,
		   unsigned int len)
{
	struct ipv6hdr fixed = *iph;
	unsigned int off = sizeof(*iph), n;
	const struct ipv6_opt_hdr *opt;
	u8 next = iph->nexthdr;
	int err = 0;

	fixed.priority = 0;
	memset(fixed.flow_lbl, 0, sizeof(fixed.flow_lbl));
	fixed.hop_limit = 0;
	ipsec_icv_add(icv, &fixed, sizeof(fixed));
	for (; off < len && !err; off += n) {
		opt = (const struct ipv6_opt_hdr *)((const u8 *)iph + off);
		if (len - off < sizeof(*opt))
			return -EINVAL;
		n = ipv6_optlen(opt);
		if (n > len - off)
			return -EINVAL;
		if (next == NEXTHDR_HOP || next == NEXTHDR_DEST)
			err = add_ip6_options(icv, (const u8 *)opt, n);
		else if (next == NEXTHDR_ROUTING &&
			 !((const struct ipv6_rt_hdr *)opt)->segments_left)
			ipsec_icv_add(icv, opt, n);
		else	/* A route still to go: its end is not known here. */
			err = -EINVAL;
		next = opt->nexthdr;
	}
	return err;
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
	unsigned int used = sizeof(struct ip_auth_hdr) + sa->mac.icv;
	__be32 seq_hi = htonl(upper_32_bits(seq));
	struct ipsec_icv icv;
	int err, err2;

	ipsec_icv_begin(&icv, &sa->mac);
	if (ipsec_skb_family(skb) == AF_INET)
		err = add_ip4(&icv, sa, (const struct iphdr *)ip, output);
	else
		err = add_ip6(&icv, (const struct ipv6hdr *)ip, ah - ip);
	ipsec_icv_add(&icv, ah, sizeof(struct ip_auth_hdr));
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
 */
static int ah_output(struct ipsec_sa *sa, struct sk_buff *skb)
{
	unsigned int size = ah_headroom(sa), nexthdr;
	u8 digest[HASH_MAX_DIGESTSIZE], payload;
	struct ip_auth_hdr *ah;
	int place, err;
	u64 seq;

	place = ipsec_header_place(skb, &nexthdr);
	if (unlikely(place < 0))
		return ah_drop(sa, skb, IPSEC_STAT_out_inval);
	if (unlikely(skb->len + size > IP_MAX_MTU))
		return ah_drop(sa, skb, IPSEC_STAT_out_toobig);
	if (unlikely(ipsec_seq_next(sa, &seq)))
		return ah_drop(sa, skb, IPSEC_STAT_out_wrap);

	payload = skb->data[nexthdr];
	ah = ipsec_header_insert(skb, place, nexthdr, size, IPPROTO_AH);
	memset(ah, 0, size);
	ah->nexthdr = payload;
	ah->hdrlen = size / 4 - 2;
	ah->spi = sa->key.spi;
	ah->seq_no = htonl((u32)seq);
	err = ah_icv(sa, skb, seq, true, digest);
	if (unlikely(err))
		return ah_drop(sa, skb, err == -EINVAL ? IPSEC_STAT_out_inval :
							 IPSEC_STAT_out_crypto);
	memcpy(ah->auth_data, digest, sa->mac.icv);
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
	const struct ip_auth_hdr *ah = ip_auth_hdr(skb);
	u8 digest[HASH_MAX_DIGESTSIZE];
	int err;

	err = ah_icv(sa, skb, seq, false, digest);
	if (unlikely(err))
		return ah_drop(sa, skb, err == -EINVAL ? IPSEC_STAT_in_inval :
							 IPSEC_STAT_in_crypto);
	if (crypto_memneq(ah->auth_data, digest, sa->mac.icv))
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
