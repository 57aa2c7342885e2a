// SPDX-License-Identifier: GPL-2.0-only
/* What a program is told of each error that the kernel may have. */
#include <kunit/test.h>
#include <linux/err.h>
#include "../../pfkey/pfkey.h"

/**
 * struct errno_case - an errno, and what becomes of it
 * @err: the kernel's
 * @told: what is in a message
 */
struct errno_case {
	int	err;
	u8	told;
};

static const struct errno_case errnos[] = {
	{ EPERM, EPERM }, { ENOENT, ENOENT }, { EINTR, EINTR },
	{ ENOMEM, ENOMEM }, { EEXIST, EEXIST }, { EINVAL, EINVAL },
	{ ENOSYS, ENOSYS }, { EOPNOTSUPP, EOPNOTSUPP },
	{ EAFNOSUPPORT, EAFNOSUPPORT }, { EPROTONOSUPPORT, EPROTONOSUPPORT },
	{ ENOBUFS, ENOBUFS }, { ETIMEDOUT, ETIMEDOUT },
	{ EHWPOISON, EHWPOISON },
	{ ERESTARTSYS, EINTR }, { ERESTARTNOINTR, EINTR },
	{ ERESTARTNOHAND, EINTR }, { ERESTART_RESTARTBLOCK, EINTR },
	{ EPROBE_DEFER, EAGAIN }, { ENOTSUPP, EOPNOTSUPP },
	{ EJUKEBOX, EAGAIN }, { EBADTYPE, EINVAL },
	{ 0, EIO }, { -EINVAL, EIO }, { EHWPOISON + 1, EIO }, { 256, EIO },
	{ 256 + EPERM, EIO }, { 511, EIO }, { 520, EIO }, { 1024, EIO },
	{ MAX_ERRNO, EIO },
};

static void errno_told(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errnos); i++)
		KUNIT_EXPECT_EQ_MSG(test, errnos[i].told,
				    pfkey_errno(errnos[i].err), "errno %d",
				    errnos[i].err);
}

/* Each has a name in userland; those that programs know are as they are. */
static void errno_known(struct kunit *test)
{
	int err;

	for (err = 1; err <= MAX_ERRNO; err++) {
		u8 told = pfkey_errno(err);

		KUNIT_EXPECT_GT_MSG(test, told, 0, "errno %d", err);
		KUNIT_EXPECT_LE_MSG(test, told, EHWPOISON, "errno %d", err);
		if (err <= EHWPOISON)
			KUNIT_EXPECT_EQ(test, err, told);
	}
}

static struct kunit_case errno_test_cases[] = {
	KUNIT_CASE(errno_told),
	KUNIT_CASE(errno_known),
	{}
};

static struct kunit_suite errno_suite = {
	.name		= "ipsec_errno",
	.test_cases	= errno_test_cases,
};

kunit_test_suite(errno_suite);
