// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says by itself: the key manager operations as messages. */
#include <ipsec/km.h>
#include "pfkey.h"

static void notify_expire(struct ipsec_sa *sa, bool hard)
{
	pfkey_deliver_registered(sa->net, pfkey_build_expire(sa, hard), NULL);
}

static const struct ipsec_km_ops km_ops = {
	.expire	= notify_expire,
};

/**
 * pfkey_notify_init() - listen to the packet path
 */
void pfkey_notify_init(void)
{
	ipsec_km_register(&km_ops);
}

/**
 * pfkey_notify_exit() - stop; when it returns no call is under way
 *
 * Context: process, sleeps.
 */
void pfkey_notify_exit(void)
{
	ipsec_km_unregister();
}
