// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compression: kinds of deflate blocks (RFC 1951), what does not shrink, what
 * expands without end, and what is cut short.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/pfkeyv2.h>
#include <linux/prandom.h>
#include <linux/string.h>
#include <ipsec/comp.h>
#include "kunit.h"

#define ROOM	256

/**
 * struct comp_vector - compressed by hand or by zlib
 * @name: what is special
 * @from: compressed, in hexadecimal
 * @to: the text; NULL for what has to be refused
 */
struct comp_vector {
	const char	*name;
	const char	*from;
	const char	*to;
};

static const struct comp_vector vectors[] = {
	{ "stored block", "010500faff706c61696e", "plain" },
	{ "empty stored block", "010000ffff", "" },
	{ "two stored blocks", "000200fdff6162" "010100feff63", "abc" },
	{ "fixed block", "4b494dcb492c4955001129486c00",
	  "deflate latedeflate late" },
	{ "fixed block, empty", "0300", "" },
	{ "fixed block, run", "4b4c840100", "aaaaaaaaaa" },
	{ "bytes behind the end", "4b4c840100deadbeef", "aaaaaaaaaa" },
	{ "length and its complement differ", "010500faf0706c61696e", NULL },
	{ "stored block longer than the data", "010700f8ff706c61696e", NULL },
	{ "block of the reserved kind", "07", NULL },
	{ "match before the beginning", "4b842100", NULL },
	{ "no data", "", NULL },
};

static struct ipsec_comp comp;

static int comp_setup(struct kunit *test)
{
	const struct ipsec_alg_desc *alg;

	alg = ipsec_alg_find(IPSEC_ALG_COMP, SADB_X_CALG_DEFLATE);
	KUNIT_ASSERT_NOT_NULL(test, alg);
	KUNIT_ASSERT_EQ(test, ipsec_comp_init(&comp, alg), 0);
	return 0;
}

static void comp_teardown(struct kunit *test)
{
	ipsec_comp_destroy(&comp);
}

/* The result in memory of its own, so that nothing else overwrites it. */
static int run(struct kunit *test,
	       int (*how)(const struct ipsec_comp *, const u8 *, unsigned int,
			  unsigned int, const u8 **),
	       const u8 *from, unsigned int len, unsigned int room, u8 **to)
{
	const u8 *result;
	int made;

	local_bh_disable();
	made = how(&comp, from, len, room, &result);
	if (made > 0)
		*to = kunit_kmalloc(test, made, GFP_ATOMIC);
	if (made > 0 && *to)
		memcpy(*to, result, made);
	ipsec_comp_done(&comp);
	local_bh_enable();
	if (made > 0)
		KUNIT_ASSERT_NOT_NULL(test, *to);
	return made;
}

