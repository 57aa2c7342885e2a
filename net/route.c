// SPDX-License-Identifier: GPL-2.0-only
/*
 * A decision to protect is the route of the packet, as it is for native IPsec: a
 * chain of struct xfrm_dst, one for each SA, in front of the route of the outermost
 * packet. So whoever looks at the route, replaces it, keeps it, or sends by it does
 * what is right for a packet that will be protected: matches of the firewall, address
 * translation, flow tables, queueing disciplines.
 *
 * All of it but ->output is the core's: its dst_ops check and destroy the chain. The
 * flow cache owns a route while its entry lasts; others, such as a flow table, may
 * keep it for longer. Three things make it useless in time:
 *
 * - Whatever changes a decision bumps the generation, and with it the number of the
 *   stand-in policy that the core compares in xfrm_bundle_ok(). A packet that comes
 *   by such a route is decided anew.
 * - A device, a namespace, or the module that goes takes its routes along: they are
 *   buried, see there, and lead nowhere then.
 * - Its SAs' stand-ins die with the SAs, see history.c.
 */
#include <linux/llist.h>
#include <linux/mutex.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/l3mdev.h>
#include <net/route.h>
#include <net/xfrm.h>
#include <ipsec/compat.h>
#include <ipsec/xform.h>
#include "net.h"

/* How often routes are looked at that somebody else kept. */
#define SWEEP_INTERVAL	HZ

static void kept_sweep(struct work_struct *work);

/*
 * Routes that others still had when the flow cache let go of them: first in @fresh,
 * where softirqs put them, then in @list.
 */
static struct {
	struct llist_head	fresh;
	struct list_head	list;
	struct mutex		mutex;	/* protects @list */
	struct delayed_work	sweep;
} kept = {
	.fresh	= LLIST_HEAD_INIT(kept.fresh),
	.list	= LIST_HEAD_INIT(kept.list),
	.mutex	= __MUTEX_INITIALIZER(kept.mutex),
	.sweep	= __DELAYED_WORK_INITIALIZER(kept.sweep, kept_sweep, 0),
};

static struct xfrm_dst *xdst_of(const struct dst_entry *dst)
{
	return (struct xfrm_dst *)dst;
}

/* What masquerading and others who take a bundle for a route read of it. */
static void fill4(struct xfrm_dst *xdst, const struct dst_entry *plain)
{
	const struct rtable *from = (const struct rtable *)plain;
	struct rtable *rt = &xdst->u.rt;

	rt->rt_iif = from->rt_iif;
	rt->rt_is_input = from->rt_is_input;
	rt->rt_flags = from->rt_flags &
		       (RTCF_BROADCAST | RTCF_MULTICAST | RTCF_LOCAL);
	rt->rt_type = from->rt_type;
	rt->rt_uses_gateway = from->rt_uses_gateway;
	rt->rt_gw_family = from->rt_gw_family;
	if (from->rt_gw_family == AF_INET)
		rt->rt_gw4 = from->rt_gw4;
	else if (from->rt_gw_family == AF_INET6)
		rt->rt_gw6 = from->rt_gw6;
	rt->rt_pmtu = from->rt_pmtu;
	rt->rt_mtu_locked = from->rt_mtu_locked;
}

/* Return: false when the device does not know IPv6 any more. */
static bool fill6(struct xfrm_dst *xdst, const struct dst_entry *plain)
{
	const struct rt6_info *from = (const struct rt6_info *)plain;
	struct rt6_info *rt = &xdst->u.rt6;

	rt->rt6i_idev = in6_dev_get(plain->dev);
	rt->rt6i_flags = from->rt6i_flags & (RTF_ANYCAST | RTF_LOCAL);
	rt->rt6i_gateway = from->rt6i_gateway;
	rt->rt6i_dst = from->rt6i_dst;
	rt->rt6i_src = from->rt6i_src;
	return rt->rt6i_idev;
}

static u32 cookie_of(const struct dst_entry *dst)
{
	return dst->ops->family == AF_INET6 ?
	       rt6_get_cookie((const struct rt6_info *)dst) : 0;
}

