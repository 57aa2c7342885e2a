// SPDX-License-Identifier: GPL-2.0-only
/*
 * One decision per flow: what the SPD and the SAD said about a flow is kept
 * until either of them changes.
 *
 * A table of fixed size on each CPU, so that no traffic can make it grow, and
 * shared by all namespaces, so that their number cannot either. An entry holds no
 * references but to its route. It is valid while the namespace's generation is the one in which it
 * was filled; whatever makes it invalid bumps the generation first and frees memory
 * an RCU grace period later.
 *
 * All namespaces draw their generations from one counter, which never comes back to
 * a number: 64 bits last for centuries. So a generation names its namespace too, and
 * what a namespace leaves behind when it ends can never be taken for another's.
 * Where a flow's slot is depends on a secret of its namespace: a neighbour with the
 * same addresses has another one, and who wants to evict a flow has to guess. Two flows
 * that fall on each other have both room: only a third one drives out that which was
 * asked for less lately.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <ipsec/compat.h>
#include <ipsec/hash.h>
#include "net.h"

#define SETS		512
#define WAYS		2

/**
 * struct slot - one remembered decision
 * @hash: of @flow, which tells most others from it
 * @flow: whose
 * @decision: what it was; of generation 0 if the slot is empty
 * @route: [A] what carries it out, owned by the slot, or NULL; [A] since other CPUs
 *         take it when its device goes
 */
struct slot {
	u32			hash;
	struct ipsec_flow	flow;
	struct ipsec_decision	decision;
	struct ipsec_route	*route;
};

/**
 * struct set - where the decision about a flow may be
 * @ways: the places
 * @victim: which of them has to make room; under the cache's lock, as they are
 */
struct set {
	struct slot	ways[WAYS];
	unsigned int	victim;
};

/**
 * struct flow_cache - the cache of one CPU
 * @lock: on PREEMPT_RT one task at a time uses @sets; else BH is disabled
 * @sets: SETS of them; NULL until the first policy anywhere
 * @last: the slot which answered last, or NULL
 */
struct flow_cache {
	local_lock_t		lock;
	struct set		*sets;
	const struct slot	*last;
};

static DEFINE_PER_CPU(struct flow_cache, flow_cache) = {
	.lock = INIT_LOCAL_LOCK(lock),
};

/* The generation that was drawn last; 0 marks an empty slot. */
atomic64_t ipsec_generations = ATOMIC64_INIT(0);

static u32 hash_of(const struct ipsec_net *in, const struct ipsec_flow *flow)
{
	return ipsec_hash(flow, sizeof(*flow), in->flow_seed);
}

/* The caller has the lock. */
static struct set *set_of(u32 hash)
{
	return __this_cpu_read(flow_cache.sets) + hash % SETS;
}

static bool slot_answers(const struct slot *slot, u64 generation,
			 const struct ipsec_flow *flow)
{
	return slot->decision.generation == generation &&
	       ipsec_flow_equal(&slot->flow, flow);
}

/* The slot that answers, or NULL. The caller has the lock. */
static struct slot *slot_find(const struct ipsec_net *in, u64 generation,
			      const struct ipsec_flow *flow)
{
	u32 hash = hash_of(in, flow);
	struct set *set = set_of(hash);
	unsigned int way;

	for (way = 0; way < WAYS; way++) {
		if (set->ways[way].hash != hash ||
		    unlikely(!slot_answers(&set->ways[way], generation, flow)))
			continue;
		set->victim = (way + 1) % WAYS;
		return &set->ways[way];
	}
	return NULL;
}

/* The slot for a new answer. The caller has the lock. */
static struct slot *slot_take(const struct ipsec_net *in,
			      const struct ipsec_flow *flow)
{
	u32 hash = hash_of(in, flow);
	struct set *set = set_of(hash);
	unsigned int way;

	/* Its old answer goes first. */
	for (way = 0; way < WAYS; way++)
		if (set->ways[way].hash == hash)
			break;
	if (way == WAYS)
		way = set->victim;
	set->victim = (way + 1) % WAYS;
	set->ways[way].hash = hash;
	return &set->ways[way];
}

/* The caller has the lock. */
static void slot_tell(const struct slot *slot, struct ipsec_answer *answer)
{
	answer->sp = slot->decision.sp;
	answer->route = READ_ONCE(slot->route);
	answer->verdict = slot->decision.verdict;
	answer->reason = slot->decision.reason;
}

/**
 * ipsec_flow_cache_ask() - what was decided about a flow, in short
 * @in: the namespace
 * @flow: the flow
 * @again: in all likelihood it is what was asked for last on this CPU
 * @answer: filled if it is known
 *
 * Who gets no answer goes on with ipsec_flow_cache_lookup(), which counts that.
 *
 * Context: RCU read side, BH disabled. Return: whether it is known.
 */
bool ipsec_flow_cache_ask(struct ipsec_net *in, const struct ipsec_flow *flow,
			  bool again, struct ipsec_answer *answer)
{
	/* Pairs with the barrier in ipsec_generation_bump(). */
	u64 generation = atomic64_read_acquire(&in->generation);
	const struct slot *slot;

	local_lock_nested_bh(&flow_cache.lock);
	slot = __this_cpu_read(flow_cache.last);
	if (!again || !slot || unlikely(!slot_answers(slot, generation, flow)))
		slot = slot_find(in, generation, flow);
	if (likely(slot)) {
		slot_tell(slot, answer);
		__this_cpu_write(flow_cache.last, slot);
	}
	local_unlock_nested_bh(&flow_cache.lock);
	if (likely(slot))
		this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachelookup]);
	return slot;
}

