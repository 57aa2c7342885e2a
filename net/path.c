// SPDX-License-Identifier: GPL-2.0-only
/*
 * The route of the outermost packet. Who asks for the route of a packet that will be
 * protected has to see how much room there is inside, see tell_route() in pmtu.c: the
 * core keeps that as an exception for the packet's destination. The protected packet
 * often goes to the same destination. By the same route it would be fragmented, and
 * leave less room inside the next time, without end. So it goes by a copy of the route
 * that knows of no exception. What routers tell about it, its SA learns; about ESP in UDP
 * the core learns it, as an exception, so there nothing is told.
 *
 * A tunnel that leads elsewhere believes exceptions of others, such as those of another
 * device that it goes through, but not ours, which are about what is inside.
 */
#include <net/ip.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/lwtunnel.h>
#include <net/route.h>
#include <ipsec/compat.h>
#include <ipsec/hash.h>
#include "net.h"

/* Of a route of IPv6 that is an exception, not of the routing table. */
#define EXCEPTION_FLAGS		(RTF_CACHE | RTF_MODIFIED | RTF_EXPIRES)

/**
 * ipsec_path_has_exception() - whether an exception tells the MTU of a route
 * @dst: the route
 *
 * Context: any. Return: true also if it is forgotten by now.
 */
bool ipsec_path_has_exception(const struct dst_entry *dst)
{
	if (dst->ops->family == AF_INET6)
		return ((const struct rt6_info *)dst)->rt6i_flags & RTF_MODIFIED;
	return ((const struct rtable *)dst)->rt_pmtu;
}

/*
 * A slot has the MTU in its low half, and in the other what tells destinations of one
 * slot apart. The last one has it: without the others' a tunnel between the same ends as
 * a protected device has some bytes less room, until the exception is forgotten.
 */
static u32 *told_slot(struct ipsec_net *in, const union ipsec_addr *dst,
		      u32 *tag)
{
	u32 hash = ipsec_hash(dst, sizeof(*dst), in->flow_seed);

	BUILD_BUG_ON(!is_power_of_2(IPSEC_TOLD) || IPSEC_TOLD > BIT(16));
	*tag = hash & ~(u32)U16_MAX;
	return &in->told[hash % IPSEC_TOLD];
}

/**
 * ipsec_path_told() - remember what is told about a destination
 * @in: the namespace
 * @dst: the destination
 * @mtu: length in bytes
 *
 * Context: any.
 */
void ipsec_path_told(struct ipsec_net *in, const union ipsec_addr *dst,
		     unsigned int mtu)
{
	u32 tag, *slot = told_slot(in, dst, &tag);

	WRITE_ONCE(*slot, tag | min_t(u32, mtu, U16_MAX));
}

/* Whether the packets of @way have to go by @dst as if there were no exception. */
static bool looks_past(struct net *net, const struct dst_entry *dst,
		       const struct ipsec_way *way)
{
	u32 tag, *slot;

	if (likely(!ipsec_path_has_exception(dst)))
		return false;
	if (!way->elsewhere)
		return !way->udp;
	slot = told_slot(ipsec_net(net), way->dst, &tag);
	return READ_ONCE(*slot) == (tag | dst_mtu(dst));
}

