// SPDX-License-Identifier: GPL-2.0-only
/*
 * What would happen to the packets of a flow, and why. The same functions decide
 * here as for packets, so that the answer cannot differ; nothing is counted, no
 * key manager is asked. One fact a line, a word and its values; ipsecwhy(8)
 * turns them into sentences, so new words may be added but none may change.
 */
#include <linux/seq_file.h>
#include <net/dst.h>
#include <ipsec/netns.h>
#include <ipsec/why.h>
#include "net.h"

static const char *mode_name(u8 mode)
{
	static const char *const names[] = { "any", "transport", "tunnel" };

	return mode < ARRAY_SIZE(names) ? names[mode] : "?";
}

static const char *level_name(u8 level)
{
	static const char *const names[] = {
		"default", "use", "require", "unique"
	};

	return level < ARRAY_SIZE(names) ? names[level] : "?";
}

static const char *type_name(int type)
{
	static const char *const names[] = {
		[IPSEC_SP_DISCARD] = "discard", [IPSEC_SP_NONE] = "none",
		[IPSEC_SP_IPSEC] = "ipsec",
	};

	return type >= 0 && type < ARRAY_SIZE(names) ? names[type] : "?";
}

static const char *state_name(const struct ipsec_sa *sa)
{
	static const char *const names[] = {
		[IPSEC_SA_LARVAL] = "larval", [IPSEC_SA_MATURE] = "mature",
		[IPSEC_SA_DYING] = "dying", [IPSEC_SA_DEAD] = "dead",
	};
	u8 state = READ_ONCE(sa->state);

	return state < ARRAY_SIZE(names) ? names[state] : "?";
}

static void show_ends(struct seq_file *seq, const struct ipsec_ends_key *ends)
{
	if (ends->family == AF_INET)
		seq_printf(seq, "%pI4 %pI4", &ends->saddr.a4, &ends->daddr.a4);
	else
		seq_printf(seq, "%pI6c %pI6c", &ends->saddr.in6,
			   &ends->daddr.in6);
}

/* Candidates that are shown; of more only the number. */
#define CANDIDATES_MAX	100

/**
 * struct candidate - what the SAs between two ends are looked at for
 * @seq: where to
 * @req: the request
 */
struct candidate {
	struct seq_file			*seq;
	const struct ipsec_request	*req;
};

/* candidate SPI STATE MODE REQID fits|state|mode|reqid */
static void show_candidate(const struct ipsec_sa *sa, void *arg)
{
	const struct candidate *c = arg;
	const char *misfit = ipsec_sa_misfit(sa, c->req->mode, c->req->reqid);

	seq_printf(c->seq, "candidate 0x%08x %s %s %u %s\n",
		   ntohl(sa->key.spi), state_name(sa), mode_name(sa->mode),
		   sa->reqid, misfit ?: "fits");
}

/*
 * request PROTOCOL MODE LEVEL EFFECTIVE REQID SOURCE DESTINATION, then the oldest SAs
 * between these ends, and with "more" how many others there are.
 */
static void show_request(struct net *net, struct seq_file *seq,
			 const struct ipsec_knobs_family *knobs,
			 const struct ipsec_request *req,
			 const struct ipsec_ends_key *want)
{
	struct candidate c = { .seq = seq, .req = req };
	unsigned int n;

	seq_printf(seq, "request %u %s %s %s %u ", req->proto,
		   mode_name(req->mode), level_name(req->level),
		   level_name(ipsec_level_resolve(knobs, req)), req->reqid);
	show_ends(seq, want);
	seq_putc(seq, '\n');
	n = ipsec_sad_each_between(net, want, show_candidate, &c,
				   CANDIDATES_MAX);
	if (n > CANDIDATES_MAX)
		seq_printf(seq, "more %u\n", n - CANDIDATES_MAX);
}

