// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a packet that leaves (RFC 4301 section 5.1). ipsec_output() decides,
 * and a packet that is to be protected gets a route of ours, see route.c. When the
 * stack sends it by that route, output_by_route() has it protected, see protect.c. It
 * reads from the bottom to the top: the functions above these two are their steps in
 * reverse order.
 */
#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/sa.h>
#include "net.h"

static int output_by_route4(struct net *net, struct sock *sk,
			    struct sk_buff *skb);
static int output_by_route6(struct net *net, struct sock *sk,
			    struct sk_buff *skb);

/*
 * A fragment may hide that an entry is about it which would have it protected. And
 * transport mode is for whole packets: of one of IPv4 the receiver would put together
 * what was encrypted apart (RFC 4301 section 7).
 */
static bool fragment_refused(struct net *net, const struct ipsec_flow *flow,
			     const struct ipsec_decision *decision)
{
	const struct ipsec_sp *sp = decision->sp;

	if (decision->verdict == IPSEC_PROTECT && flow->family == AF_INET &&
	    !(decision->tunnel & BIT(0)))
		return true;
	return decision->verdict != IPSEC_DISCARD && !flow->socket &&
	       ipsec_spd_hides(net, flow, flow->dir, sp,
			       ipsec_sp_insists(net, flow, sp));
}

/* What the policy says that was found, and which SAs carry it out. */
static void decide_by_policy(struct net *net, const struct ipsec_flow *flow,
			     struct ipsec_decision *decision)
{
	switch (ipsec_sp_decides(decision->sp, ipsec_net(net), flow)) {
	case IPSEC_SP_IPSEC:
		ipsec_bundle_resolve(net, flow, decision, true);
		break;
	case IPSEC_SP_NONE:
		decision->verdict = IPSEC_PASS;
		break;
	default:
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_out_polvio;
	}
	if (unlikely(flow->fragment) && fragment_refused(net, flow, decision)) {
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_out_fragment;
	}
}

static void decide_slowly(struct net *net, const struct ipsec_flow *flow,
			  struct ipsec_decision *decision)
{
	*decision = (struct ipsec_decision){
		.sp		= flow->socket ?
				  ipsec_sock_policy_find(net, flow->socket) :
				  ipsec_spd_lookup(net, flow),
		.final		= true,
		.generation	= decision->generation,
	};
	/* Two messages of this flow may quote packets of different ones. */
	if (!flow->socket && (ipsec_flow_is_redirect(flow) ||
			      (!decision->sp && ipsec_flow_is_error(flow))))
		decision->verdict = IPSEC_QUOTED;
	else
		decide_by_policy(net, flow, decision);
}

/**
 * ipsec_output_decide() - what is to happen to a packet that leaves
 * @net: the namespace
 * @flow: the packet's flow
 * @decision: filled; IPSEC_QUOTED for some ICMP messages, see decide_packet()
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_output_decide(struct net *net, const struct ipsec_flow *flow,
			 struct ipsec_decision *decision)
{
	struct ipsec_net *in = ipsec_net(net);

	if (!ipsec_flow_cache_lookup(in, flow, decision)) {
		decide_slowly(net, flow, decision);
		if (decision->final)
			ipsec_flow_cache_store(in, flow, decision);
	}
	if (decision->sp)
		ipsec_sp_used(decision->sp);
}

/*
 * An ICMP error that no entry is about: whether it leaves by the SAs of what replies to
 * the packet that it quotes, of which it may tell the text. Nobody is asked for an SA
 * because of it; without one it stays.
 */
static bool decide_as_reply(struct net *net, const struct sk_buff *skb,
			    const struct ipsec_flow *flow,
			    struct ipsec_flow *reply,
			    struct ipsec_decision *decision)
{
	struct ipsec_decision found = { .generation = decision->generation };

	if (!ipsec_flow_of_reply(reply, skb, flow))
		return false;
	found.sp = ipsec_spd_lookup(net, reply);
	if (!ipsec_sp_takes_error(found.sp, flow, reply))
		return false;
	ipsec_bundle_resolve(net, reply, &found, false);
	if (found.verdict == IPSEC_PASS)
		return false;
	if (found.verdict == IPSEC_PROTECT)
		ipsec_output_decide(net, reply, decision);
	else
		*decision = found;
	return true;
}

/* Whoever obeyed would send in clear to the next router what a tunnel is for. */
static bool is_misleading(struct net *net, const struct sk_buff *skb,
			  const struct ipsec_flow *flow)
{
	struct ipsec_flow redirected;

	return ipsec_flow_is_redirect(flow) &&
	       ipsec_flow_of_redirected(&redirected, skb, flow) &&
	       ipsec_sp_tunnels(ipsec_spd_lookup(net, &redirected));
}

/*
 * What is to happen to a packet, of which the flow need not tell all. @reply has room
 * for another one. Return: the flow that decides.
 */
