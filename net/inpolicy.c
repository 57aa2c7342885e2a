// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether a packet may be delivered or forwarded, given the SAs it came through
 * (RFC 4301 section 5.2, step 4).
 */
#include <linux/in.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/route.h>
#include "net.h"

/* A packet may go on. */
#define NO_REASON	IPSEC_STAT_MAX

/* No request of the policy is to blame. */
#define NO_RULE		(-1)

/**
 * ipsec_input_policy() - which policy a received packet has to satisfy
 * @net: the namespace
 * @flow: the packet's flow, of direction in or fwd
 *
 * The socket's policy, if it has one; else the SPD's. Without a policy of its own,
 * forwarding obeys the "in" list.
 *
 * Context: RCU read side. Return: the policy, without a reference, or NULL for
 * the system default.
 */
struct ipsec_sp *ipsec_input_policy(struct net *net,
				    const struct ipsec_flow *flow)
{
	struct ipsec_flow local;
	struct ipsec_sp *sp;

	if (flow->socket)
		return ipsec_sock_policy_find(net, flow->socket);
	sp = ipsec_spd_lookup(net, flow);
	if (sp || flow->dir != IPSEC_FWD)
		return sp;
	local = *flow;
	local.dir = IPSEC_IN;
	return ipsec_spd_lookup(net, &local);
}

/**
 * ipsec_request_unmet() - what a policy misses in a received packet
 * @sp: the policy
 * @knobs: of the packet's family
 * @have: IPSEC_HAVE_*, what protected the packet
 *
 * Every request that insists on protection must have been met. As in KAME, any
 * SA of the protocol does; which tunnel it was is asked by tunnel_wanted().
 * IPComp protects nothing, so nothing is asked of it.
 *
 * Return: index of the first request that is not met, or -1.
 */
int ipsec_request_unmet(const struct ipsec_sp *sp,
			const struct ipsec_knobs_family *knobs,
			unsigned int have)
{
	unsigned int i;

	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];
		unsigned int want = ipsec_have_bit(req->proto);

		if (!(want & ~have))
			continue;
		if (ipsec_level_resolve(knobs, req) != IPSEC_LEVEL_IS_USE)
			return i;
	}
	return NO_RULE;
}

/**
 * ipsec_sp_insists() - whether a policy takes no packets in clear
 * @net: the namespace
 * @flow: of the packet
 * @sp: the policy, or NULL
 */
bool ipsec_sp_insists(struct net *net, const struct ipsec_flow *flow,
		      const struct ipsec_sp *sp)
{
	const struct ipsec_knobs_family *knobs;

	knobs = ipsec_knobs_of(ipsec_net(net), flow->family);
	return sp && ipsec_request_unmet(sp, knobs, 0) != NO_RULE;
}

/*
 * Whether a forwarded fragment hides an entry that demands protection, or discards. Those
 * for us are judged when they are one packet, or by the first of them.
 */
static bool fragment_refused(struct net *net, const struct ipsec_flow *flow,
			     const struct ipsec_sp *sp)
{
	bool insists = ipsec_sp_insists(net, flow, sp);

	if (flow->dir != IPSEC_FWD)
		return false;
	if (sp && sp->dir == IPSEC_FWD)
		return ipsec_spd_hides(net, flow, IPSEC_FWD, sp, insists);
	return ipsec_spd_hides(net, flow, IPSEC_FWD, NULL, insists) ||
	       ipsec_spd_hides(net, flow, IPSEC_IN, sp, insists);
}

static void decide_by_policy(struct net *net, const struct ipsec_flow *flow,
			     struct ipsec_decision *decision)
{
	switch (ipsec_sp_decides(decision->sp, ipsec_net(net), flow)) {
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
	if (unlikely(flow->fragment) && decision->verdict != IPSEC_DISCARD &&
	    fragment_refused(net, flow, decision->sp)) {
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_in_fragment;
	}
}

/* A flow that the cache does not know. */
static noinline_for_stack void decide_slowly(struct net *net,
					     const struct ipsec_flow *flow,
					     struct ipsec_answer *answer)
{
	struct ipsec_net *in = ipsec_net(net);
	struct ipsec_decision decision;

