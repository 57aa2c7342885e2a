// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a packet that leaves (RFC 4301 section 5.1); protect.c sends it
 * through its SAs. It reads from the bottom to the top: ipsec_output() is the story,
 * the functions above it are its steps in reverse order.
 */
#include <linux/netfilter.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/sa.h>
#include "net.h"

/* Which policy, and which SAs carry it out. */
static void decide_slowly(struct net *net, const struct ipsec_flow *flow,
			  struct ipsec_decision *decision)
{
	struct ipsec_net *in = ipsec_net(net);

	*decision = (struct ipsec_decision){
		.sp	= flow->socket ?
			  ipsec_sock_policy_find(net, flow->socket) :
			  ipsec_spd_lookup(net, flow),
		.final	= true,
	};
	switch (ipsec_sp_decides(decision->sp, in, flow)) {
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
}

/**
 * ipsec_output_decide() - what is to happen to a packet that leaves
 * @net: the namespace
 * @flow: the packet's flow
 * @decision: filled
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_output_decide(struct net *net, const struct ipsec_flow *flow,
			 struct ipsec_decision *decision)
{
	struct ipsec_net *in = ipsec_net(net);
	u64 generation;

	if (!ipsec_flow_cache_lookup(in, flow, decision, &generation)) {
		decide_slowly(net, flow, decision);
		if (decision->final)
			ipsec_flow_cache_store(in, flow, decision, generation);
	}
	if (decision->sp)
		ipsec_sp_used(decision->sp);
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

static void output_again(struct net *net, struct sock *sk, struct sk_buff *skb,
			 const struct ipsec_flow *flow)
{
	struct ipsec_decision decision;

	ipsec_output_decide(net, flow, &decision);
	if (decision.verdict == IPSEC_PROTECT)
		ipsec_protect(net, skb, &decision);
	else if (decision.verdict == IPSEC_PASS)
		dst_output(net, sk, skb);
	else
		output_refuse(net, skb, &decision);
}

/*
 * Decides again what POST_ROUTING let through: address translation may have
 * made another flow of it, and a queue may have kept it for long.
 */
static int output_finish(struct net *net, struct sock *sk, struct sk_buff *skb)
{
	struct ipsec_flow flow;

	rcu_read_lock();
	local_bh_disable();
	switch (output_flow(net, sk, skb, ipsec_skb_family(skb), &flow)) {
	case DECIDER_POLICY:
		output_again(net, sk, skb, &flow);
		break;
	case DECIDER_NOBODY:
		dst_output(net, sk, skb);
		break;
	case DECIDER_UNREADABLE:
		ipsec_drop(net, skb, IPSEC_STAT_out_inval, NULL, NULL);
	}
	local_bh_enable();
	rcu_read_unlock();
	return 0;
}

/* Whether POST_ROUTING changed what the policy was chosen by. */
static bool flow_changed(struct sk_buff *skb, const struct ipsec_flow *flow)
{
	struct ipsec_flow now;

	if (!ipsec_flow_from_skb(&now, skb, flow->family, flow->dir))
		return true;
	now.socket = flow->socket;
	return memcmp(&now, flow, sizeof(now));
}

/*
 * POST_ROUTING sees the plaintext, so that address translation, mangling and
 * connection tracking treat it as they would without IPsec. If it has hooks,
 * the packet may change or leave us there.
 */
static void output_postrouting(struct net *net, struct sk_buff *skb,
			       sa_family_t family,
			       const struct nf_hook_state *state,
			       const struct ipsec_flow *flow,
			       const struct ipsec_decision *decision)
{
	u8 pf = family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct net_device *in;

	in = state->hook == NF_INET_FORWARD ? state->in : NULL;
	skb->dev = skb_dst(skb)->dev;
	if (nf_hook(pf, NF_INET_POST_ROUTING, net, state->sk, skb, in,
		    skb->dev, output_finish) != 1)
		return;
	if (unlikely(flow_changed(skb, flow)))
		output_finish(net, state->sk, skb);
	else
		ipsec_protect(net, skb, decision);
}

/* The socket that made this very packet, or NULL: see ipsec_sock_sends(). */
static const struct sock *sender_of(const struct sk_buff *skb,
				    sa_family_t family,
				    const struct nf_hook_state *state)
{
	const struct sock *sk = state->sk;

	if (sk != skb->sk || !ipsec_sock_sends(sk, state->net, family) ||
	    !sk_fullsock(sk))
		return NULL;
	return sk;
}

static unsigned int output_decided(struct sk_buff *skb, sa_family_t family,
				   const struct nf_hook_state *state,
				   const struct ipsec_flow *flow,
				   const struct ipsec_decision *decision)
{
	bool forward = state->hook == NF_INET_FORWARD;
	int err;

	switch (decision->verdict) {
	case IPSEC_PASS:
		return NF_ACCEPT;
	case IPSEC_PROTECT:
		break;
	default:
		output_refuse(state->net, skb, decision);
		return NF_STOLEN;
	}

	/* Not yet set by all senders; of what is forwarded, where it came from. */
	if (!forward)
		skb->dev = skb_dst(skb)->dev;
	skb->protocol = family == AF_INET ? htons(ETH_P_IP) :
					    htons(ETH_P_IPV6);
	if (unlikely(ipsec_mss_clamps(state->net, flow)))
		ipsec_mss_clamp_out(state->net, skb, decision);
	err = ipsec_pmtu_check(skb, sender_of(skb, family, state), decision,
			       forward);
	if (err) {
		ipsec_count(state->net, IPSEC_STAT_out_toobig);
		return forward ? NF_DROP : NF_DROP_ERR(err);
	}
	output_postrouting(state->net, skb, family, state, flow, decision);
	return NF_STOLEN;
}

/**
 * ipsec_output() - decide the fate of a packet that is about to leave
 * @skb: the packet, its data at the IP header, its route known
 * @family: AF_INET or AF_INET6
 * @state: netfilter's, of LOCAL_OUT or FORWARD
 *
 * Context: RCU read side. Return: NF_ACCEPT for a packet that needs nothing,
 * NF_DROP, or NF_STOLEN when the packet was taken to be protected or dropped.
 */
unsigned int ipsec_output(struct sk_buff *skb, sa_family_t family,
			  const struct nf_hook_state *state)
{
	struct ipsec_decision decision;
	struct ipsec_flow flow;
	unsigned int verdict;

	switch (output_flow(state->net, state->sk, skb, family, &flow)) {
	case DECIDER_POLICY:
		break;
	case DECIDER_NOBODY:
		return NF_ACCEPT;
	case DECIDER_UNREADABLE:
		ipsec_drop(state->net, skb, IPSEC_STAT_out_inval, NULL, NULL);
		return NF_STOLEN;
	}
	local_bh_disable();
	ipsec_output_decide(state->net, &flow, &decision);
	verdict = output_decided(skb, family, state, &flow, &decision);
	local_bh_enable();
	return verdict;
}
