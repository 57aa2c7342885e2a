// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a packet through its SAs, from the decision to the wire (RFC 4301
 * section 5.1, step 3). It reads from the bottom to the top: ipsec_protect() is the
 * story, the functions above it are its steps in reverse order.
 */
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/sock.h>
#include <ipsec/compat.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

/**
 * ipsec_seq_next() - take the next sequence number of an SA
 * @sa: the SA
 * @seq: the number, 64 bits; without ESN the low half goes on the wire
 *
 * The number never comes again: without ESN an SA ends at 2^32 - 1, unless its
 * owner asked for cyclic numbers. Zero is never sent (RFC 4303 section 3.3.3).
 *
 * Return: 0, or -EOVERFLOW when the SA is used up.
 */
int ipsec_seq_next(struct ipsec_sa *sa, u64 *seq)
{
	do {
		*seq = atomic64_inc_return(&sa->out_seq);
		if (sa->replay.esn) {
			/* Counted down again, so that it cannot reach zero. */
			if (unlikely(!*seq))
				goto overflow;
		} else if (unlikely(*seq > U32_MAX) &&
			   !(sa->flags & SADB_X_EXT_CYCSEQ)) {
			goto overflow;
		}
	} while (unlikely(!(u32)*seq && !sa->replay.esn));
	return 0;

overflow:
	atomic64_dec(&sa->out_seq);
	return -EOVERFLOW;
}

/**
 * ipsec_output_hold() - keep the SAs of a packet while its crypto may outlive us
 * @skb: the packet
 *
 * Also keeps its route, which so far only the RCU section protected.
 *
 * Return: false, with nothing kept, when that route has gone meanwhile.
 */
bool ipsec_output_hold(struct sk_buff *skb)
{
	const struct ipsec_skb_cb *cb = ipsec_cb(skb);
	unsigned int i;

	if (!skb_dst_force(skb))
		return false;
	for (i = cb->next; i < cb->n; i++)
		ipsec_sa_hold(cb->sas[i]);
	return true;
}

/**
 * ipsec_output_release() - undo ipsec_output_hold()
 * @cb: a copy of the packet's control block at that time
 */
void ipsec_output_release(const struct ipsec_skb_cb *cb)
{
	unsigned int i;

	for (i = cb->next; i < cb->n; i++)
		ipsec_sa_put(cb->sas[i]);
}

/*
 * The SA @cb->next has protected the packet: the rest of its work. @payload is
 * what its length was before.
 */
static void output_done(struct sk_buff *skb, struct ipsec_skb_cb *cb,
			unsigned int payload)
{
	struct ipsec_sa *sa = cb->sas[cb->next++];

	cb->changed = true;
	if (sa->natt.type)
		ipsec_natt_encap(skb, sa);
	ipsec_sa_charge(sa, 1, sa->xform->counts_payload ? payload : skb->len);
	ipsec_count(sa->net, IPSEC_STAT_out_success);
}

/*
 * Applies the SAs from cb->next on; asynchronous crypto comes back later. Whether
 * they are usable was asked just before: one that ended since then still serves, as
 * if the packet had been a little earlier.
 */
static void ipsec_output_next(struct net *net, struct sk_buff *skb)
{
	struct ipsec_skb_cb *cb = ipsec_cb(skb);

	while (cb->next < cb->n) {
		struct ipsec_sa *sa = cb->sas[cb->next];
		unsigned int len;
		int err;

		if (cb->tunnel & BIT(cb->next) && !ipsec_tunnel_encap(skb, sa))
			return;
		len = skb->len;
		err = sa->xform->output(sa, skb);
		if (err < 0)
			return;
		if (err == IPSEC_UNCHANGED)
			cb->next++;
		else
			output_done(skb, cb, len);
	}
	if (likely(cb->changed))
		ipsec_stack_send(net, skb,
				 ipsec_pmtu_learned(cb->sas[cb->n - 1]));
	else
		ipsec_stack_resume(net, skb);
}

/* The first SA of @sas that ended, or NULL. */
static struct ipsec_sa *first_ended(struct ipsec_sa *const *sas, unsigned int n)
{
	for (; n; n--, sas++)
		if (unlikely(!ipsec_sa_usable(*sas)))
			return *sas;
	return NULL;
}

/**
 * ipsec_output_resume() - go on after asynchronous crypto
 * @skb: the packet, whose SAs ipsec_output_hold() keeps
 * @err: 0 or an errno of the crypto API
 *
 * Context: BH disabled.
 */