	if (!ipsec_flow_cache_lookup(in, flow, &decision)) {
		decision = (struct ipsec_decision){
			.sp		= ipsec_input_policy(net, flow),
			.generation	= decision.generation,
		};
		/* Two errors of this flow may quote packets of different ones. */
		if (!decision.sp && !flow->socket && ipsec_flow_is_error(flow))
			decision.verdict = IPSEC_QUOTED;
		else
			decide_by_policy(net, flow, &decision);
		ipsec_flow_cache_store(in, flow, &decision);
	}
	answer->sp = decision.sp;
	answer->verdict = decision.verdict;
	answer->reason = decision.reason;
}

static void decide_input(struct net *net, const struct ipsec_flow *flow,
			 struct ipsec_answer *answer)
{
	local_bh_disable();
	if (unlikely(!ipsec_flow_cache_ask(ipsec_net(net), flow, false,
					   answer)))
		decide_slowly(net, flow, answer);
	local_bh_enable();
	if (answer->sp)
		ipsec_sp_used(answer->sp);
}

/*
 * With net.inet.ipsec.check_policy_history not only the protocol counts, but the
 * mode and the two ends of the SA too. A transport request without ends means
 * those of the packet, or of the tunnel before it.
 */
static int request_unmatched(const struct ipsec_sp *sp,
			     const struct ipsec_knobs_family *knobs,
			     const struct ipsec_flow *flow,
			     const struct sk_buff *skb)
{
	struct ipsec_ends_key ends = {
		.saddr	= flow->src,
		.daddr	= flow->dst,
		.family	= flow->family,
	};
	unsigned int i;

	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];
		bool tunnel = req->mode == IPSEC_MODE_KIND_TUNNEL;
		struct ipsec_ends_key want;

		ipsec_request_ends(req, &ends, &want);
		if (ipsec_have_bit(req->proto) &&
		    ipsec_level_resolve(knobs, req) != IPSEC_LEVEL_IS_USE &&
		    !ipsec_history_passed(skb, &want, tunnel))
			return i;
		if (tunnel)
			ends = want;
	}
	return NO_RULE;
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
		    ipsec_addr_is(&req->saddr, &ends.saddr) &&
		    ipsec_addr_is(&req->daddr, &ends.daddr))
			return true;
	}
	return false;
}

static bool is_closed(u8 proto)
{
	return proto == IPPROTO_ESP || proto == IPPROTO_AH || proto == IPPROTO_COMP;
}

/*
 * Local packets that are judged elsewhere: what is inside ESP, AH or IPComp when
 * it is opened, an IPv6 fragment by the first one of its packet.
 */
static bool judged_elsewhere(struct net *net, const struct sk_buff *skb,
			     const struct ipsec_flow *flow)
{
	if (ipsec_proto_is_ip(flow->proto))
		return ipsec_ipcomp_bare(net, skb, flow->family);
	return is_closed(flow->proto) || flow->proto == IPPROTO_FRAGMENT;
}

/**
 * struct judgement - what becomes of a received packet
 * @reason: why it is dropped, or NO_REASON
 * @sp: the policy that says so, NULL for the system default
 * @rule: the request that is not met, or NO_RULE
 */
struct judgement {
	enum ipsec_stat		reason;
	const struct ipsec_sp	*sp;
	int			rule;
};

/*
 * Whether address translation gave a packet another destination since it arrived: that
 * of a DNAT rule, or the one that a source NAT rule once replaced, if it is an answer.
 */
static bool is_translated(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	return ct && READ_ONCE(ct->status) &
		     (CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL ? IPS_DST_NAT :
								 IPS_SRC_NAT);
}

