// SPDX-License-Identifier: GPL-2.0-only
/* All SAs, one after the other: dumps, flushes, counts. */
#include <linux/sched.h>
#include <linux/xarray.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/**
 * ipsec_sad_next() - walk all SAs from the oldest to the newest
 * @net: the namespace
 * @cursor: 0 to start; what to pass for the next one
 * @proto: only SAs of this protocol; 0 = all
 *
 * No lock is held between calls: SAs that come or go meanwhile are seen or not,
 * the others exactly once.
 *
 * Return: the next SA with a reference for the caller, or NULL at the end.
 */
struct ipsec_sa *ipsec_sad_next(struct net *net, unsigned long *cursor,
				u8 proto)
{
	struct ipsec_sad *sad = &ipsec_net(net)->sad;
	unsigned long index;
	struct ipsec_sa *sa;

	spin_lock_bh(&sad->lock);
	xa_for_each_start(&sad->all, index, sa, *cursor) {
		if (proto && sa->key.proto != proto)
			continue;
		ipsec_sa_hold(sa);
		*cursor = index + 1;
		break;
	}
	spin_unlock_bh(&sad->lock);
	return sa;
}

/**
 * ipsec_sad_wake() - the machine slept: timers did not count that
 * @net: the namespace
 *
 * Each timer that runs ends now, looks at the boot-time clock, and runs on if
 * there is time left. An SA that is leaving ends: its time was short.
 *
 * Context: process.
 */
void ipsec_sad_wake(struct net *net)
{
	unsigned long cursor = 0;
	struct ipsec_sa *sa;

	while ((sa = ipsec_sad_next(net, &cursor, 0))) {
		mod_timer_pending(&sa->timer, jiffies);
		ipsec_sa_put(sa);
		cond_resched();
	}
}

/**
 * ipsec_sad_count() - how many SAs there are
 * @net: the namespace
 * @proto: of this protocol; 0 = all
 *
 * Return: the number; with @proto it costs a walk.
 */
unsigned int ipsec_sad_count(struct net *net, u8 proto)
{
	struct ipsec_sad *sad = &ipsec_net(net)->sad;
	unsigned int n = 0;
	unsigned long index;
	struct ipsec_sa *sa;

	if (!proto)
		return READ_ONCE(sad->count);
	rcu_read_lock();
	xa_for_each(&sad->all, index, sa)
		n += sa->key.proto == proto;
	rcu_read_unlock();
	return n;
}

/*
 * Deletes the SAs between two ends, without @larval only those that have keys. Returns
 * how many there were.
 */
static unsigned int delete_between(struct net *net,
				   const struct ipsec_ends_key *ends,
				   bool larval)
{
	struct ipsec_sa *sa;
	unsigned int n = 0;

	while ((sa = ipsec_sad_first_between(net, ends, larval))) {
		ipsec_sa_delete(sa);
		ipsec_sa_put(sa);
		n++;
		cond_resched();
	}
	return n;
}

/**
 * ipsec_sad_flush() - delete all SAs
 * @net: the namespace
 * @proto: of this protocol; 0 = all
 *
 * Context: process. Return: how many there were.
 */
unsigned int ipsec_sad_flush(struct net *net, u8 proto)
{
	unsigned long cursor = 0;
	unsigned int n = 0;
	struct ipsec_sa *sa;

	while ((sa = ipsec_sad_next(net, &cursor, proto))) {
		n += delete_between(net, &sa->ends, true);
		ipsec_sa_put(sa);
	}
	return n;
}

/**
 * ipsec_sad_delete_ends() - delete the SAs between two ends (DELETE without SA)
 * @net: the namespace
 * @ends: addresses and protocol
 *
 * SAs that wait for their keys stay, as in KAME.
 *
 * Context: process. Return: how many there were.
 */
unsigned int ipsec_sad_delete_ends(struct net *net,
				   const struct ipsec_ends_key *ends)
{
	return delete_between(net, ends, false);
}
