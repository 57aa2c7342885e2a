// SPDX-License-Identifier: GPL-2.0-only
/* Looking things up in the algorithm table. */
#include <ipsec/alg.h>

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
