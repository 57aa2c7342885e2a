// SPDX-License-Identifier: GPL-2.0-only
/* The life of an SA: added, armed, charged, expired, deleted. */
#include <linux/ktime.h>
#include <ipsec/acquire.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/* SAs that the upkeep looks at before it lets other work items run. */
#define UPKEEP_BATCH	128

static struct ipsec_sad *sad_of(const struct ipsec_sa *sa)
{
	return &ipsec_net(sa->net)->sad;
}

/* Context: sad.lock and sa->lock held. */
static void state_set(struct ipsec_sad *sad, struct ipsec_sa *sa, u8 state)
{
	lockdep_assert_held(&sa->lock);
	if (sa->linked)
		ipsec_sad_rank(sad, sa, state);
	/* A sender who sees it dead finds its rivals without it. */
	smp_store_release(&sa->state, state);
}

/* Returns the state that it had. */
static u8 state_end(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa);
	u8 had;

	spin_lock_bh(&sad->lock);
	spin_lock(&sa->lock);
	had = sa->state;
	if (had != IPSEC_SA_DEAD)
		state_set(sad, sa, IPSEC_SA_DEAD);
	spin_unlock(&sa->lock);
	spin_unlock_bh(&sad->lock);
	return had;
}

/**
 * ipsec_sa_arm() - look at an SA at its next time limit, if there is one
 * @sa: the SA, in the SAD; if packets wait for its keys, their time is the limit
 *
 * Arming a dead SA does nothing, so that ipsec_sa_delete() has the last word.
 *
 * Context: any but hard interrupts.
 */
void ipsec_sa_arm(struct ipsec_sa *sa)
{
	time64_t now = ktime_get_boottime_seconds(), wait;
	ktime_t when;

	spin_lock_bh(&sa->lock);
	wait = ipsec_lifetime_next(&sa->life, now);
	/* Within the clock's range: look then, and arm again. */
	when = (now + min_t(time64_t, wait, INT_MAX)) * NSEC_PER_SEC;
	if (unlikely(!skb_queue_empty(&sa->early))) {
		/* With keys they go on at once: that is due already. */
		wait = sa->state == IPSEC_SA_LARVAL ? IPSEC_EARLY_SECONDS : 0;
		when = ktime_get_coarse_boottime() + wait * NSEC_PER_SEC;
	}
	if (wait > 0 && sa->state != IPSEC_SA_DEAD)
		ipsec_sa_due(sa, when);
	spin_unlock_bh(&sa->lock);
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

/*
 * Packets that passed for want of an SA may have left a plain route behind in a flow
 * table: they are to come again.
 */
static void lacking_ends(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	if (likely(!READ_ONCE(in->lacking)))
		return;
	WRITE_ONCE(in->lacking, false);
	ipsec_routes_renew(net);
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
	int err;

	err = ipsec_sad_link(sa);
	if (err == -EEXIST && make_room(sa->net, &sa->key))
		err = ipsec_sad_link(sa);
	if (err)
		return err;
	ipsec_sa_arm(sa);
	ipsec_generation_bump(sa->net);
	lacking_ends(sa->net);
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
	int err = ipsec_sad_relink(old, sa);

	if (err)
		return err;
	ipsec_sa_arm(sa);
	/* Finds it unlinked already; what remains is state, queue and drop. */
	ipsec_sa_delete(old);
	ipsec_early_move(old, sa);
	ipsec_sa_retire(old);
	lacking_ends(sa->net);
	ipsec_acquire_served(sa);
	return 0;
}

/* Time to renew it. What nobody used needs no renewal: it ends, as in KAME. */
static void sa_expire_soft(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa);
	bool unused, told = false;

	spin_lock_bh(&sad->lock);
	spin_lock(&sa->lock);
	unused = !sa->life.packets;
	if (sa->state == IPSEC_SA_MATURE && !unused) {
		state_set(sad, sa, IPSEC_SA_DYING);
		told = true;
	}
	spin_unlock(&sa->lock);
	spin_unlock_bh(&sad->lock);
	if (unused) {
		ipsec_sa_delete(sa);
	} else if (told) {
		ipsec_generation_bump(sa->net);
		ipsec_km_expire(sa, false);
	}
}

static void sa_expire_hard(struct ipsec_sa *sa)
{
	u8 had = state_end(sa);

	if (had != IPSEC_SA_DEAD && had != IPSEC_SA_LARVAL)
		ipsec_km_expire(sa, true);
	ipsec_sa_delete(sa);
}

/* Reaction to a limit that was passed. Takes no lock that packets need for long. */
static void sa_lifetime_event(struct ipsec_sa *sa,
			      enum ipsec_lifetime_event event)
{
	if (event == IPSEC_LIFE_SOFT)
		sa_expire_soft(sa);
	else if (event == IPSEC_LIFE_HARD)
		sa_expire_hard(sa);
}

