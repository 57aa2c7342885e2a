/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hash of every table whose keys come from outside: whoever chooses addresses,
 * SPIs or ports must not be able to choose the bucket.
 *
 * Pairs of words, each with a secret word of its own added, are multiplied and summed
 * up (NH, RFC 4418 section 5.2). Two different keys have the same sum with a chance of
 * 2^-32 at most, whatever they are, as long as the secret is one. What follows
 * makes each bit of the result depend on each bit of the sum and of the seed, which a
 * table may change.
 */
#ifndef _IPSEC_HASH_H
#define _IPSEC_HASH_H

#include <linux/build_bug.h>
#include <linux/hash.h>
#include <linux/types.h>

/* Words of the longest key, a multiple of two. */
#define IPSEC_HASH_WORDS	12

/**
 * struct ipsec_hash_secret - what nobody else knows
 * @word: one for each word of a key
 */
struct ipsec_hash_secret {
	u32	word[IPSEC_HASH_WORDS];
};

/* Drawn by ipsec_hash_init(), the same for all tables. */
extern struct ipsec_hash_secret ipsec_hash_secret;

void ipsec_hash_init(void);

/* The part of the sum that two words from @i on make; none behind the last one. */
static __always_inline u64 ipsec_hash_pair(const u32 *secret, const u32 *key,
					   unsigned int words, unsigned int i)
{
	u32 first, second;

	if (i >= words)
		return 0;
	first = key[i] + secret[i];
	second = secret[i + 1];
	if (i + 1 < words)
		second += key[i + 1];
	return (u64)first * second;
}

/**
 * ipsec_hash_with() - hash a key with a given secret
 * @secret: the secret
 * @key: the key, without holes, aligned to four bytes
 * @len: its bytes, a constant
 * @seed: of the table
 *
 * Return: 32 bits, each as good as any other.
 */
static __always_inline u32
ipsec_hash_with(const struct ipsec_hash_secret *secret, const void *key,
		unsigned int len, u32 seed)
{
	const unsigned int words = len / sizeof(u32);
	const u32 *s = secret->word;
	u64 sum = seed;

	BUILD_BUG_ON(len % sizeof(u32) || words > IPSEC_HASH_WORDS);

	/* Six lines and no loop: compilers differ in what they unroll. */
	sum += ipsec_hash_pair(s, key, words, 0);
	sum += ipsec_hash_pair(s, key, words, 2);
	sum += ipsec_hash_pair(s, key, words, 4);
	sum += ipsec_hash_pair(s, key, words, 6);
	sum += ipsec_hash_pair(s, key, words, 8);
	sum += ipsec_hash_pair(s, key, words, 10);

	sum ^= sum >> 32;
	sum *= GOLDEN_RATIO_64;
	sum ^= sum >> 32;
	sum *= GOLDEN_RATIO_64;
	return sum >> 32;
}

/**
 * ipsec_hash() - hash a key of a table
 * @key: the key, without holes, aligned to four bytes
 * @len: its bytes, a constant
 * @seed: of the table, 0 if it has none
 *
 * Return: 32 bits, each as good as any other.
 */
static __always_inline u32 ipsec_hash(const void *key, unsigned int len,
				      u32 seed)
{
	return ipsec_hash_with(&ipsec_hash_secret, key, len, seed);
}

#endif /* _IPSEC_HASH_H */
