// SPDX-License-Identifier: GPL-2.0-only
/*
 * The forms of a message, that its buffer is wiped with the last who shares it, and
 * how many may wait.
 */
#include <kunit/test.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include "../../pfkey/pfkey.h"
#include "kunit.h"

/* Little endian, as on every machine that the tests run on. */
#define OURS	"02001d00" "00100000" "0000000000000000"
#define SA	"02000100" "00001001" "04000003" "40000000"
#define OTHER	"01004d00" "aabbccdd"
#define WORDS(n)	"02030003" n "000000" "07000000" "09000000"

/**
 * struct cut_case - a message with our own extension, and without
 * @name: where it is
 * @hex: the message
 * @want: what is left
 */
struct cut_case {
	const char	*name;
	const char	*hex;
	const char	*want;
};

static const struct cut_case cuts[] = {
	{ "not there", WORDS("04") SA, WORDS("04") SA },
	{ "no extension at all", WORDS("02"), WORDS("02") },
	{ "alone", WORDS("04") OURS, WORDS("02") },
	{ "first", WORDS("06") OURS SA, WORDS("04") SA },
	{ "last", WORDS("06") SA OURS, WORDS("04") SA },
	{ "in between", WORDS("07") SA OURS OTHER, WORDS("05") SA OTHER },
	{ "three times", WORDS("0b") OURS SA OURS OTHER OURS,
	  WORDS("05") SA OTHER },
	{ "before a length of 0", WORDS("05") OURS "00004d00aabbccdd",
	  WORDS("03") "00004d00aabbccdd" },
	{ "behind a length of 0", WORDS("05") "00004d00aabbccdd" OURS,
	  WORDS("05") "00004d00aabbccdd" OURS },
	{ "longer than the message", WORDS("04") "03001d00" "00100000"
	  "0000000000000000", WORDS("04") "03001d00" "00100000"
	  "0000000000000000" },
};

