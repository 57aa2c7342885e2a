// SPDX-License-Identifier: GPL-2.0-only
/*
 * The algorithm table, row by row, against what the RFCs and Linux's PF_KEY
 * numbers say: a slip in it is a packet that no other implementation reads.
 */
#include <kunit/test.h>
#include <ipsec/alg.h>

/**
 * struct row - what a row of the table has to be
 * @name: setkey's name
 * @kind: integrity or encryption
 * @id: number of PF_KEY
 * @key_min: shortest key in bits, salt included
 * @key_max: longest key in bits
 * @icv: length of the ICV in bytes
 * @iv: length of the IV in bytes
 * @block: what the plaintext is padded to
 */
struct row {
	const char		*name;
	enum ipsec_alg_kind	kind;
	u8			id;
	u16			key_min, key_max;
	u8			icv, iv, block;
};

#define AUTH	IPSEC_ALG_AUTH
#define ENC	IPSEC_ALG_ENCRYPT

static const struct row rows[] = {
	/* RFC 2403, 2404, 4868, 2857, 3566, 4494; keyed hashes: RFC 1828, 1852 */
	{ "hmac-md5", AUTH, 2, 128, 128, 12, 0, 0 },
	{ "hmac-sha1", AUTH, 3, 160, 160, 12, 0, 0 },
	{ "hmac-sha2-256", AUTH, 5, 256, 256, 16, 0, 0 },
	{ "hmac-sha2-384", AUTH, 6, 384, 384, 24, 0, 0 },
	{ "hmac-sha2-512", AUTH, 7, 512, 512, 32, 0, 0 },
	{ "hmac-ripemd160", AUTH, 8, 160, 160, 12, 0, 0 },
	{ "aes-xcbc-mac", AUTH, 9, 128, 128, 12, 0, 0 },
	{ "aes-cmac", AUTH, 248, 128, 128, 12, 0, 0 },
	{ "keyed-md5", AUTH, 249, 128, 128, 12, 0, 0 },
	{ "keyed-sha1", AUTH, 250, 160, 160, 12, 0, 0 },
	{ "null", AUTH, 251, 0, 0, 0, 0, 0 },
	/* RFC 2410, 2405, 2451, 3602, 4312; AES-CTR: RFC 3686 */
	{ "null", ENC, 11, 0, 0, 0, 0, 4 },
	{ "des-cbc", ENC, 2, 64, 64, 0, 8, 8 },
	{ "3des-cbc", ENC, 3, 192, 192, 0, 8, 8 },
	{ "cast128-cbc", ENC, 6, 40, 128, 0, 8, 8 },
	{ "blowfish-cbc", ENC, 7, 40, 448, 0, 8, 8 },
	{ "aes-cbc", ENC, 12, 128, 256, 0, 16, 16 },
	{ "camellia-cbc", ENC, 22, 128, 256, 0, 16, 16 },
	{ "twofish-cbc", ENC, 253, 128, 256, 0, 16, 16 },
	{ "serpent-cbc", ENC, 252, 128, 256, 0, 16, 16 },
	{ "aes-ctr", ENC, 13, 160, 288, 0, 8, 4 },
	/* RFC 4106, 4309, 4543, 7634; three or four bytes of salt */
	{ "aes-gcm-8", ENC, 18, 160, 288, 8, 8, 4 },
	{ "aes-gcm-12", ENC, 19, 160, 288, 12, 8, 4 },
	{ "aes-gcm-16", ENC, 20, 160, 288, 16, 8, 4 },
	{ "aes-ccm-8", ENC, 14, 152, 280, 8, 8, 4 },
	{ "aes-ccm-12", ENC, 15, 152, 280, 12, 8, 4 },
	{ "aes-ccm-16", ENC, 16, 152, 280, 16, 8, 4 },
	{ "aes-gmac", ENC, 23, 160, 288, 16, 8, 4 },
	{ "chacha20-poly1305", ENC, 31, 288, 288, 16, 8, 4 },
};

static void row_name(const struct row *row, char *text)
{
	snprintf(text, KUNIT_PARAM_DESC_SIZE, "%s %s",
		 row->kind == AUTH ? "auth" : "encrypt", row->name);
}

KUNIT_ARRAY_PARAM(row, rows, row_name);

static void alg_row(struct kunit *test)
{
	const struct row *row = test->param_value;
	const struct ipsec_alg_desc *alg = ipsec_alg_find(row->kind, row->id);
	bool counter = row->iv == 8 && row->block == 4;

	KUNIT_ASSERT_NOT_NULL(test, alg);
	KUNIT_EXPECT_STREQ(test, row->name, alg->name);
	KUNIT_EXPECT_EQ(test, row->key_min, alg->key_min);
	KUNIT_EXPECT_EQ(test, row->key_max, alg->key_max);
	KUNIT_EXPECT_EQ(test, row->icv, alg->icv);
	KUNIT_EXPECT_EQ(test, row->iv, alg->iv);
	KUNIT_EXPECT_EQ(test, row->block, alg->block);
	KUNIT_EXPECT_EQ(test, row->kind == ENC && row->icv, alg->aead);
	/* An IV that CBC is given must not be foreseen, a counter not repeat. */
	KUNIT_EXPECT_EQ(test, counter ? IPSEC_IV_COUNTER :
			row->iv ? IPSEC_IV_RANDOM : IPSEC_IV_NONE,
			alg->iv_kind);
	KUNIT_EXPECT_EQ(test, 0, ipsec_alg_ask(alg));
}

/* Nothing is in the table that is not above. */
static void alg_rows_all(struct kunit *test)
{
	unsigned int i, n = 0;

	for (i = 0; i < ipsec_alg_count; i++)
		n += ipsec_alg_table[i].kind == AUTH ||
		     ipsec_alg_table[i].kind == ENC;
	KUNIT_EXPECT_EQ(test, (unsigned int)ARRAY_SIZE(rows), n);
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(ENC, 0));
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(AUTH, 0));
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(AUTH, 12));
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(ENC, 255));
}

static struct kunit_case alg_cases[] = {
	KUNIT_CASE_PARAM(alg_row, row_gen_params),
	KUNIT_CASE(alg_rows_all),
	{}
};

static struct kunit_suite alg_suite = {
	.name		= "ipsec_alg",
	.test_cases	= alg_cases,
};

kunit_test_suite(alg_suite);
