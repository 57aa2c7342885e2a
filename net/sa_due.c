// SPDX-License-Identifier: GPL-2.0-only
/*
 * SAs in the order of their next event by time. The boot-time clock goes on while the
 * machine sleeps, so the queue is right when it wakes up.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/timerqueue.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/* The timer wheel's range is finite: look at least so often. */
#define LOOK_EVERY	(24 * 3600 * HZ)

static struct ipsec_sad *sad_of(const struct ipsec_sa *sa)
{
	return &ipsec_net(sa->net)->sad;
}

/* Starts the upkeep when the first of the queue is due. */
static void start_upkeep(struct ipsec_sad *sad, ktime_t when)
{
	s64 wait = when - ktime_get_coarse_boottime();
	unsigned long delay = 0;

	/* One more, so that the coarse clock has come that far by then. */
	if (wait > 0 && list_empty_careful(&sad->discards))
		delay = min_t(u64, nsecs_to_jiffies64(wait) + 1, LOOK_EVERY);
	mod_delayed_work(ipsec_sa_wq, &sad->upkeep, delay);
}

/**
 * ipsec_sa_due() - look at an SA at a time
 * @sa: the SA
 * @when: the time, by the boot-time clock; replaces the one that was set
 *
 * The queue holds a reference. Context: sa->lock held.
 */
void ipsec_sa_due(struct ipsec_sa *sa, ktime_t when)
{
	struct ipsec_sad *sad = sad_of(sa);

	lockdep_assert_held(&sa->lock);
	spin_lock(&sad->due_lock);
	if (RB_EMPTY_NODE(&sa->due.node))
		ipsec_sa_hold(sa);
	else
		timerqueue_del(&sad->due, &sa->due);
	sa->due.expires = when;
	if (timerqueue_add(&sad->due, &sa->due))
		start_upkeep(sad, when);
	spin_unlock(&sad->due_lock);
}

/**
 * ipsec_sa_due_cancel() - look at it no more
 * @sa: the SA
 *
 * Context: any but hard interrupts. Return: whether a time was set; its reference is the
 * caller's then.
 */
bool ipsec_sa_due_cancel(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa);
	bool queued;

	spin_lock_bh(&sad->due_lock);
	queued = !RB_EMPTY_NODE(&sa->due.node);
	if (queued)
		timerqueue_del(&sad->due, &sa->due);
	spin_unlock_bh(&sad->due_lock);
	return queued;
}

/**
 * ipsec_sa_is_due() - whether a time is set
 * @sa: the SA
 *
 * Context: sa->lock held, so that no time is being set.
 */
bool ipsec_sa_is_due(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa);
	bool queued;

	lockdep_assert_held(&sa->lock);
	spin_lock(&sad->due_lock);
	queued = !RB_EMPTY_NODE(&sa->due.node);
	spin_unlock(&sad->due_lock);
	return queued;
}

/**
 * ipsec_sad_due_next() - take the next SA that is due
 * @sad: the SAD
 *
 * Context: process. Return: the SA with the queue's reference, or NULL.
 */
struct ipsec_sa *ipsec_sad_due_next(struct ipsec_sad *sad)
{
	struct timerqueue_node *first;

	spin_lock_bh(&sad->due_lock);
	first = timerqueue_getnext(&sad->due);
	if (first && first->expires <= ktime_get_coarse_boottime())
		timerqueue_del(&sad->due, first);
	else
		first = NULL;
	spin_unlock_bh(&sad->due_lock);
	return first ? container_of(first, struct ipsec_sa, due) : NULL;
}

/**
 * ipsec_sad_due_again() - see to it that the upkeep runs
 * @sad: the SAD
 * @now: at once, else when the first of the queue is due
 *
 * Context: any but hard interrupts.
 */
void ipsec_sad_due_again(struct ipsec_sad *sad, bool now)
{
	struct timerqueue_node *first;

	spin_lock_bh(&sad->due_lock);
	first = timerqueue_getnext(&sad->due);
	if (now)
		mod_delayed_work(ipsec_sa_wq, &sad->upkeep, 0);
	else if (first)
		start_upkeep(sad, first->expires);
	spin_unlock_bh(&sad->due_lock);
}
