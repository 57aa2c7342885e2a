/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses: IPv4 and IPv6 in one type, so that selectors, SAs and flows of
 * both families go through one body.
 */
#ifndef _IPSEC_ADDR_H
#define _IPSEC_ADDR_H

#include <linux/socket.h>
#include <linux/string.h>
#include <linux/types.h>
#include <net/ipv6.h>

/**
 * union ipsec_addr - an IPv4 or IPv6 address
 * @a4: the IPv4 address; words 1 to 3 are then zero
 * @a6: the IPv6 address as four words
 * @in6: the same, for the kernel's IPv6 functions
 *
 * The unused words of an IPv4 address are always zero: comparing and hashing
 * need not know the family.
 */
union ipsec_addr {
	__be32		a4;
	__be32		a6[4];
	struct in6_addr	in6;
};

static inline bool ipsec_addr_equal(const union ipsec_addr *a,
				    const union ipsec_addr *b)
{
	return ipv6_addr_equal(&a->in6, &b->in6);
}

static inline bool ipsec_addr_any(const union ipsec_addr *a)
{
	return ipv6_addr_any(&a->in6);
}

/* Whether @want is @addr, or any address. */
static inline bool ipsec_addr_is(const union ipsec_addr *want,
				 const union ipsec_addr *addr)
{
	return ipsec_addr_any(want) || ipsec_addr_equal(want, addr);
}

static inline void ipsec_addr_set4(union ipsec_addr *a, __be32 a4)
{
	a->a6[0] = a4;
	a->a6[1] = 0;
	a->a6[2] = 0;
	a->a6[3] = 0;
}

/* Number of address bits of @family: the longest prefix. */
static inline unsigned int ipsec_addr_bits(sa_family_t family)
{
	return family == AF_INET ? 32 : 128;
}

/**
 * ipsec_addr_mask() - keep the first bits of an address
 * @to: the result; may be @from
 * @from: the address
 * @prefixlen: bits to keep, at most ipsec_addr_bits() of its family
 */
static inline void ipsec_addr_mask(union ipsec_addr *to,
				   const union ipsec_addr *from,
				   unsigned int prefixlen)
{
	unsigned int i;

	for (i = 0; i < 4; i++, prefixlen -= min(prefixlen, 32U)) {
		if (prefixlen >= 32)
			to->a6[i] = from->a6[i];
		else if (prefixlen)
			to->a6[i] = from->a6[i] & htonl(~0U << (32 - prefixlen));
		else
			to->a6[i] = 0;
	}
}

#endif /* _IPSEC_ADDR_H */
