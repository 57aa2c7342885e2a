// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies with lifetimes: gone so many seconds after they were added, or after
 * no packet met them for so long. What counts is the boot-time clock, which goes
 * on while the machine sleeps and does not jump when the date is set.
 *
 * One work item looks at the policy that is due first. Packets do not move a policy
 * in the queue: a policy that was used meanwhile is queued again when it is due. All
 * may be due at once, so this is done by a process, which lets others run after each.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"

/* The timer's range is finite; it then only looks, and sleeps again. */
#define LONGEST_SLEEP	(MAX_JIFFY_OFFSET / 2)

static bool mortal(const struct ipsec_sp *sp)
{
	return sp->lifetime || sp->validtime;
}

/* @from + @seconds; 0 seconds, or too many for the clock, are for ever. */
static ktime_t after(ktime_t from, u64 seconds)
{
	if (!seconds || seconds > KTIME_SEC_MAX / 2)
		return KTIME_MAX;
	return ktime_add_ns(from, seconds * NSEC_PER_SEC);
}

static ktime_t due(const struct ipsec_sp *sp)
{
	/* The last use is known to a second: rather too late than too early. */
	ktime_t used = ktime_add_ns(READ_ONCE(sp->used), NSEC_PER_SEC);

	return min(after(sp->added, sp->lifetime), after(used, sp->validtime));
}

static void queue(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	sp->due.expires = due(sp);
	timerqueue_add(&spd->mortal, &sp->due);
}

/* Look at the first of the queue when it is due. */
static void schedule_next(struct ipsec_spd *spd)
{
	struct timerqueue_node *first = timerqueue_getnext(&spd->mortal);
	s64 wait;

	lockdep_assert_held(&spd->lock);
	if (!first || first->expires == KTIME_MAX)
		return;
	wait = max_t(s64, first->expires - ktime_get_boottime(), 0);
	mod_delayed_work(ipsec_wq, &spd->expiry,
			 1 + min_t(u64, nsecs_to_jiffies64(wait),
				   LONGEST_SLEEP));
}

/*
 * Looks at the first of the queue. Returns false if it is not due, and then nothing
 * is. @dead: it, with a reference, if its time is over; if not it is queued again.
 */
static bool look(struct ipsec_spd *spd, ktime_t now, struct ipsec_sp **dead)
{
	struct timerqueue_node *first;
	struct ipsec_sp *sp;
	bool is_due;

	*dead = NULL;
	spin_lock_bh(&spd->lock);
	first = timerqueue_getnext(&spd->mortal);
	is_due = first && first->expires <= now;
	if (is_due) {
		sp = container_of(first, struct ipsec_sp, due);
		if (due(sp) <= now) {
			refcount_inc(&sp->refs);
			*dead = sp;
		} else {
			timerqueue_del(&spd->mortal, &sp->due);
			queue(spd, sp);
		}
	}
	spin_unlock_bh(&spd->lock);
	return is_due;
}

/* The namespace that ends frees its policies itself, for less. */
static void expire(struct work_struct *work)
{
	struct ipsec_spd *spd = container_of(to_delayed_work(work),
					     struct ipsec_spd, expiry);
	ktime_t now = ktime_get_boottime();
	struct ipsec_sp *dead;

	while (check_net(spd->net) && look(spd, now, &dead)) {
		if (dead) {
			if (ipsec_spd_delete(dead))
				ipsec_km_sp_expire(dead);
			ipsec_sp_put(dead);
		}
		cond_resched();
	}
	spin_lock_bh(&spd->lock);
	schedule_next(spd);
	spin_unlock_bh(&spd->lock);
}

/**
 * ipsec_sp_use_time() - when a packet met a policy last
 * @sp: the policy
 *
 * Return: wall clock, seconds; when it was added if none did.
 */
time64_t ipsec_sp_use_time(const struct ipsec_sp *sp)
{
	ktime_t idle = ktime_get_boottime() - READ_ONCE(sp->used);

	/* Subtracted before it is rounded: the same answer each time. */
	return div_u64(ktime_get_real() - max_t(s64, idle, 0), NSEC_PER_SEC);
}

/**
 * ipsec_spd_mortal_add() - a policy that was put into the SPD begins to age
 * @spd: the SPD
 * @sp: the policy; one without lifetimes is left alone
 *
 * Context: SPD lock held.
 */
void ipsec_spd_mortal_add(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	lockdep_assert_held(&spd->lock);
	if (!mortal(sp))
		return;
	timerqueue_init(&sp->due);
	queue(spd, sp);
	if (timerqueue_getnext(&spd->mortal) == &sp->due)
		schedule_next(spd);
}

/**
 * ipsec_spd_mortal_del() - a policy leaves the SPD
 * @spd: the SPD
 * @sp: the policy
 *
 * The work item may then run for nothing.
 *
 * Context: SPD lock held.
 */
void ipsec_spd_mortal_del(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	lockdep_assert_held(&spd->lock);
	if (mortal(sp))
		timerqueue_del(&spd->mortal, &sp->due);
}

/**
 * ipsec_spd_wake() - the machine slept: the work item's timer did not count that
 * @net: the namespace
 */
void ipsec_spd_wake(struct net *net)
{
	struct ipsec_spd *spd = &ipsec_net(net)->spd;

	spin_lock_bh(&spd->lock);
	schedule_next(spd);
	spin_unlock_bh(&spd->lock);
}

/**
 * ipsec_spd_expire_init() - no policy expires yet
 * @spd: the SPD, zeroed
 */
void ipsec_spd_expire_init(struct ipsec_spd *spd)
{
	timerqueue_init_head(&spd->mortal);
	INIT_DELAYED_WORK(&spd->expiry, expire);
}

/**
 * ipsec_spd_expire_exit() - no policy expires any more
 * @spd: the SPD; nobody adds to it
 *
 * Context: process, may sleep.
 */
void ipsec_spd_expire_exit(struct ipsec_spd *spd)
{
	cancel_delayed_work_sync(&spd->expiry);
}