void ipsec_output_resume(struct sk_buff *skb, int err)
{
	struct ipsec_skb_cb *cb = ipsec_cb(skb), held = *cb;
	struct ipsec_sa *sa = cb->sas[cb->next];
	struct net *net = sa->net;

	rcu_read_lock();
	if (err) {
		ipsec_drop(net, skb, IPSEC_STAT_out_crypto, sa, NULL);
	} else {
		output_done(skb, cb, skb->len);
		sa = first_ended(cb->sas + cb->next, cb->n - cb->next);
		if (unlikely(sa))
			ipsec_drop(net, skb, IPSEC_STAT_out_badspi, sa, NULL);
		else
			ipsec_output_next(net, skb);
	}
	rcu_read_unlock();
	ipsec_output_release(&held);
}

/*
 * Room is missing at one end of a buffer that is ours: takes it from the other end,
 * since moving the bytes costs less than another buffer. Keeps their alignment.
 */
static bool output_move(struct sk_buff *skb, int front, int behind)
{
	int by = front > 0 ? ALIGN(front, 8) : -ALIGN(behind, 8);

	if (by > 0 ? by > -behind : -by > -front)
		return false;
	memmove(skb->data + by, skb->data, skb->len);
	skb_reserve(skb, by);
	skb->network_header += by;
	skb->transport_header += by;
	/* Of the device that it came in by, if it did. */
	skb_unset_mac_header(skb);
	return true;
}

/**
 * ipsec_output_own() - a packet that we may write into
 * @skb: the packet; taken over if there is memory
 * @headroom: bytes that will be written in front of it
 * @tailroom: and behind it
 *
 * Encrypting in place over pages that a sender still owns would change what he
 * sends again.
 *
 * Context: BH disabled. Return: @skb itself or a copy of it, linear, its data
 * shared with nobody, with that room; NULL without memory.
 */
struct sk_buff *ipsec_output_own(struct sk_buff *skb, unsigned int headroom,
				 unsigned int tailroom)
{
	struct sk_buff *copy;
	int front, behind;

	if (likely(!skb_is_nonlinear(skb) && !skb_cloned(skb) &&
		   !skb_shared(skb))) {
		/* What is missing; negative, what is there to spare. */
		front = (int)headroom - (int)skb_headroom(skb);
		behind = (int)tailroom - skb_tailroom(skb);
		if (front <= 0 && behind <= 0)
			return skb;
		if (output_move(skb, front, behind))
			return skb;
		/* No more than that: the next larger buffer costs more. */
		if (pskb_expand_head(skb, SKB_DATA_ALIGN(max(front, 0)),
				     max(behind, 0), GFP_ATOMIC))
			return NULL;
		return skb;
	}
	copy = skb_copy_expand(skb, headroom, tailroom, GFP_ATOMIC);
	if (!copy)
		return NULL;
	/* The sender's socket buffer keeps paying until the wire has it. */
	if (skb->sk && sk_fullsock(skb->sk))
		skb_set_owner_w(copy, skb->sk);
	consume_skb(skb);
	return copy;
}

/* What the packet grows by. */
static void output_room(const struct sk_buff *skb,
			const struct ipsec_decision *decision,
			unsigned int *headroom, unsigned int *tailroom)
{
	unsigned int i;

	*headroom = LL_RESERVED_SPACE(skb_dst(skb)->dev);
	*tailroom = 0;
	for (i = 0; i < decision->n; i++) {
		struct ipsec_sa *sa = decision->sas[i];

		*headroom += sa->xform->headroom(sa);
		*tailroom += sa->xform->tailroom(sa);
		if (decision->tunnel & BIT(i))
			*headroom += sa->ends.family == AF_INET ?
				     sizeof(struct iphdr) :
				     sizeof(struct ipv6hdr);
	}
}

/*
 * An SA may end between the decision and the packet, or between two pieces of a
 * super-packet: those that are there to replace it then do. A rekey must not cost
 * a packet.
 */
static void decide_anew(struct net *net, struct ipsec_decision *decision)
{
	unsigned int i;

	for (i = 0; i < decision->n; i++) {
		struct ipsec_sa *sa = decision->sas[i];
		u8 mode = decision->tunnel & BIT(i) ? IPSEC_MODE_KIND_TUNNEL :
						      IPSEC_MODE_KIND_TRANSPORT;

		if (!ipsec_sa_usable(sa))
			sa = ipsec_sad_find_out(net, &sa->ends, mode, sa->reqid);
		if (sa)
			decision->sas[i] = sa;
	}
}

/*
 * One packet that fits: checksummed, owned, routed as what it becomes, and through its
 * SAs.
 */
