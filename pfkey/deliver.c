// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a message: one socket, the registered ones, or all (RFC 2367
 * section 3.1). Sockets in promiscuous mode get everything besides.
 *
 * There may be thousands of sockets, and whoever owns a namespace may open them. So
 * messages are delivered in process context only, under a mutex, and with pauses
 * between sockets. What the kernel says by itself, in the middle of a packet or in
 * a timer, waits in a queue: a work item delivers it, or whoever delivers or reads
 * a message before that. So nobody sees the order of messages change.
 */
#include <linux/filter.h>
#include <net/sock.h>
#include <ipsec/km.h>
#include "pfkey.h"

static struct workqueue_struct *notice_wq;

/*
 * Whether a socket takes one more message. It is asked before anything is copied for
 * it: a reader that sleeps costs nothing.
 */
static bool has_room(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) < READ_ONCE(sk->sk_rcvbuf);
}

static void queue_tail(struct sock *sk, struct sk_buff *skb)
{
	struct sk_buff_head *list = &sk->sk_receive_queue;

	pfkey_skb_own(skb, sk);
	spin_lock_bh(&list->lock);
	sock_skb_set_dropcount(sk, skb);
	__skb_queue_tail(list, skb);
	spin_unlock_bh(&list->lock);
	sk->sk_data_ready(sk);
}

/* Queues @skb, which is consumed either way. */
static int queue(struct sock *sk, struct sk_buff *skb)
{
	if (!skb)
		return -ENOBUFS;
	if (has_room(sk) && !sk_filter(sk, skb)) {
		queue_tail(sk, skb);
		return 0;
	}
	atomic_inc(&sk->sk_drops);
	kfree_skb(skb);
	return -ENOBUFS;
}

static void tell(struct pfkey_sock *pk, struct pfkey_forms *f, bool wrapped)
{
	struct sk_buff *form;

	if (!has_room(&pk->sk)) {
		atomic_inc(&pk->sk.sk_drops);
		return;
	}
	form = pfkey_form(f, pk->extended, wrapped, GFP_KERNEL);
	if (form)
		queue(&pk->sk, pfkey_skb_share(form, GFP_KERNEL));
}

static void tell_promisc(struct pfkey_net *pn, struct pfkey_forms *f)
{
	struct pfkey_sock *pk;

	if (!pn->n_promisc)
		return;
	hlist_for_each_entry(pk, &pn->sockets, node) {
		if (pk->promisc)
			tell(pk, f, true);
		cond_resched();
	}
}

/* To each socket that is registered, or all; @from comes last. */
static void tell_others(struct pfkey_net *pn, struct pfkey_forms *f, bool all,
			const struct pfkey_sock *from)
{
	struct pfkey_sock *pk;

	if (!all && !pn->n_registered)
		return;
	hlist_for_each_entry(pk, &pn->sockets, node) {
		if (pk != from && (all || pk->registered))
			tell(pk, f, false);
		cond_resched();
	}
}

static void deliver_notice(struct pfkey_net *pn, struct sk_buff *skb)
{
	struct pfkey_forms f;

	pfkey_forms_init(&f, skb, pn->n_extended);
	tell_promisc(pn, &f);
	tell_others(pn, &f, false, NULL);
	pfkey_forms_free(&f);
}

/* As many as there are now, so that it ends whatever comes meanwhile. */
static void deliver_notices(struct pfkey_net *pn)
{
	struct sk_buff_head batch;
	struct sk_buff *skb;
	unsigned int bytes;

	lockdep_assert_held(&pn->delivery);
	if (!READ_ONCE(pn->notice_bytes))
		return;
	__skb_queue_head_init(&batch);
	spin_lock_bh(&pn->notices.lock);
	skb_queue_splice_init(&pn->notices, &batch);
	bytes = pn->notice_bytes;
	spin_unlock_bh(&pn->notices.lock);

	while ((skb = __skb_dequeue(&batch))) {
		deliver_notice(pn, skb);
		cond_resched();
	}

	/* Until here they take their room, and readers wait for them. */
	spin_lock_bh(&pn->notices.lock);
	WRITE_ONCE(pn->notice_bytes, pn->notice_bytes - bytes);
	spin_unlock_bh(&pn->notices.lock);
}

/* What was said before comes first. */
static void delivery_begin(struct pfkey_net *pn)
{
	mutex_lock(&pn->delivery);
	deliver_notices(pn);
}

static void delivery_end(struct pfkey_net *pn)
{
	mutex_unlock(&pn->delivery);
}

static void notice_work(struct work_struct *work)
{
	struct pfkey_net *pn = container_of(work, struct pfkey_net, work);

	delivery_begin(pn);
	delivery_end(pn);
}

/**
 * pfkey_catch_up() - deliver what waits, before somebody looks for it
 * @net: the namespace
 *
 * Context: process, no mutex of ours held.
 */
