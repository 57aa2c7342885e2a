// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gets a message: one socket, the registered ones, or all (RFC 2367
 * section 3.1). Sockets in promiscuous mode get a copy of everything, behind a
 * base header of its own, as KAME sends it. SADB_X_EXT_SA_REPLAY is only for
 * sockets that are extended, see ipsec/pfkeyv2.h.
 */
#include "pfkey.h"

/* Where our own extension lies in a message; 0 without one. */
static unsigned int find_replay(const struct sk_buff *skb)
{
	unsigned int off = sizeof(struct sadb_msg), size;
	const struct sadb_ext *ext;

	for (; off + sizeof(*ext) <= skb->len; off += size) {
		ext = (const struct sadb_ext *)(skb->data + off);
		size = ext->sadb_ext_len * PFKEY_WORD;
		/* What userland sends is shown before it was checked. */
		if (!size || size > skb->len - off)
			return 0;
		if (ext->sadb_ext_type == SADB_X_EXT_SA_REPLAY)
			return off;
	}
	return 0;
}

/* Cut it out of a message that nobody shares. */
static void cut_replay(struct sk_buff *skb)
{
	struct sadb_msg *hdr = (struct sadb_msg *)skb->data;
	unsigned int off, size;

	while ((off = find_replay(skb))) {
		struct sadb_ext *ext = (struct sadb_ext *)(skb->data + off);

		size = ext->sadb_ext_len * PFKEY_WORD;
		memmove(ext, skb->data + off + size, skb->len - off - size);
		skb_trim(skb, skb->len - size);
		hdr->sadb_msg_len -= size / PFKEY_WORD;
	}
}

/* A copy of @skb for @to, behind a PROMISC header, or NULL. */
static struct sk_buff *promisc_wrap(const struct pfkey_sock *to,
				    const struct sk_buff *skb, gfp_t gfp)
{
	struct sadb_msg *hdr;
	struct sk_buff *copy;

	copy = skb_copy_expand(skb, sizeof(*hdr), 0, gfp);
	if (!copy)
		return NULL;
	if (!READ_ONCE(to->extended))
		cut_replay(copy);
	hdr = skb_push(copy, sizeof(*hdr));
	memset(hdr, 0, sizeof(*hdr));
	hdr->sadb_msg_version = PF_KEY_V2;
	hdr->sadb_msg_type = SADB_X_PROMISC;
	hdr->sadb_msg_len = copy->len / PFKEY_WORD;
	return copy;
}

/* Queues @skb, which is consumed either way. */
static int queue(struct sock *sk, struct sk_buff *skb)
{
	int err;

	if (!skb)
		return -ENOBUFS;
	err = sock_queue_rcv_skb(sk, skb);
	if (err)
		kfree_skb(skb);
	return err ? -ENOBUFS : 0;
}

static void show_promisc(struct net *net, const struct sk_buff *skb)
{
	struct pfkey_sock *pk;

	rcu_read_lock();
	hlist_for_each_entry_rcu(pk, &pfkey_net_of(net)->sockets, node)
		if (READ_ONCE(pk->promisc))
			queue(&pk->sk, promisc_wrap(pk, skb, GFP_ATOMIC));
	rcu_read_unlock();
}

/**
 * pfkey_deliver_one() - to one socket
 * @to: the socket
 * @skb: the message, consumed; NULL when it could not be built
 *
 * Context: any. Return: 0, or -ENOBUFS when it could not be queued.
 */
int pfkey_deliver_one(struct pfkey_sock *to, struct sk_buff *skb)
{
	if (!skb)
		return -ENOBUFS;
	show_promisc(sock_net(&to->sk), skb);
	if (!READ_ONCE(to->extended))
		cut_replay(skb);
	return queue(&to->sk, skb);
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
	show_promisc(sock_net(&to->sk), skb);
	if (!READ_ONCE(to->extended))
		cut_replay(skb);
	skb_set_owner_r(skb, &to->sk);
	skb_queue_tail(&to->sk.sk_receive_queue, skb);
	to->sk.sk_data_ready(&to->sk);
}

/*
 * To each socket that is registered, or all, and to @from, once each. What @from
 * asked for is done: he gets the message itself, for which no memory is missing.
 */
static int deliver(struct net *net, struct sk_buff *skb, bool all,
		   struct pfkey_sock *from)
{
	struct sk_buff *classic = skb, *form;
	struct pfkey_sock *pk;

	if (!skb)
		return -ENOBUFS;
	show_promisc(net, skb);
	if (find_replay(skb)) {
		classic = skb_copy(skb, !from ? GFP_ATOMIC :
				   pfkey_reply_gfp(skb_end_offset(skb)));
		if (!classic) {
			kfree_skb(skb);
			return -ENOBUFS;
		}
		cut_replay(classic);
	}
	rcu_read_lock();
	hlist_for_each_entry_rcu(pk, &pfkey_net_of(net)->sockets, node) {
		if (pk == from || (!all && !READ_ONCE(pk->registered)))
			continue;
		form = READ_ONCE(pk->extended) ? skb : classic;
		queue(&pk->sk, skb_clone(form, GFP_ATOMIC));
	}
	rcu_read_unlock();
	form = from && READ_ONCE(from->extended) ? skb : classic;
	if (form != skb)
		consume_skb(skb);
	else if (classic != skb)
		consume_skb(classic);
	if (from)
		queue(&from->sk, form);
	else
		consume_skb(form);
	return 0;
}

/**
 * pfkey_deliver_all() - to every socket of a namespace: the reply to a request
 * @req: the request, which has been carried out
 * @skb: the message, consumed
 *
 * A socket whose queue is full misses it.
 *
 * Context: process. Return: 0, or -ENOBUFS without a message.
 */
int pfkey_deliver_all(struct pfkey_request *req, struct sk_buff *skb)
{
	return deliver(req->net, skb, true, req->from);
}

/**
 * pfkey_deliver_registered() - to key managers
 * @net: the namespace
 * @skb: the message, consumed; NULL when it could not be built
 * @from: who also gets it, or NULL
 *
 * A socket registered for any SA type counts, as in KAME.
 *
 * Context: any, with @from process. Return: 0, or -ENOBUFS without a message or
 * memory.
 */
int pfkey_deliver_registered(struct net *net, struct sk_buff *skb,
			     struct pfkey_sock *from)
{
	return deliver(net, skb, false, from);
}

/**
 * pfkey_anybody_registered() - whether a namespace has a key manager
 * @net: the namespace
 *
 * Context: any.
 */
bool pfkey_anybody_registered(struct net *net)
{
	struct pfkey_sock *pk;
	bool any = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(pk, &pfkey_net_of(net)->sockets, node)
		any |= READ_ONCE(pk->registered);
	rcu_read_unlock();
	return any;
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
	struct pfkey_sock *pk;
	struct sk_buff *skb;
	bool any = false;

	rcu_read_lock();
	hlist_for_each_entry_rcu(pk, &pfkey_net_of(net)->sockets, node)
		any |= READ_ONCE(pk->promisc);
	rcu_read_unlock();
	if (!any)
		return;
	skb = pfkey_build_copy(msg, GFP_KERNEL);
	if (!skb)
		return;
	show_promisc(net, skb);
	kfree_skb(skb);
}