/* What a flow was before address translation, see is_translated(). */
static void untranslate(struct ipsec_flow *flow, const struct sk_buff *skb)
{
	const struct nf_conntrack_tuple *came;
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	came = &ct->tuplehash[CTINFO2DIR(ctinfo)].tuple;
	if (flow->family == AF_INET)
		ipsec_addr_set4(&flow->dst, came->dst.u3.ip);
	else
		flow->dst.in6 = came->dst.u3.in6;
	/* An error is of the connection that it quotes. */
	if (flow->proto == came->dst.protonum && ipsec_proto_has_ports(flow->proto))
		flow->dport = came->dst.u.all;
}

/* What a policy of type ipsec misses. */
static enum ipsec_stat reason_unmet(struct net *net, const struct sk_buff *skb,
				    const struct ipsec_flow *flow,
				    const struct ipsec_sp *sp, int *rule)
{
	const struct ipsec_net *in = ipsec_net(net);
	const struct ipsec_knobs_family *knobs;

	knobs = ipsec_knobs_of(in, flow->family);
	*rule = ipsec_request_unmet(sp, knobs, ipsec_history_have(skb));
	if (*rule != NO_RULE)
		return IPSEC_STAT_in_polvio;
	if (unlikely(READ_ONCE(in->knobs.check_policy_history)))
		*rule = request_unmatched(sp, knobs, flow, skb);
	if (*rule != NO_RULE)
		return IPSEC_STAT_in_history;
	return tunnel_wanted(skb, sp) ? NO_REASON : IPSEC_STAT_in_tunnel;
}

/*
 * The policy of what replies to the packet that an ICMP error quotes, or NULL if it does
 * not serve the error; @reply is the flow of that.
 */
static const struct ipsec_sp *reply_policy(struct net *net,
					   const struct sk_buff *skb,
					   const struct ipsec_flow *flow,
					   struct ipsec_flow *reply)
{
	struct ipsec_answer answer;

	if (!ipsec_flow_of_reply(reply, skb, flow))
		return NULL;
	if (is_translated(skb))
		untranslate(reply, skb);
	decide_input(net, reply, &answer);
	return ipsec_sp_takes_error(answer.sp, flow, reply) ? answer.sp : NULL;
}

/*
 * An ICMP error that no entry is about. The reply's policy may let it out of a tunnel
 * (RFC 4301 section 6.2), or pass where the default discards. In clear nobody on the way
 * may have seen what it quotes if that was protected, so that it is not forwarded; one
 * that is delivered here may be about what a socket sent in clear, which knows best what
 * to believe.
 */
static noinline_for_stack enum ipsec_stat
reason_of_error(struct net *net, const struct sk_buff *skb,
		const struct ipsec_flow *flow, const struct ipsec_sp **sp,
		int *rule)
{
	const struct ipsec_sp *wants = NULL;
	struct ipsec_ends_key ends;
	struct ipsec_flow reply;
	bool tunnel = ipsec_history_tunnel(skb, &ends);
	bool discards = ipsec_sp_decides(NULL, ipsec_net(net), flow) !=
			IPSEC_SP_NONE;

	if (discards && !tunnel && !ipsec_history_have(skb))
		return IPSEC_STAT_in_polvio;
	if (discards || tunnel || flow->dir == IPSEC_FWD)
		wants = reply_policy(net, skb, flow, &reply);
	if (wants) {
		*sp = wants;
		return reason_unmet(net, skb, &reply, wants, rule);
	}
	if (discards)
		return IPSEC_STAT_in_polvio;
	return tunnel ? IPSEC_STAT_in_tunnel : NO_REASON;
}

/* Why a packet is dropped, or NO_REASON, which policy says so, and which request. */
static enum ipsec_stat reason_of(struct net *net, const struct sk_buff *skb,
				 const struct ipsec_flow *flow,
				 const struct ipsec_sp **sp, int *rule)
{
	struct ipsec_answer answer;

	decide_input(net, flow, &answer);
	*sp = answer.sp;
	switch (answer.verdict) {
	case IPSEC_PROTECT:
		return reason_unmet(net, skb, flow, answer.sp, rule);
	case IPSEC_PASS:
		return tunnel_wanted(skb, answer.sp) ? NO_REASON :
						       IPSEC_STAT_in_tunnel;
	case IPSEC_QUOTED:
		return reason_of_error(net, skb, flow, sp, rule);
	default:
		return answer.reason;
	}
}

