// SPDX-License-Identifier: GPL-2.0-only
/* The anti-replay window: edges, wraps and jumps (RFC 4303 3.4.3, RFC 6479). */
#include <kunit/test.h>
#include <ipsec/replay.h>

#define OK	IPSEC_REPLAY_OK
#define OLD	IPSEC_REPLAY_OLD
#define DUP	IPSEC_REPLAY_DUP
#define END	0xff

/**
 * struct step - one packet that arrives
 * @seq: the number on the wire
 * @verdict: what has to be said of it; accepted ones are committed
 */
struct step {
	u32	seq;
	u8	verdict;
};

/**
 * struct replay_case - one row
 * @name: what it shows
 * @window: packets
 * @esn: 64-bit numbers
 * @top: where the window stands before
 * @steps: packets, ended by verdict END
 */
struct replay_case {
	const char	*name;
	u32		window;
	bool		esn;
	u64		top;
	struct step	steps[12];
};

static const struct replay_case cases[] = {
	{ "first packet may have any number", 32, false, 0,
	  { { 77, OK }, { 77, DUP }, { 0, END } } },
	{ "zero is never sent", 32, false, 0,
	  { { 0, OLD }, { 1, OK }, { 0, OLD }, { 0, END } } },
	{ "in order", 32, false, 0,
	  { { 1, OK }, { 2, OK }, { 3, OK }, { 2, DUP }, { 0, END } } },
	{ "left edge of 32", 32, false, 0,
	  { { 100, OK }, { 69, OK }, { 68, OLD }, { 69, DUP }, { 0, END } } },
	{ "left edge of 8", 8, false, 0,
	  { { 100, OK }, { 93, OK }, { 92, OLD }, { 0, END } } },
	{ "left edge of 64, a word of the ring", 64, false, 0,
	  { { 200, OK }, { 137, OK }, { 136, OLD }, { 0, END } } },
	{ "left edge of 2040, the largest of PF_KEY", 2040, false, 0,
	  { { 5000, OK }, { 2961, OK }, { 2960, OLD }, { 2961, DUP },
	    { 0, END } } },
	{ "jump by the window forgets all", 32, false, 0,
	  { { 10, OK }, { 42, OK }, { 10, OLD }, { 11, OK }, { 0, END } } },
	{ "jump by one less keeps one", 32, false, 0,
	  { { 10, OK }, { 41, OK }, { 10, DUP }, { 11, OK }, { 0, END } } },
	{ "jump far beyond the ring", 32, false, 0,
	  { { 1, OK }, { 1000000, OK }, { 999969, OK }, { 999968, OLD },
	    { 1000000, DUP }, { 0, END } } },
	{ "bits left by an earlier turn of the ring are gone", 64, false, 0,
	  { { 64, OK }, { 192, OK }, { 191, OK }, { 129, OK }, { 320, OK },
	    { 319, OK }, { 257, OK }, { 0, END } } },
	{ "out of order within the window", 32, false, 0,
	  { { 20, OK }, { 18, OK }, { 19, OK }, { 18, DUP }, { 17, OK },
	    { 0, END } } },
	{ "the last number without ESN", 32, false, 0xfffffff0,
	  { { 0xffffffff, OK }, { 0xffffffff, DUP }, { 0xfffffff1, OK },
	    { 0, END } } },
	{ "no wrap without ESN", 32, false, 0xffffffff,
	  { { 1, OLD }, { 0xffffffe0, OK }, { 0, END } } },
	{ "ESN goes on behind 2^32 - 1", 32, true, 0xffffffff,
	  { { 0, OK }, { 1, OK }, { 0, DUP }, { 0xffffffff, OK },
	    { 0, END } } },
	{ "ESN accepts zero in a later half", 32, true, 0x1fffffff0ULL,
	  { { 0, OK }, { 0, DUP }, { 0, END } } },
	{ "ESN: below the window means the next half", 32, true, 0x100000064ULL,
	  { { 69, OK }, { 68, OK }, { 0, END } } },
	{ "ESN: window across the halves", 64, true, 0x100000010ULL,
	  { { 0xfffffff0, OK }, { 0xfffffff0, DUP }, { 0x10, OK },
	    { 0xffffffd1, OK }, { 0, END } } },
	{ "no window accepts everything", 0, false, 0,
	  { { 5, OK }, { 5, OK }, { 0, OK }, { 0, END } } },
};

