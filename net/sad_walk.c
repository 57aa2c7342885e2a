// SPDX-License-Identifier: GPL-2.0-only
/* All SAs, one after the other: dumps, flushes, the end of the SAD. */
#include <linux/rbtree.h>
#include <linux/sched/signal.h>
#include <linux/wait_bit.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/* SAs that are passed over under the lock before it is let go. */
#define NEXT_BATCH	64

/* The oldest SA that is not before @serial. Context: sad.lock held. */
static struct ipsec_sa *first_from(const struct ipsec_sad *sad, u64 serial)
{
	struct rb_node *node = sad->all.rb_node;
	struct ipsec_sa *sa, *first = NULL;

	while (node) {
		sa = rb_entry(node, struct ipsec_sa, all_node);
		if (sa->serial < serial) {
			node = node->rb_right;
		} else {
			first = sa;
			node = node->rb_left;
		}
	}
	return first;
}

static struct ipsec_sa *next_of(struct ipsec_sa *sa)
{
	struct rb_node *node = rb_next(&sa->all_node);

	return node ? rb_entry(node, struct ipsec_sa, all_node) : NULL;
}

/*
 * Looks at some SAs from *@cursor on. Returns one that matches with a reference, or
 * NULL; *@end tells whether there are more to look at.
 */
static struct ipsec_sa *next_of_batch(struct ipsec_sad *sad,
				      u64 *cursor, u8 proto, bool *end)
{
	struct ipsec_sa *sa, *found = NULL;
	unsigned int left = NEXT_BATCH;

	*end = true;
	spin_lock_bh(&sad->lock);
	for (sa = first_from(sad, *cursor); sa; sa = next_of(sa)) {
		*end = false;
		*cursor = sa->serial + 1;
		if (!proto || sa->key.proto == proto) {
			ipsec_sa_hold(sa);
			found = sa;
			break;
		}
		if (!--left)
			break;
	}
	spin_unlock_bh(&sad->lock);
	return found;
}

/**
 * ipsec_sad_next() - walk all SAs from the oldest to the newest
 * @net: the namespace
 * @cursor: 0 to start; what to pass for the next one
 * @proto: only SAs of this protocol; 0 = all
 *
 * No lock is held between calls: SAs that come or go meanwhile are seen or not,
 * the others exactly once.
 *
 * Context: process. Return: the next SA with a reference for the caller, or NULL at the
 * end.
 */
struct ipsec_sa *ipsec_sad_next(struct net *net, u64 *cursor, u8 proto)
{
	struct ipsec_sad *sad = &ipsec_net(net)->sad;
	struct ipsec_sa *sa;
	bool end;

	do {
		sa = next_of_batch(sad, cursor, proto, &end);
		cond_resched();
	} while (!sa && !end);
	return sa;
}

/**
 * ipsec_sad_wake() - the machine slept: look at what is due meanwhile
 * @net: the namespace
 *
 * Context: process.
 */
void ipsec_sad_wake(struct net *net)
{
	ipsec_sad_due_again(&ipsec_net(net)->sad, true);
}

/**
 * ipsec_sad_flush() - delete all SAs, for a key manager
 * @net: the namespace
 * @proto: of this protocol; 0 = all
 *
 * Context: process. Return: 0, or -EINTR if the caller was killed meanwhile.
 */
int ipsec_sad_flush(struct net *net, u8 proto)
{
	u64 cursor = 0;
	struct ipsec_sa *sa;

	while ((sa = ipsec_sad_next(net, &cursor, proto))) {
		ipsec_sa_delete(sa);
		ipsec_sa_put(sa);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/**
 * ipsec_sad_delete_ends() - delete the SAs between two ends (DELETE without SA)
 * @net: the namespace
 * @ends: addresses and protocol
 *
 * SAs that wait for their keys stay, as in KAME.
 *
 * Context: process. Return: 0, or -EINTR if the caller was killed meanwhile.
 */
int ipsec_sad_delete_ends(struct net *net, const struct ipsec_ends_key *ends)
{
	struct ipsec_sa *sa;

	while ((sa = ipsec_sad_usable_between(net, ends))) {
		ipsec_sa_delete(sa);
		ipsec_sa_put(sa);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * ipsec_sad_clear() - delete all SAs of a namespace that ends
 * @net: the namespace
 *
 * Context: process.
 */
void ipsec_sad_clear(struct net *net)
{
	u64 cursor = 0;
	struct ipsec_sa *sa;

	while ((sa = ipsec_sad_next(net, &cursor, 0))) {
		ipsec_sa_delete(sa);
		ipsec_sa_put(sa);
	}
}

/**
 * ipsec_sad_init() - make an empty SAD
 * @sad: the SAD, zeroed
 */
void ipsec_sad_init(struct ipsec_sad *sad)
{
	ipsec_sa_upkeep_init(sad);
	ipsec_sad_tables_init(sad);
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

	ipsec_sad_clear(net);
	/* Dead SAs are never due again, and packets no longer start it. */
	cancel_delayed_work_sync(&sad->upkeep);
	wait_var_event(live, !atomic_read(live));
	ipsec_sad_tables_exit(sad);
}
