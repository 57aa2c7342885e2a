// SPDX-License-Identifier: GPL-2.0-only
/* The ladder up and down: the only place that knows all rooms. */
#include <linux/module.h>
#include <ipsec/alg.h>
#include <ipsec/crypt.h>
#include <ipsec/pfkey.h>
#include <ipsec/sa.h>
#include "net.h"

/*
 * PF_KEY sockets come last, when nothing can fail any more: they hold the module, but
 * the kernel frees one that fails to load whoever holds it.
 */
static int __init ipsec_init(void)
{
	const struct nf_hook_ops *hooks;
	unsigned int n;
	int err;

	hooks = ipsec_hook_table(&n);
	ipsec_attach_init(hooks, n);
	hooks = ipsec_hook_table_early(&n);
	ipsec_arrivals_setup(hooks, n);
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
	err = ipsec_pfkey_open();
	if (err)
		goto err_hook;
	return 0;

err_hook:
	ipsec_hook_exit();
err_pfkey:
	ipsec_pfkey_exit();
err_netns:
	ipsec_suspend_exit();
	ipsec_netns_exit();
err_sa:
	ipsec_sa_exit();
err_crypt:
	/* Namespaces met packets already, if sockets had policies. */
	ipsec_unload_wait();
	ipsec_crypt_exit();
	ipsec_fragments_exit();
	return err;
}

/*
 * What the kernel calls in us, and why it does not any more when this returns. First
 * nothing new comes in:
 *
 * - Protocol handlers: xfrm4_protocol_deregister() waits for a grace period, and
 *   packets are in RCU sections.
 * - PF_KEY: each socket, with its operations and its destructor, holds the module, so
 *   there is none. Key manager, socket options and notifiers: removing them waits for
 *   calls under way, by RCU, a reference to the module, and a semaphore.
 * - Power management's notifier: the same semaphore. That of devices: rtnl.
 *
 * Then every namespace ends as when it is deleted, see netns.c:
 *
 * - Knobs and files in /proc: removing them waits for calls under way.
 * - Task works of setsockopt(): counted; the work items of hooks and sockets, of
 *   policies and SAs that end: cancelled, and waited for.
 * - Netfilter hooks: unregistered, and a grace period passes.
 * - Routes: they are buried and lead nowhere then, whoever keeps them; see route.c.
 * - SAs: each is held for every request that its cipher has not answered, and the
 *   namespace waits until the last one is freed. Packets that wait for keys end with
 *   their SA.
 *
 * Then what is left of SAs, so far only their memory was freed: call_rcu() and the
 * work queue. kfree_rcu() needs no code of ours. And at last what could not be waited
 * for by name: packets in queues of netfilter that are to come back to us, and
 * functions of ours that have said that they are done and are about to return.
 *
 * Elsewhere no function of ours stays with a packet: in sockets, backlogs, GRO and
 * queueing disciplines it has no destructor, extension or callback with code of ours.
 * Its secpath and its route have stand-ins of SAs, see history.c, its socket carriers,
 * see sock_carrier.c: all are freed by the core alone.
 */
static void __exit ipsec_exit(void)
{
	ipsec_pfkey_close();
	ipsec_hook_exit();
	ipsec_pfkey_exit();
	ipsec_suspend_exit();
	ipsec_netns_exit();
	ipsec_sa_exit();
	ipsec_alg_exit();
	ipsec_unload_wait();
	ipsec_crypt_exit();
	ipsec_fragments_exit();
}

module_init(ipsec_init);
module_exit(ipsec_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KAME-style IPsec: PF_KEY, SPD, SAD and ESP");