static const struct ipsec_flow *decide_packet(struct net *net,
					      const struct sk_buff *skb,
					      const struct ipsec_flow *flow,
					      struct ipsec_flow *reply,
					      struct ipsec_decision *decision)
{
	ipsec_output_decide(net, flow, decision);
	if (likely(decision->verdict != IPSEC_QUOTED))
		return flow;
	if (is_misleading(net, skb, flow)) {
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_out_redirect;
		return flow;
	}
	if (ipsec_flow_is_error(flow) &&
	    decide_as_reply(net, skb, flow, reply, decision))
		return reply;
	decide_by_policy(net, flow, decision);
	/* Nor may it be kept: the cache knows whom to ask. */
	decision->final = false;
	return flow;
}

static void output_refuse(struct net *net, struct sk_buff *skb,
			  const struct ipsec_decision *decision)
{
	bool nosa = decision->reason == IPSEC_STAT_out_nosa;

	ipsec_drop_rule(net, skb, decision->reason, decision->sp,
			nosa ? decision->rule : -1);
}

/* Who decides about a packet. */
enum decider {
	DECIDER_POLICY,		/* that of the socket in the flow, or the SPD */
	DECIDER_NOBODY,		/* its socket lets it bypass all policies */
	DECIDER_UNREADABLE,	/* its headers are malformed */
};

/*
 * What the socket says that a packet was sent by. When the kernel answers in its
 * place, to a packet that it refuses or while a connection is set up, that is the
 * socket of the connection or its listener.
 */
static struct ipsec_sock_says sender_says(struct net *net, struct sock *sk,
					  const struct sk_buff *skb,
					  const struct ipsec_flow *flow)
{
	struct ipsec_sock_says says = { .type = IPSEC_SP_ENTRUST };
	struct ipsec_flow received = *flow;

	if (!ipsec_sock_sends(sk, net, flow->family))
		return says;
	says = ipsec_sock_says(sk, IPSEC_OUT);
	if (says.type != IPSEC_SP_ENTRUST || flow->proto != IPPROTO_TCP ||
	    READ_ONCE(sk->sk_state) != TCP_CLOSE)
		return says;
	received.src = flow->dst;
	received.dst = flow->src;
	received.sport = flow->dport;
	received.dport = flow->sport;
	return ipsec_sock_asked(net, &received, skb_dst(skb)->dev->ifindex,
				IPSEC_OUT);
}

static enum decider output_flow(struct net *net, struct sock *sk,
				struct sk_buff *skb, sa_family_t family,
				struct ipsec_flow *flow)
{
	struct ipsec_sock_says says;

	if (!ipsec_flow_from_skb(flow, skb, family, IPSEC_OUT))
		return DECIDER_UNREADABLE;
	if (likely(!ipsec_socks_any(net, IPSEC_OUT)))
		return DECIDER_POLICY;
	says = sender_says(net, sk, skb, flow);
	if (says.type == IPSEC_SP_BYPASS)
		return DECIDER_NOBODY;
	if (says.type == IPSEC_SP_IPSEC)
		flow->socket = says.id;
	return DECIDER_POLICY;
}

/* The route of a packet without what we put in front of it. */
static struct dst_entry *plain_of(const struct sk_buff *skb)
{
	struct dst_entry *dst = skb_dst(skb);
	const struct ipsec_route *route = ipsec_route_of(dst);

	return route ? route->plain : dst;
}

static void route_plainly(struct sk_buff *skb)
{
	struct dst_entry *plain = plain_of(skb);

	if (plain != skb_dst(skb))
		ipsec_route_set(skb, plain);
}

/* The socket that made this very packet, or NULL: see ipsec_sock_sends(). */
static const struct sock *sender_of(const struct net *net,
				    const struct sock *sk,
				    const struct sk_buff *skb)
{
	if (sk != skb->sk || !ipsec_sock_sends(sk, net, ipsec_skb_family(skb)) ||
	    !sk_fullsock(sk))
		return NULL;
	return sk;
}

static bool is_forwarded(const struct sk_buff *skb)
{
	if (ipsec_skb_family(skb) == AF_INET)
		return IPCB(skb)->flags & IPSKB_FORWARDED;
	return IP6CB(skb)->flags & IP6SKB_FORWARDED;
}

/* Protects a packet that has its plain route. */
static int output_protected(struct net *net, struct sock *sk,
			    struct sk_buff *skb, struct ipsec_route *route)
{
	bool forward = is_forwarded(skb);
	int err;

	if (unlikely(ipsec_mss_clamps(net, &route->flow)))
		ipsec_mss_clamp_out(net, skb, route);
	err = ipsec_pmtu_check(skb, forward ? NULL : sender_of(net, sk, skb),
			       route, forward);
	if (err) {
		ipsec_count(net, IPSEC_STAT_out_toobig);
		kfree_skb_reason(skb, SKB_DROP_REASON_PKT_TOO_BIG);
		return err;
	}
	ipsec_protect(net, skb, route);
	return 0;
}

