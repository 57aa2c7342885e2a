// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hash: natural address plans spread like chance would, and what collides under
 * another hash, or another secret, does not collide under this one.
 */
#include <kunit/test.h>
#include <linux/jhash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <ipsec/hash.h>
#include <ipsec/sa.h>
#include <ipsec/selector.h>
#include <ipsec/sp.h>

#define ENTRIES	4096
#define CHOSEN	1024	/* keys that are chosen to collide */
#define TURNS	8	/* secrets that each plan is tried with */

/* Longer than chance makes a chain. */
#define CHAIN	16

union hash_key {
	struct ipsec_sad_key	spi;
	struct ipsec_ends_key	ends;
	struct ipsec_sp_key	policy;
	struct ipsec_flow	flow;
	u32			word[IPSEC_HASH_WORDS];
};

/**
 * struct plan - the peers of a network
 * @name: as one would write it
 * @family: AF_INET or AF_INET6
 * @base: address without the number
 * @step: what the number is multiplied by, for each word
 */
struct plan {
	const char	*name;
	sa_family_t	family;
	u32		base[4];
	u32		step[4];
};

static const struct plan plans[] = {
	{ "10.0.0.0 + N", AF_INET, { 0x0a000000 }, { 1 } },
	{ "a host in each /24", AF_INET, { 0x0a000001 }, { 0x100 } },
	{ "a host in each /28", AF_INET, { 0xac100001 }, { 0x10 } },
	{ "10.N.N.1", AF_INET, { 0x0a000001 }, { 0x1100 } },
	{ "a /20 each", AF_INET, { 0 }, { 0x1000 } },
	{ "2001:db8::N", AF_INET6, { 0x20010db8 }, { 0, 0, 0, 1 } },
	{ "2001:db8:0:N::1", AF_INET6, { 0x20010db8, 0, 0, 1 }, { 0, 1 } },
	{ "2001:db8:0:N::N", AF_INET6, { 0x20010db8 }, { 0, 1, 0, 1 } },
	{ "2001:db8:N::N", AF_INET6, { 0x20010db8 }, { 0, 0x10000, 0, 1 } },
	{ "fd12:3456:N::N:0:1", AF_INET6, { 0xfd123456, 0, 0, 1 },
	  { 0, 0x10000, 1 } },
};

static void peer(union ipsec_addr *to, const struct plan *plan, u32 n)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		to->a6[i] = htonl(plan->base[i] + n * plan->step[i]);
}

/* Hash of each kind of key, all of which are union hash_key. */
static u32 spi_hash(const struct ipsec_hash_secret *s, const union hash_key *key)
{
	return ipsec_hash_with(s, key, sizeof(key->spi), 1);
}

static u32 ends_hash(const struct ipsec_hash_secret *s, const union hash_key *key)
{
	return ipsec_hash_with(s, key, sizeof(key->ends), 1);
}

static u32 policy_hash(const struct ipsec_hash_secret *s, const union hash_key *key)
{
	return ipsec_hash_with(s, key, sizeof(key->policy), 1);
}

static u32 flow_hash(const struct ipsec_hash_secret *s, const union hash_key *key)
{
	return ipsec_hash_with(s, key, sizeof(key->flow), 1);
}

static void spi_key(union hash_key *key, const struct plan *plan, u32 n)
{
	peer(&key->spi.daddr, plan, n);
	key->spi.spi = htonl(0x1000);
	key->spi.proto = IPPROTO_ESP;
	key->spi.family = plan->family;
}

static void ends_key(union hash_key *key, const struct plan *plan, u32 n)
{
	peer(&key->ends.saddr, plan, 0);
	peer(&key->ends.daddr, plan, n);
	key->ends.proto = IPPROTO_ESP;
	key->ends.family = plan->family;
}

static void policy_key(union hash_key *key, const struct plan *plan, u32 n)
{
	peer(&key->policy.src, plan, n);
	peer(&key->policy.dst, plan, n + 1);
	key->policy.proto = IPPROTO_TCP;
}

static void flow_key(union hash_key *key, const struct plan *plan, u32 n)
{
	peer(&key->flow.src, plan, n);
	peer(&key->flow.dst, plan, n);
	key->flow.dport = htons(n);
	key->flow.proto = IPPROTO_TCP;
	key->flow.family = plan->family;
}

static const struct kind {
	const char	*name;
	void		(*make)(union hash_key *key, const struct plan *plan, u32 n);
	u32		(*hash)(const struct ipsec_hash_secret *s,
				const union hash_key *key);
} kinds[] = {
	{ "SAs by SPI", spi_key, spi_hash },
	{ "SAs by ends", ends_key, ends_hash },
	{ "policies", policy_key, policy_hash },
	{ "flows", flow_key, flow_hash },
};

/**
 * struct spread - how keys lie in a table
 * @pairs: of keys in the same bucket
 * @longest: keys in the fullest bucket
 * @used: keys in each bucket, of which there are as many as keys
 */
struct spread {
	u32	pairs;
	u32	longest;
	u16	used[ENTRIES];
};

static void spread_out(struct spread *s, const union hash_key *keys, unsigned int n,
		       const struct kind *kind)
{
	struct ipsec_hash_secret secret;
	unsigned int i;

	get_random_bytes(&secret, sizeof(secret));
	memset(s, 0, sizeof(*s));
	for (i = 0; i < n; i++) {
		u16 *used = &s->used[kind->hash(&secret, &keys[i]) & (n - 1)];

		s->pairs += (*used)++;
		s->longest = max_t(u32, s->longest, *used);
	}
}

