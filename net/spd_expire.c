// SPDX-License-Identifier: GPL-2.0-only
/*
 * Policies with lifetimes: gone so many seconds after they were added, or after
 * no packet met them for so long. What counts is the boot-time clock, which goes
 * on while the machine sleeps and does not jump when the date is set.
 *
 * One timer looks at the policy that is due first. Packets do not move a policy
 * in the queue: a policy that was used meanwhile is queued again when it is due.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"

/* Policies that expire at once, before others get the CPU. */
#define BATCH		64

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

/* Start the timer for the first of the queue. */
static void schedule_next(struct ipsec_spd *spd)
{
	struct timerqueue_node *first = timerqueue_getnext(&spd->mortal);
	s64 wait;

	lockdep_assert_held(&spd->lock);
	if (!first || first->expires == KTIME_MAX)
		return;
	wait = max_t(s64, first->expires - ktime_get_boottime(), 0);
	mod_timer(&spd->timer, jiffies + 1 +
		  min_t(u64, nsecs_to_jiffies64(wait), LONGEST_SLEEP));
}

/* A policy whose time is over, with a reference, or NULL. */
static struct ipsec_sp *next_dead(struct ipsec_spd *spd, ktime_t now)
{
	struct timerqueue_node *first;
	struct ipsec_sp *dead = NULL;

	spin_lock_bh(&spd->lock);
	while ((first = timerqueue_getnext(&spd->mortal))) {
		struct ipsec_sp *sp = container_of(first, struct ipsec_sp, due);

		if (first->expires > now)
			break;
		if (due(sp) <= now) {
			refcount_inc(&sp->refs);
			dead = sp;
			break;
		}
		timerqueue_del(&spd->mortal, &sp->due);
		queue(spd, sp);
	}
	spin_unlock_bh(&spd->lock);
	return dead;
}

static void spd_timer(struct timer_list *timer)
{
	struct ipsec_spd *spd = container_of(timer, struct ipsec_spd, timer);
	ktime_t now = ktime_get_boottime();
	struct ipsec_sp *sp;
	unsigned int n = 0;

	while (n++ < BATCH && (sp = next_dead(spd, now))) {
		if (ipsec_spd_delete(sp))
			ipsec_km_sp_expire(sp);
		ipsec_sp_put(sp);
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
 * The timer may then ring for nothing.
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
 * ipsec_spd_wake() - the machine slept: the timer did not count that
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
	timer_setup(&spd->timer, spd_timer, 0);
}

/**
 * ipsec_spd_expire_exit() - stop the timer
 * @spd: the SPD, empty
 *
 * Context: process.
 */
void ipsec_spd_expire_exit(struct ipsec_spd *spd)
{
	timer_delete_sync(&spd->timer);
}