/* A new route that carries @decision out; counts the packet's drop without one. */
static struct ipsec_route *route_make(struct net *net, struct sk_buff *skb,
				      const struct ipsec_flow *flow,
				      const struct ipsec_decision *decision)
{
	struct ipsec_route *route;

	route = ipsec_route_make(net, flow, decision, plain_of(skb),
				 flow->family == AF_INET ? output_by_route4 :
							   output_by_route6);
	if (IS_ERR(route)) {
		ipsec_drop(net, skb, route == ERR_PTR(-ENOMEM) ?
				     IPSEC_STAT_out_nomem :
				     IPSEC_STAT_out_noroute,
			   decision->sas[decision->n - 1], decision->sp);
		return NULL;
	}
	if (!decision->final || !ipsec_flow_cache_keep(ipsec_net(net), route))
		ipsec_route_retire(route);
	return route;
}

static int output_anew_decided(struct net *net, struct sock *sk,
			       struct sk_buff *skb, const struct ipsec_flow *flow)
{
	struct ipsec_decision decision;
	struct ipsec_route *route;
	struct ipsec_flow reply;

	flow = decide_packet(net, skb, flow, &reply, &decision);
	if (decision.verdict == IPSEC_PASS) {
		ipsec_stack_resume(net, skb);
		return 0;
	}
	if (decision.verdict != IPSEC_PROTECT) {
		output_refuse(net, skb, &decision);
		return 0;
	}
	route = route_make(net, skb, flow, &decision);
	return route ? output_protected(net, sk, skb, route) : 0;
}

/* The route of a packet with its plain route was out of date. */
static int output_anew(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct ipsec_flow flow;

	switch (output_flow(net, sk, skb, ipsec_skb_family(skb), &flow)) {
	case DECIDER_POLICY:
		return output_anew_decided(net, sk, skb, &flow);
	case DECIDER_NOBODY:
		ipsec_stack_resume(net, skb);
		return 0;
	default:
		ipsec_drop(net, skb, IPSEC_STAT_out_inval, NULL, NULL);
		return 0;
	}
}

/*
 * Behind POST_ROUTING. A packet may have been kept for long in a queue, or its route in
 * a flow table. Which route it is was looked at by ipsec_output() there.
 */
static int output_by_route(struct net *net, struct sock *sk,
			   struct sk_buff *skb)
{
	struct ipsec_route *route;
	int err = 0;

	rcu_read_lock();
	local_bh_disable();
	route = ipsec_route_of(skb_dst(skb));
	if (likely(route)) {
		/* The route lasts as long as this section: who keeps the packet says so. */
		skb_dst_drop(skb);
		skb_dst_set_noref(skb, route->plain);
		err = likely(ipsec_route_fresh(route)) ?
		      output_protected(net, sk, skb, route) :
		      output_anew(net, sk, skb);
	} else {
		/* Buried. The namespace may have ended: nothing of it is looked at. */
		kfree_skb_reason(skb, SKB_DROP_REASON_IP_OUTNOROUTES);
	}
	local_bh_enable();
	rcu_read_unlock();
	return err;
}

/*
 * POST_ROUTING sees the plaintext, so that address translation, mangling and
 * connection tracking treat it as they would without IPsec, and so do programs of the
 * sender's control group. All that is what the core does to a plain packet; in the end
 * it sees that the route is still no plain one, and comes back.
 */
static int output_by_route4(struct net *net, struct sock *sk,
			    struct sk_buff *skb)
{
	if (IPCB(skb)->flags & IPSKB_REROUTED)
		return output_by_route(net, sk, skb);
	return ip_output(net, sk, skb);
}

static int output_by_route6(struct net *net, struct sock *sk,
			    struct sk_buff *skb)
{
	if (IP6CB(skb)->flags & IP6SKB_REROUTED)
		return output_by_route(net, sk, skb);
	return ip6_output(net, sk, skb);
}

/* A flow that the cache does not know, or not enough of. */
static noinline_for_stack unsigned int
output_decided(struct net *net, struct sk_buff *skb,
	       const struct ipsec_flow *flow)
{
	const struct ipsec_flow *decides;
	struct ipsec_decision decision;
	struct ipsec_route *route;
	struct ipsec_flow reply;

	decides = decide_packet(net, skb, flow, &reply, &decision);
	/* Replies may have a route already. Nothing is quoted by their flow. */
	if (decides != flow && decision.verdict == IPSEC_PROTECT)
		return ipsec_output_flow(net, skb, decides, true);
	switch (decision.verdict) {
	case IPSEC_PASS:
		route_plainly(skb);
		return NF_ACCEPT;
	case IPSEC_PROTECT:
		route = route_make(net, skb, flow, &decision);
		if (!route)
			return NF_STOLEN;
		ipsec_route_set(skb, route->dst);
		return NF_ACCEPT;
	default:
		output_refuse(net, skb, &decision);
		return NF_STOLEN;
	}
}

