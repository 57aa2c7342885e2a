// SPDX-License-Identifier: GPL-2.0-only
/*
 * One decision per flow: what the SPD and the SAD said about a flow is kept
 * until either of them changes.
 *
 * A table of fixed size on each CPU, so that no traffic can make it grow, and
 * shared by all namespaces, so that their number cannot either. An entry holds no
 * references. It is valid while the namespace's generation is the one in which it
 * was filled; whatever makes it invalid bumps the generation first and frees memory
 * an RCU grace period later.
 *
 * All namespaces draw their generations from one counter, which never comes back to
 * a number: 64 bits last for centuries. So a generation names its namespace too, and
 * what a namespace leaves behind when it ends can never be taken for another's.
 * Where a flow's slot is depends on a secret of its namespace: a neighbour with the
 * same addresses has another one, and who wants to evict a flow has to guess.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <ipsec/compat.h>
#include <ipsec/hash.h>
#include "net.h"

#define SLOTS		1024

/**
 * struct slot - one remembered decision
 * @flow: whose
 * @generation: in which it was made; 0 = empty
 * @decision: what it was
 */
struct slot {
	struct ipsec_flow	flow;
	u64			generation;
	struct ipsec_decision	decision;
};

/**
 * struct flow_cache - the cache of one CPU
 * @lock: on PREEMPT_RT one task at a time uses @slots; else BH is disabled
 * @slots: SLOTS of them; NULL until the first policy anywhere
 */
struct flow_cache {
	local_lock_t	lock;
	struct slot	*slots;
};

static DEFINE_PER_CPU(struct flow_cache, flow_cache) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

/* The generation that was drawn last; 0 marks an empty slot. */
atomic64_t ipsec_generations = ATOMIC64_INIT(0);

static unsigned int flow_hash(const struct ipsec_net *in,
			      const struct ipsec_flow *flow)
{
	return ipsec_hash(flow, sizeof(*flow), in->flow_seed) % SLOTS;
}

static bool flow_equal(const struct ipsec_flow *a, const struct ipsec_flow *b)
{
	const unsigned long *x = (const unsigned long *)a;
	const unsigned long *y = (const unsigned long *)b;
	unsigned long diff = 0;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*a) % sizeof(*x));
	for (i = 0; i < sizeof(*a) / sizeof(*x); i++)
		diff |= x[i] ^ y[i];
	return !diff;
}

/**
 * ipsec_flow_cache_lookup() - what was decided about a flow
 * @in: the namespace
 * @flow: the flow
 * @decision: filled on a hit
 * @generation: filled with what ipsec_flow_cache_store() wants after a miss;
 *              read before the SPD and the SAD are
 *
 * Context: RCU read side, BH disabled. Return: whether it is known.
 */
bool ipsec_flow_cache_lookup(struct ipsec_net *in,
			     const struct ipsec_flow *flow,
			     struct ipsec_decision *decision, u64 *generation)
{
	const struct slot *slot;
	bool hit;

	/* Pairs with the barrier in ipsec_generation_bump(). */
	*generation = atomic64_read_acquire(&in->generation);
	this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachelookup]);
	local_lock_nested_bh(&flow_cache.lock);
	slot = __this_cpu_read(flow_cache.slots) + flow_hash(in, flow);
	hit = slot->generation == *generation && flow_equal(&slot->flow, flow);
	if (likely(hit))
		*decision = slot->decision;
	local_unlock_nested_bh(&flow_cache.lock);
	if (unlikely(!hit))
		this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachemiss]);
	return hit;
}

/**
 * ipsec_flow_cache_store() - remember a decision
 * @in: the namespace
 * @flow: the flow
 * @decision: the decision
 * @generation: from ipsec_flow_cache_lookup(), before the decision was made
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_flow_cache_store(struct ipsec_net *in,
			    const struct ipsec_flow *flow,
			    const struct ipsec_decision *decision,
			    u64 generation)
{
	struct slot *slot;

	local_lock_nested_bh(&flow_cache.lock);
	slot = __this_cpu_read(flow_cache.slots) + flow_hash(in, flow);
	slot->flow = *flow;
	slot->generation = generation;
	slot->decision = *decision;
	local_unlock_nested_bh(&flow_cache.lock);
}

/**
 * ipsec_flow_cache_alloc() - make the caches, once for all namespaces
 *
 * What there is when memory runs out is kept for the next try. Two namespaces may
 * come at a time: the slower one throws its table away.
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int ipsec_flow_cache_alloc(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct slot **slots = &per_cpu(flow_cache.slots, cpu), *made;

		if (READ_ONCE(*slots))
			continue;
		made = kvzalloc_node(array_size(SLOTS, sizeof(*made)),
				     GFP_KERNEL, cpu_to_node(cpu));
		if (!made)
			return -ENOMEM;
		if (cmpxchg(slots, NULL, made))
			kvfree(made);
	}
	return 0;
}

/**
 * ipsec_flow_cache_free() - free them; no packet looks at them any more
 */
void ipsec_flow_cache_free(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kvfree(per_cpu(flow_cache.slots, cpu));
		per_cpu(flow_cache.slots, cpu) = NULL;
	}
}
