// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SAs that a packet came through travel with it as its secpath, so that
 * netfilter's matches ("meta secpath", "-m policy") see them. So do those that it is
 * to go through, as its route, see route.c.
 *
 * Both hold struct xfrm_state. Each SA therefore has stand-ins, never in xfrm's tables
 * and, when the SA has ended, without a type. One may outlive its SA in a queue, and the
 * module too: freeing it runs core code only.
 *
 * That of received packets is of transport mode, because the core refuses packets with
 * others when it finds no policy. It asks when it begins to forward a packet and when a
 * socket or another protocol gets one, so not while PRE_ROUTING, FORWARD and LOCAL_IN are
 * gone through: there a tunnel shows its face, if anybody else has a hook to see it. Who
 * takes a packet from there sends it on by POST_ROUTING, which hides it again; netfilter
 * drops those that wait in a queue when our hooks go. A packet that is between two of
 * them at that moment may be refused; and from what is left the end of the SA takes the
 * tunnel mode.
 */
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <net/xfrm.h>
#include <ipsec/hash.h>
#include <ipsec/sp.h>
#include <ipsec/xform.h>
#include "net.h"

/*
 * Limits of a state that is in no table are never looked at. They tell our
 * stand-ins from the states of native IPsec, and keep the real mode.
 */
#define STAND_IN	0x4b414d4549505345ULL

/* The core asks it how to complain to the sender of a packet that it refuses: not at all. */
static const struct xfrm_type type;

static bool is_stand_in(const struct xfrm_state *x)
{
	return x->lft.hard_byte_limit == STAND_IN;
}

static bool is_tunnel(const struct xfrm_state *x)
{
	return x->lft.hard_packet_limit;
}

/* What the destructor insists on; there is no timer to stop. */
static void stand_in_put(struct xfrm_state *x)
{
	x->km.state = XFRM_STATE_DEAD;
	xfrm_state_put(x);
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

static struct xfrm_state *face_of(const struct sk_buff *mark)
{
	return skb_sec_path(mark)->xvec[0];
}

/*
 * A packet without data whose secpath names the SA alone. Received packets share
 * that secpath instead of having one each; who adds to it makes a copy.
 */
static struct sk_buff *mark_make(struct ipsec_sa *sa, enum ipsec_mark which)
{
	struct sk_buff *mark = alloc_skb(0, GFP_ATOMIC);
	struct xfrm_state *x;
	struct sec_path *sp;

	if (!mark)
		return NULL;
	sp = secpath_set(mark);
	x = sp ? stand_in_make(sa, which != IPSEC_MARK_TRANSPORT) : NULL;
	if (!x) {
		consume_skb(mark);
		return NULL;
	}
	if (which == IPSEC_MARK_SHOWN) {
		x->props.mode = XFRM_MODE_TUNNEL;
		x->type = &type;
	}
	if (which != IPSEC_MARK_TRANSPORT)
		x->data = sa;
	sp->xvec[sp->len++] = x;
	return mark;
}

/* Packets that still have its secpath keep that, and the stand-in with it. */
static void mark_free(struct sk_buff *mark)
{
	struct xfrm_state *x = face_of(mark);

	/* What the destructor insists on; there is no timer to stop. */
	x->km.state = XFRM_STATE_DEAD;
	/* It would call the type; nobody else looks at that of transport mode. */
	WRITE_ONCE(x->type, NULL);
	consume_skb(mark);
}

/* A mark of the SA, made when it is first needed; NULL without memory. */
static const struct sk_buff *mark_of(struct ipsec_sa *sa, enum ipsec_mark which)
{
	struct sk_buff *mark = READ_ONCE(sa->marks[which]), *other;

	if (likely(mark))
		return mark;
	mark = mark_make(sa, which);
	if (!mark)
		return NULL;
	other = cmpxchg(&sa->marks[which], NULL, mark);
	if (!other)
		return mark;
	/* Another CPU was faster. */
	mark_free(mark);
	return other;
}

/*
 * The mark that shows the other face of @x, NULL if it has none. An SA whose end has
 * begun is not found any more; others stay for the RCU section.
 */
static const struct sk_buff *other_face(const struct xfrm_state *x,
					enum ipsec_mark which)
{
	const struct sk_buff *mark;
	struct ipsec_sa *sa;

	if (!is_stand_in(x) || !is_tunnel(x))
		return NULL;
	/* Pairs with ipsec_history_end(). */
	sa = smp_load_acquire(&x->data);
	mark = sa ? mark_of(sa, which) : NULL;
	return mark && face_of(mark) != x ? mark : NULL;
}

static bool has_other_face(const struct sec_path *sp, enum ipsec_mark which)
{
	int i;

	for (i = 0; i < sp->len; i++)
		if (other_face(sp->xvec[i], which))
			return true;
	return false;
}

/* Several SAs, or more than a secpath: that becomes the packet's own. */
static bool turn_each(struct sk_buff *skb, enum ipsec_mark which)
{
	const struct sk_buff *mark;
	struct sec_path *sp;
	int i;

	if (!has_other_face(skb_sec_path(skb), which))
		return true;
	sp = secpath_set(skb);
	for (i = 0; sp && i < sp->len; i++) {
		struct xfrm_state *x = sp->xvec[i];

		mark = other_face(x, which);
		if (!mark)
			continue;
		sp->xvec[i] = face_of(mark);
		xfrm_state_hold(sp->xvec[i]);
		xfrm_state_put(x);
	}
	return sp;
}

/* Return: false without memory, and then nothing was done. */
static bool turn(struct sk_buff *skb, enum ipsec_mark which)
{
	const struct sec_path *sp = skb_sec_path(skb);
	const struct sk_buff *mark;

	if (sp->len != 1 || skb->active_extensions != BIT(SKB_EXT_SEC_PATH))
		return turn_each(skb, which);
	mark = other_face(sp->xvec[0], which);
	if (mark) {
		skb_ext_reset(skb);
		skb_ext_copy(skb, mark);
	}
	return true;
}

/**
 * ipsec_history_show() - the firewall is to see which SAs were tunnels
 * @skb: a packet with a secpath, which the core will not judge before it was hidden
 *
 * Without memory it does not see that.
 *
 * Context: RCU read side.
 */
void ipsec_history_show(struct sk_buff *skb)
{
	turn(skb, IPSEC_MARK_SHOWN);
}

/**
 * ipsec_history_hide() - the core may judge a packet
 * @skb: a packet with a secpath; without memory it loses that
 *
 * Context: RCU read side.
 */
void ipsec_history_hide(struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);

	if (likely(sp->len == 1 &&
		   READ_ONCE(sp->xvec[0]->props.mode) == XFRM_MODE_TRANSPORT))
		return;
	if (unlikely(!turn(skb, IPSEC_MARK_TUNNEL)))
		secpath_reset(skb);
}