/*
 * Whether the stack puts a packet for us together only when it was judged, as it does
 * with IPv6, or did so since it was received or opened last.
 */
static bool maybe_mixed(const struct sk_buff *skb, const struct ipsec_flow *flow)
{
	return ipsec_piece_size(skb, flow->family) ||
	       (flow->fragment && flow->dir == IPSEC_IN);
}

static struct judgement judge(struct net *net, const struct sk_buff *skb,
			      const struct ipsec_flow *flow)
{
	struct judgement j = { .rule = NO_RULE };

	j.reason = reason_of(net, skb, flow, &j.sp, &j.rule);
	if (j.reason == NO_REASON && unlikely(maybe_mixed(skb, flow)) &&
	    ipsec_fragment_mixed(skb, !flow->fragment))
		j.reason = IPSEC_STAT_in_reasm;
	return j;
}

/*
 * Whether the receiver's socket may see it otherwise: if it would be let through
 * and lacks what some socket asks for, or if it would be dropped.
 */
static bool socket_matters(struct net *net, const struct sk_buff *skb,
			   const struct judgement *j)
{
	const struct ipsec_net *in = ipsec_net(net);

	if (likely(!ipsec_socks_any(net, IPSEC_IN)))
		return false;
	return j->reason != NO_REASON ||
	       READ_ONCE(in->knobs.check_policy_history) ||
	       READ_ONCE(in->socks.in_need) & ~ipsec_history_have(skb);
}

/* By its address: a frame to all may hold a packet to one, and a tunnel the reverse. */
static bool for_many(const struct sk_buff *skb, const struct ipsec_flow *flow)
{
	const struct rtable *rt = skb_rtable(skb);

	if (flow->family == AF_INET6)
		return ipv6_addr_is_multicast(&flow->dst.in6);
	return rt && rt->rt_flags & (RTCF_BROADCAST | RTCF_MULTICAST);
}

/*
 * A socket with a policy of its own decides alone. What came out of a tunnel it
 * gets only if that policy names the tunnel.
 */
static void judge_again(struct net *net, struct sk_buff *skb,
			struct ipsec_flow *flow, struct judgement *j)
{
	struct ipsec_sock_says says;

	/* What many may receive is judged by the SPD, then by each of them. */
	if (for_many(skb, flow))
		return;
	if (ipsec_sock_sends(skb->sk, net, flow->family))
		says = ipsec_sock_says(skb->sk, IPSEC_IN);
	else
		says = ipsec_sock_asked(net, flow, skb->skb_iif, IPSEC_IN);
	if (says.type == IPSEC_SP_BYPASS) {
		j->reason = tunnel_wanted(skb, j->sp) ? NO_REASON :
							IPSEC_STAT_in_tunnel;
	} else if (says.type == IPSEC_SP_IPSEC) {
		flow->socket = says.id;
		*j = judge(net, skb, flow);
	}
}

/* Policies are about the packet as it arrived. */
static noinline_for_stack struct judgement
judge_untranslated(struct net *net, const struct sk_buff *skb,
		   const struct ipsec_flow *flow)
{
	struct ipsec_flow arrived = *flow;

	untranslate(&arrived, skb);
	return judge(net, skb, &arrived);
}

/*
 * Whether an ICMP error out of a tunnel, which a policy is about that does not want it
 * there, is what the policy of the reply to the packet that it quotes wants (RFC 4301
 * section 6.2): a tunnel for the rest of the world must not stop the errors of others.
 */
