/* SPDX-License-Identifier: GPL-2.0-only */
/* ESP in UDP, to pass address translation (RFC 3948). Field letters: sa.h. */
#ifndef _IPSEC_NATT_H
#define _IPSEC_NATT_H

#include <linux/types.h>
#include <linux/udp.h>
#include <ipsec/addr.h>

struct ipsec_sa;
struct ipsec_sa_params;

/**
 * struct ipsec_natt - how the packets of an SA travel in UDP
 * @type: [I] 0 they do not, or UDP_ENCAP_ESPINUDP
 * @sport: [s] port of the SA's source, on the wire
 * @dport: [s] port of the SA's destination, on the wire
 * @oa: [s] the address that the peer calls itself behind its address translation,
 *      and computes checksums with; all zero = not known
 *
 * Packets read without the lock. One that meets a change may go to the wrong
 * port, as did those before it.
 */
struct ipsec_natt {
	u8			type;
	__be16			sport;
	__be16			dport;
	union ipsec_addr	oa;
};

/**
 * struct ipsec_endpoint - where packets of a peer come from
 * @addr: address
 * @port: UDP port
 */
struct ipsec_endpoint {
	union ipsec_addr	addr;
	__be16			port;
};

/* Bytes that an SA's packets are longer by. */
static inline unsigned int ipsec_natt_overhead(const struct ipsec_natt *natt)
{
	return natt->type ? sizeof(struct udphdr) : 0;
}

bool ipsec_natt_update(struct ipsec_sa *sa,
		       const struct ipsec_sa_params *params);

#endif /* _IPSEC_NATT_H */
