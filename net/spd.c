// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SPD: policies come, go, and are walked (RFC 4301 section 4.4.1). How the
 * policy of a packet is found is spd_index.c's matter.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"

static struct ipsec_spd *spd_of(const struct net *net)
{
	return &ipsec_net(net)->spd;
}

/**
 * ipsec_sp_alloc() - make a policy, not yet in the SPD
 * @net: the namespace
 * @n_requests: how many requests it will have, at most IPSEC_MAX_DEPTH
 * @gfp: how to allocate
 *
 * Context: as @gfp says. Return: a zeroed policy with one reference, which
 * ipsec_spd_add() takes over, or NULL without memory.
 */
struct ipsec_sp *ipsec_sp_alloc(struct net *net, unsigned int n_requests,
				gfp_t gfp)
{
	struct ipsec_sp *sp;

	sp = kzalloc(struct_size(sp, requests, n_requests), gfp | __GFP_ACCOUNT);
	if (!sp)
		return NULL;
	sp->net = net;
	sp->n_requests = n_requests;
	refcount_set(&sp->refs, 1);
	return sp;
}

/**
 * ipsec_sp_free() - the last reference is gone
 * @sp: the policy; flow caches may look at it for another grace period
 */
void ipsec_sp_free(struct ipsec_sp *sp)
{
	kfree_rcu(sp, rcu);
}

static void unlink_locked(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	ipsec_spd_mortal_del(spd, sp);
	ipsec_spd_unlink(spd, sp);
}

/**
 * ipsec_spd_add() - put a policy into the SPD
 * @sp: the policy, complete but for id, order and automatic reqids; on success
 *      the SPD holds the caller's reference
 * @replace: an entry with an equal selector gives way; it then need not exist
 *
 * Context: process, may sleep. Return: 0, -EEXIST for an equal selector without
 * @replace, -ENOBUFS above net.key.max_sp, -ENOSPC for one mask tuple too many,
 * -ENOMEM. On failure the SPD is as before.
 */
int ipsec_spd_add(struct ipsec_sp *sp, bool replace)
{
	struct net *net = sp->net;
	struct ipsec_spd *spd = spd_of(net);
	struct ipsec_sp *old;
	int err;

	err = ipsec_hooks_hold(net);
	if (err)
		return err;
	sp->add_time = ktime_get_real_seconds();
	sp->added = ktime_get_boottime();
	sp->used = sp->added;

	spin_lock_bh(&spd->lock);
	old = ipsec_spd_equal(spd, sp->dir, &sp->sel);
	if (old && !replace)
		err = -EEXIST;
	else if (!old && ipsec_spd_count(net) >=
			 READ_ONCE(ipsec_net(net)->knobs.max_sp))
		err = -ENOBUFS;
	else
		err = ipsec_spd_link(spd, sp);
	if (!err)
		ipsec_spd_mortal_add(spd, sp);
	if (!err && old)
		unlink_locked(spd, old);
	spin_unlock_bh(&spd->lock);
	/* Once it is in the SPD, another one may have deleted and freed it. */
	ipsec_hooks_release(net);
	if (err)
		return err;

	ipsec_generation_bump(net);
	ipsec_routes_renew(net);
	if (old)
		ipsec_sp_put(old);
	return 0;
}

/**
 * ipsec_spd_delete() - take a policy out of the SPD
 * @sp: the policy; the caller has a reference of its own
 *
 * Context: any but hard interrupts. Return: whether it was in the SPD.
 */
bool ipsec_spd_delete(struct ipsec_sp *sp)
{
	struct ipsec_spd *spd = spd_of(sp->net);
	bool linked;

	spin_lock_bh(&spd->lock);
	linked = sp->linked;
	if (linked)
		unlink_locked(spd, sp);
	spin_unlock_bh(&spd->lock);
	if (!linked)
		return false;
	ipsec_generation_bump(sp->net);
	ipsec_routes_renew_soon(sp->net);
	ipsec_hooks_idle(sp->net);
	ipsec_sp_put(sp);
	return true;
}

/**
 * ipsec_spd_number() - give automatic reqids to a policy outside the SPD
 * @sp: the policy of a socket
 *
 * Context: any but hard interrupts. Return: whether any request wanted one.
 */
bool ipsec_spd_number(struct ipsec_sp *sp)
{
	struct ipsec_spd *spd = spd_of(sp->net);
	bool any;

	spin_lock_bh(&spd->lock);
	any = ipsec_spd_reqids(spd, sp);
	spin_unlock_bh(&spd->lock);
	return any;
}

