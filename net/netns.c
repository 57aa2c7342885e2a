// SPDX-License-Identifier: GPL-2.0-only
/* The stack of each network namespace comes and goes here. */
#include <linux/random.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <ipsec/hash.h>
#include <ipsec/knobs.h>
#include <ipsec/log.h>
#include <ipsec/netns.h>
#include <ipsec/why.h>
#include "net.h"

unsigned int ipsec_net_id __read_mostly;

/*
 * What a namespace does now and then, the same for all of them. Not on the system's
 * queue: some of it waits for grace periods, and a thousand namespaces would keep
 * others' work waiting there.
 */
struct workqueue_struct *ipsec_wq;

static int __net_init netns_init(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);
	int err;

	ipsec_generation_bump(net);
	in->flow_seed = get_random_u32();
	ipsec_knobs_init(net, &in->knobs);
	mutex_init(&in->knob_mutex);
	mutex_init(&in->payer_mutex);
	ipsec_socks_init(net, &in->socks);
	ipsec_hooks_init(in);
	ipsec_routes_renew_init(in);
	ipsec_acquire_init(&in->acquires);
	in->stats = alloc_percpu_gfp(struct ipsec_stats, GFP_KERNEL_ACCOUNT);
	if (!in->stats)
		return -ENOMEM;
	ipsec_sad_init(&in->sad);
	ipsec_spd_init(net, &in->spd);
	err = ipsec_sysctl_init(net);
	if (err)
		goto err_tables;
	err = ipsec_proc_init(net);
	if (err)
		goto err_sysctl;
	err = ipsec_why_init(net);
	if (err)
		goto err_proc;
	err = ipsec_carriers_inherit(net);
	if (err)
		goto err_why;
	return 0;

err_why:
	ipsec_why_exit(net);
err_proc:
	ipsec_proc_exit(net);
err_sysctl:
	ipsec_sysctl_exit(net);
err_tables:
	ipsec_spd_exit(&in->spd);
	ipsec_sad_exit(net, &in->sad);
	ipsec_route_policy_exit(in);
	ipsec_log_free(in);
	free_percpu(in->stats);
	return err;
}

/*
 * No packet may meet a half-dismantled namespace: the hooks go first. Between this and
 * netns_exit_batch() the core waits for a grace period, once for all namespaces that end
 * together. So nothing waits here: whoever makes and ends namespaces by the thousand
 * would wait a thousand times, and with him everybody else who ends one.
 */
static void __net_exit netns_pre_exit(struct net *net)
{
	WRITE_ONCE(ipsec_net(net)->ending, true);
	ipsec_why_exit(net);
	ipsec_proc_exit(net);
	ipsec_sysctl_exit(net);
	ipsec_socks_stop(&ipsec_net(net)->socks);
	ipsec_hooks_disable(net);
	ipsec_sad_clear(net);
}

static void netns_exit(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	ipsec_socks_exit(&in->socks);
	ipsec_spd_exit(&in->spd);
	/* Nothing that expires is left. */
	ipsec_routes_renew_exit(in);
	ipsec_hooks_exit(in);
	ipsec_sad_exit(net, &in->sad);
	ipsec_charge_exit(in);
	ipsec_acquire_flush(net);
	ipsec_route_policy_exit(in);
	ipsec_log_free(in);
	free_percpu(in->stats);
}

/*
 * Routes first: a flow table may still send by them. That waits for grace periods, once
 * for all that end together, if any of them has routes.
 */
static void __net_exit netns_exit_batch(struct list_head *list)
{
	struct net *net;

	list_for_each_entry(net, list, exit_list) {
		if (atomic_read(&ipsec_net(net)->routes)) {
			ipsec_routes_end();
			break;
		}
	}
	list_for_each_entry(net, list, exit_list)
		netns_exit(net);
}

static struct pernet_operations netns_ops = {
	.init		= netns_init,
	.pre_exit	= netns_pre_exit,
	.exit_batch	= netns_exit_batch,
	.id		= &ipsec_net_id,
	.size		= sizeof(struct ipsec_net),
};

/**
 * ipsec_netns_init() - give every namespace its stack
 *
 * Return: 0 or an errno.
 */
int ipsec_netns_init(void)
{
	int err;

	/* The first table is about to be made. */
	ipsec_hash_init();
	ipsec_wq = alloc_workqueue("ipsec", WQ_UNBOUND, 0);
	if (!ipsec_wq)
		return -ENOMEM;
	err = register_pernet_device(&netns_ops);
	if (err)
		goto err_pernet;
	err = ipsec_routes_init();
	if (err)
		goto err_routes;
	return 0;

err_routes:
	unregister_pernet_device(&netns_ops);
	ipsec_routes_stop();
err_pernet:
	/* Sockets with policies of an earlier load may have asked for it. */
	ipsec_flow_cache_free();
	destroy_workqueue(ipsec_wq);
	return err;
}

/**
 * ipsec_netns_exit() - take it away again
 *
 * When it returns no SA, policy or hook is left.
 */
void ipsec_netns_exit(void)
{
	ipsec_routes_exit();
	unregister_pernet_device(&netns_ops);
	ipsec_routes_stop();
	ipsec_flow_cache_free();
	destroy_workqueue(ipsec_wq);
}