/**
 * ipsec_flow_cache_passes() - whether a packet obviously is to be let go as just before
 * @in: the namespace, in which no socket says anything about packets
 * @skb: the packet, about to leave, its data at the IP header
 *
 * Context: RCU read side, BH disabled. Return: whether the last question on this CPU was
 * about its flow, and the answer is still that it may leave as it is; false also if it
 * takes a closer look to know.
 */
bool ipsec_flow_cache_passes(struct ipsec_net *in, const struct sk_buff *skb)
{
	/* Pairs with the barrier in ipsec_generation_bump(). */
	u64 generation = atomic64_read_acquire(&in->generation);
	const struct slot *slot;
	bool passes;

	local_lock_nested_bh(&flow_cache.lock);
	slot = __this_cpu_read(flow_cache.last);
	passes = slot && slot->decision.generation == generation &&
		 slot->decision.verdict == IPSEC_PASS &&
		 slot->flow.dir == IPSEC_OUT && !slot->flow.socket &&
		 ipsec_flow_lasts(&slot->flow, skb);
	local_unlock_nested_bh(&flow_cache.lock);
	return passes;
}

/**
 * ipsec_flow_cache_lookup() - what was decided about a flow
 * @in: the namespace
 * @flow: the flow
 * @decision: filled on a hit; its generation, read before the SPD and the SAD are,
 *            also after a miss
 *
 * Context: RCU read side, BH disabled. Return: whether it is known.
 */
bool ipsec_flow_cache_lookup(struct ipsec_net *in,
			     const struct ipsec_flow *flow,
			     struct ipsec_decision *decision)
{
	/* Pairs with the barrier in ipsec_generation_bump(). */
	u64 generation = atomic64_read_acquire(&in->generation);
	const struct slot *slot;

	this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachelookup]);
	local_lock_nested_bh(&flow_cache.lock);
	slot = slot_find(in, generation, flow);
	if (likely(slot))
		*decision = slot->decision;
	local_unlock_nested_bh(&flow_cache.lock);
	if (unlikely(!slot)) {
		this_cpu_inc(in->stats->n[IPSEC_STAT_spdcachemiss]);
		decision->generation = generation;
	}
	return slot;
}

/**
 * ipsec_flow_cache_store() - remember a decision
 * @in: the namespace
 * @flow: the flow
 * @decision: the decision, of the generation that ipsec_flow_cache_lookup() set
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_flow_cache_store(struct ipsec_net *in,
			    const struct ipsec_flow *flow,
			    const struct ipsec_decision *decision)
{
	struct ipsec_route *old;
	struct slot *slot;

	local_lock_nested_bh(&flow_cache.lock);
	slot = slot_take(in, flow);
	old = xchg(&slot->route, NULL);
	slot->flow = *flow;
	slot->decision = *decision;
	local_unlock_nested_bh(&flow_cache.lock);
	if (old)
		ipsec_route_retire(old);
}

/**
 * ipsec_flow_cache_keep() - remember what carries a decision out
 * @in: the namespace
 * @route: the route; owned by the cache if it is kept
 *
 * Context: RCU read side, BH disabled. Return: false when its decision is not there.
 */
bool ipsec_flow_cache_keep(struct ipsec_net *in, struct ipsec_route *route)
{
	struct ipsec_route *old = NULL;
	struct slot *slot;

	local_lock_nested_bh(&flow_cache.lock);
	slot = slot_find(in, route->decision.generation, &route->flow);
	if (slot)
		old = xchg(&slot->route, route);
	local_unlock_nested_bh(&flow_cache.lock);
	if (old)
		ipsec_route_retire(old);
	return slot;
}

static void set_evict(struct set *set, ipsec_route_filter wanted, const void *arg,
		      void (*gone)(struct ipsec_route *route))
{
	struct ipsec_route *route;
	unsigned int way;

	for (way = 0; way < WAYS; way++) {
		route = READ_ONCE(set->ways[way].route);
		if (route && wanted(route, arg) &&
		    cmpxchg(&set->ways[way].route, route, NULL) == route)
			gone(route);
	}
}

/**
 * ipsec_flow_cache_evict() - take routes out of the caches of all CPUs
 * @wanted: which
 * @arg: for @wanted
 * @gone: called for each; owns it
 *
 * Context: process.
 */
void ipsec_flow_cache_evict(ipsec_route_filter wanted, const void *arg,
			    void (*gone)(struct ipsec_route *route))
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		struct set *sets = READ_ONCE(per_cpu(flow_cache.sets, cpu));

		rcu_read_lock();
		for (i = 0; sets && i < SETS; i++)
			set_evict(&sets[i], wanted, arg, gone);
		rcu_read_unlock();
		cond_resched();
	}
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
		struct set **sets = &per_cpu(flow_cache.sets, cpu), *made;

		if (READ_ONCE(*sets))
			continue;
		made = kvzalloc_node(array_size(SETS, sizeof(*made)),
				     GFP_KERNEL, cpu_to_node(cpu));
		if (!made)
			return -ENOMEM;
		if (cmpxchg(sets, NULL, made))
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
		kvfree(per_cpu(flow_cache.sets, cpu));
		per_cpu(flow_cache.sets, cpu) = NULL;
		per_cpu(flow_cache.last, cpu) = NULL;
	}
}
