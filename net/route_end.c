// SPDX-License-Identifier: GPL-2.0-only
/*
 * Routes of ours end with their device, their namespace, and the module; plain ones that
 * others keep, when a policy says otherwise.
 */
#include <linux/netdevice.h>
#include "net.h"

static bool is_by(const struct ipsec_route *route, const void *dev)
{
	return route->dst->dev == dev ||
	       (route->path_refs && route->path->dev == dev);
}

static bool is_ending(const struct ipsec_route *route, const void *unused)
{
	return READ_ONCE(ipsec_net(route->net)->ending);
}

static void gone(struct ipsec_route *route)
{
	ipsec_route_bury(route);
	ipsec_route_retire(route);
}

/*
 * The core waits until nobody has the device and tells about it once more each
 * second, so that a route which is made or retired meanwhile is found, too. It may
 * tell before a namespace has a stack and when it has none any more.
 */
static int device_event(struct notifier_block *nb, unsigned long event,
			void *ptr)
{
	struct net_device *dev = netdev_notifier_info_to_dev(ptr);
	struct ipsec_net *in = ipsec_net(dev_net(dev));

	if (event != NETDEV_UNREGISTER || !in || !atomic_read(&in->routes))
		return NOTIFY_DONE;
	ipsec_flow_cache_evict(is_by, dev, gone);
	ipsec_routes_bury_kept(is_by, dev, false);
	return NOTIFY_DONE;
}

static struct notifier_block devices = { .notifier_call = device_event };

/**
 * ipsec_routes_init() - watch devices
 *
 * Return: 0 or an errno.
 */
int ipsec_routes_init(void)
{
	return register_netdevice_notifier(&devices);
}

/**
 * ipsec_routes_exit() - the reverse, before namespaces lose their stacks
 *
 * The core tells about all devices once more.
 */
void ipsec_routes_exit(void)
{
	unregister_netdevice_notifier(&devices);
}

/**
 * ipsec_routes_end() - the routes of all namespaces that end together
 *
 * They are those with @ending set; a grace period has passed since their hooks went.
 * When it returns, no packet is sent by a route of theirs.
 *
 * Context: process, sleeps.
 */
void ipsec_routes_end(void)
{
	ipsec_flow_cache_evict(is_ending, NULL, gone);
	/* What was retired is freed now, or in the list of those that others keep. */
	rcu_barrier();
	ipsec_routes_bury_kept(is_ending, NULL, true);
	synchronize_rcu();
}

static bool is_of(const struct ipsec_route *route, const void *net)
{
	return route->net == net;
}

/**
 * ipsec_routes_forget() - a namespace has nothing to protect any more
 * @net: the namespace
 *
 * What the flow cache has of it would otherwise stay until other flows need the room.
 *
 * Context: process.
 */
void ipsec_routes_forget(struct net *net)
{
	if (atomic_read(&ipsec_net(net)->routes))
		ipsec_flow_cache_evict(is_of, net, ipsec_route_retire);
}

/* Who keeps a plain route, such as a flow table, has to look at his packet again. */
static void renew(struct work_struct *work)
{
	struct ipsec_net *in = container_of(work, struct ipsec_net, renew);

	rt_genid_bump_all(in->socks.net);
}

/**
 * ipsec_routes_renew() - packets that passed us by have to come again
 * @net: the namespace, where the SPD or its default changed
 *
 * Context: process. When it returns, no packet of a flow table goes by what was before.
 */
void ipsec_routes_renew(struct net *net)
{
	renew(&ipsec_net(net)->renew);
}

/**
 * ipsec_routes_renew_soon() - the same for who may not wait, or does it often
 * @net: the namespace
 *
 * Context: any but hard interrupts.
 */
void ipsec_routes_renew_soon(struct net *net)
{
	queue_work(ipsec_wq, &ipsec_net(net)->renew);
}

/**
 * ipsec_routes_renew_init() - prepare a namespace for that
 * @in: the namespace
 */
void ipsec_routes_renew_init(struct ipsec_net *in)
{
	INIT_WORK(&in->renew, renew);
}

/**
 * ipsec_routes_renew_exit() - the reverse; nothing changes there any more
 * @in: the namespace
 *
 * Context: process, may sleep.
 */
void ipsec_routes_renew_exit(struct ipsec_net *in)
{
	cancel_work_sync(&in->renew);
}
