// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SAD: which SA opens a received packet, and which one protects a packet
 * to send (RFC 4301 section 4.4.2). Both are one hash probe.
 */
#include <linux/random.h>
#include <linux/wait_bit.h>
#include <linux/xarray.h>
#include <ipsec/hash.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

static u32 spi_hash(const void *data, u32 len, u32 seed)
{
	return ipsec_hash(data, sizeof(struct ipsec_sad_key), seed);
}

static u32 ends_hash(const void *data, u32 len, u32 seed)
{
	return ipsec_hash(data, sizeof(struct ipsec_ends_key), seed);
}

static const struct rhashtable_params spi_params = {
	.head_offset	= offsetof(struct ipsec_sa, spi_node),
	.key_offset	= offsetof(struct ipsec_sa, key),
	.key_len	= sizeof(struct ipsec_sad_key),
	.hashfn		= spi_hash,
	.automatic_shrinking = true,
};

static const struct rhashtable_params ends_params = {
	.head_offset	= offsetof(struct ipsec_sa, ends_node),
	.key_offset	= offsetof(struct ipsec_sa, ends),
	.key_len	= sizeof(struct ipsec_ends_key),
	.hashfn		= ends_hash,
	.automatic_shrinking = true,
};

static struct ipsec_sad *sad_of(const struct net *net)
{
	return &ipsec_net(net)->sad;
}

/**
 * ipsec_sad_lookup_spi() - find the SA of a received packet
 * @net: the namespace
 * @key: what the packet says
 *
 * Context: RCU read side. Return: the SA, without a reference and in any state,
 * or NULL. RFC 4301 section 4.1.
 */
struct ipsec_sa *ipsec_sad_lookup_spi(struct net *net,
				      const struct ipsec_sad_key *key)
{
	struct ipsec_sad *sad = sad_of(net);

	/*
	 * ICMP errors come in until the namespace's last device is gone, which
	 * is after the table is. An SA that is counted here keeps the table for
	 * a grace period, see ipsec_sad_exit().
	 */
	if (!READ_ONCE(sad->count))
		return NULL;
	return rhashtable_lookup(&sad->by_spi, key, spi_params);
}

/**
 * ipsec_sad_get() - find an SA for a key manager
 * @net: the namespace
 * @key: identity
 *
 * What was deleted is not found, though it may still open packets.
 *
 * Return: the SA with a reference for the caller, or NULL.
 */
struct ipsec_sa *ipsec_sad_get(struct net *net,
			       const struct ipsec_sad_key *key)
{
	struct ipsec_sa *sa;

	rcu_read_lock();
	sa = ipsec_sad_lookup_spi(net, key);
	if (sa && (READ_ONCE(sa->state) == IPSEC_SA_DEAD ||
		   !refcount_inc_not_zero(&sa->refs)))
		sa = NULL;
	rcu_read_unlock();
	return sa;
}

/**
 * ipsec_sa_misfit() - why an SA does not serve a request
 * @sa: the SA, between the ends of the request
 * @mode: mode of the request
 * @reqid: 0, or the only reqid that will do
 *
 * Return: the reason in one word, or NULL when it serves.
 */
const char *ipsec_sa_misfit(const struct ipsec_sa *sa, u8 mode, u32 reqid)
{
	if (!ipsec_sa_usable(sa))
		return "state";
	if (sa->mode != IPSEC_MODE_KIND_ANY && sa->mode != mode)
		return "mode";
	if (reqid && sa->reqid != reqid)
		return "reqid";
	return NULL;
}

/* Whether @a is the better one to send with. */
static bool better(const struct ipsec_sa *a, const struct ipsec_sa *b,
		   bool oldest)
{
	u8 sa = READ_ONCE(a->state), sb = READ_ONCE(b->state);

	if (sa != sb)
		return oldest ? sa > sb : sa < sb;
	/* Serials wrap: the sign of the difference tells the order. */
	return ((s32)(a->serial - b->serial) < 0) == oldest;
}

