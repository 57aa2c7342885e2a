// SPDX-License-Identifier: GPL-2.0-only
/* ESP in UDP: the header that we make, and checksums behind translation. */
#include <kunit/test.h>
#include <linux/inet.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ipv6.h>
#include <ipsec/natt.h>
#include "../../net/net.h"

#define DATA	33	/* bytes behind the transport header, an odd number */

/* What a checksum must be afterwards. */
enum want { RIGHT, NONE, UNTOUCHED };

/**
 * struct repair_case - one row
 * @name: what it shows
 * @v6: IPv6
 * @proto: TCP or UDP
 * @oa: the address that the sender has behind its NAT is known
 * @recompute: the knob
 * @made: the sender made a checksum
 * @tail: bytes behind a UDP datagram (RFC 4303 section 2.7)
 * @want: what is there afterwards
 */
struct repair_case {
	const char	*name;
	bool		v6;
	u8		proto;
	bool		oa;
	bool		recompute;
	bool		made;
	u8		tail;
	enum want	want;
};

static const struct repair_case repairs[] = {
	{ "TCP, address known", false, IPPROTO_TCP, true, false, true, 0, RIGHT },
	{ "TCP, not known", false, IPPROTO_TCP, false, false, true, 0,
	  UNTOUCHED },
	{ "TCP, computed again", false, IPPROTO_TCP, false, true, true, 0,
	  RIGHT },
	{ "UDP, address known", false, IPPROTO_UDP, true, false, true, 0, RIGHT },
	{ "UDP, not known", false, IPPROTO_UDP, false, false, true, 0, NONE },
	{ "UDP, computed again", false, IPPROTO_UDP, true, true, true, 0, RIGHT },
	{ "UDP, computed again, padded", false, IPPROTO_UDP, false, true, true, 7,
	  RIGHT },
	{ "UDP without a checksum", false, IPPROTO_UDP, true, false, false, 0,
	  NONE },
	{ "UDP without, computed again", false, IPPROTO_UDP, true, true, false,
	  0, NONE },
	{ "IPv6 TCP, address known", true, IPPROTO_TCP, true, false, true, 0,
	  RIGHT },
	{ "IPv6 TCP, not known", true, IPPROTO_TCP, false, false, true, 0,
	  UNTOUCHED },
	{ "IPv6 TCP, computed again", true, IPPROTO_TCP, false, true, true, 0,
	  RIGHT },
	{ "IPv6 UDP, address known", true, IPPROTO_UDP, true, false, true, 0,
	  RIGHT },
	{ "IPv6 UDP, not known", true, IPPROTO_UDP, false, false, true, 0,
	  UNTOUCHED },
	{ "IPv6 UDP, computed again", true, IPPROTO_UDP, false, true, true, 0,
	  RIGHT },
	{ "ICMPv6, address known", true, IPPROTO_ICMPV6, true, false, true, 0,
	  RIGHT },
};

static void repair_name(const struct repair_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(repair, repairs, repair_name);

static const struct in6_addr inside = {
	.s6_addr32 = { htonl(0xfd010000), 0, 0, htonl(0x12345678) },
};

static const struct in6_addr outside = {
	.s6_addr32 = { htonl(0xfd00abcd), 0, htonl(0x99), htonl(0xfedcba98) },
};

static const struct in6_addr peer = {
	.s6_addr32 = { htonl(0xfd000000), 0, 0, htonl(2) },
};

static unsigned int header_len(u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return sizeof(struct tcphdr);
	case IPPROTO_ICMPV6:
		return sizeof(struct icmp6hdr);
	default:
		return sizeof(struct udphdr);
	}
}

/* An IP header from @src to peer; of IPv4 the last word of the addresses. */
static void put_ip(struct sk_buff *skb, bool v6, u8 proto, unsigned int len,
		   const struct in6_addr *src)
{
	skb_reset_network_header(skb);
	if (v6) {
		struct ipv6hdr *ip6 = skb_put_zero(skb, sizeof(*ip6));

		ip6_flow_hdr(ip6, 0, 0);
		ip6->payload_len = htons(len);
		ip6->nexthdr = proto;
		ip6->saddr = *src;
		ip6->daddr = peer;
		skb->protocol = htons(ETH_P_IPV6);
	} else {
		struct iphdr *iph = skb_put_zero(skb, sizeof(*iph));

		iph->version = 4;
		iph->ihl = sizeof(*iph) / 4;
		iph->tot_len = htons(sizeof(*iph) + len);
		iph->protocol = proto;
		iph->saddr = src->s6_addr32[3];
		iph->daddr = peer.s6_addr32[3];
		ip_send_check(iph);
		skb->protocol = htons(ETH_P_IP);
	}
	skb_set_transport_header(skb, skb->len);
}

