/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this room share and no other room needs. */
#ifndef _IPSEC_NET_H
#define _IPSEC_NET_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/xfrm.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include <ipsec/selector.h>
#include <ipsec/sp.h>

/* What is to happen to a packet. */
enum ipsec_verdict {
	IPSEC_PASS,
	IPSEC_DISCARD,
	IPSEC_PROTECT,
	IPSEC_QUOTED,		/* the packet that an ICMP message quotes decides */
};

/* What protects a packet, a bit each. IPComp does not. */
enum {
	IPSEC_HAVE_ESP	= BIT(0),
	IPSEC_HAVE_AH	= BIT(1),
};

static inline unsigned int ipsec_have_bit(u8 proto)
{
	switch (proto) {
	case IPPROTO_ESP:
		return IPSEC_HAVE_ESP;
	case IPPROTO_AH:
		return IPSEC_HAVE_AH;
	default:
		return 0;
	}
}

/**
 * struct ipsec_decision - the fate of the packets of one flow
 * @verdict: pass, drop or protect, or who knows that
 * @reason: the counter of a drop
 * @n: SAs to apply, with @verdict PROTECT
 * @tunnel: bit i set: the SA i encapsulates
 * @final: the same packet would be decided the same way again: may be cached
 * @rule: the request of @sp that drops the packet, with @reason out_nosa
 * @sp: the policy that decided, NULL for the system default
 * @sas: the SAs, innermost first
 * @generation: the namespace's in which it was made
 *
 * No references: valid within the RCU section that obtained it.
 */
struct ipsec_decision {
	u8			verdict;
	u8			reason;
	u8			n;
	u8			tunnel;
	bool			final;
	u8			rule;
	struct ipsec_sp		*sp;
	struct ipsec_sa		*sas[IPSEC_MAX_DEPTH];
	u64			generation;
};

/**
 * struct ipsec_answer - of a decision what most packets need
 * @sp: the policy that decided, NULL for the system default
 * @route: what carries it out, or NULL
 * @verdict: as in struct ipsec_decision
 * @reason: the counter of a drop
 */
struct ipsec_answer {
	struct ipsec_sp		*sp;
	struct ipsec_route	*route;
	u8			verdict;
	u8			reason;
};

/**
 * struct ipsec_route - a decision to protect, as the route of packets; see route.c
 * @flow: [I] of these packets
 * @decision: [I] of which generation
 * @net: [I] the namespace
 * @dst: [I] what packets are routed by: a chain of struct xfrm_dst, its output ours;
 *       has a reference of the route's, and @plain and @path one of its own
 * @plain: [I] the route without it
 * @path: [I] that of the outermost packet; without what we tell about its destination,
 *	  see path.c
 * @elsewhere: [I] a tunnel leads it to another destination
 * @mute: [I] @plain is told nothing: its exceptions are those of @path
 * @path_refs: [I] references of the route's own to @path, if that is a copy; else 0
 * @path_cookie: [I] for dst_check() of @path
 * @path_mtu: [I] MTU of @path when it was made
 * @learned: [I] what the outermost SA had learned of it then; 0 = nothing
 * @mtu: [I] the longest packet that fits
 * @tell_at: when @plain may be told that the next time, in jiffies; READ_ONCE
 * @rcu: it is retired, and later freed
 * @fresh: waits for @kept, while others have references
 * @kept: [kept.mutex] in the list of those
 *
 * Owned by a slot of the flow cache, until it is retired. Who finds it, in the flow
 * cache or by a packet, may use it until his RCU section ends.
 */
struct ipsec_route {
	struct ipsec_flow	flow;
	struct ipsec_decision	decision;
	struct net		*net;
	struct dst_entry	*dst;
	struct dst_entry	*plain;
	struct dst_entry	*path;
	bool			elsewhere;
	bool			mute;
	u32			path_refs;
	u32			path_cookie;
	u32			path_mtu;
	u32			learned;
	u32			mtu;
	unsigned long		tell_at;
	union {
		struct rcu_head		rcu;
		struct llist_node	fresh;
		struct list_head	kept;
	};
};

typedef int (*ipsec_output_fn)(struct net *net, struct sock *sk,
			       struct sk_buff *skb);