/* Something of this SA was due. */
static void sa_look(struct ipsec_sa *sa)
{
	enum ipsec_lifetime_event event;
	bool left;
	u8 state;

	spin_lock_bh(&sa->lock);
	event = ipsec_lifetime_check(&sa->life, ktime_get_boottime_seconds());
	state = sa->state;
	/* Due again: it was deleted while this was about to look. */
	left = sa->leaving && !ipsec_sa_is_due(sa);
	spin_unlock_bh(&sa->lock);

	local_bh_disable();
	ipsec_early_end(sa);
	local_bh_enable();
	if (left)
		ipsec_sa_delete(sa);
	else
		sa_lifetime_event(sa, event);
	if (event != IPSEC_LIFE_HARD && state != IPSEC_SA_DEAD)
		ipsec_sa_arm(sa);
}

/* Ends one of those that gave way. Returns whether there may be more. */
static bool discard_one(struct ipsec_sad *sad)
{
	struct ipsec_sa *sa = ipsec_sad_next_discard(sad);

	if (sa) {
		ipsec_sa_delete(sa);
		ipsec_km_discard(sa);
		ipsec_sa_put(sa);
	}
	return sa || !list_empty_careful(&sad->discards);
}

/* What is due, and what gave way, one after the other. */
static void upkeep(struct work_struct *work)
{
	struct ipsec_sad *sad = container_of(to_delayed_work(work),
					     struct ipsec_sad, upkeep);
	bool more = true;
	unsigned int n;

	for (n = 0; more && n < UPKEEP_BATCH; n++) {
		struct ipsec_sa *sa = ipsec_sad_due_next(sad);

		if (sa) {
			sa_look(sa);
			ipsec_sa_put(sa);
		}
		more = discard_one(sad) || sa;
		cond_resched();
	}
	ipsec_sad_due_again(sad, more);
}

/**
 * ipsec_sa_upkeep_init() - nothing is due yet
 * @sad: the SAD, zeroed
 */
void ipsec_sa_upkeep_init(struct ipsec_sad *sad)
{
	spin_lock_init(&sad->due_lock);
	timerqueue_init_head(&sad->due);
	INIT_DELAYED_WORK(&sad->upkeep, upkeep);
}

/**
 * ipsec_sa_charge() - account for packets that an SA carried
 * @sa: the SA
 * @packets: how many
 * @bytes: their length on the wire
 *
 * Passing a limit acts at once. Context: BH disabled, no lock held.
 */
void ipsec_sa_charge(struct ipsec_sa *sa, u32 packets, u64 bytes)
{
	enum ipsec_lifetime_event event = IPSEC_LIFE_OK;
	bool first;

	spin_lock(&sa->lock);
	first = !sa->life.packets;
	ipsec_lifetime_charge(&sa->life, packets, bytes);
	if (sa->life.hard.bytes || sa->life.soft.bytes ||
	    sa->life.hard.allocations || sa->life.soft.allocations)
		event = ipsec_lifetime_check(&sa->life,
					     ktime_get_boottime_seconds());
	spin_unlock(&sa->lock);

	if (unlikely(event != IPSEC_LIFE_OK))
		sa_lifetime_event(sa, event);
	/* Limits that count from the first use start to run now. */
	if (unlikely(first) && (sa->life.hard.usetime || sa->life.soft.usetime))
		ipsec_sa_arm(sa);
}

/**
 * ipsec_sa_delete() - end an SA: nothing new starts to use it
 * @sa: the SA; the caller has a reference of its own
 *
 * Deleting twice is harmless. The order is argued in ipsec/sa.h.
 *
 * Context: any but hard interrupts, no lock held.
 */
void ipsec_sa_delete(struct ipsec_sa *sa)
{
	bool linked;

	state_end(sa);
	linked = ipsec_sad_unlink(sa);
	ipsec_generation_bump(sa->net);
	/* An upkeep that looks at it just now has the queue's reference. */
	if (ipsec_sa_due_cancel(sa))
		ipsec_sa_put(sa);
	if (linked)
		ipsec_sa_retire(sa);
}

/**
 * ipsec_sa_leave() - stop sending with an SA now, receiving after a while
 * @sa: the SA; the caller has a reference of its own
 *
 * For net.key.delete_grace seconds it opens what its peer sent before that one heard
 * of the end. Without such a time, or when it is not in use, this is
 * ipsec_sa_delete().
 *
 * Context: process, no lock held.
 */
void ipsec_sa_leave(struct ipsec_sa *sa)
{
	unsigned int seconds = READ_ONCE(ipsec_net(sa->net)->knobs.delete_grace);
	struct ipsec_sad *sad = sad_of(sa);
	bool leaves;

	spin_lock_bh(&sad->lock);
	spin_lock(&sa->lock);
	leaves = seconds && ipsec_sa_usable(sa) && sa->linked;
	if (leaves) {
		WRITE_ONCE(sa->leaving, true);
		state_set(sad, sa, IPSEC_SA_DEAD);
		ipsec_sa_due(sa, ktime_get_coarse_boottime() +
				 (u64)seconds * NSEC_PER_SEC);
	}
	spin_unlock(&sa->lock);
	spin_unlock_bh(&sad->lock);
	if (leaves)
		ipsec_generation_bump(sa->net);
	else
		ipsec_sa_delete(sa);
}
