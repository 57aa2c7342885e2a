// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SAs that a packet came through travel with it as its secpath, so that
 * netfilter's matches ("meta secpath", "-m policy") see them. So do those that it is
 * to go through, as its route, see route.c.
 *
 * Both hold struct xfrm_state. Each SA therefore has stand-ins. That of received
 * packets is never
 * in xfrm's tables, without a type, always of transport mode, because the core
 * dereferences the type of others when it finds no policy. A stand-in may
 * outlive its SA in a queue, and the module too: freeing it runs core code only.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/xfrm.h>
#include <ipsec/sp.h>
#include <ipsec/xform.h>
#include "net.h"

/*
 * Limits of a state that is in no table are never looked at. They tell our
 * stand-ins from the states of native IPsec, and keep the real mode.
 */
#define STAND_IN	0x4b414d4549505345ULL

static bool is_stand_in(const struct xfrm_state *x)
{
	return x->lft.hard_byte_limit == STAND_IN;
}

static bool is_tunnel(const struct xfrm_state *x)
{
	return x->lft.hard_packet_limit;
}

static struct xfrm_state *stand_in_make(const struct ipsec_sa *sa, bool tunnel)
{
	struct xfrm_state *x = xfrm_state_alloc(sa->net);

	if (!x)
		return NULL;
	memcpy(&x->id.daddr, &sa->ends.daddr, sizeof(x->id.daddr));
	memcpy(&x->props.saddr, &sa->ends.saddr, sizeof(x->props.saddr));
	x->id.spi = sa->key.spi;
	x->id.proto = sa->key.proto;
	x->props.family = sa->key.family;
	x->props.reqid = sa->reqid;
	x->props.mode = XFRM_MODE_TRANSPORT;
	x->km.state = XFRM_STATE_VALID;
	x->lft.hard_byte_limit = STAND_IN;
	x->lft.hard_packet_limit = tunnel;
	return x;
}

/*
 * A packet without data whose secpath names the SA alone. Received packets share
 * that secpath instead of having one each; who adds to it makes a copy.
 */
static struct sk_buff *mark_make(const struct ipsec_sa *sa, bool tunnel)
{
	struct sk_buff *mark = alloc_skb(0, GFP_ATOMIC);
	struct sec_path *sp;

	if (!mark)
		return NULL;
	sp = secpath_set(mark);
	if (sp)
		sp->xvec[0] = stand_in_make(sa, tunnel);
	if (!sp || !sp->xvec[0]) {
		consume_skb(mark);
		return NULL;
	}
	sp->len = 1;
	return mark;
}

/* Packets that still have its secpath keep that, and the stand-in with it. */
static void mark_free(struct sk_buff *mark)
{
	/* What the destructor insists on; there is no timer to stop. */
	skb_sec_path(mark)->xvec[0]->km.state = XFRM_STATE_DEAD;
	consume_skb(mark);
}

/* The SA's mark, made at the first packet; NULL without memory. */
static const struct sk_buff *mark_of(struct ipsec_sa *sa, bool tunnel)
{
	struct sk_buff *mark = READ_ONCE(sa->marks[tunnel]), *other;

	if (likely(mark))
		return mark;
	mark = mark_make(sa, tunnel);
	if (!mark)
		return NULL;
	other = cmpxchg(&sa->marks[tunnel], NULL, mark);
	if (!other)
		return mark;
	/* Another CPU was faster. */
	mark_free(mark);
	return other;
}

/**
 * ipsec_history_push() - note that a packet came through an SA
 * @skb: the packet
 * @sa: the SA
 * @tunnel: it was a tunnel
 *
 * The first SA costs a reference, each further one a secpath of the packet's own.
 *
 * Context: RCU read side, BH disabled. Return: false when the packet came
 * through too many already, or without memory.
 */
bool ipsec_history_push(struct sk_buff *skb, struct ipsec_sa *sa, bool tunnel)
{
	const struct sk_buff *mark = mark_of(sa, tunnel);
	struct sec_path *sp;
	struct xfrm_state *x;

	if (!mark)
		return false;
	if (likely(!skb_has_extensions(skb))) {
		skb_ext_copy(skb, mark);
		return true;
	}
	sp = secpath_set(skb);
	if (!sp || sp->len >= min(XFRM_MAX_DEPTH, IPSEC_MAX_DEPTH))
		return false;
	x = skb_sec_path(mark)->xvec[0];
	xfrm_state_hold(x);
	sp->xvec[sp->len++] = x;
	return true;
}

