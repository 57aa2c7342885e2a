// SPDX-License-Identifier: GPL-2.0-only
/* The life of one SA: made, armed, charged, deleted, freed. */
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <ipsec/km.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

static struct workqueue_struct *sa_wq;

static void sa_free_work(struct work_struct *work)
{
	struct ipsec_sa *sa = container_of(work, struct ipsec_sa, work);
	struct ipsec_net *in;

	local_bh_disable();
	ipsec_early_end(sa);
	local_bh_enable();
	if (sa->xform)
		sa->xform->destroy(sa);
	ipsec_history_release(sa);
	ipsec_replay_destroy(&sa->replay);
	dst_cache_destroy(&sa->outer_dst);
	ipsec_key_free(&sa->akey);
	ipsec_key_free(&sa->ekey);
	in = ipsec_net(sa->net);
	kfree(sa);
	if (atomic_dec_and_test(&in->live_sas))
		wake_up_var(&in->live_sas);
}

/**
 * ipsec_sa_destroy() - the last reference is gone
 * @sa: the SA; the SAD dropped its own a grace period after it was unlinked, so
 *      nobody looks at it any more
 *
 * Context: any. The rest happens in a work item, because freeing a transform
 * may sleep.
 */
void ipsec_sa_destroy(struct ipsec_sa *sa)
{
	queue_work(sa_wq, &sa->work);
}

/* Time to renew it. What nobody used needs no renewal: it ends, as in KAME. */
static void sa_expire_soft(struct ipsec_sa *sa)
{
	bool unused, told = false;

	spin_lock_bh(&sa->lock);
	unused = !sa->life.packets;
	if (sa->state == IPSEC_SA_MATURE) {
		WRITE_ONCE(sa->state, unused ? IPSEC_SA_DEAD : IPSEC_SA_DYING);
		told = !unused;
	}
	spin_unlock_bh(&sa->lock);
	if (unused) {
		ipsec_sa_delete(sa);
	} else if (told) {
		ipsec_generation_bump(sa->net);
		ipsec_km_expire(sa, false);
	}
}

static void sa_expire_hard(struct ipsec_sa *sa)
{
	bool told = false;

	spin_lock_bh(&sa->lock);
	if (sa->state != IPSEC_SA_DEAD) {
		told = sa->state != IPSEC_SA_LARVAL;
		WRITE_ONCE(sa->state, IPSEC_SA_DEAD);
	}
	spin_unlock_bh(&sa->lock);
	if (told)
		ipsec_km_expire(sa, true);
	ipsec_sa_delete(sa);
}

/* Reaction to a limit that was passed. Takes no lock that packets need. */
static void sa_lifetime_event(struct ipsec_sa *sa,
			      enum ipsec_lifetime_event event)
{
	if (event == IPSEC_LIFE_SOFT)
		sa_expire_soft(sa);
	else if (event == IPSEC_LIFE_HARD)
		sa_expire_hard(sa);
}

static void sa_timer(struct timer_list *timer)
{
	struct ipsec_sa *sa = container_of(timer, struct ipsec_sa, timer);
	enum ipsec_lifetime_event event;
	bool left;
	u8 state;

	spin_lock_bh(&sa->lock);
	event = ipsec_lifetime_check(&sa->life, ktime_get_boottime_seconds());
	state = sa->state;
	/* Pending again: it was deleted while this was about to look. */
	left = sa->leaving && !timer_pending(timer);
	spin_unlock_bh(&sa->lock);

	ipsec_early_end(sa);
	if (left)
		ipsec_sa_delete(sa);
	else
		sa_lifetime_event(sa, event);
	if (event != IPSEC_LIFE_HARD && state != IPSEC_SA_DEAD)
		ipsec_sa_arm(sa);
	ipsec_sa_put(sa);
}

/**
 * ipsec_sa_arm() - start the timer for the next time limit, if there is one
 * @sa: the SA, in the SAD; if packets wait for its keys, their time is the limit
 *
 * An armed timer holds a reference. Arming a dead SA does nothing, so that
 * ipsec_sa_delete() has the last word.
 */