static noinline_for_stack bool goes_as_reply(struct net *net,
					     const struct sk_buff *skb,
					     const struct ipsec_flow *flow,
					     const struct judgement *j)
{
	const struct ipsec_sp *wants;
	struct ipsec_ends_key ends;
	struct ipsec_flow reply;
	int rule;

	if (!ipsec_flow_is_error(flow) || flow->socket || !j->sp ||
	    j->sp->type == IPSEC_SP_DISCARD || !ipsec_history_tunnel(skb, &ends))
		return false;
	wants = reply_policy(net, skb, flow, &reply);
	return wants &&
	       reason_unmet(net, skb, &reply, wants, &rule) == NO_REASON;
}

/* Judges, and drops what may not go on. */
static bool check_flow(struct net *net, struct sk_buff *skb,
		       struct ipsec_flow *flow, bool forward)
{
	struct judgement j = likely(!is_translated(skb)) ?
			     judge(net, skb, flow) :
			     judge_untranslated(net, skb, flow);

	if (!forward && socket_matters(net, skb, &j))
		judge_again(net, skb, flow, &j);
	if (unlikely(j.reason != NO_REASON)) {
		/* What is inside is judged when it is opened. */
		if (!forward && ipsec_natt_carries_esp(net, skb, flow))
			return true;
		if (goes_as_reply(net, skb, flow, &j))
			return true;
		ipsec_drop_rule(net, skb, j.reason, j.sp, j.rule);
		return false;
	}
	if (unlikely(ipsec_mss_clamps(net, flow)))
		ipsec_mss_clamp_in(net, skb, flow);
	return true;
}

/**
 * ipsec_policy_wants_whole() - whether a fragment cannot be judged if it is forwarded
 * @net: the namespace
 * @skb: the fragment, its data at the IP header
 * @family: AF_INET or AF_INET6
 *
 * Context: RCU read side.
 */
bool ipsec_policy_wants_whole(struct net *net, struct sk_buff *skb,
			      sa_family_t family)
{
	struct ipsec_answer answer;
	struct ipsec_flow flow;

	if (!ipsec_flow_from_skb(&flow, skb, family, IPSEC_FWD))
		return false;
	decide_input(net, &flow, &answer);
	return answer.verdict == IPSEC_DISCARD &&
	       answer.reason == IPSEC_STAT_in_fragment;
}

/**
 * ipsec_policy_wants_protected() - whether a packet in clear would be dropped
 * @net: the namespace
 * @flow: its flow, of direction in or fwd
 *
 * Context: RCU read side.
 */
bool ipsec_policy_wants_protected(struct net *net,
				  const struct ipsec_flow *flow)
{
	struct ipsec_answer answer;

	decide_input(net, flow, &answer);
	return answer.verdict == IPSEC_DISCARD ||
	       (answer.verdict == IPSEC_PROTECT &&
		ipsec_sp_insists(net, flow, answer.sp));
}

/**
 * ipsec_policy_check_local() - whether a received packet may be delivered
 * @net: the namespace
 * @skb: the packet, its data at the IP header; dropped if it may not
 * @family: AF_INET or AF_INET6
 *
 * Context: RCU read side. Return: false when the packet was dropped.
 */
bool ipsec_policy_check_local(struct net *net, struct sk_buff *skb,
			      sa_family_t family)
{
	struct ipsec_flow flow;

	/* Most are seen at a glance. */
	if (is_closed(ipsec_first_proto(skb, family)))
		return true;
	if (!ipsec_flow_from_skb(&flow, skb, family, IPSEC_IN)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_inval, NULL, NULL);
		return false;
	}
	if (unlikely(flow.fragment) && ipsec_fragment_mixed(skb, false)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_reasm, NULL, NULL);
		return false;
	}
	return judged_elsewhere(net, skb, &flow) ||
	       check_flow(net, skb, &flow, false);
}

/**
 * ipsec_policy_check_forward() - whether a received packet may be forwarded
 * @net: the namespace
 * @skb: the packet, its data at the IP header; dropped if it may not
 * @flow: its flow, of direction fwd
 *
 * Context: RCU read side. Return: false when the packet was dropped.
 */
bool ipsec_policy_check_forward(struct net *net, struct sk_buff *skb,
				struct ipsec_flow *flow)
{
	return check_flow(net, skb, flow, true);
}
