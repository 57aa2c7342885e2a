// SPDX-License-Identifier: GPL-2.0-only
/* Sequence numbers of packets that leave (RFC 4303 sections 2.2, 3.3.3). */
#include <kunit/test.h>
#include <ipsec/sa.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "../../net/net.h"

#define STOP	0	/* instead of a number: the SA is used up */

/**
 * struct seq_case - one row
 * @name: what it shows
 * @flags: SADB_X_EXT_*
 * @esn: 64-bit numbers
 * @used: numbers used up before
 * @next: the four that follow, as they go on the wire
 */
struct seq_case {
	const char	*name;
	u32		flags;
	bool		esn;
	u64		used;
	u64		next[4];
};

static const struct seq_case cases[] = {
	{ "the first number is 1", 0, false, 0, { 1, 2, 3, 4 } },
	{ "an SA ends at 2^32 - 1", 0, false, U32_MAX - 2,
	  { U32_MAX - 1, U32_MAX, STOP, STOP } },
	{ "cyclic numbers go on, without zero", SADB_X_EXT_CYCSEQ, false,
	  U32_MAX - 2, { U32_MAX - 1, U32_MAX, 1, 2 } },
	{ "extended numbers go on", 0, true, U32_MAX - 2,
	  { U32_MAX - 1, U32_MAX, 1ULL << 32, (1ULL << 32) + 1 } },
	{ "extended numbers end at 2^64 - 1", 0, true, U64_MAX - 2,
	  { U64_MAX - 1, U64_MAX, STOP, STOP } },
	{ "and are not cyclic", SADB_X_EXT_CYCSEQ, true, U64_MAX - 1,
	  { U64_MAX, STOP, STOP, STOP } },
};

static void case_name(const struct seq_case *c, char *text)
{
	strscpy(text, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(seq, cases, case_name);

static void seq_next(struct kunit *test)
{
	const struct seq_case *c = test->param_value;
	struct ipsec_sa *sa = kunit_kzalloc(test, sizeof(*sa), GFP_KERNEL);
	u64 seq, last = c->used;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, sa);
	sa->flags = c->flags;
	sa->replay.esn = c->esn;
	atomic64_set(&sa->out_seq, c->used);
	for (i = 0; i < ARRAY_SIZE(c->next); i++) {
		if (c->next[i] == STOP) {
			KUNIT_EXPECT_EQ(test, ipsec_seq_next(sa, &seq),
					-EOVERFLOW);
			continue;
		}
		KUNIT_ASSERT_EQ(test, ipsec_seq_next(sa, &seq), 0);
		KUNIT_EXPECT_EQ(test, c->esn ? seq : (u32)seq, c->next[i]);
		/* What IVs are made of never comes twice. */
		KUNIT_EXPECT_GT(test, seq, last);
		last = seq;
	}
}

static struct kunit_case output_cases[] = {
	KUNIT_CASE_PARAM(seq_next, seq_gen_params),
	{}
};

static struct kunit_suite output_suite = {
	.name		= "ipsec_output",
	.test_cases	= output_cases,
};

kunit_test_suite(output_suite);