/**
 * ipsec_history_end() - packets do not find an SA by its marks any more
 * @sa: the SA, which is about to be freed
 *
 * From packets that still show it the core takes no offence.
 *
 * Context: process. Return: whether some may have found it until now, so that the
 * memory has to outlive a grace period.
 */
bool ipsec_history_end(struct ipsec_sa *sa)
{
	enum ipsec_mark which;
	struct xfrm_state *x;
	bool found = false;

	for (which = IPSEC_MARK_TUNNEL; which < IPSEC_MARKS; which++) {
		if (!READ_ONCE(sa->marks[which]))
			continue;
		x = face_of(sa->marks[which]);
		if (!x->data)
			continue;
		WRITE_ONCE(x->props.mode, XFRM_MODE_TRANSPORT);
		/* Packets may be shown this moment: who finds no SA has to find this mode. */
		smp_store_release(&x->data, NULL);
		found = true;
	}
	return found;
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
	const struct sk_buff *mark = mark_of(sa, tunnel ?
						 IPSEC_MARK_TUNNEL :
						 IPSEC_MARK_TRANSPORT);
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
	x = face_of(mark);
	xfrm_state_hold(x);
	sp->xvec[sp->len++] = x;
	return true;
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

	for (i = 0; i < ARRAY_SIZE(sa->marks); i++)
		if (sa->marks[i])
			mark_free(sa->marks[i]);
	for (i = 0; i < ARRAY_SIZE(sa->sent); i++)
		if (sa->sent[i])
			stand_in_put(sa->sent[i]);
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
 * ipsec_history_hash() - a number for what protected a packet
 * @skb: the packet
 *
 * Packets from the same peers have the same one, whichever of the SAs between them they
 * came through. Nobody can choose theirs, see hash.h.
 *
 * Return: 0 if nothing did.
 */
u32 ipsec_history_hash(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);
	u32 hash = 0;
	int i;

	for (i = 0; sp && i < sp->len; i++) {
		const struct xfrm_state *x = sp->xvec[i];
		struct ipsec_ends_key ends = {
			.proto	= x->id.proto,
			.family	= x->props.family,
		};

		if (!is_stand_in(x) || !ipsec_have_bit(ends.proto))
			continue;
		memcpy(&ends.saddr, &x->props.saddr, sizeof(ends.saddr));
		memcpy(&ends.daddr, &x->id.daddr, sizeof(ends.daddr));
		hash = ipsec_hash(&ends, sizeof(ends), hash) | 1;
	}
	return hash;
}

/**
 * ipsec_history_left_tunnel() - whether the last SA of a packet was a tunnel of ours
 * @skb: the packet
 */
bool ipsec_history_left_tunnel(const struct sk_buff *skb)
{
	const struct sec_path *sp = skb_sec_path(skb);

	return sp && sp->len && is_stand_in(sp->xvec[sp->len - 1]) &&
	       is_tunnel(sp->xvec[sp->len - 1]);
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