/**
 * ipsec_spd_find() - find the policy with exactly this selector
 * @net: the namespace
 * @dir: direction
 * @sel: selector; every field must be equal
 *
 * Return: the policy with a reference for the caller, or NULL.
 */
struct ipsec_sp *ipsec_spd_find(struct net *net, enum ipsec_dir dir,
				const struct ipsec_selector *sel)
{
	struct ipsec_spd *spd = spd_of(net);
	struct ipsec_sp *sp;

	spin_lock_bh(&spd->lock);
	sp = ipsec_spd_equal(spd, dir, sel);
	if (sp)
		refcount_inc(&sp->refs);
	spin_unlock_bh(&spd->lock);
	return sp;
}

/**
 * ipsec_spd_get() - find a policy by its id
 * @net: the namespace
 * @id: the id
 *
 * Return: the policy with a reference for the caller, or NULL.
 */
struct ipsec_sp *ipsec_spd_get(struct net *net, u32 id)
{
	struct ipsec_spd *spd = spd_of(net);
	struct ipsec_sp *sp;

	spin_lock_bh(&spd->lock);
	sp = ipsec_spd_by_id(spd, id);
	if (sp)
		refcount_inc(&sp->refs);
	spin_unlock_bh(&spd->lock);
	return sp;
}

/**
 * ipsec_spd_next() - walk one direction in the order of matching
 * @net: the namespace
 * @dir: direction
 * @cursor: zeroed to start; what to pass for the next one
 *
 * No lock is held between calls: policies that come or go meanwhile are seen or
 * not, the others exactly once.
 *
 * Return: the next policy with a reference for the caller, or NULL at the end.
 */
struct ipsec_sp *ipsec_spd_next(struct net *net, enum ipsec_dir dir,
				struct ipsec_sp_cursor *cursor)
{
	const struct ipsec_sp from = {
		.priority = cursor->priority, .ordinal = cursor->ordinal,
	};
	struct ipsec_spd *spd = spd_of(net);
	struct ipsec_sp *next = NULL;
	struct rb_node *node;

	spin_lock_bh(&spd->lock);
	node = spd->dir[dir].ordered.rb_node;
	while (node) {
		struct ipsec_sp *sp = rb_entry(node, struct ipsec_sp,
					       order_node);

		if (ipsec_sp_before(sp, &from)) {
			node = node->rb_right;
		} else {
			next = sp;
			node = node->rb_left;
		}
	}
	if (next) {
		refcount_inc(&next->refs);
		cursor->priority = next->priority;
		cursor->ordinal = next->ordinal + 1;
	}
	spin_unlock_bh(&spd->lock);
	return next;
}

/**
 * ipsec_spd_count() - how many policies there are, all directions
 * @net: the namespace
 */
unsigned int ipsec_spd_count(struct net *net)
{
	const struct ipsec_spd *spd = spd_of(net);

	return READ_ONCE(spd->dir[IPSEC_IN].count) +
	       READ_ONCE(spd->dir[IPSEC_OUT].count) +
	       READ_ONCE(spd->dir[IPSEC_FWD].count);
}

/**
 * ipsec_spd_flush() - delete all policies
 * @net: the namespace
 *
 * Context: process. Return: 0, or -EINTR if the task is to die: some are left.
 */
int ipsec_spd_flush(struct net *net)
{
	struct ipsec_sp *sp;
	unsigned int dir;

	for (dir = IPSEC_IN; dir <= IPSEC_FWD; dir++) {
		struct ipsec_sp_cursor cursor = {};

		while ((sp = ipsec_spd_next(net, dir, &cursor))) {
			ipsec_spd_delete(sp);
			ipsec_sp_put(sp);
			cond_resched();
			if (fatal_signal_pending(current))
				return -EINTR;
		}
	}
	return 0;
}

/**
 * ipsec_spd_init() - make an empty SPD
 * @net: the namespace
 * @spd: its SPD, zeroed
 */
void ipsec_spd_init(struct net *net, struct ipsec_spd *spd)
{
	spd->net = net;
	spin_lock_init(&spd->lock);
	ipsec_spd_expire_init(spd);
	ipsec_spd_index_init(spd);
}

/**
 * ipsec_spd_exit() - free the SPD and all that is in it
 * @spd: the SPD; no packet and no key manager looks at it any more
 *
 * Context: process.
 */
void ipsec_spd_exit(struct ipsec_spd *spd)
{
	ipsec_spd_expire_exit(spd);
	ipsec_spd_index_exit(spd);
}
