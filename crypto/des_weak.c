// SPDX-License-Identifier: GPL-2.0-only
/* The keys with which DES is its own or another key's reverse (FIPS 74). */
#include <linux/kernel.h>
#include <ipsec/alg.h>
#include <ipsec/compat.h>

/* The last bit of each byte is parity and no part of the key. */
#define KEY_BITS	0xfefefefefefefefeULL

static const u64 weak_keys[] = {
	/* weak */
	0x0101010101010101ULL, 0xfefefefefefefefeULL,
	0x1f1f1f1f0e0e0e0eULL, 0xe0e0e0e0f1f1f1f1ULL,
	/* semi-weak, in pairs */
	0x01fe01fe01fe01feULL, 0xfe01fe01fe01fe01ULL,
	0x1fe01fe00ef10ef1ULL, 0xe01fe01ff10ef10eULL,
	0x01e001e001f101f1ULL, 0xe001e001f101f101ULL,
	0x1ffe1ffe0efe0efeULL, 0xfe1ffe1ffe0efe0eULL,
	0x011f011f010e010eULL, 0x1f011f010e010e01ULL,
	0xe0fee0fef1fef1feULL, 0xfee0fee0fef1fef1ULL,
};

/**
 * ipsec_des_key_weak() - whether DES must not be used with a key
 * @key: eight bytes
 *
 * RFC 2405 section 2.1. Parity is not looked at.
 */
bool ipsec_des_key_weak(const u8 *key)
{
	u64 bits = get_unaligned_be64(key) & KEY_BITS;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(weak_keys); i++)
		if (bits == (weak_keys[i] & KEY_BITS))
			return true;
	return false;
}
