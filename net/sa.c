// SPDX-License-Identifier: GPL-2.0-only
/* One SA is made, and freed. What happens in between is in sa_life.c. */
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

struct workqueue_struct *ipsec_sa_wq;

static void reap(struct work_struct *work);

/*
 * SAs that left the SAD wait in the first list until a grace period has passed, those
 * that nobody refers to any more in the second one until they are freed.
 */
static LLIST_HEAD(retired);
static LLIST_HEAD(released);
static DECLARE_WORK(reaper, reap);

static void sa_free(struct ipsec_sa *sa)
{
	struct ipsec_net *in;

	local_bh_disable();
	ipsec_early_end(sa);
	local_bh_enable();
	if (sa->xform)
		sa->xform->destroy(sa);
	ipsec_history_release(sa);
	ipsec_replay_destroy(&sa->replay);
	ipsec_key_free(&sa->akey);
	ipsec_key_free(&sa->ekey);
	in = ipsec_net(sa->net);
	if (sa->charged)
		ipsec_uncharge_sa(sa->net);
	kfree(sa);
	if (atomic_dec_and_test(&in->live_sas))
		wake_up_var(&in->live_sas);
}

/* Packets do not find any of them any more. Return: whether some may have. */
static bool end_all(struct llist_node *list)
{
	struct ipsec_sa *sa;
	bool found = false;

	llist_for_each_entry(sa, list, dead_node) {
		found |= ipsec_history_end(sa);
		cond_resched();
	}
	return found;
}

/*
 * One grace period serves all that were retired until then, and a second one those that
 * packets could find once more meanwhile.
 */
static void reap(struct work_struct *work)
{
	struct llist_node *list = llist_del_all(&retired);
	struct ipsec_sa *sa, *next;

	end_all(list);
	if (list)
		synchronize_rcu();
	llist_for_each_entry_safe(sa, next, list, dead_node) {
		ipsec_sa_put(sa);
		cond_resched();
	}
	list = llist_del_all(&released);
	if (unlikely(end_all(list)))
		synchronize_rcu();
	llist_for_each_entry_safe(sa, next, list, dead_node) {
		sa_free(sa);
		cond_resched();
	}
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
	if (llist_add(&sa->dead_node, &released))
		queue_work(ipsec_sa_wq, &reaper);
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
	if (llist_add(&sa->dead_node, &retired))
		queue_work(ipsec_sa_wq, &reaper);
}

/*
 * An SA with everything but keys and transform; one reference. Those that wait to be
 * freed count too, or whoever adds and deletes without a pause would have no limit.
 */
static struct ipsec_sa *sa_alloc(struct net *net,
				 const struct ipsec_sa_params *p)
{
	struct ipsec_net *in = ipsec_net(net);
	struct ipsec_sa *sa;

	if (atomic_read(&in->live_sas) >= READ_ONCE(in->knobs.max_sa))
		return ERR_PTR(-ENOBUFS);
	sa = kzalloc(sizeof(*sa), GFP_KERNEL_ACCOUNT);
	if (!sa)
		return ERR_PTR(-ENOMEM);
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
	timerqueue_init(&sa->due);
	atomic_inc(&in->live_sas);
	return sa;
}

/**
 * ipsec_sa_larval() - make an SA that only reserves its SPI
 * @net: the namespace
 * @params: identity and creator
 *
 * It dies after net.key.larval_lifetime seconds.
 *
 * Context: process. Return: the SA with one reference, -ENOBUFS above net.key.max_sa,
 * or -ENOMEM.
 */
struct ipsec_sa *ipsec_sa_larval(struct net *net,
				 const struct ipsec_sa_params *params)
{
	struct ipsec_limits none = {}, larval = {
		.addtime = READ_ONCE(ipsec_net(net)->knobs.larval_lifetime),
	};
	struct ipsec_sa *sa = sa_alloc(net, params);

	if (IS_ERR(sa))
		return sa;
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
 * algorithm that this kernel lacks, -EINVAL for what cannot be, -ENOBUFS above
 * net.key.max_sa or the limit of the memory cgroup, -ENOMEM.
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
	if (IS_ERR(sa))
		return sa;
	if (params->mode != IPSEC_MODE_KIND_TRANSPORT)
		ipsec_fragments_expect();
	sa->state = IPSEC_SA_MATURE;
	ipsec_lifetime_init(&sa->life, &params->hard, &params->soft);

	err = ipsec_charge_sa(net);
	sa->charged = err > 0;
	if (err >= 0)
		err = ipsec_replay_init(&sa->replay, params->window,
					params->flags & SADB_X_SAFLAGS_ESN);
	if (!err) {
		/* It sends or it receives: both may go on from there. */
		ipsec_replay_start(&sa->replay, params->sequence);
		atomic64_set(&sa->out_seq, params->sequence);
		err = ipsec_key_dup(&sa->akey, &params->akey);
	}
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
	ipsec_sa_wq = alloc_workqueue("ipsec_sa", WQ_UNBOUND, 0);
	return ipsec_sa_wq ? 0 : -ENOMEM;
}

/**
 * ipsec_sa_exit() - the reverse
 *
 * Every namespace has waited for its SAs in ipsec_sad_exit(); the last work
 * item may still be returning.
 */
void ipsec_sa_exit(void)
{
	destroy_workqueue(ipsec_sa_wq);
}