static unsigned int mtu4(const struct dst_entry *dst)
{
	unsigned int mtu = dst_metric_raw(dst, RTAX_MTU);

	if (!mtu)
		mtu = READ_ONCE(dst->dev->mtu);
	mtu = min_t(unsigned int, mtu, IP_MAX_MTU);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

static unsigned int mtu6(const struct dst_entry *dst)
{
	const struct rt6_info *rt = (const struct rt6_info *)dst;
	const struct fib6_info *from = rcu_dereference(rt->from);
	unsigned int mtu = from ? from->fib6_pmtu : 0;

	if (!mtu)
		return ip6_dst_mtu_maybe_forward(dst, true);
	mtu = min_t(unsigned int, mtu, IP6_MAX_MTU);
	return mtu - lwtunnel_headroom(dst->lwtstate, mtu);
}

/**
 * ipsec_path_mtu() - how long protected packets may be by a route
 * @net: the namespace
 * @dst: the route
 * @way: where they go
 *
 * Context: RCU read side, BH disabled. Return: length in bytes.
 */
unsigned int ipsec_path_mtu(struct net *net, const struct dst_entry *dst,
			    const struct ipsec_way *way)
{
	if (likely(!looks_past(net, dst, way)))
		return dst_mtu(dst);
	return dst->ops->family == AF_INET6 ? mtu6(dst) : mtu4(dst);
}

/* The core's own copying keeps what was learned, and is not exported by each kernel. */
static struct dst_entry *copy4(struct dst_entry *dst)
{
	const struct rtable *from = (const struct rtable *)dst;
	struct rtable *rt = rt_dst_alloc(dst->dev, from->rt_flags, from->rt_type,
					 dst->flags & DST_NOXFRM);

	if (!rt)
		return NULL;
	rt->rt_is_input = from->rt_is_input;
	rt->rt_iif = from->rt_iif;
	rt->rt_uses_gateway = from->rt_uses_gateway;
	rt->rt_gw_family = from->rt_gw_family;
	/* The longer one of the union. */
	rt->rt_gw6 = from->rt_gw6;
	rt->dst.input = dst->input;
	rt->dst.output = dst->output;
	rt->dst.error = dst->error;
	rt->dst.lwtstate = lwtstate_get(dst->lwtstate);
	ip_dst_init_metrics(&rt->dst,
			    (struct dst_metrics *)dst_metrics_ptr(dst));
	return &rt->dst;
}

/* As the routing table has it. */
static struct dst_entry *copy6(struct net *net, const struct dst_entry *dst)
{
	const struct rt6_info *old = (const struct rt6_info *)dst;
	struct fib6_info *from = rcu_dereference(old->from);
	struct inet6_dev *idev = in6_dev_get(dst->dev);
	struct rt6_info *rt;

	if (!idev || !from || !fib6_info_hold_safe(from))
		goto err_idev;
	/* Not counted, as the links in front of it. */
	rt = ip6_dst_alloc(net, dst->dev, dst->flags | DST_NOCOUNT);
	if (!rt)
		goto err_from;
	rcu_assign_pointer(rt->from, from);
	ip_dst_init_metrics(&rt->dst, from->fib6_metrics);
	rt->rt6i_idev = idev;
	rt->rt6i_flags = old->rt6i_flags & ~EXCEPTION_FLAGS;
	rt->rt6i_gateway = old->rt6i_gateway;
	rt->rt6i_dst = old->rt6i_dst;
	rt->rt6i_src = old->rt6i_src;
	rt->dst.input = dst->input;
	rt->dst.output = dst->output;
	rt->dst.lwtstate = lwtstate_get(dst->lwtstate);
	return &rt->dst;

err_from:
	fib6_info_release(from);
err_idev:
	if (idev)
		in6_dev_put(idev);
	return NULL;
}

/**
 * ipsec_path_of() - by what protected packets are sent
 * @net: the namespace
 * @dst: their route, with a reference that is taken over
 * @way: where they go
 *
 * Context: RCU read side, BH disabled.
 * Return: @dst itself, if no exception of ours is in the way; a copy of the caller's
 * own, which holds its device until dst_dev_put() or its end; NULL without memory.
 */
struct dst_entry *ipsec_path_of(struct net *net, struct dst_entry *dst,
				const struct ipsec_way *way)
{
	struct dst_entry *copy;

	if (likely(!looks_past(net, dst, way)))
		return dst;
	copy = dst->ops->family == AF_INET6 ? copy6(net, dst) : copy4(dst);
	dst_release(dst);
	return copy;
}
