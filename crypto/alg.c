// SPDX-License-Identifier: GPL-2.0-only
/* Looking things up in the algorithm table. */
#include <linux/crypto.h>
#include <linux/jiffies.h>
#include <ipsec/alg.h>

/* How long to believe that this kernel lacks an algorithm. */
#define MISSING_FOR	(60 * HZ)

/* When this kernel was asked for a row in vain, or 0; asking runs modprobe. */
static unsigned long missing_since[IPSEC_ALG_MAX];

/**
 * ipsec_alg_find() - the row of an algorithm
 * @kind: integrity, encryption or compression
 * @id: its PF_KEY number
 *
 * Return: the row, or NULL if we do not know it.
 */
const struct ipsec_alg_desc *ipsec_alg_find(enum ipsec_alg_kind kind, u8 id)
{
	unsigned int i;

	for (i = 0; i < ipsec_alg_count; i++)
		if (ipsec_alg_table[i].kind == kind &&
		    ipsec_alg_table[i].id == id)
			return &ipsec_alg_table[i];
	return NULL;
}

/**
 * ipsec_alg_available() - whether this kernel has an algorithm
 * @alg: the row
 *
 * The crypto API loads the module that brings it. What is missing is not asked
 * for again within a minute.
 *
 * Context: process, may sleep long.
 */
bool ipsec_alg_available(const struct ipsec_alg_desc *alg)
{
	unsigned long *since = &missing_since[alg - ipsec_alg_table];
	unsigned long then = READ_ONCE(*since);

	if (then && time_before(jiffies, then + MISSING_FOR))
		return false;
	if (crypto_has_alg(alg->driver, 0, 0)) {
		WRITE_ONCE(*since, 0);
		return true;
	}
	WRITE_ONCE(*since, jiffies | 1);
	return false;
}

/**
 * ipsec_alg_missing() - whether this kernel was found to lack an algorithm
 * @alg: the row
 *
 * What nobody asked ipsec_alg_available() about counts as there; registering
 * asks about all.
 *
 * Context: any.
 */
bool ipsec_alg_missing(const struct ipsec_alg_desc *alg)
{
	return READ_ONCE(missing_since[alg - ipsec_alg_table]);
}

/**
 * ipsec_alg_key_ok() - whether a key has a length that the algorithm takes
 * @alg: the row
 * @bits: length of the key, salt included
 */
bool ipsec_alg_key_ok(const struct ipsec_alg_desc *alg, unsigned int bits)
{
	if (bits < alg->key_min || bits > alg->key_max)
		return false;
	if (!alg->key_step)
		return bits == alg->key_min || bits == alg->key_max;
	return (bits - alg->key_min) % alg->key_step == 0;
}
