// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel says by itself: the key manager operations as messages. */
#include <ipsec/km.h>
#include "pfkey.h"

/* Nothing is built for nobody. */
#define NOTICE(net, build)						\
do {									\
	if (pfkey_anybody_hears(net))					\
		pfkey_notice(net, build);				\
} while (0)

static void notify_expire(struct ipsec_sa *sa, bool hard)
{
	NOTICE(sa->net, pfkey_build_expire(sa, hard));
}

static void notify_mapping(struct ipsec_sa *sa,
			   const struct ipsec_endpoint *now)
{
	NOTICE(sa->net, pfkey_build_mapping(sa, now));
}

static void notify_acquire(const struct ipsec_km_ask *ask)
{
	NOTICE(ask->net, pfkey_build_acquire(ask));
}

static void notify_sp_acquire(const struct ipsec_sp *sp)
{
	NOTICE(sp->net, pfkey_build_sp_acquire(sp));
}

static void notify_sp_expire(const struct ipsec_sp *sp)
{
	NOTICE(sp->net, pfkey_build_sp(SADB_X_SPDEXPIRE, 0, sp, 0, 0,
				       GFP_ATOMIC));
}

static void notify_discard(const struct ipsec_sa *sa)
{
	NOTICE(sa->net, pfkey_build_spi(SADB_DELETE, sa, 0, 0, GFP_ATOMIC));
}

static const struct ipsec_km_ops km_ops = {
	.listens	= pfkey_anybody_registered,
	.acquire	= notify_acquire,
	.sp_acquire	= notify_sp_acquire,
	.expire		= notify_expire,
	.sp_expire	= notify_sp_expire,
	.discard	= notify_discard,
	.mapping	= notify_mapping,
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