static __sum16 sum_of(const struct sk_buff *skb, bool v6, u8 proto,
		      unsigned int len, const struct in6_addr *src)
{
	__wsum sum = csum_partial(skb_transport_header(skb), len, 0);

	if (v6)
		return csum_ipv6_magic(src, &peer, len, proto, sum);
	return csum_tcpudp_magic(src->s6_addr32[3], peer.s6_addr32[3], len,
				 proto, sum);
}

static __sum16 *check_of(struct sk_buff *skb, u8 proto)
{
	switch (proto) {
	case IPPROTO_TCP:
		return &tcp_hdr(skb)->check;
	case IPPROTO_ICMPV6:
		return &icmp6_hdr(skb)->icmp6_cksum;
	default:
		return &udp_hdr(skb)->check;
	}
}

/* The sender calls itself @inside; the packet arrives from @outside. */
static void repaired(struct kunit *test)
{
	const struct repair_case *c = test->param_value;
	unsigned int len = header_len(c->proto) + DATA;
	struct ipsec_natt natt = { .type = UDP_ENCAP_ESPINUDP };
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);
	__sum16 before, *check;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	put_ip(skb, c->v6, c->proto, len + c->tail, &outside);
	memset(skb_put(skb, len + c->tail), 0xa5, len + c->tail);
	if (c->proto == IPPROTO_UDP)
		udp_hdr(skb)->len = htons(len);
	check = check_of(skb, c->proto);
	*check = 0;
	if (c->made)
		*check = sum_of(skb, c->v6, c->proto, len, &inside);
	before = *check;
	if (c->oa && c->v6)
		natt.oa.in6 = inside;
	else if (c->oa)
		ipsec_addr_set4(&natt.oa, inside.s6_addr32[3]);

	ipsec_natt_checksum(skb, &natt, c->proto, c->recompute);

	KUNIT_EXPECT_TRUE(test, skb->ip_summed == CHECKSUM_UNNECESSARY);
	switch (c->want) {
	case RIGHT:
		KUNIT_EXPECT_NE(test, *check, before);
		KUNIT_EXPECT_EQ(test, 0, sum_of(skb, c->v6, c->proto, len,
						&outside));
		break;
	case NONE:
		KUNIT_EXPECT_EQ(test, *check, 0);
		break;
	case UNTOUCHED:
		KUNIT_EXPECT_EQ(test, *check, before);
		break;
	}
	kfree_skb(skb);
}

/* Every value of one word of the data: the checksum of UDP is never zero. */
static void never_zero(struct kunit *test)
{
	unsigned int len = sizeof(struct udphdr) + 2, i, wrong = 0;
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);
	struct ipsec_natt natt = { .type = UDP_ENCAP_ESPINUDP };
	__be16 *data;

	KUNIT_ASSERT_NOT_NULL(test, skb);
	put_ip(skb, false, IPPROTO_UDP, len, &outside);
	ipsec_addr_set4(&natt.oa, inside.s6_addr32[3]);
	skb_put_zero(skb, len);
	udp_hdr(skb)->len = htons(len);
	data = (__be16 *)(udp_hdr(skb) + 1);
	for (i = 0; i < 2 * (U16_MAX + 1); i++) {
		*data = htons(i);
		udp_hdr(skb)->check = 0;
		udp_hdr(skb)->check = sum_of(skb, false, IPPROTO_UDP, len,
					     &inside) ?: CSUM_MANGLED_0;
		ipsec_natt_checksum(skb, &natt, IPPROTO_UDP, i > U16_MAX);
		wrong += !udp_hdr(skb)->check ||
			 sum_of(skb, false, IPPROTO_UDP, len, &outside);
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	kfree_skb(skb);
}

/* A payload that is too short to have a checksum is left alone. */
static void cut_short(struct kunit *test)
{
	static const u8 protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMPV6 };
	struct ipsec_natt natt = { .type = UDP_ENCAP_ESPINUDP };
	unsigned int i, n;

	natt.oa.in6 = inside;
	for (i = 0; i < ARRAY_SIZE(protos); i++) {
		/* The last one is complete, but for UDP's length field. */
		for (n = 0; n <= sizeof(struct udphdr); n++) {
			struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);

			KUNIT_ASSERT_NOT_NULL(test, skb);
			put_ip(skb, true, protos[i], n, &outside);
			memset(skb_put(skb, n), 0xff, n);
			if (protos[i] != IPPROTO_ICMPV6 ||
			    n < sizeof(struct icmp6hdr))
				ipsec_natt_checksum(skb, &natt, protos[i],
						    true);
			KUNIT_EXPECT_TRUE(test,
					  !memchr_inv(skb_transport_header(skb),
						      0xff, n));
			kfree_skb(skb);
		}
	}
}

