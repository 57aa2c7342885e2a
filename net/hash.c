// SPDX-License-Identifier: GPL-2.0-only
/* The secret behind the hashes, see ipsec/hash.h. */
#include <linux/cache.h>
#include <linux/random.h>
#include <ipsec/hash.h>

struct ipsec_hash_secret ipsec_hash_secret __read_mostly;

/**
 * ipsec_hash_init() - draw the secret
 *
 * Context: process, while no table has an entry.
 */
void ipsec_hash_init(void)
{
	get_random_bytes(&ipsec_hash_secret, sizeof(ipsec_hash_secret));
}