/* What the destructor insists on; there is no timer to stop. */
static void stand_in_put(struct xfrm_state *x)
{
	x->km.state = XFRM_STATE_DEAD;
	xfrm_state_put(x);
}

/**
 * ipsec_history_sent() - what the route of a packet shows of an SA
 * @sa: the SA that will protect the packet
 * @tunnel: as a tunnel
 *
 * Has the real mode: nobody but matches of the firewall looks at it.
 *
 * Context: any. Return: the SA's own stand-in, or NULL without memory.
 */
struct xfrm_state *ipsec_history_sent(struct ipsec_sa *sa, bool tunnel)
{
	struct xfrm_state *x = READ_ONCE(sa->sent[tunnel]), *other;

	if (likely(x))
		return x;
	x = stand_in_make(sa, tunnel);
	if (!x)
		return NULL;
	x->props.mode = tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
	/* From this the core guesses an MTU when that of the outer route changes. */
	x->props.header_len = sa->xform->headroom(sa) + sa->xform->tailroom(sa);
	if (tunnel)
		x->props.header_len += sa->ends.family == AF_INET ?
				       sizeof(struct iphdr) :
				       sizeof(struct ipv6hdr);
	other = cmpxchg(&sa->sent[tunnel], NULL, x);
	if (!other)
		return x;
	/* Another CPU was faster. */
	stand_in_put(x);
	return other;
}

/**
 * ipsec_history_ours() - whether a state is a stand-in of ours
 * @x: what the route of a packet or its secpath names
 */
bool ipsec_history_ours(const struct xfrm_state *x)
{
	return is_stand_in(x);
}

/**
 * ipsec_history_release() - the SA is freed
 * @sa: the SA
 */
void ipsec_history_release(struct ipsec_sa *sa)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sa->marks); i++) {
		if (sa->marks[i])
			mark_free(sa->marks[i]);
		if (sa->sent[i])
			stand_in_put(sa->sent[i]);
	}
}

/**
 * ipsec_history_have() - what protected a packet on its way to us
 * @skb: the packet
 *
 * Return: IPSEC_HAVE_*, a bit for each protocol of the SAs it came through.
 */
unsigned int ipsec_history_have(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);
	unsigned int have = 0;
	int i;

	for (i = 0; sp && i < sp->len; i++)
		if (is_stand_in(sp->xvec[i]))
			have |= ipsec_have_bit(sp->xvec[i]->id.proto);
	return have;
}

/**
 * ipsec_history_passed() - whether a packet came through one SA in particular
 * @skb: the packet
 * @ends: protocol, family and addresses, of which each may be any, as may the source of
 *        an SA
 * @tunnel: it was a tunnel
 */
bool ipsec_history_passed(const struct sk_buff *skb,
			  const struct ipsec_ends_key *ends, bool tunnel)
{
	const struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = 0; sp && i < sp->len; i++) {
		const struct xfrm_state *x = sp->xvec[i];
		union ipsec_addr src, dst;

		if (!is_stand_in(x) || is_tunnel(x) != tunnel ||
		    x->id.proto != ends->proto ||
		    x->props.family != ends->family)
			continue;
		memcpy(&src, &x->props.saddr, sizeof(src));
		memcpy(&dst, &x->id.daddr, sizeof(dst));
		if (ipsec_addr_is(&ends->daddr, &dst) &&
		    (ipsec_addr_any(&src) ||
		     ipsec_addr_is(&ends->saddr, &src)))
			return true;
	}
	return false;
}

/**
 * ipsec_history_tunnel() - the tunnel that a packet came out of last
 * @skb: the packet
 * @ends: filled with its ends and protocol
 *
 * Return: false if it did not come out of a tunnel of ours.
 */
bool ipsec_history_tunnel(const struct sk_buff *skb,
			  struct ipsec_ends_key *ends)
{
	const struct sec_path *sp = skb_sec_path(skb);
	int i;

	for (i = sp ? sp->len - 1 : -1; i >= 0; i--) {
		const struct xfrm_state *x = sp->xvec[i];

		if (!is_stand_in(x) || !is_tunnel(x))
			continue;
		memcpy(&ends->saddr, &x->props.saddr, sizeof(ends->saddr));
		memcpy(&ends->daddr, &x->id.daddr, sizeof(ends->daddr));
		ends->proto = x->id.proto;
		ends->family = x->props.family;
		return true;
	}
	return false;
}
