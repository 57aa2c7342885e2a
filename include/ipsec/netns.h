/* SPDX-License-Identifier: GPL-2.0-only */
/* What one network namespace has; field letters in sa.h. */
#ifndef _IPSEC_NETNS_H
#define _IPSEC_NETNS_H

#include <linux/atomic.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/skbuff.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/xfrm.h>
#include <ipsec/acquire.h>
#include <ipsec/knobs.h>
#include <ipsec/sa.h>
#include <ipsec/sockpolicy.h>
#include <ipsec/sp.h>
#include <ipsec/stats.h>

struct ipsec_log;

/* About how many destinations is known what their routes were told; a power of two. */
#define IPSEC_TOLD		64

/**
 * struct ipsec_arrivals - opened packets that wait for the hooks of PRE_ROUTING
 * @waiting: they, each with a reference to its device
 * @hooked: [@hook_mutex and @waiting.lock] these hooks are registered; read under
 *          either, or by READ_ONCE()
 * @shown: [@waiting.lock] and nobody has to wait any more; READ_ONCE() without it
 * @work: registers them
 */
struct ipsec_arrivals {
	struct sk_buff_head	waiting;
	bool			hooked;
	bool			shown;
	struct work_struct	work;
};

/**
 * struct ipsec_net - the stack of one network namespace
 * @sad: security associations
 * @spd: policies
 * @socks: policies of sockets
 * @acquires: what key managers were asked for
 * @knobs: sysctl values
 * @generation: [A] bumped by every change that can change a packet's fate; no other
 *              namespace ever has the same
 * @route_policy: its genid changes with @generation, see route.c; set before the hooks
 *                come for the first time, until exit
 * @routes: [A] routes of ours that are not yet freed, see route.c
 * @renew: makes others look at their routes again
 * @lacking: a packet passed for want of an SA, since the last one came; READ_ONCE()
 * @ending: set once, when the namespace is about to end; READ_ONCE()
 * @flow_seed: [I] random; says where in the flow cache its flows are
 * @told: [A] what routes were told about destinations, see path.c
 * @live_sas: [A] SAs whose memory is not yet freed; exit waits for none
 * @stats: [A] counters of each CPU
 * @log: counts what was logged; set once, when a debug knob is, see log.c
 * @payer: [@payer_mutex] a socket of the kernel's own that SAs are charged to, or NULL
 * @payer_mutex: protects @payer and what is charged to it; innermost
 * @knob_mutex: one knob is written at a time; outside @hook_mutex
 * @hook_mutex: protects @hooked. Taken by who has the namespace's PF_KEY mutex, or is
 *              ending the namespace (pernet_ops_rwsem); inside it only netfilter's
 *              own mutex and allocations. Never with rtnl.
 * @hooked: [@hook_mutex] the netfilter hooks are registered, and stay while
 *          something is said about packets; READ_ONCE() without the mutex
 * @hook_holders: [A] who is about to say something
 * @unhook: unregisters them when nothing is said any more
 * @arrivals: the hooks of PRE_ROUTING, which come later or never, see arrival.c
 * @sysctl4: [N] net.inet.ipsec
 * @sysctl6: [N] net.inet6.ipsec6
 * @sysctl_key: [N] net.key
 */
struct ipsec_net {
	struct ipsec_sad			sad;
	struct ipsec_spd			spd;
	struct ipsec_socks			socks;
	struct ipsec_acquires			acquires;
	struct ipsec_knobs			knobs;
	atomic64_t				generation;
	struct xfrm_policy			*route_policy;
	atomic_t				routes;
	struct work_struct			renew;
	bool					lacking;
	bool					ending;
	u32					flow_seed;
	u32					told[IPSEC_TOLD];
	atomic_t				live_sas;
	struct ipsec_stats __percpu		*stats;
	struct ipsec_log			*log;
	struct sock				*payer;
	struct mutex				payer_mutex;
	struct mutex				knob_mutex;
	struct mutex				hook_mutex;
	bool					hooked;
	atomic_t				hook_holders;
	struct delayed_work			unhook;
	struct ipsec_arrivals			arrivals;
	struct ctl_table_header			*sysctl4;
	struct ctl_table_header			*sysctl6;
	struct ctl_table_header			*sysctl_key;
};

extern unsigned int ipsec_net_id;

static inline struct ipsec_net *ipsec_net(const struct net *net)
{
	return net_generic(net, ipsec_net_id);
}

extern atomic64_t ipsec_generations;

/*
 * Makes every cached decision of @net stale: whoever writes last, the number is one
 * in which nothing was cached before. Routes of ours that others keep get stale, too.
 */
static inline void ipsec_generation_bump(struct net *net)
{
	/* A full barrier; pairs with the acquire in ipsec_flow_cache_lookup(). */
	s64 next = atomic64_inc_return(&ipsec_generations);
	struct ipsec_net *in = ipsec_net(net);
	struct xfrm_policy *policy;

	atomic64_set(&in->generation, next);
	/* Pairs with chain_own() in route.c. */
	smp_mb__after_atomic();
	policy = READ_ONCE(in->route_policy);
	if (policy)
		atomic_inc(&policy->genid);
}

static inline const struct ipsec_knobs_family *
ipsec_knobs_of(const struct ipsec_net *in, sa_family_t family)
{
	return family == AF_INET ? &in->knobs.v4 : &in->knobs.v6;
}

/* Packets are looked at while a policy or a knob says something about them. */
int ipsec_hooks_enable(struct net *net);
void ipsec_hooks_idle(struct net *net);

/* Who keeps routes looks again: after what may change the fate of a packet in clear. */
void ipsec_routes_renew(struct net *net);
void ipsec_routes_renew_soon(struct net *net);

#endif /* _IPSEC_NETNS_H */