/* One link of the chain, without what is behind it. */
static struct xfrm_dst *xdst_make(const struct ipsec_route *route,
				  unsigned int i)
{
	const struct ipsec_decision *d = &route->decision;
	struct netns_xfrm *core = &route->net->xfrm;
	bool v4 = route->flow.family == AF_INET;
	struct xfrm_state *x;
	struct xfrm_dst *xdst;

	x = ipsec_history_sent(d->sas[i], d->tunnel & BIT(i));
	if (!x)
		return NULL;
	/* Not counted: the counter goes with the namespace, before its last route. */
	xdst = ipsec_dst_alloc(v4 ? &core->xfrm4_dst_ops : &core->xfrm6_dst_ops,
			       route->plain->dev, DST_NOCOUNT);
	if (!xdst)
		return NULL;
	memset_after(xdst, 0, u.dst);
	xfrm_state_hold(x);
	xdst->u.dst.xfrm = x;
	xdst->xfrm_genid = x->genid;
	if (v4) {
		fill4(xdst, route->plain);
	} else if (!fill6(xdst, route->plain)) {
		dst_release_immediate(&xdst->u.dst);
		return NULL;
	}
	return xdst;
}

/*
 * The chain, innermost SA first, which is in the end how -m policy --strict and the
 * core read it. The first link tells how long a packet may be, each one the route
 * that its packet would take without what follows.
 */
static struct dst_entry *chain_make(const struct ipsec_route *route)
{
	const struct ipsec_decision *d = &route->decision;
	struct dst_entry *child = dst_clone(route->path);
	int i;

	for (i = d->n - 1; i >= 0; i--) {
		bool outside = d->tunnel & (BIT(i) - 1);
		struct xfrm_dst *xdst = xdst_make(route, i);

		if (!xdst) {
			dst_release_immediate(child);
			return NULL;
		}
		xdst->route = dst_clone(outside ? route->path : route->plain);
		xdst->route_cookie = cookie_of(xdst->route);
		xdst->route_mtu_cached = dst_mtu(xdst->route);
		xdst->path = route->path;
		xdst->path_cookie = route->path_cookie;
		xdst->child = child;
		xdst->child_mtu_cached = dst_mtu(child);
		xdst->num_xfrms = d->n - i;
		child = &xdst->u.dst;
	}
	return child;
}

/*
 * Has the core compare the stand-in policy's number. It does not look at the second
 * policy when there is one only: from there the packet finds back to @route.
 */
static void chain_own(struct ipsec_route *route, struct xfrm_policy *policy)
{
	struct xfrm_dst *xdst = xdst_of(route->dst);
	u32 genid = (u32)atomic_read_acquire(&policy->genid);

	/* Pairs with ipsec_generation_bump(), which writes them in reverse order. */
	if (atomic64_read(&ipsec_net(route->net)->generation) !=
	    route->decision.generation)
		genid--;
	refcount_inc(&policy->refcnt);
	xdst->pols[0] = policy;
	xdst->num_pols = 1;
	xdst->policy_genid = genid;
	xdst->pols[1] = (struct xfrm_policy *)route;
}

/* The route of the outermost packet, in the inner one's VRF. */
static struct dst_entry *path_found(const struct ipsec_route *route)
{
	const struct ipsec_decision *d = &route->decision;

	if (!d->tunnel)
		return dst_clone(route->plain);
	return ipsec_tunnel_route(d->sas[fls(d->tunnel) - 1],
				  l3mdev_master_ifindex_rcu(route->plain->dev));
}

/* That route, or the copy of it by which the packet is sent. */
static int path_fill(struct ipsec_route *route)
{
	struct ipsec_way way = ipsec_way_of(&route->decision, &route->flow);
	struct dst_entry *found = path_found(route);

	if (!found)
		return -EHOSTUNREACH;
	route->elsewhere = way.elsewhere;
	route->mute = way.udp && !way.elsewhere;
	route->path = ipsec_path_of(route->net, found, &way);
	if (!route->path)
		return -ENOMEM;
	route->path_refs = route->path != found;
	return 0;
}

static int route_fill(struct ipsec_route *route)
{
	const struct ipsec_decision *d = &route->decision;
	struct xfrm_policy *policy;
	unsigned int mtu;
	int err;

	/* Set before the hooks that bring us here, and never taken back before them. */
	policy = READ_ONCE(ipsec_net(route->net)->route_policy);
	err = path_fill(route);
	if (err)
		return err;
	route->path_cookie = cookie_of(route->path);
	route->path_mtu = dst_mtu(route->path);
	route->learned = ipsec_pmtu_learned(d->sas[d->n - 1]);
	mtu = route->path_mtu;
	if (route->learned)
		mtu = min(mtu, route->learned);
	route->mtu = ipsec_inner_mtu(d, route->flow.family, mtu);
	route->tell_at = jiffies;
	route->dst = chain_make(route);
	if (route->dst && route->path_refs)
		route->path_refs = ipsec_dst_refs(route->path) - 1;
	/* The chain has it now. */
	dst_release(route->path);
	if (!route->dst)
		return -ENOMEM;
	dst_metric_set(route->dst, RTAX_MTU, route->mtu);
	chain_own(route, policy);
	return 0;
}

