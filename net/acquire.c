// SPDX-License-Identifier: GPL-2.0-only
/*
 * A packet misses an SA, or a policy its requests: key managers are asked
 * (RFC 2367 section 3.1.6), but not for each packet.
 *
 * One entry for each thing that is missed. The first miss asks and makes the
 * entry; then net.key.blockacq_count misses and one more are silent, and the
 * next one asks again. After net.key.blockacq_lifetime seconds the entry is
 * gone. There is no timer: entries too old are dropped by who looks next.
 *
 * All loops are bounded by IPSEC_ACQUIRE_MAX: to forget all entries at once, or to go
 * through a bucket that has all of them, is some 100,000 instructions.
 */
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <ipsec/acquire.h>
#include <ipsec/hash.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include "net.h"

/**
 * struct question - one thing that key managers were asked for
 * @want: [I] what
 * @seq: [I] sadb_msg_seq of the question
 * @silent: [q] misses since it was last asked
 * @since: [q] boot-time clock when it was made or restarted
 * @want_node: [q] link of the table by @want
 * @seq_node: [q] link of the table by @seq
 * @age_node: [q] link of the list by age
 */
struct question {
	struct ipsec_want	want;
	u32			seq;
	unsigned int		silent;
	ktime_t			since;
	struct hlist_node	want_node;
	struct hlist_node	seq_node;
	struct list_head	age_node;
};

static struct ipsec_acquires *acquires_of(const struct net *net)
{
	return &ipsec_net(net)->acquires;
}

/* Neither mode nor reqid: an SA finds all that it may serve in one bucket. */
static struct hlist_head *want_bucket(struct ipsec_acquires *acq,
				      const struct ipsec_ends_key *ends,
				      u32 sp_id)
{
	u32 hash = ipsec_hash(ends, sizeof(*ends), sp_id);

	return &acq->by_want[hash % IPSEC_ACQUIRE_BUCKETS];
}

static struct hlist_head *seq_bucket(struct ipsec_acquires *acq, u32 seq)
{
	return &acq->by_seq[seq % IPSEC_ACQUIRE_BUCKETS];
}

