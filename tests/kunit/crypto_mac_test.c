// SPDX-License-Identifier: GPL-2.0-only
/* MACs of AH with known answers, in one piece and in many; keyed hashes. */
#include <kunit/test.h>
#include <ipsec/alg.h>
#include <ipsec/icv.h>
#include "kunit.h"
#include "../vectors/mac_vectors.h"

#define ROOM	1024

static void mac_desc(const struct mac_vector *v, char *desc)
{
	strscpy(desc, v->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mac, mac_vectors, mac_desc);

/* A MAC for a key of any length. */
static int mac_init(struct ipsec_mac *m, const char *name, const char *hex,
		    bool old)
{
	struct ipsec_alg_desc alg = *alg_named(IPSEC_ALG_AUTH, name);
	struct ipsec_key key;
	u8 data[136];

	key.bits = unhex(data, hex) * 8;
	key.data = data;
	alg.key_min = key.bits;
	alg.key_max = key.bits;
	return ipsec_mac_init(m, &alg, &key, old);
}

static int mac_of(const struct ipsec_mac *m, const u8 *text, unsigned int len,
		  unsigned int piece, u8 *digest)
{
	struct ipsec_icv icv;
	unsigned int n;

	ipsec_icv_begin(&icv, m);
	for (; len; text += n, len -= n) {
		n = min(len, piece);
		/* What is zero may be said to be. */
		if (memchr_inv(text, 0, n))
			ipsec_icv_add(&icv, text, n);
		else
			ipsec_icv_add_zeros(&icv, n);
	}
	return ipsec_icv_end(&icv, digest);
}

static void mac_known_answer(struct kunit *test)
{
	static const unsigned int pieces[] = { ROOM, 16, 7, 1 };
	const struct mac_vector *v = test->param_value;
	u8 digest[HASH_MAX_DIGESTSIZE], want[64];
	u8 *text = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	unsigned int i, len, known;
	struct ipsec_mac m;

	KUNIT_ASSERT_NOT_NULL(test, text);
	KUNIT_ASSERT_EQ(test, 0, mac_init(&m, v->algorithm, v->key, false));
	len = unhex(text, v->message);
	known = unhex(want, v->mac);
	KUNIT_EXPECT_GE(test, known, 12U);
	for (i = 0; i < ARRAY_SIZE(pieces); i++) {
		KUNIT_EXPECT_EQ(test, 0,
				mac_of(&m, text, len, pieces[i], digest));
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(digest, want, known),
				    "pieces of %u: got %*phN", pieces[i],
				    (int)known, digest);
	}
	ipsec_mac_destroy(&m);
}

/* Nobody published these: hashlib of Python says so. */
static const struct mac_vector keyed[] = {
	{ "keyed MD5", "keyed-md5", "000102030405060708090a0b0c0d0e0f",
	  "6162636465666768", "b4449601b5653da75700a3dfc3710dca" },
	{ "keyed SHA-1", "keyed-sha1",
	  "000102030405060708090a0b0c0d0e0f10111213", "6162636465666768",
	  "24384cfbe4698c0d9d504e89340921fb0e1d4b33" },
};

static void mac_keyed(struct kunit *test)
{
	u8 digest[HASH_MAX_DIGESTSIZE], want[64], text[16];
	unsigned int i, len, known;
	struct ipsec_mac m;

	for (i = 0; i < ARRAY_SIZE(keyed); i++) {
		const struct mac_vector *v = &keyed[i];

		KUNIT_ASSERT_EQ(test, 0,
				mac_init(&m, v->algorithm, v->key, false));
		len = unhex(text, v->message);
		known = unhex(want, v->mac);
		KUNIT_EXPECT_EQ(test, 0, mac_of(&m, text, len, 3, digest));
		KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(digest, want, known),
				    "%s: got %*phN", v->name, (int)known,
				    digest);
		ipsec_mac_destroy(&m);
	}
}

/* ICVs are cut as the RFCs say, those of RFC 1826 all at 128 bits. */
static void mac_lengths(struct kunit *test)
{
	u8 data[64] = {};
	unsigned int i;

	for (i = 0; i < ipsec_alg_count; i++) {
		const struct ipsec_alg_desc *alg = &ipsec_alg_table[i];
		struct ipsec_key key = { data, alg->key_max };
		struct ipsec_mac m;

		if (alg->kind != IPSEC_ALG_AUTH)
			continue;
		if (!alg->icv) {
			KUNIT_EXPECT_EQ(test, -EINVAL,
					ipsec_mac_init(&m, alg, &key, false));
			KUNIT_EXPECT_EQ(test, -EINVAL,
					ipsec_mac_init(&m, alg, &key, true));
			continue;
		}
		KUNIT_ASSERT_EQ(test, 0, ipsec_mac_init(&m, alg, &key, false));
		KUNIT_EXPECT_EQ(test, alg->icv, m.icv);
		ipsec_mac_destroy(&m);
		KUNIT_ASSERT_EQ(test, 0, ipsec_mac_init(&m, alg, &key, true));
		KUNIT_EXPECT_EQ(test, 16, (int)m.icv);
		ipsec_mac_destroy(&m);
	}
}

/* What this kernel lacks is told apart from what cannot be. */
static void mac_missing(struct kunit *test)
{
	static const struct ipsec_alg_desc mac = {
		.name = "none", .driver = "hmac(ipsec-test-none)",
		.kind = IPSEC_ALG_AUTH, .key_min = 128, .key_max = 128,
		.icv = 12,
	};
	u8 data[16] = {};
	struct ipsec_key key = { data, 128 };
	struct ipsec_mac m;

	KUNIT_EXPECT_EQ(test, -ENOSYS, ipsec_mac_init(&m, &mac, &key, false));
	key.bits = 120;
	KUNIT_EXPECT_EQ(test, -EINVAL, ipsec_mac_init(&m, &mac, &key, false));
}

static struct kunit_case mac_test_cases[] = {
	KUNIT_CASE_PARAM(mac_known_answer, mac_gen_params),
	KUNIT_CASE(mac_keyed),
	KUNIT_CASE(mac_lengths),
	KUNIT_CASE(mac_missing),
	{}
};

static struct kunit_suite mac_suite = {
	.name		= "ipsec_mac",
	.test_cases	= mac_test_cases,
};

kunit_test_suite(mac_suite);
