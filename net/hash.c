// SPDX-License-Identifier: GPL-2.0-only
/* The secret behind the hashes, see ipsec/hash.h. */
#include <linux/cache.h>
#include <linux/random.h>
#include <linux/siphash.h>
#include <ipsec/hash.h>

struct ipsec_hash_secret ipsec_hash_secret __read_mostly;
static siphash_key_t bytes_secret __read_mostly;

/**
 * ipsec_hash_init() - draw the secret
 *
 * Context: process, while no table has an entry.
 */
void ipsec_hash_init(void)
{
	get_random_bytes(&ipsec_hash_secret, sizeof(ipsec_hash_secret));
	get_random_bytes(&bytes_secret, sizeof(bytes_secret));
}

/**
 * ipsec_hash_bytes() - hash what may be long, and is not looked up for each packet
 * @data: the bytes
 * @len: how many
 *
 * Return: 32 bits that nobody can foresee.
 */
u32 ipsec_hash_bytes(const void *data, size_t len)
{
	return siphash(data, len, &bytes_secret);
}
