/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Integrity check values of AH over the kernel crypto API. A leaf, like crypt.h.
 * Synchronous: what AH covers is not one piece of memory, and is cheap to hash.
 */
#ifndef _IPSEC_ICV_H
#define _IPSEC_ICV_H

#include <crypto/hash.h>
#include <linux/types.h>
#include <ipsec/alg.h>
#include <ipsec/key.h>

/* Where keyed hashes of RFC 1828 are padded to. */
#define IPSEC_KEYED_BLOCK	64

/* ICV of RFC 1826, whatever the algorithm. */
#define IPSEC_ICV_OLD		16

/**
 * struct ipsec_mac - integrity of one AH SA
 * @tfm: [I] the MAC, its key set; of a keyed hash the hash
 * @icv: [I] ICV length in bytes
 * @keyed: [I] length of the key of a keyed hash, else 0
 * @prefix: [I] of a keyed hash: the key and its padding
 */
struct ipsec_mac {
	struct crypto_shash	*tfm;
	u8			icv;
	u8			keyed;
	u8			prefix[IPSEC_KEYED_BLOCK];
};

/**
 * struct ipsec_icv - one ICV while it is computed; lives on the stack
 * @mac: whose
 * @err: the first error
 * @desc: state of the hash
 */
struct ipsec_icv {
	const struct ipsec_mac	*mac;
	int			err;
	u8			desc[sizeof(struct shash_desc) + HASH_MAX_DESCSIZE]
				__aligned(__alignof__(struct shash_desc));
};

int ipsec_mac_init(struct ipsec_mac *m, const struct ipsec_alg_desc *aalg,
		   const struct ipsec_key *key, bool old);
void ipsec_mac_destroy(struct ipsec_mac *m);

void ipsec_icv_begin(struct ipsec_icv *icv, const struct ipsec_mac *m);
void ipsec_icv_add(struct ipsec_icv *icv, const void *data, unsigned int len);
void ipsec_icv_add_zeros(struct ipsec_icv *icv, unsigned int len);
int ipsec_icv_end(struct ipsec_icv *icv, u8 *digest);

#endif /* _IPSEC_ICV_H */