static void output_one(struct net *net, struct sk_buff *skb,
		       const struct ipsec_route *route)
{
	const struct ipsec_decision *decision = &route->decision;
	unsigned int headroom, tailroom;
	struct ipsec_decision anew;
	struct ipsec_skb_cb *cb;
	struct sk_buff *own;
	struct ipsec_sa *sa;

	if (unlikely(first_ended(decision->sas, decision->n))) {
		anew = *decision;
		decide_anew(net, &anew);
		decision = &anew;
		sa = first_ended(decision->sas, decision->n);
		if (sa) {
			ipsec_drop(net, skb, IPSEC_STAT_out_badspi, sa, NULL);
			return;
		}
	}

	if (skb->ip_summed == CHECKSUM_PARTIAL &&
	    skb_csum_hwoffload_help(skb, 0)) {
		ipsec_drop(net, skb, IPSEC_STAT_out_inval, NULL, decision->sp);
		return;
	}
	skb_dst_drop(skb);
	skb_dst_set_noref(skb, route->path);
	output_room(skb, decision, &headroom, &tailroom);
	own = ipsec_output_own(skb, headroom, tailroom);
	if (unlikely(!own)) {
		ipsec_drop(net, skb, IPSEC_STAT_out_nomem, NULL, decision->sp);
		return;
	}
	cb = ipsec_cb(own);
	memcpy(cb->sas, decision->sas, sizeof(cb->sas));
	cb->n = decision->n;
	cb->next = 0;
	cb->tunnel = decision->tunnel;
	cb->changed = decision->tunnel;
	ipsec_output_next(net, own);
}

/**
 * struct fragmented - what travels with each fragment of a packet
 * @sock: the head of a socket that is none: nobody looks further, see below
 * @route: what was decided of the whole packet
 *
 * Fragmentation hands its socket through to the function that takes the fragments,
 * and asks nothing of it if it is not a full one, as that of a SYN-ACK is not. So
 * the decision needs no place that all tasks of a CPU share.
 */
struct fragmented {
	struct sock_common		sock;
	const struct ipsec_route	*route;
};

static int output_fragment(struct net *net, struct sock *sk,
			   struct sk_buff *skb)
{
	output_one(net, skb, ((struct fragmented *)sk)->route);
	return 0;
}

/* Whether ipsec_pmtu_check() found that it must enter its tunnel in pieces. */
static bool in_pieces(const struct sk_buff *skb,
		      const struct ipsec_route *route)
{
	unsigned int piece;

	if (!(route->decision.tunnel & BIT(0)))
		return false;
	if (ipsec_skb_family(skb) == AF_INET6)
		piece = IP6CB(skb)->frag_max_size;
	else
		piece = IPCB(skb)->flags & IPSKB_FRAG_PMTU ?
			IPCB(skb)->frag_max_size : 0;
	return piece && skb->len > piece;
}

/* The pieces do not tell their ports: what was decided of the whole goes for them. */
static void output_fragments(struct net *net, struct sk_buff *skb,
			     const struct ipsec_route *route)
{
	struct fragmented whole = {
		.sock = { .skc_state = TCP_NEW_SYN_RECV },
		.route = route,
	};
	struct sock *sk = (struct sock *)&whole.sock;

	BUILD_BUG_ON(offsetof(struct fragmented, sock) ||
		     offsetof(struct sock, __sk_common));
	if (ipsec_skb_family(skb) == AF_INET6)
		ipsec_ip6_fragment(net, sk, skb, output_fragment);
	else
		ip_do_fragment(net, sk, skb, output_fragment);
}

/* A packet that fits, or one that is fragmented first. */
static void output_whole(struct net *net, struct sk_buff *skb,
			 const struct ipsec_route *route)
{
	if (likely(!in_pieces(skb, route)))
		output_one(net, skb, route);
	else
		output_fragments(net, skb, route);
}

/**
 * ipsec_protect() - send a packet through its SAs
 * @net: the namespace
 * @skb: the packet as the sender made it, behind POST_ROUTING, with its plain route;
 *       taken over
 * @route: what it is protected by
 *
 * A super-packet was decided once; now it becomes packets, checksums included.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_protect(struct net *net, struct sk_buff *skb,
		   const struct ipsec_route *route)
{
	struct sk_buff *segs, *seg, *next;

	if (!skb_is_gso(skb)) {
		output_whole(net, skb, route);
		return;
	}
	segs = skb_gso_segment(skb, 0);
	if (IS_ERR_OR_NULL(segs)) {
		ipsec_drop(net, skb, IPSEC_STAT_out_inval, NULL,
			   route->decision.sp);
		return;
	}
	consume_skb(skb);
	skb_list_walk_safe(segs, seg, next) {
		skb_mark_not_on_list(seg);
		output_whole(net, seg, route);
	}
}