void pfkey_catch_up(struct net *net)
{
	struct pfkey_net *pn = pfkey_net_of(net);

	if (likely(!READ_ONCE(pn->notice_bytes)))
		return;
	delivery_begin(pn);
	delivery_end(pn);
}

/**
 * pfkey_anybody_hears() - whether a notice would have a reader
 * @net: the namespace
 *
 * Context: any.
 */
bool pfkey_anybody_hears(const struct net *net)
{
	const struct pfkey_net *pn = pfkey_net_of(net);

	return READ_ONCE(pn->n_registered) || READ_ONCE(pn->n_promisc);
}

/**
 * pfkey_notice_queue() - let a message wait, if there is room for it
 * @pn: where
 * @skb: the message, consumed if there is
 *
 * Context: any but hard interrupts. Return: whether it was taken.
 */
bool pfkey_notice_queue(struct pfkey_net *pn, struct sk_buff *skb)
{
	bool room;

	spin_lock_bh(&pn->notices.lock);
	room = pn->notice_bytes + skb->truesize <= PFKEY_NOTICE_ROOM;
	if (room) {
		WRITE_ONCE(pn->notice_bytes, pn->notice_bytes + skb->truesize);
		__skb_queue_tail(&pn->notices, skb);
	}
	spin_unlock_bh(&pn->notices.lock);
	return room;
}

/**
 * pfkey_notice() - to key managers, soon: what the kernel says by itself
 * @net: the namespace
 * @skb: the message, consumed; NULL when it could not be built
 *
 * Messages that find no room are counted, and gone: an ACQUIRE comes again with
 * later packets, and what an EXPIRE tells of is in the SAD.
 *
 * Context: RCU read side, which is what a namespace that ends waits for.
 */
void pfkey_notice(struct net *net, struct sk_buff *skb)
{
	struct pfkey_net *pn = pfkey_net_of(net);

	if (skb && pfkey_notice_queue(pn, skb)) {
		queue_work(notice_wq, &pn->work);
	} else {
		kfree_skb(skb);
		ipsec_km_lost(net);
	}
}

/**
 * pfkey_deliver_one() - to one socket
 * @to: the socket
 * @skb: the message, consumed; NULL when it could not be built
 *
 * Context: process. Return: 0, or -ENOBUFS when it could not be queued.
 */
int pfkey_deliver_one(struct pfkey_sock *to, struct sk_buff *skb)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&to->sk));
	struct pfkey_forms f;
	int err;

	if (!skb)
		return -ENOBUFS;
	delivery_begin(pn);
	pfkey_forms_init(&f, skb, pn->n_extended);
	tell_promisc(pn, &f);
	err = queue(&to->sk, pfkey_form_last(&f, to->extended));
	pfkey_forms_free(&f);
	delivery_end(pn);
	return err;
}

/**
 * pfkey_deliver_record() - a part of a dump, to the socket that wanted it
 * @to: the socket; there was room in its queue a moment ago
 * @skb: the message, consumed
 *
 * Others may have filled the queue since then. The record goes in all the same:
 * one that is left out would be missed, and there is never more than one too many.
 *
 * Context: process.
 */
void pfkey_deliver_record(struct pfkey_sock *to, struct sk_buff *skb)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&to->sk));
	struct pfkey_forms f;

	delivery_begin(pn);
	pfkey_forms_init(&f, skb, pn->n_extended);
	tell_promisc(pn, &f);
	skb = pfkey_form_last(&f, to->extended);
	if (skb)
		queue_tail(&to->sk, skb);
	pfkey_forms_free(&f);
	delivery_end(pn);
}

/*
 * To each socket that is registered, or all, and to the one that asked, once each.
 * What it asked for is done: it gets the message for which no memory is missing.
 */
static int deliver(struct pfkey_sock *from, struct sk_buff *skb, bool all)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&from->sk));
	struct pfkey_forms f;

	if (!skb)
		return -ENOBUFS;
	delivery_begin(pn);
	pfkey_forms_init(&f, skb, pn->n_extended);
	tell_promisc(pn, &f);
	tell_others(pn, &f, all, from);
	skb = pfkey_form_last(&f, from->extended);
	if (skb)
		queue(&from->sk, skb);
	pfkey_forms_free(&f);
	delivery_end(pn);
	return skb ? 0 : -ENOBUFS;
}

/**
 * pfkey_deliver_all() - to every socket of a namespace: the reply to a request
 * @req: the request, which has been carried out
 * @skb: the message, consumed
 *
 * A socket whose queue is full misses it.
 *
 * Context: process. Return: 0, or -ENOBUFS without a message or memory.
 */
int pfkey_deliver_all(struct pfkey_request *req, struct sk_buff *skb)
{
	return deliver(req->from, skb, true);
}