static void replay_desc(const struct replay_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(replay, cases, replay_desc);

static void replay_steps(struct kunit *test)
{
	const struct replay_case *c = test->param_value;
	struct ipsec_replay r;
	const struct step *s;

	KUNIT_ASSERT_EQ(test, 0, ipsec_replay_init(&r, c->window, c->esn));
	r.top = c->top;
	for (s = c->steps; s->verdict != END; s++) {
		u64 seq = ipsec_replay_extend(&r, s->seq);
		u8 verdict = ipsec_replay_check(&r, seq);

		KUNIT_EXPECT_EQ_MSG(test, s->verdict, verdict, "step %zu: %u",
				    s - c->steps, s->seq);
		if (verdict == OK)
			ipsec_replay_commit(&r, seq);
	}
	ipsec_replay_destroy(&r);
}

/**
 * struct extend_case - which number the 32 bits on the wire stand for
 * @name: what it shows (RFC 4303 appendix A2.2)
 * @window: packets
 * @top: where the window stands
 * @seq: the number on the wire
 * @want: the full number
 */
struct extend_case {
	const char	*name;
	u32		window;
	u64		top;
	u32		seq;
	u64		want;
};

static const struct extend_case extends[] = {
	{ "within the window", 64, 0x100000100, 0xf0, 0x1000000f0 },
	{ "left edge", 64, 0x100000100, 0xc1, 0x1000000c1 },
	{ "one left of it: next half", 64, 0x100000100, 0xc0, 0x2000000c0 },
	{ "right of it", 64, 0x100000100, 0xffffffff, 0x1ffffffff },
	{ "window from 0: its left edge", 64, 0x10000003f, 0, 0x100000000 },
	{ "window from 0: the largest is ahead", 64, 0x10000003f, 0xffffffff,
	  0x1ffffffff },
	{ "window from -1: its left edge", 64, 0x10000003e, 0xffffffff,
	  0x0ffffffff },
	{ "window from -1: one left is ahead", 64, 0x10000003e, 0xfffffffe,
	  0x1fffffffe },
	{ "top at 0 of a half: behind", 64, 0x200000000, 0xffffffc1,
	  0x1ffffffc1 },
	{ "top at 0 of a half: ahead", 64, 0x200000000, 0xffffffc0,
	  0x2ffffffc0 },
	{ "top at the end of a half: next", 64, 0x1ffffffff, 0, 0x200000000 },
	{ "top at the end of a half: far", 64, 0x1ffffffff, 0xffffffbf,
	  0x2ffffffbf },
	{ "nothing before the first half", 64, 5, 0xffffffff, 0xffffffff },
	{ "new SA", 64, 0, 1, 1 },
	{ "new SA, largest number", 64, 0, 0xffffffff, 0xffffffff },
	{ "window of 1: the same", 1, 0x100000005, 5, 0x100000005 },
	{ "window of 1: one less is next half", 1, 0x100000005, 4,
	  0x200000004 },
	{ "largest window: left edge", IPSEC_REPLAY_MAX, 0x100000000,
	  0xfff00001, 0x0fff00001 },
	{ "largest window: one left", IPSEC_REPLAY_MAX, 0x100000000,
	  0xfff00000, 0x1fff00000 },
	{ "no window: late by half", 0, 0x180000000, 0x00000001,
	  0x100000001 },
	{ "no window: later is ahead", 0, 0x180000000, 0, 0x200000000 },
	{ "no window: late across halves", 0, 0x100000000, 0xffffffff,
	  0x0ffffffff },
	{ "no window: ahead across halves", 0, 0x1ffffffff, 0x7ffffffe,
	  0x27ffffffe },
	{ "the last half ends", 64, 0xffffffff00000100, 0xffffffff,
	  0xffffffffffffffff },
};

static void extend_desc(const struct extend_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(extend, extends, extend_desc);

static void replay_extend(struct kunit *test)
{
	const struct extend_case *c = test->param_value;
	struct ipsec_replay r = {
		.window = c->window, .top = c->top, .esn = true,
	};

	KUNIT_EXPECT_EQ(test, c->want, ipsec_replay_extend(&r, c->seq));
	r.esn = false;
	KUNIT_EXPECT_EQ(test, (u64)c->seq, ipsec_replay_extend(&r, c->seq));
}

/* A window that goes on where another one ended: all before is received. */
static void replay_goes_on(struct kunit *test)
{
	static const u64 tops[] = {
		1, 62, 63, 64, 65, 127, 128, 1000, 0xffffffff, 0x100000000,
		0x12345678f,
	};
	struct ipsec_replay r;
	unsigned int i;
	u64 seq;

	for (i = 0; i < ARRAY_SIZE(tops); i++) {
		KUNIT_ASSERT_EQ(test, 0, ipsec_replay_init(&r, 128, true));
		ipsec_replay_start(&r, tops[i]);
		for (seq = tops[i]; seq && tops[i] - seq < 128; seq--)
			KUNIT_EXPECT_EQ(test, DUP, ipsec_replay_check(&r, seq));
		KUNIT_EXPECT_EQ(test, OLD, ipsec_replay_check(&r, seq));
		/* Twice around the ring, every number once. */
		for (seq = tops[i] + 1; seq <= tops[i] + 512; seq++) {
			KUNIT_EXPECT_EQ(test, OK, ipsec_replay_check(&r, seq));
			ipsec_replay_commit(&r, seq);
			KUNIT_EXPECT_EQ(test, DUP, ipsec_replay_check(&r, seq));
		}
		ipsec_replay_destroy(&r);
	}
}

/* Without a window extended numbers are still followed. */
static void replay_follows(struct kunit *test)
{
	struct ipsec_replay r;

	KUNIT_ASSERT_EQ(test, 0, ipsec_replay_init(&r, 0, true));
	ipsec_replay_start(&r, 0xfffffffe);
	ipsec_replay_commit(&r, ipsec_replay_extend(&r, 1));
	KUNIT_EXPECT_EQ(test, 0x100000001ULL, r.top);
	ipsec_replay_commit(&r, ipsec_replay_extend(&r, 0xffffffff));
	KUNIT_EXPECT_EQ(test, 0x100000001ULL, r.top);
	ipsec_replay_destroy(&r);
}

/* A forged packet is checked and never committed: the window must not move. */
static void replay_forged(struct kunit *test)
{
	struct ipsec_replay r;

	KUNIT_ASSERT_EQ(test, 0, ipsec_replay_init(&r, 32, false));
	ipsec_replay_commit(&r, 10);
	KUNIT_EXPECT_EQ(test, OK, ipsec_replay_check(&r, 0xffffffff));
	KUNIT_EXPECT_EQ(test, 10ULL, r.top);
	KUNIT_EXPECT_EQ(test, OK, ipsec_replay_check(&r, 11));
	ipsec_replay_destroy(&r);
}

static void replay_limits(struct kunit *test)
{
	struct ipsec_replay r;

	KUNIT_EXPECT_EQ(test, -EINVAL,
			ipsec_replay_init(&r, IPSEC_REPLAY_MAX + 1, false));
	KUNIT_ASSERT_EQ(test, 0,
			ipsec_replay_init(&r, IPSEC_REPLAY_MAX, true));
	ipsec_replay_commit(&r, IPSEC_REPLAY_MAX + 5);
	KUNIT_EXPECT_EQ(test, OK, ipsec_replay_check(&r, 6));
	KUNIT_EXPECT_EQ(test, OLD, ipsec_replay_check(&r, 5));
	ipsec_replay_destroy(&r);
}

/* Every position of a window: once, and not twice. */
static void replay_every_position(struct kunit *test)
{
	struct ipsec_replay r;
	u32 seq;

	KUNIT_ASSERT_EQ(test, 0, ipsec_replay_init(&r, 256, false));
	ipsec_replay_commit(&r, 1000);
	for (seq = 999; seq > 1000 - 256; seq--) {
		KUNIT_EXPECT_EQ(test, OK, ipsec_replay_check(&r, seq));
		ipsec_replay_commit(&r, seq);
	}
	for (seq = 1000; seq > 1000 - 256; seq--)
		KUNIT_EXPECT_EQ(test, DUP, ipsec_replay_check(&r, seq));
	KUNIT_EXPECT_EQ(test, OLD, ipsec_replay_check(&r, 1000 - 256));
	ipsec_replay_destroy(&r);
}

static struct kunit_case replay_test_cases[] = {
	KUNIT_CASE_PARAM(replay_steps, replay_gen_params),
	KUNIT_CASE_PARAM(replay_extend, extend_gen_params),
	KUNIT_CASE(replay_goes_on),
	KUNIT_CASE(replay_follows),
	KUNIT_CASE(replay_forged),
	KUNIT_CASE(replay_limits),
	KUNIT_CASE(replay_every_position),
	{}
};

static struct kunit_suite replay_suite = {
	.name		= "ipsec_replay",
	.test_cases	= replay_test_cases,
};

kunit_test_suite(replay_suite);
