// SPDX-License-Identifier: GPL-2.0-only
/* The ladder up and down: the only place that knows all rooms. */
#include <linux/module.h>
#include <ipsec/alg.h>
#include <ipsec/crypt.h>
#include <ipsec/pfkey.h>
#include <ipsec/sa.h>
#include "net.h"

/*
 * PF_KEY comes before the hooks and may fail first, when af_key owns the
 * family; packets come last in and first out.
 */
static int __init ipsec_init(void)
{
	int err;

	ipsec_carrier_init();
	err = ipsec_crypt_init();
	if (err)
		return err;
	err = ipsec_sa_init();
	if (err)
		goto err_crypt;
	err = ipsec_netns_init();
	if (err)
		goto err_sa;
	ipsec_suspend_init();
	err = ipsec_pfkey_init();
	if (err)
		goto err_netns;
	err = ipsec_hook_init();
	if (err)
		goto err_pfkey;
	return 0;

err_pfkey:
	ipsec_pfkey_exit();
err_netns:
	ipsec_suspend_exit();
	ipsec_netns_exit();
err_sa:
	ipsec_sa_exit();
err_crypt:
	ipsec_crypt_exit();
	return err;
}

/* kfree_rcu() needs no code of ours, but timers and work items do. */
static void __exit ipsec_exit(void)
{
	ipsec_hook_exit();
	ipsec_pfkey_exit();
	ipsec_suspend_exit();
	ipsec_netns_exit();
	ipsec_sa_exit();
	ipsec_alg_exit();
	ipsec_crypt_exit();
	rcu_barrier();
}

module_init(ipsec_init);
module_exit(ipsec_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KAME-style IPsec: PF_KEY, SPD, SAD and ESP");