void ipsec_sa_arm(struct ipsec_sa *sa)
{
	time64_t wait;

	spin_lock_bh(&sa->lock);
	wait = ipsec_lifetime_next(&sa->life, ktime_get_boottime_seconds());
	/* With keys they go on at once: the timer is on its way. */
	if (unlikely(!skb_queue_empty(&sa->early)))
		wait = sa->state == IPSEC_SA_LARVAL ? IPSEC_EARLY_SECONDS : 0;
	if (wait > 0 && sa->state != IPSEC_SA_DEAD) {
		/* The timer wheel's range is finite: wake up, look, re-arm. */
		wait = min_t(time64_t, wait, MAX_JIFFY_OFFSET / HZ / 2);
		if (!mod_timer(&sa->timer, jiffies + wait * HZ))
			ipsec_sa_hold(sa);
	}
	spin_unlock_bh(&sa->lock);
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

static void sa_put_rcu(struct rcu_head *rcu)
{
	ipsec_sa_put(container_of(rcu, struct ipsec_sa, rcu));
}

/**
 * ipsec_sa_retire() - drop the SAD's reference, after a grace period
 * @sa: the SA, no longer in the SAD
 *
 * Until then a packet that has found the SA may still take a reference, for crypto
 * that outlives its RCU section.
 *
 * Context: any.
 */
void ipsec_sa_retire(struct ipsec_sa *sa)
{
	call_rcu(&sa->rcu, sa_put_rcu);
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

	spin_lock_bh(&sa->lock);
	WRITE_ONCE(sa->state, IPSEC_SA_DEAD);
	spin_unlock_bh(&sa->lock);

	linked = ipsec_sad_unlink(sa);
	ipsec_generation_bump(sa->net);
	/*
	 * Not the _sync form: this may be the timer itself. A timer that runs
	 * on another CPU holds its reference until it is done.
	 */
	if (timer_delete(&sa->timer))
		ipsec_sa_put(sa);
	if (linked)
		ipsec_sa_retire(sa);
}

/**
 * ipsec_sa_leave() - end an SA for who sends, and later for who receives
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
	bool leaves;

	spin_lock_bh(&sa->lock);
	leaves = seconds && ipsec_sa_usable(sa);
	if (leaves) {
		WRITE_ONCE(sa->leaving, true);
		WRITE_ONCE(sa->state, IPSEC_SA_DEAD);
		if (!mod_timer(&sa->timer, jiffies + seconds * HZ))
			ipsec_sa_hold(sa);
	}
	spin_unlock_bh(&sa->lock);
	if (leaves)
		ipsec_generation_bump(sa->net);
	else
		ipsec_sa_delete(sa);
}

/* An SA with everything but keys and transform; one reference. */
static struct ipsec_sa *sa_alloc(struct net *net,
				 const struct ipsec_sa_params *p)
{
	struct ipsec_sa *sa = kzalloc(sizeof(*sa), GFP_KERNEL_ACCOUNT);

	if (!sa)
		return NULL;
	sa->net = net;
	sa->ends = p->ends;
	sa->key.daddr = p->ends.daddr;
	sa->key.proto = p->ends.proto;
	sa->key.family = p->ends.family;
	sa->key.spi = p->spi;
	sa->mode = p->mode;
	sa->reqid = p->reqid;
	sa->flags = p->flags;
	sa->pid = p->state_pid;
	sa->seq = p->seq;
	sa->aalg = p->aalg;
	sa->ealg = p->ealg;
	sa->window = p->window;
	sa->natt = p->natt;
	__skb_queue_head_init(&sa->early);
	spin_lock_init(&sa->lock);
	refcount_set(&sa->refs, 1);
	timer_setup(&sa->timer, sa_timer, 0);
	INIT_WORK(&sa->work, sa_free_work);
	atomic_inc(&ipsec_net(net)->live_sas);
	return sa;
}

/**
 * ipsec_sa_larval() - make an SA that only reserves its SPI
 * @net: the namespace
 * @params: identity and creator
 *
 * It dies after net.key.larval_lifetime seconds.
 *
 * Context: process. Return: the SA with one reference, or -ENOMEM.
 */
struct ipsec_sa *ipsec_sa_larval(struct net *net,
				 const struct ipsec_sa_params *params)
{
	struct ipsec_limits none = {}, larval = {
		.addtime = READ_ONCE(ipsec_net(net)->knobs.larval_lifetime),
	};
	struct ipsec_sa *sa = sa_alloc(net, params);

	if (!sa)
		return ERR_PTR(-ENOMEM);
	sa->state = IPSEC_SA_LARVAL;
	ipsec_lifetime_init(&sa->life, &larval, &none);
	return sa;
}

/**
 * ipsec_sa_create() - make an SA that is ready for packets
 * @net: the namespace
 * @params: everything about it; keys are copied
 *
 * Loads crypto modules if it must. The SA is not yet in the SAD.
 *
 * Context: process, may sleep long. Return: the SA with one reference;
 * -EPROTONOSUPPORT without a transform for the protocol, -ENOSYS for an
 * algorithm that this kernel lacks, -EINVAL for what cannot be, -ENOMEM.
 */
struct ipsec_sa *ipsec_sa_create(struct net *net,
				 const struct ipsec_sa_params *params)
{
	const struct ipsec_xform *xform = ipsec_xform_find(params->ends.proto);
	struct ipsec_sa *sa;
	int err;

	if (!xform)
		return ERR_PTR(-EPROTONOSUPPORT);
	sa = sa_alloc(net, params);
	if (!sa)
		return ERR_PTR(-ENOMEM);
	sa->state = IPSEC_SA_MATURE;
	ipsec_lifetime_init(&sa->life, &params->hard, &params->soft);

	err = ipsec_replay_init(&sa->replay, params->window,
				params->flags & SADB_X_SAFLAGS_ESN);
	if (!err) {
		/* It sends or it receives: both may go on from there. */
		ipsec_replay_start(&sa->replay, params->sequence);
		atomic64_set(&sa->out_seq, params->sequence);
		err = dst_cache_init(&sa->outer_dst, GFP_KERNEL_ACCOUNT);
	}
	if (!err)
		err = ipsec_key_dup(&sa->akey, &params->akey);
	if (!err)
		err = ipsec_key_dup(&sa->ekey, &params->ekey);
	if (!err)
		err = xform->init(sa, params);
	if (err) {
		ipsec_sa_put(sa);
		return ERR_PTR(err);
	}
	sa->xform = xform;
	return sa;
}

/**
 * ipsec_sa_init() - prepare for SAs, once for the module
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_sa_init(void)
{
	sa_wq = alloc_workqueue("ipsec_sa", WQ_UNBOUND, 0);
	return sa_wq ? 0 : -ENOMEM;
}

/**
 * ipsec_sa_exit() - the reverse
 *
 * Every namespace has waited for its SAs in ipsec_sad_exit(); the last work
 * item may still be returning.
 */
void ipsec_sa_exit(void)
{
	rcu_barrier();
	destroy_workqueue(sa_wq);
}
