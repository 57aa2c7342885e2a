/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Security policies and their database (RFC 4301 section 4.4.1). Field letters
 * and lock order: sa.h.
 */
#ifndef _IPSEC_SP_H
#define _IPSEC_SP_H

#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <ipsec/addr.h>
#include <ipsec/selector.h>
#include <ipsec/table.h>

/* Requests of one policy, and so the transforms of one packet, at most. */
#define IPSEC_MAX_DEPTH		5

/* What a policy does with a packet; the numbers are PF_KEY's. */
enum ipsec_sp_type {
	IPSEC_SP_DISCARD,
	IPSEC_SP_NONE,
	IPSEC_SP_IPSEC,
	IPSEC_SP_ENTRUST,	/* of a socket: what the SPD says */
	IPSEC_SP_BYPASS,	/* of a socket: in clear, whatever the SPD says */
};

/* How much protection a request insists on; the numbers are PF_KEY's. */
enum ipsec_level {
	IPSEC_LEVEL_IS_DEFAULT,	/* ask the knobs, see level.c */
	IPSEC_LEVEL_IS_USE,
	IPSEC_LEVEL_IS_REQUIRE,
	IPSEC_LEVEL_IS_UNIQUE,
};

/* Largest reqid that an administrator may choose (ipsec_set_policy(3)). */
#define IPSEC_REQID_MANUAL_MAX	0x3fff

/**
 * struct ipsec_request - one transform that a policy asks for
 * @proto: IPPROTO_ESP, IPPROTO_AH or IPPROTO_COMP
 * @mode: enum ipsec_mode_kind, transport or tunnel
 * @level: enum ipsec_level
 * @family: family of the endpoints; 0 = the packet's own addresses
 * @reqid: 0 = any SA, else only SAs with this id (level unique)
 * @saddr: endpoint here
 * @daddr: endpoint there
 */
struct ipsec_request {
	u8			proto;
	u8			mode;
	u8			level;
	u8			family;
	u32			reqid;
	union ipsec_addr	saddr;
	union ipsec_addr	daddr;
};

/*
 * Mask tuples of one direction and family at most: a look-up that the flow cache
 * cannot answer probes each of them with bottom halves disabled.
 */
#define IPSEC_SPD_GROUPS_MAX	512

/* IPv4 and IPv6 have mask tuples of their own. */
enum { IPSEC_SPD_IP4, IPSEC_SPD_IP6, IPSEC_SPD_FAMILIES };

/**
 * struct ipsec_sp_key - where policies are found: their selector, masked
 * @src: source network
 * @dst: destination network
 * @sport: source port
 * @dport: destination port
 * @proto: upper-layer protocol
 * @pad: always zero: keys are compared as memory
 * @masks: which bits were kept, see ipsec_sp_masks(): no two tuples share a number
 */
struct ipsec_sp_key {
	union ipsec_addr	src;
	union ipsec_addr	dst;
	__be16			sport;
	__be16			dport;
	u8			proto;
	u8			pad[3];
	u32			masks;
};

/* What a fragment may hide; where policies are found nevertheless, see spd_blind.c. */
enum { IPSEC_BLIND_PORTS, IPSEC_BLIND_PROTO, IPSEC_BLINDS };

/**
 * struct ipsec_sp_blind_link - a policy among those that a fragment may be about
 * @bin: [P] them, or NULL
 * @node: [P] link of their tree by order
 * @sp: [P] the policy
 */
struct ipsec_sp_blind_link {
	struct ipsec_sp_blind	*bin;
	struct rb_node		node;
	struct ipsec_sp		*sp;
};

/**
 * struct ipsec_sp - a policy, an entry of the SPD
 * @sel: [I] which packets
 * @bin: [I once added] policies with the same selector but for bits that it masks
 * @id_node: [P] link of spd.by_id
 * @order_node: [P] link of the tree of its direction by order
 * @group_node: [P] link of its group's tree by order
 * @bin_node: [P] link of its bin's tree by order
 * @exact_node: [P] link of its bin's tree by @sel
 * @blind: [P] where fragments find it that hide ports, or the protocol too
 * @ordinal: [I once added] first come, first matched; 64 bits do not run out
 * @priority: [I] as given by the user, the lower wins; then the lower @ordinal does
 * @id: [I once added] 8n + direction - 1, unique in the namespace
 * @dir: [I] enum ipsec_dir
 * @type: [I] enum ipsec_sp_type
 * @linked: [P] is in the tables
 * @net: [I] the namespace; policies never outlive it
 * @lifetime: [I] seconds until it expires, 0 = never
 * @validtime: [I] seconds without use until it expires, 0 = never
 * @add_time: [I] wall clock when added, seconds
 * @added: [I] boot-time clock when added; what the lifetimes use
 * @used: boot-time clock of the last use, to a second; races are harmless
 * @due: [P] link of the queue of policies that expire, and when to look at it
 * @refs: [A] held by the SPD and by whoever ipsec_spd_get() gave it to
 * @rcu: frees it
 * @n_requests: [I] length of @requests, at most IPSEC_MAX_DEPTH
 * @requests: [I] the first one is applied first, it is the innermost
 */