typedef bool (*ipsec_route_filter)(const struct ipsec_route *route,
				   const void *arg);

/**
 * struct ipsec_skb_cb - a packet between two transforms, in skb->cb
 * @sas: the SAs to apply
 * @n: how many @sas there are
 * @next: index of the SA in work
 * @tunnel: bit i set: the SA i encapsulates
 * @changed: an SA did something to the packet
 */
struct ipsec_skb_cb {
	struct ipsec_sa		*sas[IPSEC_MAX_DEPTH];
	u8			n;
	u8			next;
	u8			tunnel;
	bool			changed;
};

/**
 * struct ipsec_way - where the outermost packets of a flow go
 * @dst: their destination
 * @elsewhere: a tunnel leads them there, the flow's own destination is another
 * @udp: they are UDP, and what routers tell about them is an exception, too
 */
struct ipsec_way {
	const union ipsec_addr	*dst;
	bool			elsewhere;
	bool			udp;
};

/**
 * struct ipsec_quote - an ICMP error: "packet too big", and which of ours it was
 * @key: destination, protocol and SPI of the packet
 * @saddr: its source
 * @has_seq: enough of it is quoted to know @seq
 * @seq: its sequence number as on the wire
 * @mtu: what would fit
 */
struct ipsec_quote {
	struct ipsec_sad_key	key;
	union ipsec_addr	saddr;
	bool			has_seq;
	u32			seq;
	u32			mtu;
};

static inline struct ipsec_skb_cb *ipsec_cb(struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(struct ipsec_skb_cb) > sizeof(skb->cb));
	return (struct ipsec_skb_cb *)skb->cb;
}

static inline sa_family_t ipsec_skb_family(const struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? AF_INET : AF_INET6;
}

/*
 * Whether @sk may be the sender of a packet of @family in @net. The socket of a packet
 * is often not its sender's: a tunnel device leaves it the one of the packet inside,
 * which may be of another family, of none that knows IP, or of another namespace.
 */
static inline bool ipsec_sock_sends(const struct sock *sk, const struct net *net,
				    sa_family_t family)
{
	return sk && net_eq(sock_net(sk), net) &&
	       (sk->sk_family == family || sk->sk_family == AF_INET6);
}

/*
 * What a policy says, and without one the system default: IPSEC_SP_*. If the
 * policy of a socket is gone, only discarding is safe.
 */
static inline int ipsec_sp_decides(const struct ipsec_sp *sp,
				   const struct ipsec_net *in,
				   const struct ipsec_flow *flow)
{
	if (sp)
		return sp->type;
	if (flow->socket)
		return IPSEC_SP_DISCARD;
	return READ_ONCE(ipsec_knobs_of(in, flow->family)->def_policy);
}

/* Whether the MSS option of a TCP connection's first packets is looked at. */
static inline bool ipsec_mss_clamps(struct net *net,
				    const struct ipsec_flow *flow)
{
	if (flow->proto != IPPROTO_TCP)
		return false;
	return READ_ONCE(ipsec_knobs_of(ipsec_net(net),
					flow->family)->mss_clamp);
}

/* Whether a policy is for a tunnel. One that waits for a key manager may become one. */
static inline bool ipsec_sp_tunnels(const struct ipsec_sp *sp)
{
	return sp && sp->type == IPSEC_SP_IPSEC &&
	       (!sp->n_requests ||
		sp->requests[0].mode == IPSEC_MODE_KIND_TUNNEL);
}

/* The clock is read for each packet, the policy written once a second. */
static inline void ipsec_sp_used(struct ipsec_sp *sp)
{
	ktime_t now = ktime_get_coarse_boottime();

	if (now - READ_ONCE(sp->used) >= NSEC_PER_SEC)
		WRITE_ONCE(sp->used, now);
}

/* quote.c */
bool ipsec_flow_is_error(const struct ipsec_flow *flow);
bool ipsec_flow_is_redirect(const struct ipsec_flow *flow);
bool ipsec_flow_of_reply(struct ipsec_flow *reply, const struct sk_buff *skb,
			 const struct ipsec_flow *flow);
bool ipsec_sp_takes_error(const struct ipsec_sp *sp,
			  const struct ipsec_flow *flow,
			  const struct ipsec_flow *reply);
