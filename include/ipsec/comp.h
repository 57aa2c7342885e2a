/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compression of IPComp by the kernel's zlib. A leaf, like crypt.h: from
 * memory to memory, and synchronous.
 */
#ifndef _IPSEC_COMP_H
#define _IPSEC_COMP_H

#include <linux/types.h>
#include <ipsec/alg.h>

/* What is expanded is never longer: an IP packet's payload (RFC 791, RFC 8200). */
#define IPSEC_COMP_MAX	65535

struct ipsec_comp_engine;

/**
 * struct ipsec_comp - compression of one IPComp SA
 * @engine: [I] shared by all SAs that have the algorithm
 * @threshold: [I] shorter payloads are not worth to try, in bytes
 */
struct ipsec_comp {
	struct ipsec_comp_engine	*engine;
	u8				threshold;
};

int ipsec_comp_init(struct ipsec_comp *c, const struct ipsec_alg_desc *alg);
void ipsec_comp_destroy(struct ipsec_comp *c);
int ipsec_comp_compress(const struct ipsec_comp *c, const u8 *from,
			unsigned int len, unsigned int room, const u8 **to);
int ipsec_comp_expand(const struct ipsec_comp *c, const u8 *from,
		      unsigned int len, unsigned int room, const u8 **to);
void ipsec_comp_done(const struct ipsec_comp *c);

#endif /* _IPSEC_COMP_H */