/**
 * ipsec_route_make() - the route that carries a decision out
 * @net: the namespace
 * @flow: the flow
 * @decision: with verdict IPSEC_PROTECT
 * @plain: the route without it
 * @output: what sends a packet by it
 *
 * Context: RCU read side, BH disabled.
 * Return: the route, for ipsec_flow_cache_keep() or ipsec_route_retire(), good for
 * this RCU section in both cases; or ERR_PTR: -EHOSTUNREACH without an outer route,
 * -ENOMEM.
 */
struct ipsec_route *ipsec_route_make(struct net *net,
				     const struct ipsec_flow *flow,
				     const struct ipsec_decision *decision,
				     struct dst_entry *plain,
				     ipsec_output_fn output)
{
	struct ipsec_route *route;
	int err = -ENOMEM;

	if (!dst_hold_safe(plain))
		return ERR_PTR(-EHOSTUNREACH);
	route = kzalloc(sizeof(*route), GFP_ATOMIC);
	if (route) {
		route->net = net;
		route->flow = *flow;
		route->decision = *decision;
		route->plain = plain;
		err = route_fill(route);
	}
	/* Its own reference, if it was made. */
	dst_release(plain);
	if (err) {
		kfree(route);
		return ERR_PTR(err);
	}
	route->dst->output = output;
	atomic_inc(&ipsec_net(net)->routes);
	return route;
}

/**
 * ipsec_route_fresh() - whether a route still says what is right
 * @route: the route
 *
 * Context: RCU read side.
 * Return: false when a policy, an SA, the outer route or its MTU changed.
 */
bool ipsec_route_fresh(const struct ipsec_route *route)
{
	const struct ipsec_decision *d = &route->decision;

	return atomic64_read(&ipsec_net(route->net)->generation) ==
		       d->generation &&
	       dst_check(route->path, route->path_cookie) &&
	       dst_mtu(route->path) == route->path_mtu &&
	       ipsec_pmtu_learned(d->sas[d->n - 1]) == route->learned;
}

/**
 * ipsec_route_behind() - what of ours is behind a route that shows states
 * @dst: the route, with dst->xfrm; who does not know that asks ipsec_route_of()
 *
 * Context: RCU read side. Return: NULL if it is not ours, or was buried.
 */
struct ipsec_route *ipsec_route_behind(const struct dst_entry *dst)
{
	if (!ipsec_history_ours(dst->xfrm))
		return NULL;
	return (struct ipsec_route *)READ_ONCE(xdst_of(dst)->pols[1]);
}

/**
 * ipsec_route_set() - route a packet anew
 * @skb: the packet
 * @dst: by what; the caller's RCU section, or its reference to the old one, keeps it
 *
 * The packet gets as much of a reference as it had to the old one.
 */
void ipsec_route_set(struct sk_buff *skb, struct dst_entry *dst)
{
	if (skb_dst_is_noref(skb)) {
		skb_dst_set_noref(skb, dst);
		return;
	}
	dst_hold(dst);
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
}

static void route_free(struct ipsec_route *route)
{
	dst_release(route->dst);
	atomic_dec(&ipsec_net(route->net)->routes);
	kfree_rcu(route, rcu);
}

/* Whether others have references, to the chain or to the route of a packet by it. */
static bool is_kept(const struct ipsec_route *route)
{
	return ipsec_dst_refs(route->dst) != 1 ||
	       (route->path_refs &&
		ipsec_dst_refs(route->path) != route->path_refs);
}

static void kept_later(void)
{
	queue_delayed_work(ipsec_wq, &kept.sweep, SWEEP_INTERVAL);
}

/* Who could see it without a reference is done: frees it, or waits for others. */
static void route_retired(struct rcu_head *rcu)
{
	struct ipsec_route *route = container_of(rcu, struct ipsec_route, rcu);

	if (likely(!is_kept(route))) {
		route_free(route);
		return;
	}
	llist_add(&route->fresh, &kept.fresh);
	kept_later();
}

/**
 * ipsec_route_retire() - the flow cache does not have a route any more
 * @route: the route; good until the caller's RCU section ends
 *
 * Context: any.
 */