/* Most packets are let go, or get the route that the one before them got. */
static bool output_known(struct net *net, struct sk_buff *skb,
			 const struct ipsec_flow *flow, bool again)
{
	struct ipsec_answer answer;

	if (!ipsec_flow_cache_ask(ipsec_net(net), flow, again, &answer))
		return false;
	if (answer.verdict == IPSEC_PASS)
		route_plainly(skb);
	else if (answer.route && answer.route->plain == plain_of(skb))
		ipsec_route_set(skb, answer.route->dst);
	else
		return false;
	if (answer.sp)
		ipsec_sp_used(answer.sp);
	return true;
}

/* Whether a packet's route says already what is right for its flow. */
static bool is_attached(const struct sk_buff *skb, const struct ipsec_flow *flow)
{
	const struct ipsec_route *route = ipsec_route_of(skb_dst(skb));

	return route && ipsec_flow_equal(&route->flow, flow);
}

/* Whether the sender's socket, if it has a word, says the same as when it was asked. */
static bool sender_lasts(struct net *net, struct sock *sk,
			 const struct ipsec_flow *flow)
{
	struct ipsec_sock_says says;

	if (likely(!ipsec_socks_any(net, IPSEC_OUT)))
		return !flow->socket;
	if (!flow->socket || !ipsec_sock_sends(sk, net, flow->family))
		return false;
	says = ipsec_sock_says(sk, IPSEC_OUT);
	return says.type == IPSEC_SP_IPSEC && says.id == flow->socket;
}

/**
 * ipsec_output_lasts() - whether a packet's route obviously is right still
 * @route: its route
 * @skb: the packet, its data at the IP header
 * @state: netfilter's, of POST_ROUTING
 *
 * Context: RCU read side. Return: false also if that takes a closer look.
 */
bool ipsec_output_lasts(const struct ipsec_route *route, const struct sk_buff *skb,
			const struct nf_hook_state *state)
{
	return sender_lasts(state->net, state->sk, &route->flow) &&
	       ipsec_flow_lasts(&route->flow, skb);
}

/**
 * ipsec_output_flow() - decide the fate of a packet whose flow is known
 * @net: the namespace
 * @skb: the packet, its route known
 * @flow: its flow, of direction out
 * @again: it was decided before, and may have changed
 *
 * Context: RCU read side. Return: NF_ACCEPT, with a route of ours if the packet is to
 * be protected, or NF_STOLEN when it was dropped.
 */
unsigned int ipsec_output_flow(struct net *net, struct sk_buff *skb,
			       const struct ipsec_flow *flow, bool again)
{
	unsigned int verdict = NF_ACCEPT;

	if (again && is_attached(skb, flow))
		return NF_ACCEPT;
	local_bh_disable();
	if (unlikely(!output_known(net, skb, flow, again)))
		verdict = output_decided(net, skb, flow);
	local_bh_enable();
	return verdict;
}

/* Whether what was just let go, without a route of ours, still is what it was. */
static bool passes_still(struct net *net, const struct sk_buff *skb)
{
	bool passes;

	if (skb_dst(skb)->xfrm || unlikely(ipsec_socks_any(net, IPSEC_OUT)))
		return false;
	local_bh_disable();
	passes = ipsec_flow_cache_passes(ipsec_net(net), skb);
	local_bh_enable();
	return passes;
}

/**
 * ipsec_output() - decide the fate of a packet that is about to leave
 * @skb: the packet, its data at the IP header, its route known
 * @family: AF_INET or AF_INET6
 * @state: netfilter's, of LOCAL_OUT, where our own packets are decided, or of
 *	   POST_ROUTING, since they may have got another flow or route meanwhile
 *
 * Context: RCU read side. Return: as ipsec_output_flow().
 */
unsigned int ipsec_output(struct sk_buff *skb, sa_family_t family,
			  const struct nf_hook_state *state)
{
	bool again = state->hook == NF_INET_POST_ROUTING;
	struct ipsec_flow flow;

	if (again && passes_still(state->net, skb))
		return NF_ACCEPT;
	switch (output_flow(state->net, state->sk, skb, family, &flow)) {
	case DECIDER_POLICY:
		return ipsec_output_flow(state->net, skb, &flow, again);
	case DECIDER_NOBODY:
		route_plainly(skb);
		return NF_ACCEPT;
	default:
		ipsec_drop(state->net, skb, IPSEC_STAT_out_inval, NULL, NULL);
		return NF_STOLEN;
	}
}