static void vector_desc(const struct comp_vector *v, char *desc)
{
	strscpy(desc, v->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(vector, vectors, vector_desc);

static void comp_expands(struct kunit *test)
{
	const struct comp_vector *v = test->param_value;
	unsigned int len = strlen(v->from) / 2;
	u8 from[ROOM], *to = NULL;
	int made;

	KUNIT_ASSERT_EQ(test, hex2bin(from, v->from, len), 0);
	made = run(test, ipsec_comp_expand, from, len, ROOM, &to);
	if (!v->to) {
		KUNIT_EXPECT_LT(test, made, 0);
		return;
	}
	KUNIT_ASSERT_EQ(test, made, (int)strlen(v->to));
	KUNIT_EXPECT_EQ(test, memcmp(to, v->to, made), 0);
	/* Exactly as long as there is room, and one byte less. */
	if (!made)
		return;
	KUNIT_EXPECT_EQ(test, run(test, ipsec_comp_expand, from, len, made,
				  &to), made);
	KUNIT_EXPECT_LT(test, run(test, ipsec_comp_expand, from, len, made - 1,
				  &to), 0);
}

/* Text that repeats itself, but not too often. */
static u8 *text_of(struct kunit *test, unsigned int len)
{
	u8 *text = kunit_kmalloc(test, len, GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, text);
	for (i = 0; i < len; i++)
		text[i] = 'a' + (i * i / 7 + i / 100) % 20;
	return text;
}

static void comp_round_trip(struct kunit *test)
{
	static const unsigned int lengths[] = { 90, 1000, 1460, IPSEC_COMP_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		unsigned int len = lengths[i];
		u8 *text = text_of(test, len), *small = NULL, *back = NULL;
		int made;

		made = run(test, ipsec_comp_compress, text, len, len - 5,
			   &small);
		KUNIT_ASSERT_GT(test, made, 0);
		KUNIT_EXPECT_LE(test, made, (int)len - 5);
		KUNIT_ASSERT_EQ(test, run(test, ipsec_comp_expand, small, made,
					  IPSEC_COMP_MAX, &back), (int)len);
		KUNIT_EXPECT_EQ(test, memcmp(back, text, len), 0);
	}
}

static void comp_never_grows(struct kunit *test)
{
	struct rnd_state rnd;
	u8 data[500], *to;
	unsigned int len;

	prandom_seed_state(&rnd, 3173);
	prandom_bytes_state(&rnd, data, sizeof(data));
	for (len = 90; len <= sizeof(data); len += 41)
		KUNIT_EXPECT_LT(test, run(test, ipsec_comp_compress, data, len,
					  len - 5, &to), 0);
	/* The next packet is not disturbed by one that did not fit. */
	memset(data, 'a', sizeof(data));
	KUNIT_EXPECT_GT(test, run(test, ipsec_comp_compress, data,
				  sizeof(data), sizeof(data) - 5, &to), 0);
}

/* A thousand times as long as it was: stops at the room, whatever that is. */
static void comp_bomb(struct kunit *test)
{
	u8 *zeros = kunit_kzalloc(test, IPSEC_COMP_MAX, GFP_KERNEL);
	u8 *bomb = NULL, *back = NULL;
	int made;

	KUNIT_ASSERT_NOT_NULL(test, zeros);
	made = run(test, ipsec_comp_compress, zeros, IPSEC_COMP_MAX, 1000,
		   &bomb);
	KUNIT_ASSERT_GT(test, made, 0);
	KUNIT_EXPECT_LT(test, run(test, ipsec_comp_expand, bomb, made,
				  IPSEC_COMP_MAX - 1, &back), 0);
	KUNIT_EXPECT_LT(test, run(test, ipsec_comp_expand, bomb, made, 1500,
				  &back), 0);
	KUNIT_EXPECT_EQ(test, run(test, ipsec_comp_expand, bomb, made,
				  IPSEC_COMP_MAX, &back), IPSEC_COMP_MAX);
}

/* The crypto API lets an end of one byte be missing, which says nothing. */
static void comp_cut_short(struct kunit *test)
{
	u8 *text = text_of(test, 1000), *small = NULL, *back = NULL;
	int made, len;

	made = run(test, ipsec_comp_compress, text, 1000, 995, &small);
	KUNIT_ASSERT_GT(test, made, 2);
	for (len = 0; len < made - 1; len++)
		KUNIT_EXPECT_LT(test, run(test, ipsec_comp_expand, small, len,
					  IPSEC_COMP_MAX, &back), 0);
}

/* One engine for all SAs, there as long as the last of them. */
static void comp_shared(struct kunit *test)
{
	const struct ipsec_alg_desc *alg;
	struct ipsec_comp other;
	u8 data[100] = {}, *to;

	alg = ipsec_alg_find(IPSEC_ALG_COMP, SADB_X_CALG_DEFLATE);
	KUNIT_ASSERT_EQ(test, ipsec_comp_init(&other, alg), 0);
	KUNIT_EXPECT_PTR_EQ(test, other.engine, comp.engine);
	KUNIT_EXPECT_EQ(test, comp.threshold, 90);
	ipsec_comp_destroy(&other);
	KUNIT_EXPECT_GT(test, run(test, ipsec_comp_compress, data, sizeof(data),
				  sizeof(data), &to), 0);
}

static struct kunit_case comp_cases[] = {
	KUNIT_CASE_PARAM(comp_expands, vector_gen_params),
	KUNIT_CASE(comp_round_trip),
	KUNIT_CASE(comp_never_grows),
	KUNIT_CASE(comp_bomb),
	KUNIT_CASE(comp_cut_short),
	KUNIT_CASE(comp_shared),
	{}
};

static struct kunit_suite comp_suite = {
	.name		= "ipsec_comp",
	.init		= comp_setup,
	.exit		= comp_teardown,
	.test_cases	= comp_cases,
};

kunit_test_suite(comp_suite);