static bool ends_equal(const struct ipsec_ends_key *a,
		       const struct ipsec_ends_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool want_equal(const struct ipsec_want *a, const struct ipsec_want *b)
{
	return ends_equal(&a->ends, &b->ends) && a->mode == b->mode &&
	       a->reqid == b->reqid && a->sp_id == b->sp_id;
}

static void forget(struct ipsec_acquires *acq, struct question *q)
{
	lockdep_assert_held(&acq->lock);
	hlist_del(&q->want_node);
	hlist_del(&q->seq_node);
	list_del(&q->age_node);
	WRITE_ONCE(acq->count, acq->count - 1);
	kfree(q);
}

/* Entries die in the order in which they were made or restarted. */
static void forget_old(struct ipsec_acquires *acq, ktime_t now, int lifetime)
{
	struct question *q, *next;

	list_for_each_entry_safe(q, next, &acq->ages, age_node) {
		if (now - q->since <= (s64)lifetime * NSEC_PER_SEC)
			break;
		forget(acq, q);
	}
}

static struct question *find(struct ipsec_acquires *acq,
			     const struct ipsec_want *want)
{
	struct question *q;

	hlist_for_each_entry(q, want_bucket(acq, &want->ends, want->sp_id),
			     want_node)
		if (want_equal(&q->want, want))
			return q;
	return NULL;
}

static struct question *remember(struct ipsec_acquires *acq,
				 const struct ipsec_want *want, ktime_t now)
{
	struct question *q;

	if (acq->count >= IPSEC_ACQUIRE_MAX)
		forget(acq, list_first_entry(&acq->ages, struct question,
					     age_node));
	q = kzalloc(sizeof(*q), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!q)
		return NULL;
	q->want = *want;
	q->since = now;
	q->seq = acq->next_seq++;
	if (!acq->next_seq)
		acq->next_seq = 1;
	hlist_add_head(&q->want_node,
		       want_bucket(acq, &want->ends, want->sp_id));
	hlist_add_head(&q->seq_node, seq_bucket(acq, q->seq));
	list_add_tail(&q->age_node, &acq->ages);
	WRITE_ONCE(acq->count, acq->count + 1);
	return q;
}

/* A miss. Returns the sequence number to ask with, or 0 to be silent. */
static u32 miss(struct net *net, const struct ipsec_want *want)
{
	const struct ipsec_knobs *knobs = &ipsec_net(net)->knobs;
	struct ipsec_acquires *acq = acquires_of(net);
	ktime_t now = ktime_get_boottime();
	struct question *q;
	u32 seq = 0;

	spin_lock_bh(&acq->lock);
	forget_old(acq, now, READ_ONCE(knobs->blockacq_lifetime));
	q = find(acq, want);
	if (!q) {
		q = remember(acq, want, now);
		if (q)
			seq = q->seq;
	} else if (q->silent > READ_ONCE(knobs->blockacq_count)) {
		q->silent = 0;
		seq = q->seq;
	} else {
		q->silent++;
	}
	spin_unlock_bh(&acq->lock);
	return seq;
}

/**
 * ipsec_acquire_sa() - an SA is missed: ask for it, if that is not done already
 * @net: the namespace
 * @ends: protocol and addresses of the SA
 * @mode: mode of the request
 * @reqid: 0, or the only reqid that will do
 * @sp: the policy that asks, NULL where a key manager does
 *
 * Nothing is remembered while nobody listens: the first miss after a key
 * manager came is the one that asks it.
 *
 * Context: any but hard interrupts, no lock held.
 */
void ipsec_acquire_sa(struct net *net, const struct ipsec_ends_key *ends,
		      u8 mode, u32 reqid, const struct ipsec_sp *sp)
{
	struct ipsec_want want = {
		.ends	= *ends,
		.mode	= mode,
		.reqid	= reqid,
	};
	const struct ipsec_knobs *knobs = &ipsec_net(net)->knobs;
	struct ipsec_km_ask ask = {
		.net		= net,
		.ends		= ends,
		.sp		= sp,
		.esp_keymin	= READ_ONCE(knobs->esp_keymin),
		.esp_auth	= READ_ONCE(knobs->esp_auth),
		.ah_keymin	= READ_ONCE(knobs->ah_keymin),
	};

	if (!ipsec_km_listens(net))
		return;
	ask.seq = miss(net, &want);
	if (ask.seq)
		ipsec_km_acquire(&ask);
}

/**
 * ipsec_acquire_sp() - a packet met a policy that has no requests yet
 * @net: the namespace
 * @sp: the policy
 *
 * Context: any but hard interrupts, no lock held.
 */
void ipsec_acquire_sp(struct net *net, const struct ipsec_sp *sp)
{
	struct ipsec_want want = {
		.sp_id	= sp->id,
	};

	if (ipsec_km_listens(net) && miss(net, &want))
		ipsec_km_sp_acquire(sp);
}

/**
 * ipsec_acquire_restart() - a key manager works on a question, or gave it up
 * @net: the namespace
 * @seq: of the question; others are ignored
 *
 * Misses are silent for the whole time again.
 *
 * Context: any but hard interrupts.
 */
void ipsec_acquire_restart(struct net *net, u32 seq)
{
	struct ipsec_acquires *acq = acquires_of(net);
	struct question *q;

	if (!READ_ONCE(acq->count))
		return;
	spin_lock_bh(&acq->lock);
	hlist_for_each_entry(q, seq_bucket(acq, seq), seq_node) {
		if (q->seq != seq)
			continue;
		q->silent = 0;
		q->since = ktime_get_boottime();
		list_move_tail(&q->age_node, &acq->ages);
		break;
	}
	spin_unlock_bh(&acq->lock);
}

/**
 * ipsec_acquire_served() - an SA came: questions for it are answered
 * @sa: the SA, ready for packets
 *
 * Whatever sequence number its maker gave it: should it go again, the next miss
 * asks at once.
 *
 * Context: any but hard interrupts, no lock held.
 */
void ipsec_acquire_served(const struct ipsec_sa *sa)
{
	struct ipsec_acquires *acq = acquires_of(sa->net);
	struct hlist_node *next;
	struct question *q;

	if (!READ_ONCE(acq->count))
		return;
	spin_lock_bh(&acq->lock);
	hlist_for_each_entry_safe(q, next, want_bucket(acq, &sa->ends, 0),
				  want_node)
		if (ends_equal(&q->want.ends, &sa->ends) &&
		    !ipsec_sa_misfit(sa, q->want.mode, q->want.reqid))
			forget(acq, q);
	spin_unlock_bh(&acq->lock);
}

/**
 * ipsec_acquire_flush() - forget all questions
 * @net: the namespace
 *
 * Context: any but hard interrupts.
 */
void ipsec_acquire_flush(struct net *net)
{
	struct ipsec_acquires *acq = acquires_of(net);
	struct question *q, *next;

	spin_lock_bh(&acq->lock);
	list_for_each_entry_safe(q, next, &acq->ages, age_node)
		forget(acq, q);
	spin_unlock_bh(&acq->lock);
}

/**
 * ipsec_acquire_init() - no questions yet
 * @acq: zeroed
 */
void ipsec_acquire_init(struct ipsec_acquires *acq)
{
	spin_lock_init(&acq->lock);
	INIT_LIST_HEAD(&acq->ages);
	acq->next_seq = 1;
}