/**
 * pfkey_deliver_registered() - to key managers, and to the one that asked
 * @req: the request, which has been carried out
 * @skb: the message, consumed; NULL when it could not be built
 *
 * A socket registered for any SA type counts, as in KAME.
 *
 * Context: process. Return: 0, or -ENOBUFS without a message or memory.
 */
int pfkey_deliver_registered(struct pfkey_request *req, struct sk_buff *skb)
{
	return deliver(req->from, skb, false);
}

/**
 * pfkey_anybody_registered() - whether a namespace has a key manager
 * @net: the namespace
 *
 * Context: any.
 */
bool pfkey_anybody_registered(struct net *net)
{
	return READ_ONCE(pfkey_net_of(net)->n_registered);
}

static bool promisc_has_room(const struct pfkey_net *pn)
{
	struct pfkey_sock *pk;

	hlist_for_each_entry(pk, &pn->sockets, node) {
		if (pk->promisc && has_room(&pk->sk))
			return true;
		cond_resched();
	}
	return false;
}

/**
 * pfkey_show_request() - let promiscuous sockets see what userland asks
 * @net: the namespace
 * @msg: the message; its length was checked
 *
 * Context: process.
 */
void pfkey_show_request(struct net *net, const struct sadb_msg *msg)
{
	struct pfkey_net *pn = pfkey_net_of(net);
	struct pfkey_forms f;
	struct sk_buff *skb;

	if (likely(!READ_ONCE(pn->n_promisc)))
		return;
	delivery_begin(pn);
	skb = promisc_has_room(pn) ? pfkey_build_copy(msg, GFP_KERNEL) : NULL;
	if (skb) {
		pfkey_forms_init(&f, skb, pn->n_extended);
		tell_promisc(pn, &f);
		pfkey_forms_free(&f);
	}
	delivery_end(pn);
}

static void count(unsigned int *n, bool was, bool is)
{
	WRITE_ONCE(*n, *n + is - was);
}

/**
 * pfkey_hear() - change what a socket wants to hear
 * @pk: the socket
 * @registered: bit n: messages for SA type n
 * @promisc: every message
 * @extended: SADB_X_EXT_SA_REPLAY within them
 *
 * What the kernel said until now goes to those who wanted to hear it then.
 *
 * Context: process.
 */
void pfkey_hear(struct pfkey_sock *pk, u32 registered, bool promisc,
		bool extended)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&pk->sk));

	delivery_begin(pn);
	count(&pn->n_registered, pk->registered, registered);
	count(&pn->n_promisc, pk->promisc, promisc);
	count(&pn->n_extended, pk->extended, extended);
	pk->registered = registered;
	pk->promisc = promisc;
	pk->extended = extended;
	delivery_end(pn);
}

/**
 * pfkey_link() - a new socket, which hears what is for all
 * @pk: the socket
 *
 * Context: process.
 */
void pfkey_link(struct pfkey_sock *pk)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&pk->sk));

	mutex_lock(&pn->delivery);
	hlist_add_head(&pk->node, &pn->sockets);
	mutex_unlock(&pn->delivery);
}

/**
 * pfkey_unlink() - a socket hears nothing any more
 * @pk: the socket; when this returns nothing is being delivered to it
 *
 * Context: process.
 */
void pfkey_unlink(struct pfkey_sock *pk)
{
	struct pfkey_net *pn = pfkey_net_of(sock_net(&pk->sk));

	pfkey_hear(pk, 0, false, false);
	mutex_lock(&pn->delivery);
	hlist_del_init(&pk->node);
	mutex_unlock(&pn->delivery);
}

/**
 * pfkey_deliver_netns_init() - a namespace without sockets
 * @pn: zeroed
 */
void pfkey_deliver_netns_init(struct pfkey_net *pn)
{
	mutex_init(&pn->delivery);
	INIT_HLIST_HEAD(&pn->sockets);
	skb_queue_head_init(&pn->notices);
	INIT_WORK(&pn->work, notice_work);
}

/**
 * pfkey_deliver_netns_exit() - it ends
 * @pn: without sockets since before the last grace period, so without new notices
 */
void pfkey_deliver_netns_exit(struct pfkey_net *pn)
{
	cancel_work_sync(&pn->work);
	skb_queue_purge(&pn->notices);
	/* Every socket holds its namespace, so there can be none. */
	WARN_ON(!hlist_empty(&pn->sockets));
}

/**
 * pfkey_deliver_init() - be ready to deliver
 *
 * Return: 0 or -ENOMEM.
 */
int pfkey_deliver_init(void)
{
	notice_wq = alloc_workqueue("ipsec_pfkey", WQ_UNBOUND, 0);
	return notice_wq ? 0 : -ENOMEM;
}

/**
 * pfkey_deliver_exit() - the reverse; there are no namespaces any more
 */
void pfkey_deliver_exit(void)
{
	destroy_workqueue(notice_wq);
}