/**
 * ipsec_sad_find_out() - find the SA to send with
 * @net: the namespace
 * @ends: protocol and addresses
 * @mode: mode of the request; SAs of mode "any" serve both
 * @reqid: 0, or the only reqid that will do
 *
 * Of several the oldest is taken, a dying one first, or with
 * net.key.preferred_oldsa=0 the newest, a mature one first.
 *
 * Context: RCU read side. Return: the SA, without a reference, or NULL.
 */
struct ipsec_sa *ipsec_sad_find_out(struct net *net,
				    const struct ipsec_ends_key *ends,
				    u8 mode, u32 reqid)
{
	bool oldest = READ_ONCE(ipsec_net(net)->knobs.preferred_oldsa);
	struct ipsec_sa *sa, *best = NULL;
	struct rhlist_head *list, *pos;

	list = rhltable_lookup(&sad_of(net)->by_ends, ends, ends_params);
	rhl_for_each_entry_rcu(sa, pos, list, ends_node)
		if (!ipsec_sa_misfit(sa, mode, reqid) &&
		    (!best || better(sa, best, oldest)))
			best = sa;
	return best;
}

/**
 * ipsec_sad_each_between() - show all SAs between two ends
 * @net: the namespace
 * @ends: protocol and addresses
 * @show: called for each, in no order
 * @arg: passed to @show
 *
 * Context: RCU read side.
 */
void ipsec_sad_each_between(struct net *net, const struct ipsec_ends_key *ends,
			    void (*show)(const struct ipsec_sa *sa, void *arg),
			    void *arg)
{
	struct rhlist_head *list, *pos;
	struct ipsec_sa *sa;

	list = rhltable_lookup(&sad_of(net)->by_ends, ends, ends_params);
	rhl_for_each_entry_rcu(sa, pos, list, ends_node)
		show(sa, arg);
}

/**
 * ipsec_sad_discard() - end the older SAs that gave way to a newer one
 * @best: the one to send with, as ipsec_sad_find_out() chose it
 * @mode: mode of the request
 * @reqid: as for ipsec_sad_find_out()
 *
 * Only with net.key.preferred_oldsa=0, and only SAs that would end some day; key
 * managers are told, as in KAME.
 *
 * Context: RCU read side, no lock held.
 */
void ipsec_sad_discard(const struct ipsec_sa *best, u8 mode, u32 reqid)
{
	struct rhlist_head *list, *pos;
	struct ipsec_sa *sa;

	if (READ_ONCE(ipsec_net(best->net)->knobs.preferred_oldsa))
		return;
	list = rhltable_lookup(&sad_of(best->net)->by_ends, &best->ends,
			       ends_params);
	rhl_for_each_entry_rcu(sa, pos, list, ends_node) {
		if (sa == best || !sa->life.hard.addtime ||
		    ipsec_sa_misfit(sa, mode, reqid) ||
		    !better(best, sa, false) ||
		    !refcount_inc_not_zero(&sa->refs))
			continue;
		ipsec_sa_delete(sa);
		ipsec_km_discard(sa);
		ipsec_sa_put(sa);
	}
}

/* Links @sa everywhere but in by_spi. */
static int link_locked(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	int err;

	lockdep_assert_held(&sad->lock);
	err = xa_alloc_cyclic(&sad->all, &sa->serial, sa, xa_limit_32b,
			      &sad->next_serial, GFP_ATOMIC);
	if (err < 0)
		return err;
	err = rhltable_insert(&sad->by_ends, &sa->ends_node, ends_params);
	if (err) {
		xa_erase(&sad->all, sa->serial);
		return ipsec_hash_errno(err);
	}
	WRITE_ONCE(sad->count, sad->count + 1);
	sa->linked = true;
	return 0;
}

static void unlink_locked(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	lockdep_assert_held(&sad->lock);
	rhltable_remove(&sad->by_ends, &sa->ends_node, ends_params);
	xa_erase(&sad->all, sa->serial);
	WRITE_ONCE(sad->count, sad->count - 1);
	sa->linked = false;
}