void ipsec_route_retire(struct ipsec_route *route)
{
	call_rcu(&route->rcu, route_retired);
}

static void kept_collect(void)
{
	struct ipsec_route *route, *next;
	struct llist_node *fresh;

	lockdep_assert_held(&kept.mutex);
	fresh = llist_del_all(&kept.fresh);
	llist_for_each_entry_safe(route, next, fresh, fresh)
		list_add(&route->kept, &kept.list);
}

static void kept_sweep(struct work_struct *work)
{
	struct ipsec_route *route, *next;

	mutex_lock(&kept.mutex);
	kept_collect();
	list_for_each_entry_safe(route, next, &kept.list, kept) {
		if (!is_kept(route)) {
			list_del(&route->kept);
			route_free(route);
		}
		cond_resched();
	}
	if (!list_empty(&kept.list))
		kept_later();
	mutex_unlock(&kept.mutex);
}

/*
 * From now on the link leads nowhere and holds no device. The core's dst_dev_put()
 * would do that to its children as well, and forget what their devices are counted by.
 */
static void link_bury(struct xfrm_dst *xdst)
{
	struct dst_entry *dst = &xdst->u.dst;
	struct net_device *dev = dst->dev;
	struct inet6_dev *idev = NULL;

	dst->obsolete = DST_OBSOLETE_DEAD;
	dst->input = dst_discard;
	WRITE_ONCE(dst->output, dst_discard_out);
	if (dst->ops->family == AF_INET6)
		idev = xchg(&xdst->u.rt6.rt6i_idev, NULL);
	if (idev)
		in6_dev_put(idev);
	WRITE_ONCE(dst->dev, blackhole_netdev);
	netdev_ref_replace(dev, blackhole_netdev, &dst->dev_tracker,
			   GFP_ATOMIC);
}

/**
 * ipsec_route_bury() - no packet comes to us by a route any more
 * @route: the route, which nobody buries at the same time
 *
 * Those under way see it for one more grace period.
 */
void ipsec_route_bury(struct ipsec_route *route)
{
	struct dst_entry *dst = route->dst;

	if (dst->obsolete == DST_OBSOLETE_DEAD)
		return;
	WRITE_ONCE(xdst_of(dst)->pols[1], NULL);
	for (; dst->xfrm; dst = xfrm_dst_child(dst))
		link_bury(xdst_of(dst));
	if (route->path_refs)
		dst_dev_put(route->path);
}

/**
 * ipsec_routes_bury_kept() - bury those that others keep
 * @wanted: which of them
 * @arg: for @wanted
 * @forget: they are let go of, too
 *
 * Context: process, may sleep.
 */
void ipsec_routes_bury_kept(ipsec_route_filter wanted, const void *arg,
			    bool forget)
{
	struct ipsec_route *route, *next;

	mutex_lock(&kept.mutex);
	kept_collect();
	list_for_each_entry_safe(route, next, &kept.list, kept) {
		if (wanted(route, arg)) {
			ipsec_route_bury(route);
			if (forget) {
				list_del(&route->kept);
				route_free(route);
			}
		}
		cond_resched();
	}
	mutex_unlock(&kept.mutex);
}

/**
 * ipsec_route_policy_init() - what the core asks whether routes are out of date
 * @net: the namespace
 *
 * Nothing looks it up; it has a number that ipsec_generation_bump() changes.
 *
 * Context: process, may sleep; the caller has the hooks' mutex.
 * Return: 0 or -ENOMEM.
 */
int ipsec_route_policy_init(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);
	struct xfrm_policy *policy;

	if (in->route_policy)
		return 0;
	policy = xfrm_policy_alloc(net, GFP_KERNEL_ACCOUNT);
	if (!policy)
		return -ENOMEM;
	/* What freeing it insists on. */
	policy->walk.dead = 1;
	WRITE_ONCE(in->route_policy, policy);
	return 0;
}

/**
 * ipsec_route_policy_exit() - the reverse
 * @in: the namespace, without routes
 */
void ipsec_route_policy_exit(struct ipsec_net *in)
{
	if (in->route_policy)
		xfrm_pol_put(in->route_policy);
	in->route_policy = NULL;
}

/**
 * ipsec_routes_stop() - no work of this file is left
 *
 * Context: process, sleeps; no namespace has routes any more.
 */
void ipsec_routes_stop(void)
{
	cancel_delayed_work_sync(&kept.sweep);
}