bool ipsec_flow_of_redirected(struct ipsec_flow *redirected,
			      const struct sk_buff *skb,
			      const struct ipsec_flow *flow);

/* flow_cache.c */
int ipsec_flow_cache_alloc(void);
void ipsec_flow_cache_free(void);
bool ipsec_flow_cache_ask(struct ipsec_net *in, const struct ipsec_flow *flow,
			  bool again, struct ipsec_answer *answer);
bool ipsec_flow_cache_passes(struct ipsec_net *in, const struct sk_buff *skb);
bool ipsec_flow_cache_lookup(struct ipsec_net *in,
			     const struct ipsec_flow *flow,
			     struct ipsec_decision *decision);
void ipsec_flow_cache_store(struct ipsec_net *in,
			    const struct ipsec_flow *flow,
			    const struct ipsec_decision *decision);
bool ipsec_flow_cache_keep(struct ipsec_net *in, struct ipsec_route *route);
void ipsec_flow_cache_evict(ipsec_route_filter wanted, const void *arg,
			    void (*gone)(struct ipsec_route *route));

/* Flows are compared as memory. */
static inline bool ipsec_flow_equal(const struct ipsec_flow *a,
				    const struct ipsec_flow *b)
{
	const unsigned long *x = (const unsigned long *)a;
	const unsigned long *y = (const unsigned long *)b;
	unsigned long diff = 0;
	unsigned int i;

	BUILD_BUG_ON(sizeof(*a) % sizeof(*x));
	for (i = 0; i < sizeof(*a) / sizeof(*x); i++)
		diff |= x[i] ^ y[i];
	return !diff;
}

/* path.c */
bool ipsec_path_has_exception(const struct dst_entry *dst);
void ipsec_path_told(struct ipsec_net *in, const union ipsec_addr *dst,
		     unsigned int mtu);
unsigned int ipsec_path_mtu(struct net *net, const struct dst_entry *dst,
			    const struct ipsec_way *way);
struct dst_entry *ipsec_path_of(struct net *net, struct dst_entry *dst,
				const struct ipsec_way *way);

/* route.c */
struct ipsec_route *ipsec_route_make(struct net *net,
				     const struct ipsec_flow *flow,
				     const struct ipsec_decision *decision,
				     struct dst_entry *plain,
				     ipsec_output_fn output);
bool ipsec_route_fresh(const struct ipsec_route *route);
struct ipsec_route *ipsec_route_behind(const struct dst_entry *dst);
void ipsec_route_set(struct sk_buff *skb, struct dst_entry *dst);
void ipsec_route_retire(struct ipsec_route *route);
void ipsec_route_bury(struct ipsec_route *route);
void ipsec_routes_bury_kept(ipsec_route_filter wanted, const void *arg,
			    bool forget);
int ipsec_route_policy_init(struct net *net);
void ipsec_route_policy_exit(struct ipsec_net *in);
void ipsec_routes_stop(void);

/* What of ours a packet with the route @dst is routed by, or NULL. */
static inline struct ipsec_route *ipsec_route_of(const struct dst_entry *dst)
{
	return likely(!dst->xfrm) ? NULL : ipsec_route_behind(dst);
}

/* route_end.c */
int ipsec_routes_init(void);
void ipsec_routes_exit(void);
void ipsec_routes_end(void);
void ipsec_routes_forget(struct net *net);
void ipsec_routes_renew_init(struct ipsec_net *in);
void ipsec_routes_renew_exit(struct ipsec_net *in);

/* spd_index.c */
struct ipsec_sp *ipsec_spd_equal(struct ipsec_spd *spd, enum ipsec_dir dir,
				 const struct ipsec_selector *sel);