/* Links @sa everywhere. */
static int insert(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	int err;

	spin_lock_bh(&sad->lock);
	err = rhashtable_lookup_insert_fast(&sad->by_spi, &sa->spi_node,
					    spi_params);
	if (!err) {
		err = link_locked(sad, sa);
		if (err)
			rhashtable_remove_fast(&sad->by_spi, &sa->spi_node,
					       spi_params);
	}
	spin_unlock_bh(&sad->lock);
	return ipsec_hash_errno(err);
}

/* Ends the SA that is leaving but still has the identity. Returns whether it did. */
static bool make_room(struct net *net, const struct ipsec_sad_key *key)
{
	struct ipsec_sa *sa;
	bool found;

	rcu_read_lock();
	sa = ipsec_sad_lookup_spi(net, key);
	found = sa && READ_ONCE(sa->leaving) && refcount_inc_not_zero(&sa->refs);
	rcu_read_unlock();
	if (!found)
		return false;
	ipsec_sa_delete(sa);
	ipsec_sa_put(sa);
	return true;
}

/**
 * ipsec_sad_add() - put an SA into the SAD
 * @sa: the SA; on success the SAD holds the caller's reference
 *
 * Context: process. Return: 0, -EEXIST if (destination, protocol, SPI) is
 * taken, -ENOMEM.
 */
int ipsec_sad_add(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	int err;

	err = insert(sad, sa);
	if (err == -EEXIST && make_room(sa->net, &sa->key))
		err = insert(sad, sa);
	if (err)
		return err;
	ipsec_sa_arm(sa);
	ipsec_generation_bump(sa->net);
	ipsec_acquire_served(sa);
	return 0;
}

/**
 * ipsec_sad_replace() - let a new SA take the place of another, atomically
 * @old: the SA to replace; the caller has a reference
 * @sa: the new one, with the same (destination, protocol, SPI); on success the
 *      SAD holds the caller's reference
 *
 * No packet in between finds neither of them.
 *
 * Context: process. Return: 0, -ESRCH if @old is no longer in the SAD, -ENOMEM.
 */
int ipsec_sad_replace(struct ipsec_sa *old, struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	int err = -ESRCH;

	spin_lock_bh(&sad->lock);
	if (!old->linked)
		goto out;
	err = link_locked(sad, sa);
	if (err)
		goto out;
	err = rhashtable_replace_fast(&sad->by_spi, &old->spi_node,
				      &sa->spi_node, spi_params);
	if (err) {
		unlink_locked(sad, sa);
		goto out;
	}
	unlink_locked(sad, old);
out:
	spin_unlock_bh(&sad->lock);
	if (err)
		return err;
	ipsec_sa_arm(sa);
	/* Finds it unlinked already; what remains is state, timer and drop. */
	ipsec_sa_delete(old);
	ipsec_early_move(old, sa);
	ipsec_sa_retire(old);
	ipsec_acquire_served(sa);
	return 0;
}

/**
 * ipsec_sad_unlink() - take an SA out of the SAD
 * @sa: the SA
 *
 * The SAD's reference passes to the caller, who deletes the SA.
 *
 * Return: whether it was in the SAD.
 */
bool ipsec_sad_unlink(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	bool linked;

	spin_lock_bh(&sad->lock);
	linked = sa->linked;
	if (linked) {
		rhashtable_remove_fast(&sad->by_spi, &sa->spi_node, spi_params);
		unlink_locked(sad, sa);
	}
	spin_unlock_bh(&sad->lock);
	return linked;
}

static u32 random_between(u32 min, u32 max)
{
	u64 range = (u64)max - min + 1;

	return min + (u32)((get_random_u32() * range) >> 32);
}