struct ipsec_sp {
	struct ipsec_selector	sel;
	struct ipsec_sp_bin	*bin;
	struct ipsec_table_entry id_node;
	struct rb_node		order_node;
	struct rb_node		group_node;
	struct rb_node		bin_node;
	struct rb_node		exact_node;
	struct ipsec_sp_blind_link blind[IPSEC_BLINDS];
	u64			ordinal;
	u32			priority;
	u32			id;
	u8			dir;
	u8			type;
	bool			linked;
	struct net		*net;
	u64			lifetime;
	u64			validtime;
	time64_t		add_time;
	ktime_t			added;
	ktime_t			used;
	struct timerqueue_node	due;
	refcount_t		refs;
	struct rcu_head		rcu;
	unsigned int		n_requests;
	struct ipsec_request	requests[];
};

/* Whether @a is matched before @b; both are of one direction. */
static inline bool ipsec_sp_before(const struct ipsec_sp *a,
				   const struct ipsec_sp *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	return a->ordinal < b->ordinal;
}

/**
 * struct ipsec_sp_cursor - how far a walk through one direction came
 * @ordinal: of the first policy that was not seen; all zero at the start
 * @priority: its priority
 */
struct ipsec_sp_cursor {
	u64	ordinal;
	u32	priority;
};

/**
 * struct ipsec_spd_dir - the policies of one direction
 * @table: [R] struct ipsec_sp_key -> struct ipsec_sp_bin, writers hold spd.lock
 * @blind: [R] struct ipsec_sp_key -> struct ipsec_sp_blind, the same
 * @ordered: [P] all policies by order, for dumps
 * @groups: [P R] the mask tuples in use, the one with the best entry first
 * @next_ordinal: [P] breaks ties between equal priorities: first come, first
 * @count: [P] policies; read without the lock as a hint
 */
struct ipsec_spd_dir {
	struct ipsec_table		table;
	struct ipsec_table		blind;
	struct rb_root			ordered;
	struct ipsec_spd_groups __rcu	*groups[IPSEC_SPD_FAMILIES];
	u64				next_ordinal;
	u32				count;
};

/**
 * struct ipsec_spd - the SPD of one network namespace
 * @dir: the three directions, indexed by enum ipsec_dir
 * @by_id: [P] id / 8 -> policy; no reader needs it, and what an xarray gives back is
 *	   freed in soft interrupts
 * @next_id: [P] where the search for a free id starts
 * @next_reqid: [P] the next automatic reqid
 * @mortal: [P] policies with lifetimes, the one that is due next first
 * @expiry: looks at the first of @mortal when it is due
 * @net: [I] the namespace
 * @lock: protects the tables and the links of policies
 */
struct ipsec_spd {
	struct ipsec_spd_dir	dir[IPSEC_DIRS];
	struct ipsec_table	by_id;
	u32			next_id;
	u32			next_reqid;
	struct timerqueue_head	mortal;
	struct delayed_work	expiry;
	struct net		*net;
	spinlock_t		lock;
};

void ipsec_sp_free(struct ipsec_sp *sp);

static inline void ipsec_sp_put(struct ipsec_sp *sp)
{
	if (refcount_dec_and_test(&sp->refs))
		ipsec_sp_free(sp);
}

struct ipsec_sp *ipsec_sp_alloc(struct net *net, unsigned int n_requests,
				gfp_t gfp);
time64_t ipsec_sp_use_time(const struct ipsec_sp *sp);
int ipsec_spd_add(struct ipsec_sp *sp, bool replace);
bool ipsec_spd_delete(struct ipsec_sp *sp);
bool ipsec_spd_number(struct ipsec_sp *sp);
struct ipsec_sp *ipsec_spd_lookup(struct net *net,
				  const struct ipsec_flow *flow);
bool ipsec_spd_hides(struct net *net, const struct ipsec_flow *flow,
		     enum ipsec_dir dir, const struct ipsec_sp *sp, bool insists);
struct ipsec_sp *ipsec_spd_find(struct net *net, enum ipsec_dir dir,
				const struct ipsec_selector *sel);
struct ipsec_sp *ipsec_spd_get(struct net *net, u32 id);
struct ipsec_sp *ipsec_spd_next(struct net *net, enum ipsec_dir dir,
				struct ipsec_sp_cursor *cursor);
unsigned int ipsec_spd_count(struct net *net);
int ipsec_spd_flush(struct net *net);
void ipsec_spd_init(struct net *net, struct ipsec_spd *spd);
void ipsec_spd_exit(struct ipsec_spd *spd);

#endif /* _IPSEC_SP_H */
