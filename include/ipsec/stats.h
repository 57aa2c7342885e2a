/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters of /proc/net/ipsec_stat: one for every reason to drop a packet. */
#ifndef _IPSEC_STATS_H
#define _IPSEC_STATS_H

#include <linux/percpu.h>
#include <linux/types.h>

struct ipsec_sa;
struct ipsec_sp;
struct net;
struct sk_buff;

/*
 * Names of KAME's struct ipsecstat, and FreeBSD's espstat where that tells more
 * (RFC 4301 asks for an audit entry for each of these events).
 */
#define IPSEC_STATS(X)							\
	/* inbound */							\
	X(in_success)		/* an ESP, AH or IPComp header processed */ \
	X(in_polvio)		/* violated the inbound policy */	\
	X(in_history)		/* other SAs than check_policy_history asks */ \
	X(in_nosa)		/* no SA for (destination, SPI) */	\
	X(in_badspi)		/* the SA is larval or dead */		\
	X(in_early)		/* waited for the keys of its SA */	\
	X(in_hdrops)		/* shorter than its header */		\
	X(in_badilen)		/* length that block or ICV do not allow */ \
	X(in_badenc)		/* pad length beyond the packet */	\
	X(in_espold)		/* sequence number left of the window */ \
	X(in_espreplay)		/* sequence number seen before */	\
	X(in_espauthsucc)	/* ICV right */				\
	X(in_espauthfail)	/* ICV wrong */				\
	X(in_ahold)		/* the same four of AH */		\
	X(in_ahreplay)							\
	X(in_ahauthsucc)						\
	X(in_ahauthfail)						\
	X(in_comphist)		/* payload expanded */			\
	X(in_ipcompinval)	/* not deflate, or without end */	\
	X(in_ipcompnested)	/* IPComp right inside IPComp */	\
	X(in_uncompr)		/* out of an IPComp tunnel as it was */	\
	X(in_crypto)		/* the crypto API failed */		\
	X(in_mode)		/* not what the SA's mode allows */	\
	X(in_natt)		/* ESP in UDP where the SA has none, or not */ \
	X(in_fragment)		/* hides whether a policy is about it */ \
	X(in_reasm)		/* whether all of its fragments were protected */ \
	X(in_tunnel)		/* no policy wants this tunnel's inside */ \
	X(in_ecn)		/* congestion mark on a packet that has none */ \
	X(in_inner)		/* no whole IP packet came out of a tunnel */ \
	X(in_depth)		/* more headers than a bundle may have */ \
	X(in_expired)		/* hard lifetime passed */		\
	X(in_nomem)							\
	X(in_inval)		/* malformed in another way */		\
	X(in_dummy)		/* next header 59, RFC 4303 2.6 */	\
	/* outbound */							\
	X(out_success)		/* a transform applied */		\
	X(out_comphist)		/* payload compressed */		\
	X(out_uncompr)		/* IPComp left the packet as it was */	\
	X(out_polvio)		/* policy says discard */		\
	X(out_redirect)		/* would lead packets around their tunnel */ \
	X(out_fragment)		/* hides whether a policy is about it */ \
	X(out_nosa)		/* a required SA is missing */		\
	X(out_badspi)		/* the SA died under the packet */	\
	X(out_wrap)		/* sequence numbers used up */		\
	X(out_expired)		/* hard lifetime passed */		\
	X(out_toobig)		/* needs fragmentation and has DF */	\
	X(out_crypto)		/* the crypto API failed */		\
	X(out_noroute)		/* no route to the tunnel's end */	\
	X(out_nomem)							\
	X(out_inval)		/* malformed, or no room to nest */	\
	/* tunnels, no drops */						\
	X(ecn_odd)		/* marks that RFC 6040 4.2 calls unused */ \
	X(pmtu_learned)		/* an ICMP error told a path's MTU */	\
	X(pmtu_refused)		/* one that was not believed */		\
	X(mss_clamped)		/* MSS option of TCP made smaller */	\
	/* key managers */						\
	X(km_lost)		/* a message to them found no memory */	\
	/* the flow cache */						\
	X(spdcachelookup)						\
	X(spdcachemiss)

#define IPSEC_STAT_ENUM(name)	IPSEC_STAT_##name,
enum ipsec_stat {
	IPSEC_STATS(IPSEC_STAT_ENUM)
	IPSEC_STAT_MAX
};

#undef IPSEC_STAT_ENUM

/**
 * struct ipsec_stats - the counters of one network namespace on one CPU
 * @n: indexed by enum ipsec_stat
 */
struct ipsec_stats {
	unsigned long	n[IPSEC_STAT_MAX];
};

extern const char *const ipsec_stat_names[IPSEC_STAT_MAX];

void ipsec_count(struct net *net, enum ipsec_stat stat);
unsigned long ipsec_stat_read(struct net *net, enum ipsec_stat stat);
void ipsec_drop(struct net *net, struct sk_buff *skb, enum ipsec_stat reason,
		const struct ipsec_sa *sa, const struct ipsec_sp *sp);
void ipsec_drop_rule(struct net *net, struct sk_buff *skb,
		     enum ipsec_stat reason, const struct ipsec_sp *sp,
		     int rule);

#endif /* _IPSEC_STATS_H */