/**
 * ipsec_sad_alloc_spi() - reserve an SPI (GETSPI, RFC 2367 section 3.1.1)
 * @net: the namespace
 * @params: ends, mode, reqid and creator; its spi is ignored
 * @min: lowest SPI, host order; 0 = the knobs' range
 * @max: highest SPI, host order
 *
 * Random draws, so the cost does not grow with the number of SAs.
 *
 * Context: process. Return: a larval SA in the SAD, with a reference for the
 * caller; -EINVAL for an empty range, -EEXIST if net.key.spi_trycnt draws found
 * nothing free, -ENOMEM.
 */
struct ipsec_sa *ipsec_sad_alloc_spi(struct net *net,
				     const struct ipsec_sa_params *params,
				     u32 min, u32 max)
{
	const struct ipsec_knobs *knobs = &ipsec_net(net)->knobs;
	unsigned int tries = READ_ONCE(knobs->spi_trycnt);
	struct ipsec_sa *sa;
	bool knob = !min;
	int err = -EEXIST;

	if (knob) {
		min = READ_ONCE(knobs->spi_minval);
		max = READ_ONCE(knobs->spi_maxval);
	}
	if (params->ends.proto == IPPROTO_COMP) {
		/* The knobs are about SPIs and may leave no CPI. */
		if (knob && min > IPSEC_CPI_MAX)
			min = IPSEC_CPI_WELL_KNOWN + 1;
		max = min_t(u32, max, IPSEC_CPI_MAX);
	}
	if (min > max)
		return ERR_PTR(-EINVAL);

	sa = ipsec_sa_larval(net, params);
	if (IS_ERR(sa))
		return sa;
	for (; tries; tries--) {
		sa->key.spi = htonl(random_between(min, max));
		ipsec_sa_hold(sa);
		err = ipsec_sad_add(sa);
		if (!err)
			return sa;
		ipsec_sa_put(sa);
		if (err != -EEXIST || min == max)
			break;
		cond_resched();
	}
	ipsec_sa_put(sa);
	return ERR_PTR(err);
}

/**
 * ipsec_sad_first_between() - one of the SAs between two ends
 * @net: the namespace
 * @ends: addresses and protocol
 * @larval: also one that has no keys, or is leaving
 *
 * The first of the list: to unlink the last one would be to walk all of it.
 *
 * Return: the SA with a reference for the caller, or NULL.
 */
struct ipsec_sa *ipsec_sad_first_between(struct net *net,
					 const struct ipsec_ends_key *ends,
					 bool larval)
{
	struct ipsec_sa *sa, *found = NULL;
	struct rhlist_head *list, *pos;

	rcu_read_lock();
	list = rhltable_lookup(&sad_of(net)->by_ends, ends, ends_params);
	rhl_for_each_entry_rcu(sa, pos, list, ends_node) {
		if ((larval || ipsec_sa_usable(sa)) &&
		    refcount_inc_not_zero(&sa->refs)) {
			found = sa;
			break;
		}
	}
	rcu_read_unlock();
	return found;
}

/**
 * ipsec_sad_init() - make an empty SAD
 * @sad: the SAD, zeroed
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_sad_init(struct ipsec_sad *sad)
{
	int err;

	spin_lock_init(&sad->lock);
	xa_init_flags(&sad->all, XA_FLAGS_ALLOC);
	err = rhashtable_init(&sad->by_spi, &spi_params);
	if (err)
		return err;
	err = rhltable_init(&sad->by_ends, &ends_params);
	if (err)
		rhashtable_destroy(&sad->by_spi);
	return err;
}

/**
 * ipsec_sad_exit() - free the SAD and all that is in it
 * @net: the namespace; no packet looks at it any more
 * @sad: its SAD
 *
 * Packets whose crypto is under way still hold SAs, and SAs point at @net:
 * waits until the last one is freed.
 */
void ipsec_sad_exit(struct net *net, struct ipsec_sad *sad)
{
	atomic_t *live = &ipsec_net(net)->live_sas;

	ipsec_sad_flush(net, 0);
	wait_var_event(live, !atomic_read(live));
	rhltable_destroy(&sad->by_ends);
	rhashtable_destroy(&sad->by_spi);
	xa_destroy(&sad->all);
}
