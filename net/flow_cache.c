// SPDX-License-Identifier: GPL-2.0-only
/*
 * One decision per flow: what the SPD and the SAD said about a flow is kept
 * until either of them changes.
 *
 * A table of fixed size on each CPU, so that no traffic can make it grow. An
 * entry holds no references. It is valid while the namespace's generation is
 * the one in which it was filled; whatever makes it invalid bumps the
 * generation first and frees memory an RCU grace period later.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <ipsec/hash.h>
#include "net.h"

#define SLOTS		512

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
 * struct ipsec_flow_cache - the cache of one CPU
 * @slots: SLOTS of them; used with BH disabled on their CPU only
 */
struct ipsec_flow_cache {
	struct slot	*slots;
};

static unsigned int flow_hash(const struct ipsec_flow *flow)
{
	return ipsec_hash(flow, sizeof(*flow), 0) % SLOTS;
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

	/* Pairs with the barrier in ipsec_generation_bump(). */
	*generation = atomic64_read_acquire(&in->generation);
	__this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachelookup]);
	slot = &this_cpu_ptr(in->flow_cache)->slots[flow_hash(flow)];
	if (likely(slot->generation == *generation &&
		   flow_equal(&slot->flow, flow))) {
		*decision = slot->decision;
		return true;
	}
	__this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachemiss]);
	return false;
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

	slot = &this_cpu_ptr(in->flow_cache)->slots[flow_hash(flow)];
	slot->flow = *flow;
	slot->generation = generation;
	slot->decision = *decision;
}

/**
 * ipsec_flow_cache_alloc() - make the caches of a namespace, once
 * @in: the namespace
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int ipsec_flow_cache_alloc(struct ipsec_net *in)
{
	int cpu;

	if (in->flow_cache)
		return 0;
	in->flow_cache = alloc_percpu(struct ipsec_flow_cache);
	if (!in->flow_cache)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct slot *slots = kvcalloc(SLOTS, sizeof(*slots),
					      GFP_KERNEL_ACCOUNT);

		if (!slots) {
			ipsec_flow_cache_free(in);
			return -ENOMEM;
		}
		per_cpu_ptr(in->flow_cache, cpu)->slots = slots;
	}
	return 0;
}

/**
 * ipsec_flow_cache_free() - free the caches of a namespace
 * @in: the namespace; no packet looks at it any more
 */
void ipsec_flow_cache_free(struct ipsec_net *in)
{
	int cpu;

	if (!in->flow_cache)
		return;
	for_each_possible_cpu(cpu)
		kvfree(per_cpu_ptr(in->flow_cache, cpu)->slots);
	free_percpu(in->flow_cache);
	in->flow_cache = NULL;
}
