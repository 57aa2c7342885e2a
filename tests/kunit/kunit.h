/* SPDX-License-Identifier: GPL-2.0-only */
/* What the KUnit suites share. */
#ifndef _IPSEC_TESTS_KUNIT_H
#define _IPSEC_TESTS_KUNIT_H

#include <linux/module.h>

/* On Linux 6.1 suites run before the module's own init, on 6.12 after it. */
static inline bool module_is_initialized(void)
{
	return THIS_MODULE->state == MODULE_STATE_LIVE;
}

#endif
