// SPDX-License-Identifier: GPL-2.0-only
/* From a policy to the SAs that carry it out (RFC 4301 section 4.4.2.2). */
#include "net.h"

/**
 * ipsec_request_ends() - between which ends a request wants its SA
 * @req: the request
 * @ends: the ends of the packet as the requests before left it
 * @want: filled
 */
void ipsec_request_ends(const struct ipsec_request *req,
			const struct ipsec_ends_key *ends,
			struct ipsec_ends_key *want)
{
	*want = *ends;
	if (req->family) {
		want->saddr = req->saddr;
		want->daddr = req->daddr;
		want->family = req->family;
	}
	want->proto = req->proto;
}

/**
 * ipsec_bundle_resolve() - find an SA for every request of a policy
 * @net: the namespace
 * @flow: the packet's flow
 * @decision: @decision->sp is the policy, of type ipsec; the rest is filled
 * @act: a packet is there; else nobody is asked, and no SA is discarded
 *
 * The first request acts on the packet as it is; after a tunnel the next one
 * sees the tunnel's ends. Key managers are asked for an SA that is missing. Until
 * it arrives the request drops the packet, or at level "use" is left out; neither
 * is cached.
 *
 * A policy without requests waits for a key manager to give it some.
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_bundle_resolve(struct net *net, const struct ipsec_flow *flow,
			  struct ipsec_decision *decision, bool act)
{
	const struct ipsec_sp *sp = decision->sp;
	struct ipsec_ends_key ends = {
		.saddr	= flow->src,
		.daddr	= flow->dst,
		.family	= flow->family,
	};
	const struct ipsec_knobs_family *knobs;
	unsigned int i;

	knobs = ipsec_knobs_of(ipsec_net(net), flow->family);
	decision->final = true;
	if (!sp->n_requests) {
		decision->final = false;
		decision->verdict = IPSEC_DISCARD;
		decision->reason = IPSEC_STAT_out_nosa;
		if (act)
			ipsec_acquire_sp(net, sp);
		return;
	}
	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];
		bool tunnel = req->mode == IPSEC_MODE_KIND_TUNNEL;
		struct ipsec_ends_key want;
		struct ipsec_sa *sa;

		ipsec_request_ends(req, &ends, &want);
		sa = ipsec_sad_find_out(net, &want, req->mode, req->reqid);
		if (!sa) {
			decision->final = false;
			if (act)
				ipsec_acquire_sa(net, &want, req->mode,
						 req->reqid, sp);
			if (ipsec_level_resolve(knobs, req) ==
			    IPSEC_LEVEL_IS_USE) {
				WRITE_ONCE(ipsec_net(net)->lacking, true);
				continue;
			}
			decision->verdict = IPSEC_DISCARD;
			decision->reason = IPSEC_STAT_out_nosa;
			decision->rule = i;
			return;
		}
		if (act)
			ipsec_sad_discard(sa, req->mode, req->reqid);
		if (tunnel) {
			decision->tunnel |= BIT(decision->n);
			ends = want;
		}
		decision->sas[decision->n++] = sa;
	}
	decision->verdict = decision->n ? IPSEC_PROTECT : IPSEC_PASS;
}
