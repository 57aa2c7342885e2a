// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a packet may be delivered or forwarded, given the SAs it came through
 * (RFC 4301 section 5.2, step 4).
 */
#include <linux/in.h>
#include "net.h"

/**
 * ipsec_input_policy() - which policy a received packet has to satisfy
 * @net: the namespace
 * @flow: the packet's flow, of direction in or fwd
 *
 * Without a policy of its own, forwarding obeys the "in" list.
 *
 * Context: RCU read side. Return: the policy, without a reference, or NULL for
 * the system default.
 */
struct ipsec_sp *ipsec_input_policy(struct net *net,
				    const struct ipsec_flow *flow)
{
	struct ipsec_sp *sp = ipsec_spd_lookup(net, flow);
	struct ipsec_flow local;

	if (sp || flow->dir != IPSEC_FWD)
		return sp;
	local = *flow;
	local.dir = IPSEC_IN;
	return ipsec_spd_lookup(net, &local);
}

static void decide_slowly(struct net *net, const struct ipsec_flow *flow,
			  struct ipsec_decision *decision)
{
	struct ipsec_net *in = ipsec_net(net);

	*decision = (struct ipsec_decision){
		.sp = ipsec_input_policy(net, flow),
	};
	switch (ipsec_sp_decides(decision->sp, in, flow->family)) {
	case IPSEC_SP_IPSEC:
		decision->verdict = IPSEC_PROTECT;
		break;
	case IPSEC_SP_NONE:
		decision->verdict = IPSEC_PASS;
		break;
	default:
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_in_polvio;
	}
}

static void decide_input(struct net *net, const struct ipsec_flow *flow,
			 struct ipsec_decision *decision)
{
	struct ipsec_net *in = ipsec_net(net);
	u64 generation;

	if (!ipsec_flow_cache_lookup(in, flow, decision, &generation)) {
		decide_slowly(net, flow, decision);
		ipsec_flow_cache_store(in, flow, decision, generation);
	}
	if (decision->sp)
		ipsec_sp_used(decision->sp);
}

/*
 * Every request that insists on protection must have been met. As in KAME, any
 * SA of the protocol does; which tunnel it was is asked by tunnel_wanted().
 */
static bool requests_met(struct net *net, const struct sk_buff *skb,
			 sa_family_t family, const struct ipsec_sp *sp)
{
	const struct ipsec_knobs_family *knobs;
	unsigned int i;

	knobs = ipsec_knobs_of(ipsec_net(net), family);
	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];

		if (ipsec_level_resolve(knobs, req) == IPSEC_LEVEL_IS_USE)
			continue;
		if (!ipsec_history_has(skb, req->proto))
			return false;
	}
	return true;
}

/*
 * Whoever has an SA with us may not put just any packet into its tunnel: a
 * policy for the inner packet must name a tunnel between the same two ends.
 */
static bool tunnel_wanted(const struct sk_buff *skb, const struct ipsec_sp *sp)
{
	struct ipsec_ends_key ends;
	unsigned int i;

	if (!ipsec_history_tunnel(skb, &ends))
		return true;
	for (i = 0; sp && i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];

		if (req->mode == IPSEC_MODE_KIND_TUNNEL &&
		    req->family == ends.family &&
		    ipsec_addr_equal(&req->saddr, &ends.saddr) &&
		    ipsec_addr_equal(&req->daddr, &ends.daddr))
			return true;
	}
	return false;
}

/*
 * Local packets that are judged elsewhere: what is inside ESP or AH when it is
 * opened, an IPv6 fragment by the first one of its packet.
 */
static bool judged_elsewhere(const struct ipsec_flow *flow)
{
	return flow->proto == IPPROTO_ESP || flow->proto == IPPROTO_AH ||
	       flow->proto == IPPROTO_FRAGMENT;
}

/**
 * ipsec_policy_check_input() - whether a received packet may go on
 * @net: the namespace
 * @skb: the packet, its data at the IP header; dropped if it may not
 * @family: AF_INET or AF_INET6
 * @forward: it is not for us
 *
 * Context: RCU read side. Return: false when the packet was dropped.
 */
bool ipsec_policy_check_input(struct net *net, struct sk_buff *skb,
			      sa_family_t family, bool forward)
{
	struct ipsec_decision decision;
	enum ipsec_stat reason;
	struct ipsec_flow flow;

	if (!ipsec_flow_from_skb(&flow, skb, family,
				 forward ? IPSEC_FWD : IPSEC_IN)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_inval, NULL, NULL);
		return false;
	}
	if (!forward && judged_elsewhere(&flow))
		return true;

	local_bh_disable();
	decide_input(net, &flow, &decision);
	local_bh_enable();

	if (decision.verdict == IPSEC_DISCARD)
		reason = decision.reason;
	else if (decision.verdict == IPSEC_PROTECT &&
		 !requests_met(net, skb, family, decision.sp))
		reason = IPSEC_STAT_in_polvio;
	else if (!tunnel_wanted(skb, decision.sp))
		reason = IPSEC_STAT_in_tunnel;
	else
		return true;
	ipsec_drop(net, skb, reason, NULL, decision.sp);
	return false;
}