/*
 * n keys at random in n buckets make n / 2 pairs, give or take a few times the root of
 * that; a chain as long as CHAIN comes once in 10^10 tables.
 */
static void expect_chance(struct kunit *test, const union hash_key *keys,
			  unsigned int n, const struct kind *kind,
			  const char *what)
{
	struct spread *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	unsigned int i, pairs = 0;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < TURNS; i++) {
		spread_out(s, keys, n, kind);
		KUNIT_EXPECT_LT_MSG(test, s->longest, (u32)CHAIN, "%s: %s",
				    what, kind->name);
		pairs += s->pairs;
	}
	pairs /= TURNS;
	KUNIT_EXPECT_LT_MSG(test, pairs, n / 2 + n / 8, "%s: %s", what,
			    kind->name);
	KUNIT_EXPECT_GT_MSG(test, pairs, n / 2 - n / 8, "%s: %s", what,
			    kind->name);
	kunit_kfree(test, s);
}

static union hash_key *new_keys(struct kunit *test, unsigned int n)
{
	union hash_key *keys = kunit_kcalloc(test, n, sizeof(*keys), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, keys);
	return keys;
}

static void hash_plans(struct kunit *test)
{
	union hash_key *keys = new_keys(test, ENTRIES);
	unsigned int p, k, i;

	for (p = 0; p < ARRAY_SIZE(plans); p++) {
		for (k = 0; k < ARRAY_SIZE(kinds); k++) {
			memset(keys, 0, ENTRIES * sizeof(*keys));
			for (i = 0; i < ENTRIES; i++)
				kinds[k].make(&keys[i], &plans[p], i);
			expect_chance(test, keys, ENTRIES, &kinds[k],
				      plans[p].name);
		}
	}
}

/* What an attacker may do: look for keys that are the same to a hash he knows. */
static void chosen_fold(union hash_key *key, u32 n)
{
	/* The exclusive or of the first two words, and of the last two, are. */
	key->word[0] = 0x20010db8 ^ n;
	key->word[1] = n;
	key->word[2] = n << 8;
	key->word[3] = n << 8;
}

static void chosen_word(union hash_key *key, u32 n)
{
	/* They differ in one or two bits of one word. */
	key->word[n % 4] = n / 4 < 32 ? BIT(n / 4) : 0;
	if (n / 4 >= 32)
		key->word[n % 4] = BIT(n / 4 % 32) | BIT((n / 128 + n / 4) % 32);
}

static void chosen_product(union hash_key *key, u32 n)
{
	/* The same products, if there were no secret. */
	key->word[0] = 1 << (n % 24);
	key->word[1] = 1 << (24 - n % 24);
	key->word[2] = 0;
	key->word[3] = n / 24;
}

static void chosen_sum(union hash_key *key, u32 n)
{
	/* The same sum of words. */
	key->word[0] = n;
	key->word[3] = -n;
}

static void hash_chosen(struct kunit *test)
{
	static void (*const choose[])(union hash_key *key, u32 n) = {
		chosen_fold, chosen_word, chosen_product, chosen_sum,
	};
	union hash_key *keys = new_keys(test, CHOSEN);
	unsigned int c, k, i;

	for (c = 0; c < ARRAY_SIZE(choose); c++) {
		memset(keys, 0, CHOSEN * sizeof(*keys));
		for (i = 0; i < CHOSEN; i++)
			choose[c](&keys[i], i);
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			expect_chance(test, keys, CHOSEN, &kinds[k], "chosen");
	}
}

static u32 known_jhash(const union hash_key *key)
{
	return jhash2(key->word, sizeof(key->ends) / sizeof(u32), 0);
}

static u32 known_secret(const union hash_key *key)
{
	static const struct ipsec_hash_secret known = {
		.word = { 2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37 },
	};

	return ends_hash(&known, key);
}

/* What collides without a secret, or with another one, was found by trying. */
static void hash_searched(struct kunit *test)
{
	static u32 (*const known[])(const union hash_key *key) = {
		known_jhash, known_secret,
	};
	union hash_key *keys = new_keys(test, 256);
	unsigned int h, found;
	u32 n;

	for (h = 0; h < ARRAY_SIZE(known); h++) {
		for (n = 0, found = 0; found < 256; n++) {
			union hash_key *key = &keys[found];

			ends_key(key, &plans[7], n);
			if (known[h](key) % 256 == 77)
				found++;
		}
		expect_chance(test, keys, 256, &kinds[1], "searched");
	}
}

/* A table that changes its seed moves what shared a bucket. */
static void hash_seed(struct kunit *test)
{
	struct ipsec_hash_secret secret;
	unsigned int n, together = 0;
	union hash_key key = {};

	get_random_bytes(&secret, sizeof(secret));
	for (n = 0; n < ENTRIES; n++) {
		ends_key(&key, &plans[0], n);
		together += !((ipsec_hash_with(&secret, &key, sizeof(key.ends),
					       n) ^
			       ipsec_hash_with(&secret, &key, sizeof(key.ends),
					       n + 1)) % 64);
	}
	KUNIT_EXPECT_LT(test, together, ENTRIES / 64 * 2);
}

static struct kunit_case hash_cases[] = {
	KUNIT_CASE(hash_plans),
	KUNIT_CASE(hash_chosen),
	KUNIT_CASE(hash_searched),
	KUNIT_CASE(hash_seed),
	{}
};

static struct kunit_suite hash_suite = {
	.name		= "ipsec_hash",
	.test_cases	= hash_cases,
};

kunit_test_suite(hash_suite);