struct ipsec_sp *ipsec_spd_by_id(struct ipsec_spd *spd, u32 id);
bool ipsec_spd_reqids(struct ipsec_spd *spd, struct ipsec_sp *sp);
int ipsec_spd_link(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_spd_unlink(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_spd_index_init(struct ipsec_spd *spd);
void ipsec_spd_index_exit(struct ipsec_spd *spd);

/* sockpolicy.c */
struct ipsec_sp *ipsec_sock_policy_seen(struct net *net, u32 id);

/* sock_carrier.c */
void ipsec_carrier_init(void);
void ipsec_carrier_fill(struct xfrm_policy *pol, sa_family_t family,
			const struct ipsec_sp *sp);
int ipsec_carriers_inherit(struct net *net);
struct ipsec_sock_says ipsec_sock_says(struct sock *sk, enum ipsec_dir dir);

/* Whether any socket may say something; the core counts what it has in them. */
static inline bool ipsec_socks_any(const struct net *net, enum ipsec_dir dir)
{
	return READ_ONCE(net->xfrm.policy_count[XFRM_POLICY_MAX +
						(dir == IPSEC_OUT ?
						 XFRM_POLICY_OUT :
						 XFRM_POLICY_IN)]);
}

/* sock_lookup.c */
struct ipsec_sock_says ipsec_sock_asked(struct net *net,
					const struct ipsec_flow *flow,
					int ifindex, enum ipsec_dir dir);

/* spd_expire.c */
void ipsec_spd_mortal_add(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_spd_mortal_del(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_spd_wake(struct net *net);
void ipsec_spd_expire_init(struct ipsec_spd *spd);
void ipsec_spd_expire_exit(struct ipsec_spd *spd);

/* level.c */
enum ipsec_level ipsec_level_resolve(const struct ipsec_knobs_family *knobs,
				     const struct ipsec_request *req);

/* bundle.c */
void ipsec_request_ends(const struct ipsec_request *req,
			const struct ipsec_ends_key *ends,
			struct ipsec_ends_key *want);
void ipsec_bundle_resolve(struct net *net, const struct ipsec_flow *flow,
			  struct ipsec_decision *decision, bool act);

/* output.c */
void ipsec_output_decide(struct net *net, const struct ipsec_flow *flow,
			 struct ipsec_decision *decision);
bool ipsec_output_lasts(const struct ipsec_route *route, const struct sk_buff *skb,
			const struct nf_hook_state *state);
unsigned int ipsec_output_flow(struct net *net, struct sk_buff *skb,
			       const struct ipsec_flow *flow, bool again);
unsigned int ipsec_output(struct sk_buff *skb, sa_family_t family,
			  const struct nf_hook_state *state);

/* protect.c */
void ipsec_protect(struct net *net, struct sk_buff *skb,
		   const struct ipsec_route *route);
bool ipsec_output_hold(struct sk_buff *skb);
void ipsec_output_release(const struct ipsec_skb_cb *cb);
void ipsec_output_resume(struct sk_buff *skb, int err);
int ipsec_seq_next(struct ipsec_sa *sa, u64 *seq);
struct sk_buff *ipsec_output_own(struct sk_buff *skb, unsigned int headroom,
				 unsigned int tailroom);

/* xform.c */
int ipsec_header_place(const struct sk_buff *skb, unsigned int *nexthdr);
void ipsec_set_length(struct sk_buff *skb);
void *ipsec_header_insert(struct sk_buff *skb, unsigned int place,
			  unsigned int nexthdr, unsigned int len, u8 proto);
bool ipsec_numbers_ok(const struct ipsec_sa_params *p);
enum ipsec_replay_verdict ipsec_window_check(struct ipsec_sa *sa, __be32 wire,
					     u64 *seq);
enum ipsec_replay_verdict ipsec_window_accept(struct ipsec_sa *sa, u64 seq);

/* What the IP header names; with IPv6 there may be extension headers in between. */
static inline u8 ipsec_first_proto(const struct sk_buff *skb, sa_family_t family)
{
	return family == AF_INET ? ip_hdr(skb)->protocol : ipv6_hdr(skb)->nexthdr;
}

static inline bool ipsec_proto_is_ip(u8 proto)
{
	return proto == IPPROTO_IPIP || proto == IPPROTO_IPV6;
}

/* xform_ipcomp.c */
struct ipsec_sa *ipsec_ipcomp_find(struct net *net, struct ipsec_sad_key *key,
				   const void *header, const void *ip);
struct ipsec_sa *ipsec_ipcomp_bare(struct net *net, const struct sk_buff *skb,
				   sa_family_t family);
bool ipsec_ipcomp_unwrap(struct net *net, struct sk_buff *skb,
			 sa_family_t family);

/* tunnel.c: values of the knob ecn, and what comes with a mark. */
enum { IPSEC_ECN_NOCARE = -1, IPSEC_ECN_FORBIDDEN, IPSEC_ECN_ALLOWED };
enum { IPSEC_ECN_ODD = 0x10, IPSEC_ECN_DROP = 0x20 };

u8 ipsec_tunnel_tos(int ecn, u8 inner);
u8 ipsec_tunnel_ecn(u8 inner, u8 outer);
struct dst_entry *ipsec_tunnel_route(const struct ipsec_sa *sa, int l3mdev);
bool ipsec_tunnel_encap(struct sk_buff *skb, struct ipsec_sa *sa);
bool ipsec_tunnel_decap(struct sk_buff *skb, struct ipsec_sa *sa, int nexthdr);

/* natt.c */
void ipsec_natt_encap(struct sk_buff *skb, const struct ipsec_sa *sa);
void ipsec_natt_received(struct sk_buff *skb, struct ipsec_sa *sa);
void ipsec_natt_checksum(struct sk_buff *skb, const struct ipsec_natt *natt,
			 u8 proto, bool recompute);
bool ipsec_natt_carries_esp(struct net *net, const struct sk_buff *skb,
			    const struct ipsec_flow *flow);

/* pmtu.c */
struct ipsec_way ipsec_way_of(const struct ipsec_decision *decision,
			      const struct ipsec_flow *flow);
unsigned int ipsec_outer_mtu(const struct ipsec_decision *decision,
			     const struct ipsec_flow *flow, unsigned int mtu);
unsigned int ipsec_inner_mtu(const struct ipsec_decision *decision,
			     sa_family_t family, unsigned int outer);
int ipsec_pmtu_check(struct sk_buff *skb, const struct sock *sender,
		     struct ipsec_route *route, bool forward);
void ipsec_pmtu_learn(struct ipsec_sa *sa, struct sk_buff *skb,
		      const struct ipsec_quote *quote);
u32 ipsec_pmtu_learned(const struct ipsec_sa *sa);

/* mss.c */
void ipsec_mss_clamp_out(struct net *net, struct sk_buff *skb,
			 const struct ipsec_route *route);
void ipsec_mss_clamp_in(struct net *net, struct sk_buff *skb,
			const struct ipsec_flow *flow);

/* input.c */
int ipsec_input(struct sk_buff *skb, struct ipsec_sa *sa, int encap_type);
void ipsec_input_resume(struct sk_buff *skb, struct ipsec_sa *sa, int nexthdr);

/* sa.c: what SAs need done in process context. */
extern struct workqueue_struct *ipsec_sa_wq;

/* early.c: how long a packet waits for the keys of its SA. */
#define IPSEC_EARLY_SECONDS	1

bool ipsec_early_keep(struct ipsec_sa *sa, struct sk_buff *skb, int encap_type);
void ipsec_early_move(struct ipsec_sa *larval, struct ipsec_sa *sa);
void ipsec_early_end(struct ipsec_sa *sa);

/* inpolicy.c */
struct ipsec_sp *ipsec_input_policy(struct net *net,
				    const struct ipsec_flow *flow);
int ipsec_request_unmet(const struct ipsec_sp *sp,
			const struct ipsec_knobs_family *knobs,
			unsigned int have);
bool ipsec_sp_insists(struct net *net, const struct ipsec_flow *flow,
		      const struct ipsec_sp *sp);
bool ipsec_policy_wants_whole(struct net *net, struct sk_buff *skb,
			      sa_family_t family);
bool ipsec_policy_wants_protected(struct net *net,
				  const struct ipsec_flow *flow);
bool ipsec_policy_check_local(struct net *net, struct sk_buff *skb,
			      sa_family_t family);
bool ipsec_policy_check_forward(struct net *net, struct sk_buff *skb,
				struct ipsec_flow *flow);

/* flow_table.c */
void ipsec_flow_table_avoid(struct net *net, const struct sk_buff *skb);

/* history.c */
bool ipsec_history_push(struct sk_buff *skb, struct ipsec_sa *sa, bool tunnel);
struct xfrm_state *ipsec_history_sent(struct ipsec_sa *sa, bool tunnel);
bool ipsec_history_ours(const struct xfrm_state *x);
void ipsec_history_show(struct sk_buff *skb);
void ipsec_history_hide(struct sk_buff *skb);
bool ipsec_history_end(struct ipsec_sa *sa);
void ipsec_history_release(struct ipsec_sa *sa);
unsigned int ipsec_history_have(const struct sk_buff *skb);
u32 ipsec_history_hash(const struct sk_buff *skb);
bool ipsec_history_left_tunnel(const struct sk_buff *skb);
bool ipsec_history_passed(const struct sk_buff *skb,
			  const struct ipsec_ends_key *ends, bool tunnel);
bool ipsec_history_tunnel(const struct sk_buff *skb,
			  struct ipsec_ends_key *ends);

/* hook.c */
const struct nf_hook_ops *ipsec_hook_table(unsigned int *n);
const struct nf_hook_ops *ipsec_hook_table_early(unsigned int *n);
int ipsec_hook_init(void);
void ipsec_hook_exit(void);

/* attach.c */
void ipsec_attach_init(const struct nf_hook_ops *table, unsigned int n);
void ipsec_hooks_init(struct ipsec_net *in);
int ipsec_hooks_hold(struct net *net);
void ipsec_hooks_release(struct net *net);
void ipsec_hooks_disable(struct net *net);
void ipsec_hooks_exit(struct ipsec_net *in);

/* charge.c */
int ipsec_charge_sa(struct net *net);
void ipsec_uncharge_sa(struct net *net);
void ipsec_charge_exit(struct ipsec_net *in);

/* stack.c */
void ipsec_stack_send(struct net *net, struct sk_buff *skb, u32 pmtu);
void ipsec_stack_resume(struct net *net, struct sk_buff *skb);
void ipsec_stack_receive(struct net *net, struct sk_buff *skb);
void ipsec_stack_deliver(struct net *net, struct sk_buff *skb);

/* arrival.c */
void ipsec_arrivals_setup(const struct nf_hook_ops *table, unsigned int n);
void ipsec_arrivals_init(struct ipsec_arrivals *arrivals);
bool ipsec_arrivals_wait(struct net *net, struct sk_buff *skb);
void ipsec_arrivals_unhook(struct ipsec_net *in);
void ipsec_arrivals_exit(struct ipsec_arrivals *arrivals);

/* fragment.c */
struct sk_buff *ipsec_fragment_join(struct net *net, struct sk_buff *skb);
bool ipsec_fragment_mixed(const struct sk_buff *skb, bool whole);
void ipsec_fragment_size(struct sk_buff *skb, sa_family_t family);
void ipsec_fragments_expect(void);
void ipsec_fragments_exit(void);

/* How long the longest fragment was, if the stack put a packet together; or 0. */
static inline unsigned int ipsec_piece_size(const struct sk_buff *skb,
					    sa_family_t family)
{
	return family == AF_INET ? IPCB(skb)->frag_max_size :
				   IP6CB(skb)->frag_max_size;
}

/* Whether an opened packet, its data at the IP header, may be a fragment. */
static inline bool ipsec_is_fragment(const struct sk_buff *skb)
{
	if (ipsec_skb_family(skb) == AF_INET)
		return ip_is_fragment(ip_hdr(skb));
	switch (ipv6_hdr(skb)->nexthdr) {
	case NEXTHDR_HOP:
	case NEXTHDR_ROUTING:
	case NEXTHDR_DEST:
	case NEXTHDR_FRAGMENT:
		return true;
	default:
		return false;
	}
}

/* Gives an opened packet back to the stack; fragments of it may have to wait. */
static inline void ipsec_deliver(struct net *net, struct sk_buff *skb)
{
	if (unlikely(ipsec_is_fragment(skb))) {
		skb = ipsec_fragment_join(net, skb);
		if (!skb)
			return;
	}
	ipsec_stack_deliver(net, skb);
}

/* suspend.c */
void ipsec_wake(struct net *net);
void ipsec_suspend_init(void);
void ipsec_suspend_exit(void);

/* unload.c */
void ipsec_unload_wait(void);

/* netns.c */
extern struct workqueue_struct *ipsec_wq;

int ipsec_netns_init(void);
void ipsec_netns_exit(void);

#endif /* _IPSEC_NET_H */
