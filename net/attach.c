// SPDX-License-Identifier: GPL-2.0-only
/*
 * The switch: whether the packets of a namespace are looked at. Who has nothing to say
 * about any packet pays nothing for us.
 */
#include <linux/netfilter.h>
#include <linux/workqueue.h>
#include <ipsec/netns.h>
#include "net.h"

/* So long after the last policy the hooks go: who loads policies again and again
 * need not pay for them each time.
 */
#define UNHOOK_DELAY	HZ

/* Set once, before the first namespace has a stack. */
static const struct nf_hook_ops *hooks;
static unsigned int n_hooks;

/* Whether nothing is said about any packet. */
static bool silent(struct net *net)
{
	const struct ipsec_net *in = ipsec_net(net);

	return !ipsec_spd_count(net) && !READ_ONCE(in->socks.count) &&
	       !ipsec_socks_any(net, IPSEC_IN) &&
	       !ipsec_socks_any(net, IPSEC_OUT) &&
	       READ_ONCE(in->knobs.v4.def_policy) &&
	       READ_ONCE(in->knobs.v6.def_policy);
}

static void unregister(struct ipsec_net *in)
{
	ipsec_arrivals_unhook(in);
	nf_unregister_net_hooks(in->socks.net, hooks, n_hooks);
}

/*
 * The hooks go if still nothing is said. Who is about to say something either sees
 * that they are going, and enables them once more, or is seen here.
 */
static void unhook(struct work_struct *work)
{
	struct ipsec_net *in = container_of(to_delayed_work(work),
					    struct ipsec_net, unhook);
	struct net *net = in->socks.net;

	mutex_lock(&in->hook_mutex);
	if (in->hooked && silent(net)) {
		WRITE_ONCE(in->hooked, false);
		/* Pairs with ipsec_hooks_hold() and ipsec_carrier_fill(). */
		smp_mb();
		if (atomic_read_acquire(&in->hook_holders) || !silent(net))
			WRITE_ONCE(in->hooked, true);
		else
			unregister(in);
	}
	if (!in->hooked)
		ipsec_routes_forget(net);
	mutex_unlock(&in->hook_mutex);
}

/**
 * ipsec_hooks_init() - no hooks yet
 * @in: the namespace
 */
void ipsec_hooks_init(struct ipsec_net *in)
{
	mutex_init(&in->hook_mutex);
	INIT_DELAYED_WORK(&in->unhook, unhook);
	ipsec_arrivals_init(&in->arrivals);
}

/**
 * ipsec_hooks_idle() - let a namespace's packets alone soon, if nothing is said
 * @net: the namespace, where something went that was said
 *
 * Context: any but hard interrupts.
 */
void ipsec_hooks_idle(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	if (READ_ONCE(in->hooked) && silent(net))
		queue_delayed_work(ipsec_wq, &in->unhook, UNHOOK_DELAY);
}

/**
 * ipsec_hooks_hold() - look at a namespace's packets, from now to the release
 * @net: the namespace
 *
 * Done before the first policy comes, so that a namespace without policies pays
 * nothing. What needs the hooks after the release has to be in place by then.
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM, and then nothing to release.
 */
int ipsec_hooks_hold(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);
	int err = 0;

	atomic_inc(&in->hook_holders);
	/* Pairs with unhook(). */
	smp_mb__after_atomic();
	if (READ_ONCE(in->hooked))
		return 0;
	mutex_lock(&in->hook_mutex);
	if (!in->hooked) {
		err = ipsec_flow_cache_alloc();
		if (!err)
			err = ipsec_route_policy_init(net);
		if (!err)
			err = nf_register_net_hooks(net, hooks, n_hooks);
		if (!err)
			WRITE_ONCE(in->hooked, true);
	}
	mutex_unlock(&in->hook_mutex);
	if (err)
		atomic_dec(&in->hook_holders);
	return err;
}

/**
 * ipsec_hooks_release() - what needs the hooks is in place, or nothing is
 * @net: the namespace
 */
void ipsec_hooks_release(struct net *net)
{
	/* Who sees that we are gone sees what was put in place. */
	smp_mb__before_atomic();
	atomic_dec(&ipsec_net(net)->hook_holders);
	/* Nothing, if that failed: then the hooks came for nothing. */
	ipsec_hooks_idle(net);
}

/**
 * ipsec_hooks_enable() - look at a namespace's packets
 * @net: the namespace, where something is said about packets already
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int ipsec_hooks_enable(struct net *net)
{
	int err = ipsec_hooks_hold(net);

	if (!err)
		ipsec_hooks_release(net);
	return err;
}

/**
 * ipsec_hooks_disable() - stop to look at a namespace's packets
 * @net: the namespace, which is about to end
 *
 * Packets that are in a hook go on until the next grace period has passed. The core
 * waits for one between the first and the last step of all namespaces that end
 * together; a wait of our own would be one for each.
 *
 * Context: process.
 */
void ipsec_hooks_disable(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	mutex_lock(&in->hook_mutex);
	if (in->hooked) {
		WRITE_ONCE(in->hooked, false);
		unregister(in);
	}
	mutex_unlock(&in->hook_mutex);
}

/**
 * ipsec_hooks_exit() - no work of the hooks is left
 * @in: the namespace, a grace period after ipsec_hooks_disable()
 *
 * Only now: a timer of the SPD that found the hooks registered may have queued the
 * work after they were gone, but not after the grace period.
 *
 * Context: process, may sleep.
 */
void ipsec_hooks_exit(struct ipsec_net *in)
{
	cancel_delayed_work_sync(&in->unhook);
	ipsec_arrivals_exit(&in->arrivals);
	mutex_destroy(&in->hook_mutex);
}

/**
 * ipsec_attach_init() - what is switched on and off
 * @table: the hooks
 * @n: how many
 *
 * The first step of loading.
 */
void ipsec_attach_init(const struct nf_hook_ops *table, unsigned int n)
{
	hooks = table;
	n_hooks = n;
}
