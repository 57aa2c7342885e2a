/* SPDX-License-Identifier: GPL-2.0-only */
/* The algorithm table: one row an algorithm, data only. */
#ifndef _IPSEC_ALG_H
#define _IPSEC_ALG_H

#include <linux/types.h>

/* Rows of the table at most. */
#define IPSEC_ALG_MAX	64

enum ipsec_alg_kind {
	IPSEC_ALG_AUTH,		/* sadb_sa_auth: integrity of AH and ESP */
	IPSEC_ALG_ENCRYPT,	/* sadb_sa_encrypt: ciphers and AEADs of ESP */
	IPSEC_ALG_COMP,		/* the same field: compression of IPComp */
};

/* How the initialization vector of each packet is made. */
enum ipsec_iv_kind {
	IPSEC_IV_NONE,
	IPSEC_IV_RANDOM,	/* unpredictable: CBC */
	IPSEC_IV_COUNTER,	/* unique: counter modes */
};

/**
 * struct ipsec_alg_desc - one algorithm
 * @name: setkey's name
 * @driver: Linux Crypto API name; of an AEAD the whole transform; NULL for compression
 * @kind: integrity, encryption or compression
 * @id: SADB_AALG_*, SADB_EALG_* or SADB_X_CALG_* number on the PF_KEY wire; of
 *      compression the well-known CPI too
 * @aead: encryption that brings its own integrity; no @kind AUTH beside it
 * @keyed: integrity by hashing key, message, key; for AH only
 * @old: encryption that RFC 1827 had, for SAs of that form
 * @des: the key is DES keys, of which none may be weak
 * @key_min: shortest key in bits, salt included
 * @key_max: longest key in bits
 * @key_step: lengths allowed between, in bits; 0 = only @key_min and @key_max
 * @icv: ICV length in bytes (RFC 4868 for SHA-2); of an AEAD its tag
 * @iv: IV length in bytes
 * @iv_kind: how IVs are made
 * @block: plaintext is padded to a multiple of this, at least 4
 * @threshold: shorter payloads are not compressed, in bytes
 */
struct ipsec_alg_desc {
	const char		*name;
	const char		*driver;
	enum ipsec_alg_kind	kind;
	u8			id;
	bool			aead;
	bool			keyed;
	bool			old;
	bool			des;
	u16			key_min;
	u16			key_max;
	u16			key_step;
	u8			icv;
	u8			iv;
	enum ipsec_iv_kind	iv_kind;
	u8			block;
	u8			threshold;
};

extern const struct ipsec_alg_desc ipsec_alg_table[];
extern const unsigned int ipsec_alg_count;

const struct ipsec_alg_desc *ipsec_alg_find(enum ipsec_alg_kind kind, u8 id);
int ipsec_alg_ask(const struct ipsec_alg_desc *alg);
int ipsec_alg_ask_all(void);
bool ipsec_alg_missing(const struct ipsec_alg_desc *alg);
bool ipsec_alg_lately_missing(const struct ipsec_alg_desc *alg);
int ipsec_alg_error(int err, const struct ipsec_alg_desc *alg,
		    const struct ipsec_alg_desc *other);
void ipsec_alg_exit(void);
bool ipsec_alg_key_ok(const struct ipsec_alg_desc *alg, unsigned int bits);
bool ipsec_des_key_weak(const u8 *key);

#endif /* _IPSEC_ALG_H */
