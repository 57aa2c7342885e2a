// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lifetimes go on while the machine sleeps, the kernel's timers do not: after
 * waking up, all of them are looked at.
 */
#include <linux/rwsem.h>
#include <linux/suspend.h>
#include <net/net_namespace.h>
#include "net.h"

/**
 * ipsec_wake() - look at every lifetime of a namespace now
 * @net: the namespace
 *
 * Context: process.
 */
void ipsec_wake(struct net *net)
{
	ipsec_sad_wake(net);
	ipsec_spd_wake(net);
}

static int suspend_event(struct notifier_block *nb, unsigned long event,
			 void *unused)
{
	struct net *net;

	if (event != PM_POST_SUSPEND && event != PM_POST_HIBERNATION)
		return NOTIFY_DONE;
	down_read(&net_rwsem);
	for_each_net(net)
		ipsec_wake(net);
	up_read(&net_rwsem);
	return NOTIFY_OK;
}

static struct notifier_block suspend_notifier = {
	.notifier_call	= suspend_event,
};

/**
 * ipsec_suspend_init() - be told when the machine wakes up
 *
 * Namespaces have their SADs and SPDs from before until after.
 */
void ipsec_suspend_init(void)
{
	register_pm_notifier(&suspend_notifier);
}

/**
 * ipsec_suspend_exit() - no longer; when it returns no call is under way
 */
void ipsec_suspend_exit(void)
{
	unregister_pm_notifier(&suspend_notifier);
}