/* What each request finds, in the order in which they are applied. */
static void show_requests(struct net *net, struct seq_file *seq,
			  const struct ipsec_flow *flow,
			  const struct ipsec_sp *sp)
{
	struct ipsec_ends_key ends = {
		.saddr	= flow->src,
		.daddr	= flow->dst,
		.family	= flow->family,
	};
	const struct ipsec_knobs_family *knobs;
	unsigned int i;

	knobs = ipsec_knobs_of(ipsec_net(net), flow->family);
	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];
		struct ipsec_ends_key want;
		struct ipsec_sa *sa;

		ipsec_request_ends(req, &ends, &want);
		show_request(net, seq, knobs, req, &want);
		sa = ipsec_sad_find_out(net, &want, req->mode, req->reqid);
		if (!sa)
			continue;
		if (flow->dir == IPSEC_OUT)
			seq_printf(seq, "sa 0x%08x\n", ntohl(sa->key.spi));
		if (req->mode == IPSEC_MODE_KIND_TUNNEL)
			ends = want;
	}
}

/* Where a tunnel leads: its packets are dropped if it leads nowhere. */
static bool has_route(struct seq_file *seq, struct ipsec_sa *sa)
{
	struct dst_entry *dst;

	local_bh_disable();
	dst = ipsec_tunnel_route(sa, 0);
	local_bh_enable();
	if (!dst)
		return false;
	seq_printf(seq, "route 0x%08x %s\n", ntohl(sa->key.spi), dst->dev->name);
	dst_release(dst);
	return true;
}

static void show_drop(struct seq_file *seq, enum ipsec_stat reason)
{
	seq_printf(seq, "verdict drop %s\n", ipsec_stat_names[reason]);
}

static void verdict_out(struct net *net, struct seq_file *seq,
			const struct ipsec_flow *flow, struct ipsec_sp *sp)
{
	struct ipsec_decision decision = { .sp = sp };
	unsigned int i;

	ipsec_bundle_resolve(net, flow, &decision, false);
	if (decision.verdict == IPSEC_DISCARD) {
		show_drop(seq, decision.reason);
		return;
	}
	for (i = 0; i < decision.n; i++) {
		if (decision.tunnel & BIT(i) &&
		    !has_route(seq, decision.sas[i])) {
			show_drop(seq, IPSEC_STAT_out_noroute);
			return;
		}
	}
	seq_printf(seq, "verdict %s\n", decision.n ? "protect" : "pass");
}

/* Received packets are judged by what they came through. */
static void verdict_in(struct net *net, struct seq_file *seq,
		       const struct ipsec_flow *flow, struct ipsec_sp *sp)
{
	const struct ipsec_knobs_family *knobs;

	knobs = ipsec_knobs_of(ipsec_net(net), flow->family);
	if (ipsec_request_unmet(sp, knobs, 0) >= 0)
		seq_printf(seq, "clear drop %s\n",
			   ipsec_stat_names[IPSEC_STAT_in_polvio]);
	else
		seq_puts(seq, "clear pass\n");
	seq_puts(seq, "verdict pass\n");
}

/**
 * ipsec_why() - say what would happen to the packets of a flow
 * @net: the namespace
 * @flow: the flow
 * @seq: where to
 *
 * The policy of the SPD: a socket that has its own is not known here.
 *
 * Context: process.
 */
void ipsec_why(struct net *net, const struct ipsec_flow *flow,
	       struct seq_file *seq)
{
	struct ipsec_sp *sp;
	int type;

	rcu_read_lock();
	sp = flow->dir == IPSEC_OUT ? ipsec_spd_lookup(net, flow) :
				      ipsec_input_policy(net, flow);
	type = ipsec_sp_decides(sp, ipsec_net(net), flow);
	/* policy ID TYPE; the id 0 is the system default */
	seq_printf(seq, "policy %u %s\n", sp ? sp->id : 0, type_name(type));
	/* Which policy that is depends on what it quotes. */
	if (!sp && ipsec_flow_is_error(flow))
		seq_puts(seq, "quote first\n");
	if (type == IPSEC_SP_NONE) {
		seq_puts(seq, "verdict pass\n");
	} else if (type != IPSEC_SP_IPSEC) {
		show_drop(seq, flow->dir == IPSEC_OUT ? IPSEC_STAT_out_polvio :
							IPSEC_STAT_in_polvio);
	} else {
		show_requests(net, seq, flow, sp);
		if (flow->dir == IPSEC_OUT)
			verdict_out(net, seq, flow, sp);
		else
			verdict_in(net, seq, flow, sp);
	}
	rcu_read_unlock();
}