static void cut_desc(const struct cut_case *c, char *desc)
{
	strscpy(desc, c->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(cut, cuts, cut_desc);

/* Exactly as long as its bytes, so that KASAN sees one more. */
static struct sk_buff *from_hex(struct kunit *test, const char *hex)
{
	unsigned int len = strlen(hex) / 2;
	struct sk_buff *skb = pfkey_skb_alloc(len, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, 0, hex2bin(skb_put(skb, len), hex, len));
	return skb;
}

static void expect_bytes(struct kunit *test, const struct sk_buff *skb,
			 unsigned int skip, const char *hex)
{
	u8 want[256];
	unsigned int len = unhex(want, hex);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_ASSERT_EQ(test, skip + len, skb->len);
	KUNIT_EXPECT_EQ(test, 0, memcmp(skb->data + skip, want, len));
}

static void form_cut(struct kunit *test)
{
	const struct cut_case *c = test->param_value;
	struct sk_buff *skb = from_hex(test, c->hex);

	pfkey_cut_replay(skb);
	expect_bytes(test, skb, 0, c->want);
	kfree_skb(skb);
}

/* Each form has the right bytes, is made once, and the last may be any of them. */
static void form_all(struct kunit *test)
{
	const struct cut_case *c = test->param_value;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		bool extended = i / 2, wrapped = i % 2;
		struct sk_buff *skb, *last;
		struct pfkey_forms f;

		pfkey_forms_init(&f, from_hex(test, c->hex), true);
		skb = pfkey_form(&f, extended, wrapped, GFP_KERNEL);
		expect_bytes(test, skb, wrapped ? sizeof(struct sadb_msg) : 0,
			     extended ? c->hex : c->want);
		if (wrapped)
			KUNIT_EXPECT_EQ(test, skb->len / PFKEY_WORD,
					((struct sadb_msg *)skb->data)->sadb_msg_len);
		KUNIT_EXPECT_PTR_EQ(test, skb, pfkey_form(&f, extended, wrapped,
							  GFP_KERNEL));
		last = pfkey_form_last(&f, !extended);
		expect_bytes(test, last, 0, extended ? c->want : c->hex);
		pfkey_forms_free(&f);
		kfree_skb(last);
	}
}

/* Where nobody is extended, one form is all there is. */
static void form_classic(struct kunit *test)
{
	const struct cut_case *c = test->param_value;
	struct sk_buff *skb = from_hex(test, c->hex);
	struct pfkey_forms f;

	pfkey_forms_init(&f, skb, false);
	KUNIT_EXPECT_PTR_EQ(test, skb, pfkey_form(&f, false, false, GFP_KERNEL));
	KUNIT_EXPECT_PTR_EQ(test, skb, pfkey_form_last(&f, false));
	expect_bytes(test, skb, 0, c->want);
	pfkey_forms_free(&f);
	kfree_skb(skb);
}

#define SECRET	0x5a
#define LENGTH	64

static bool all_are(const struct sk_buff *skb, u8 byte)
{
	return !memchr_inv(skb->head, byte, skb_end_offset(skb));
}

/*
 * A buffer full of keys, and a witness: one more skb with it that nobody counts, so
 * that what is in it can be seen when the others have gone.
 */
static struct sk_buff *secret(struct kunit *test, struct sk_buff **witness)
{
	struct sk_buff *skb = pfkey_skb_alloc(LENGTH, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, skb);
	memset(skb->head, SECRET, skb_end_offset(skb));
	skb_put(skb, LENGTH);
	*witness = skb_clone(skb, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, *witness);
	return skb;
}

static void form_wiped(struct kunit *test)
{
	struct sk_buff *witness, *skb = secret(test, &witness);

	kfree_skb(skb);
	KUNIT_EXPECT_TRUE(test, all_are(witness, 0));
	kfree_skb(witness);
}

/* In whatever order they go, the last one wipes, and no other. */
static void form_wiped_last(struct kunit *test)
{
	struct sk_buff *witness, *all[3];
	unsigned int first, i;

	for (first = 0; first < 3; first++) {
		all[0] = secret(test, &witness);
		all[1] = pfkey_skb_share(all[0], GFP_KERNEL);
		all[2] = pfkey_skb_share(all[1], GFP_KERNEL);
		for (i = 0; i < 3; i++) {
			KUNIT_EXPECT_TRUE(test, all_are(witness, SECRET));
			kfree_skb(all[(first + i) % 3]);
		}
		KUNIT_EXPECT_TRUE(test, all_are(witness, 0));
		kfree_skb(witness);
	}
}

/* What was cut, and the forms that nobody took. */
static void form_wiped_forms(struct kunit *test)
{
	struct sk_buff *witness, *skb = secret(test, &witness), *form;
	struct pfkey_forms f;

	pfkey_forms_init(&f, skb, true);
	form = skb_clone(pfkey_form(&f, true, true, GFP_KERNEL), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, form);
	pfkey_forms_free(&f);
	KUNIT_EXPECT_TRUE(test, all_are(witness, 0));
	KUNIT_EXPECT_TRUE(test, all_are(form, 0));
	kfree_skb(witness);
	kfree_skb(form);
}

/* What the kernel says by itself takes so much memory and no more. */
static void notice_bounded(struct kunit *test)
{
	struct pfkey_net *pn = kunit_kzalloc(test, sizeof(*pn), GFP_KERNEL);
	struct sk_buff *skb;
	unsigned int n = 0;

	KUNIT_ASSERT_NOT_NULL(test, pn);
	pfkey_deliver_netns_init(pn);
	while ((skb = pfkey_skb_alloc(LENGTH, GFP_KERNEL)) &&
	       pfkey_notice_queue(pn, skb))
		n++;
	KUNIT_ASSERT_NOT_NULL(test, skb);
	KUNIT_EXPECT_EQ(test, n, skb_queue_len(&pn->notices));
	KUNIT_EXPECT_EQ(test, n, PFKEY_NOTICE_ROOM / skb->truesize);
	KUNIT_EXPECT_LE(test, pn->notice_bytes, PFKEY_NOTICE_ROOM);
	kfree_skb(skb);
	pfkey_deliver_netns_exit(pn);
}

static struct kunit_case form_test_cases[] = {
	KUNIT_CASE_PARAM(form_cut, cut_gen_params),
	KUNIT_CASE_PARAM(form_all, cut_gen_params),
	KUNIT_CASE_PARAM(form_classic, cut_gen_params),
	KUNIT_CASE(form_wiped),
	KUNIT_CASE(form_wiped_last),
	KUNIT_CASE(form_wiped_forms),
	KUNIT_CASE(notice_bounded),
	{}
};

static struct kunit_suite form_suite = {
	.name		= "ipsec_form",
	.test_cases	= form_test_cases,
};

kunit_test_suite(form_suite);
