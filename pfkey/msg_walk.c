// SPDX-License-Identifier: GPL-2.0-only
/*
 * DUMP and SPDDUMP. As many records as the reader's queue takes are queued at
 * once, the others when he has read; no lock is held in between. The sequence
 * numbers of the records count down, and the last one has 0, as in KAME: that
 * is how every client knows the end. So one record is always fetched ahead.
 */
#include "pfkey.h"

/* Leave a third of the queue to other messages. */
static bool has_room(const struct sock *sk)
{
	return atomic_read(&sk->sk_rmem_alloc) <= READ_ONCE(sk->sk_rcvbuf) / 3 * 2;
}

static void next_sa(struct net *net, struct pfkey_dump *d)
{
	d->sa = ipsec_sad_next(net, &d->sa_cursor, d->proto);
}

static void next_sp(struct net *net, struct pfkey_dump *d)
{
	for (; d->dir <= IPSEC_FWD; d->dir++) {
		d->sp = ipsec_spd_next(net, d->dir, &d->sp_cursor);
		if (d->sp)
			return;
		d->sp_cursor = (struct ipsec_sp_cursor){};
	}
	d->sp = NULL;
}

/*
 * The record in hand, and the next one into its place. What came since the
 * start makes the countdown linger at 1; what went makes it skip to 0.
 */
static struct sk_buff *next_record(struct net *net, struct pfkey_dump *d)
{
	struct ipsec_sa *sa = d->sa;
	struct ipsec_sp *sp = d->sp;
	struct sk_buff *skb;
	u32 seq;

	if (d->type == SADB_DUMP)
		next_sa(net, d);
	else
		next_sp(net, d);
	d->left = max(d->left, 2U) - 1;
	seq = d->sa || d->sp ? d->left : 0;
	if (sa) {
		skb = pfkey_build_sa(SADB_DUMP, sa, seq, d->pid, true);
		ipsec_sa_put(sa);
	} else {
		skb = pfkey_build_sp(SADB_X_SPDDUMP, d->satype, sp, seq,
				     d->pid, PFKEY_REPLY_GFP);
		ipsec_sp_put(sp);
	}
	return skb;
}

/**
 * pfkey_dump_continue() - queue more of a dump, if there is one and room for it
 * @pk: the socket
 *
 * Context: process.
 */
void pfkey_dump_continue(struct pfkey_sock *pk)
{
	struct net *net = sock_net(&pk->sk);
	struct pfkey_dump *d = &pk->dump;

	mutex_lock(&pk->dump_mutex);
	while ((d->sa || d->sp) && has_room(&pk->sk) &&
	       !fatal_signal_pending(current)) {
		pfkey_deliver_record(pk, next_record(net, d));
		cond_resched();
	}
	if (!d->sa && !d->sp)
		WRITE_ONCE(d->type, 0);
	mutex_unlock(&pk->dump_mutex);
}

/**
 * pfkey_dump_stop() - give up a dump whose reader is gone
 * @pk: the socket
 */
void pfkey_dump_stop(struct pfkey_sock *pk)
{
	struct pfkey_dump *d = &pk->dump;

	mutex_lock(&pk->dump_mutex);
	if (d->sa)
		ipsec_sa_put(d->sa);
	if (d->sp)
		ipsec_sp_put(d->sp);
	*d = (struct pfkey_dump){};
	mutex_unlock(&pk->dump_mutex);
}

static int start(struct pfkey_request *req, u8 proto, u32 count)
{
	struct pfkey_sock *pk = req->from;
	struct pfkey_dump *d = &pk->dump;
	int err = 0;

	mutex_lock(&pk->dump_mutex);
	if (d->type) {
		err = -EBUSY;
		goto out;
	}
	*d = (struct pfkey_dump){
		.type	= req->hdr->sadb_msg_type,
		.satype	= req->hdr->sadb_msg_satype,
		.pid	= req->hdr->sadb_msg_pid,
		.proto	= proto,
		.dir	= IPSEC_IN,
		.left	= count,
	};
	if (d->type == SADB_DUMP)
		next_sa(req->net, d);
	else
		next_sp(req->net, d);
	if (!d->sa && !d->sp) {
		d->type = 0;
		err = -ENOENT;
	}
out:
	mutex_unlock(&pk->dump_mutex);
	if (!err)
		pfkey_dump_continue(pk);
	return err;
}

/**
 * pfkey_dump() - DUMP: all SAs, or those of one type
 * @req: the request
 *
 * Return: 0; -ENOENT when there are none, -EBUSY while the socket has a dump.
 */
int pfkey_dump(struct pfkey_request *req)
{
	u8 satype = req->hdr->sadb_msg_satype;
	u8 proto = pfkey_satype_to_proto(satype);

	if (satype != SADB_SATYPE_UNSPEC && !proto)
		return -EINVAL;
	return start(req, proto, ipsec_sad_count(req->net, proto));
}

/**
 * pfkey_spddump() - SPDDUMP: all policies, in the order of matching
 * @req: the request
 *
 * Return: 0; -ENOENT when there are none, -EBUSY while the socket has a dump.
 */
int pfkey_spddump(struct pfkey_request *req)
{
	return start(req, 0, ipsec_spd_count(req->net));
}