/**
 * struct encap_case - one row
 * @name: what it shows
 * @v6: IPv6
 * @hop: with a Hop-by-Hop header in front
 */
struct encap_case {
	const char	*name;
	bool		v6;
	bool		hop;
};

static const struct encap_case encaps[] = {
	{ "IPv4", false, false },
	{ "IPv6", true, false },
	{ "IPv6 with Hop-by-Hop options", true, true },
};

static void encap_name(const struct encap_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(encap, encaps, encap_name);

static void encapsulated(struct kunit *test)
{
	static const u8 hop[] = { IPPROTO_ESP, 0, 1, 4, 0, 0, 0, 0 };
	const struct encap_case *c = test->param_value;
	struct ipsec_sa *sa = kunit_kzalloc(test, sizeof(*sa), GFP_KERNEL);
	unsigned int extra = c->hop ? sizeof(hop) : 0, ip;
	struct sk_buff *skb = alloc_skb(256, GFP_KERNEL);
	const struct udphdr *uh;

	KUNIT_ASSERT_NOT_NULL(test, sa);
	KUNIT_ASSERT_NOT_NULL(test, skb);
	sa->natt = (struct ipsec_natt){
		.type	= UDP_ENCAP_ESPINUDP,
		.sport	= htons(4500),
		.dport	= htons(40000),
	};
	skb_reserve(skb, ipsec_natt_overhead(&sa->natt));
	put_ip(skb, c->v6, c->hop ? IPPROTO_HOPOPTS : IPPROTO_ESP, extra + DATA,
	       &inside);
	skb_put_data(skb, hop, extra);
	memset(skb_put(skb, DATA), 0x5a, DATA);
	ip = skb->len - DATA;

	ipsec_natt_encap(skb, sa);

	uh = (const struct udphdr *)(skb->data + ip);
	KUNIT_EXPECT_EQ(test, skb->len, ip + sizeof(*uh) + DATA);
	KUNIT_EXPECT_EQ(test, skb_headroom(skb), 0);
	KUNIT_EXPECT_PTR_EQ(test, (const void *)udp_hdr(skb), (const void *)uh);
	KUNIT_EXPECT_EQ(test, ntohs(uh->source), 4500);
	KUNIT_EXPECT_EQ(test, ntohs(uh->dest), 40000);
	KUNIT_EXPECT_EQ(test, ntohs(uh->len), sizeof(*uh) + DATA);
	KUNIT_EXPECT_TRUE(test, !memchr_inv(uh + 1, 0x5a, DATA));
	if (c->v6) {
		KUNIT_EXPECT_EQ(test, c->hop ? skb->data[sizeof(struct ipv6hdr)] :
					       ipv6_hdr(skb)->nexthdr,
				IPPROTO_UDP);
		KUNIT_EXPECT_EQ(test, ntohs(ipv6_hdr(skb)->payload_len),
				extra + sizeof(*uh) + DATA);
		KUNIT_EXPECT_NE(test, uh->check, 0);
		KUNIT_EXPECT_EQ(test, 0, sum_of(skb, true, IPPROTO_UDP,
						sizeof(*uh) + DATA, &inside));
	} else {
		KUNIT_EXPECT_EQ(test, ip_hdr(skb)->protocol, IPPROTO_UDP);
		KUNIT_EXPECT_EQ(test, ntohs(ip_hdr(skb)->tot_len), skb->len);
		KUNIT_EXPECT_EQ(test, 0, ip_fast_csum(skb->data,
						      ip_hdr(skb)->ihl));
		KUNIT_EXPECT_EQ(test, uh->check, 0);
	}
	kfree_skb(skb);
}

static struct kunit_case natt_cases[] = {
	KUNIT_CASE_PARAM(repaired, repair_gen_params),
	KUNIT_CASE(never_zero),
	KUNIT_CASE(cut_short),
	KUNIT_CASE_PARAM(encapsulated, encap_gen_params),
	{}
};

static struct kunit_suite natt_suite = {
	.name		= "ipsec_natt",
	.test_cases	= natt_cases,
};

kunit_test_suite(natt_suite);
