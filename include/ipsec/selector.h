/* SPDX-License-Identifier: GPL-2.0-only */
/* Selectors (RFC 4301 section 4.4.1.1) and the flows that they select. */
#ifndef _IPSEC_SELECTOR_H
#define _IPSEC_SELECTOR_H

#include <ipsec/addr.h>

struct sk_buff;

/* "Any upper-layer protocol", in selectors and in flows of fragments. */
#define IPSEC_PROTO_ANY		255

/* Direction of a policy; the numbers are those of PF_KEY. */
enum ipsec_dir {
	IPSEC_IN	= 1,
	IPSEC_OUT	= 2,
	IPSEC_FWD	= 3,
};

#define IPSEC_DIRS		4	/* size of a table indexed by direction */

/**
 * struct ipsec_selector - which packets a policy is about
 * @src: source network; compared over its first @src_len bits
 * @dst: destination network; compared over its first @dst_len bits
 * @sport: source port, 0 for any; the type of an ICMP selector
 * @dport: destination port, 0 for any; the code of an ICMP selector
 * @src_len: prefix length of @src, at most 32 or 128
 * @dst_len: prefix length of @dst
 * @proto: upper-layer protocol, IPSEC_PROTO_ANY for any
 * @family: AF_INET or AF_INET6
 *
 * Two selectors are the same entry only if every field is equal, addresses
 * unmasked: 10.0.0.1/24 and 10.0.0.0/24 are two entries, as in KAME.
 */
struct ipsec_selector {
	union ipsec_addr	src;
	union ipsec_addr	dst;
	__be16			sport;
	__be16			dport;
	u8			src_len;
	u8			dst_len;
	u8			proto;
	u8			family;
};

/**
 * struct ipsec_flow - what the policy layer sees of one packet
 * @src: source address
 * @dst: destination address
 * @sport: source port or ICMP type, 0 where the packet has none, and in a fragment
 * @dport: destination port or ICMP code
 * @proto: upper-layer protocol; IPSEC_PROTO_ANY where a fragment does not tell it
 * @family: AF_INET or AF_INET6
 * @dir: enum ipsec_dir, so that one cache serves all directions
 * @fragment: 1 for a fragment, which tells no ports unless it is the first of a packet
 *	      for us; else 0. Flows are compared and hashed as memory
 * @socket: id of the policy of the socket, 0 = the SPD decides
 * @pad2: always zero
 */
struct ipsec_flow {
	union ipsec_addr	src;
	union ipsec_addr	dst;
	__be16			sport;
	__be16			dport;
	u8			proto;
	u8			family;
	u8			dir;
	u8			fragment;
	u32			socket;
	u32			pad2;
};

bool ipsec_proto_has_ports(u8 proto);
bool ipsec_proto_has_parts(u8 proto);
bool ipsec_selector_equal(const struct ipsec_selector *a,
			  const struct ipsec_selector *b);
bool ipsec_flow_from_skb(struct ipsec_flow *flow, struct sk_buff *skb,
			 sa_family_t family, enum ipsec_dir dir);
bool ipsec_flow_lasts(const struct ipsec_flow *flow, const struct sk_buff *skb);
bool ipsec_flow_from_quote(struct ipsec_flow *flow, const struct sk_buff *skb,
			   unsigned int off, sa_family_t family,
			   enum ipsec_dir dir);
int ipsec_upper_offset(const struct sk_buff *skb, sa_family_t family);

#endif /* _IPSEC_SELECTOR_H */
