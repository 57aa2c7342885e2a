/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Security associations and their database (RFC 4301 section 4.4.2).
 *
 * Locks and ownership
 * ===================
 * Field letters, here and in sp.h and netns.h:
 *   [I] immutable once published   [R] RCU pointer or list
 *   [D] sad.lock                   [P] spd.lock
 *   [s] sa->lock                   [A] atomic or per CPU
 *   [T] sad.due_lock
 *   [q] acquires.lock              [N] written by netns init and exit only
 *
 * Order: PF_KEY mutex, spd.lock, sad.lock, sa->lock, sad.due_lock, acquires.lock. All
 * but the first are taken with bottom halves disabled. No lock is held across
 * crypto, packet delivery, key manager calls, socket wake-ups or kfree_skb(). What is
 * done under one of them takes as long among many SAs as among few, but for the depth
 * of a tree.
 *
 * An SA reference is held by the SAD, by the queue of what is due, and by each packet
 * whose crypto is asynchronous. The flow cache holds none: it is valid only for
 * the generation in which it was filled, the generation is bumped when an SA
 * leaves the SAD, and the memory outlives that by an RCU grace period.
 *
 * A state changes under sad.lock and sa->lock. Senders find an SA among its rivals, which
 * are in order of preference: one that ends leaves them before its state says so, so
 * that a sender who sees it dead finds the next one.
 *
 * Delete, in this order: leave the rivals, state = DEAD, unlink, bump the generation,
 * leave the queue of what is due, and after a grace period drop the SAD's reference,
 * so that a packet that has found the SA in an RCU section may take one of its own. One
 * work item waits for that on behalf of all SAs that were deleted meanwhile; then, and
 * after a last put by others, it frees the transform (which may sleep), wipes the keys
 * and frees the memory.
 *
 * Lifetimes, larval limits and net.key.delete_grace are one queue in the order of the
 * boot-time clock. A work item of the namespace takes what is due, SA by SA; it also
 * ends what gave way to a newer SA. Packets only add to the queue.
 *
 * Packets in @early hold their device and no SA: they end with it.
 *
 * With net.key.delete_grace a DELETE stops after the second step: the SA is dead for
 * everybody but for packets that arrive, and the queue does the rest.
 */
#ifndef _IPSEC_SA_H
#define _IPSEC_SA_H

#include <linux/list.h>
#include <linux/llist.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/timerqueue.h>
#include <linux/workqueue.h>
#include <net/net_namespace.h>
#include <ipsec/addr.h>
#include <ipsec/alg.h>
#include <ipsec/comp.h>
#include <ipsec/crypt.h>
#include <ipsec/icv.h>
#include <ipsec/key.h>
#include <ipsec/lifetime.h>
#include <ipsec/natt.h>
#include <ipsec/replay.h>
#include <ipsec/table.h>

struct ipsec_xform;
struct xfrm_state;

/* Life of an SA; the numbers are SADB_SASTATE_*. */
enum ipsec_sa_state {
	IPSEC_SA_LARVAL,	/* has an SPI, waits for its keys */
	IPSEC_SA_MATURE,
	IPSEC_SA_DYING,		/* soft limit passed; still usable */
	IPSEC_SA_DEAD,		/* nobody sends with it; leaving, or only references remain */
};

/*
 * IPComp's index has 16 bits. The low ones name an algorithm and need no SA to
 * agree on them (RFC 3173 section 3.3).
 */
#define IPSEC_CPI_MAX		0xffff
#define IPSEC_CPI_WELL_KNOWN	255

/* The numbers are PF_KEY's IPSEC_MODE_*. */
enum ipsec_mode_kind {
	IPSEC_MODE_KIND_ANY,
	IPSEC_MODE_KIND_TRANSPORT,
	IPSEC_MODE_KIND_TUNNEL,
};

#define IPSEC_MODE_KINDS	3	/* size of a table indexed by mode */

/**
 * struct ipsec_sad_key - what the inbound look-up knows of a packet
 * @daddr: destination address of the outer header
 * @spi: SPI of the AH or ESP header, CPI of the IPComp header
 * @proto: IPPROTO_ESP, IPPROTO_AH or IPPROTO_COMP
 * @family: family of @daddr
 * @pad: always zero
 */
struct ipsec_sad_key {
	union ipsec_addr	daddr;
	__be32			spi;
	u8			proto;
	u8			family;
	u16			pad;
};

/**
 * struct ipsec_ends_key - what the outbound look-up knows of a request
 * @saddr: source address of the SA
 * @daddr: destination address of the SA
 * @proto: IPPROTO_ESP, IPPROTO_AH or IPPROTO_COMP
 * @family: family of the addresses
 * @pad: always zero
 */
struct ipsec_ends_key {
	union ipsec_addr	saddr;
	union ipsec_addr	daddr;
	u8			proto;
	u8			family;
	u16			pad;
};

/**
 * struct ipsec_rivals_key - which SAs compete for a request
 * @ends: addresses and protocol
 * @reqid: their reqid, or 0 for all between these ends, whatever theirs is
 */
struct ipsec_rivals_key {
	struct ipsec_ends_key	ends;
	u32			reqid;
};

/* Which of the rivals of one mode is preferred. */
enum ipsec_preference {
	IPSEC_PREFER_OLDEST,	/* a dying one first */
	IPSEC_PREFER_NEWEST,	/* a mature one first */
	IPSEC_PREFERENCES,
};

/**
 * struct ipsec_rivals - SAs that compete for the same requests
 * @key: [I] what they have in common
 * @node: [D R] link of sad.by_ends
 * @by_age: [D] the usable ones of each mode, in order of preference, those whose
 *	    hard lifetime ends some day apart from the others
 * @best: [D R] which of a mode to send with, for each preference
 * @all: [D R] all SAs, usable or not, the oldest first; only with reqid 0
 * @count: [D] SAs that belong here; without any it goes
 * @discard_node: [D] link of sad.discards, if some gave way
 * @discard_modes: [D] for requests of which modes, a bit each
 * @rcu: frees it
 */
struct ipsec_rivals {
	struct ipsec_rivals_key	key;
	struct ipsec_table_entry node;
	struct rb_root_cached	by_age[IPSEC_MODE_KINDS][2];
	struct ipsec_sa __rcu	*best[IPSEC_MODE_KINDS][IPSEC_PREFERENCES];
	struct list_head	all;
	unsigned int		count;
	struct list_head	discard_node;
	unsigned int		discard_modes;
	struct rcu_head		rcu;
};

/**
 * struct ipsec_sa_params - everything that makes an SA, as a daemon gives it
 * @ends: addresses, family and protocol
 * @spi: security parameters index, of IPComp at most IPSEC_CPI_MAX
 * @mode: enum ipsec_mode_kind
 * @state_pid: sadb_msg_pid of the creator
 * @seq: sadb_msg_seq of the creator
 * @reqid: 0 or the id that policies of level unique ask for
 * @flags: sadb_sa_flags, stored and dumped as given
 * @window: packets of the replay window
 * @sequence: number that was used last, 0 in a new SA
 * @aalg: SADB_AALG_* number, 0 = none
 * @ealg: SADB_EALG_* number, of IPComp SADB_X_CALG_*; 0 = none
 * @akey: integrity key, borrowed
 * @ekey: encryption key, borrowed
 * @natt: ESP in UDP
 * @hard: hard limits
 * @soft: soft limits
 */
struct ipsec_sa_params {
	struct ipsec_ends_key	ends;
	__be32			spi;
	u8			mode;
	u32			state_pid;
	u32			seq;
	u32			reqid;
	u32			flags;
	u32			window;
	u64			sequence;
	u8			aalg;
	u8			ealg;
	struct ipsec_key	akey;
	struct ipsec_key	ekey;
	struct ipsec_natt	natt;
	struct ipsec_limits	hard;
	struct ipsec_limits	soft;
};

/**
 * enum ipsec_mark - what is to be seen of an SA in a packet that came through it
 * @IPSEC_MARK_TRANSPORT: transport mode
 * @IPSEC_MARK_TUNNEL: it was a tunnel; the core sees transport mode
 * @IPSEC_MARK_SHOWN: the same, while the firewall looks at it: tunnel mode
 * @IPSEC_MARKS: how many there are
 */
enum ipsec_mark {
	IPSEC_MARK_TRANSPORT,
	IPSEC_MARK_TUNNEL,
	IPSEC_MARK_SHOWN,
	IPSEC_MARKS,
};

/**
 * struct ipsec_sa - a security association
 * @key: [I] identity in the SAD
 * @spi_node: [D R] link of the table by @key
 * @ends: [I] the two ends and the protocol
 * @ends_node: [D R] link of all SAs between the same ends
 * @rivals: [D] those with any reqid, and those with the same one, if it has one
 * @age_node: [D] links of their trees by age
 * @rank: [D] the state that these trees know; 0 = not in them
 * @all_node: [D] link of sad.all
 * @serial: [D] position among all SAs, the newer the higher; 64 bits do not run out
 * @linked: [D] is in the tables
 * @net: [I] the namespace; SAs never outlive it
 * @xform: [I] ESP, AH or IPComp; NULL while larval
 * @cipher: [I] of ESP
 * @mac: [I] of AH
 * @comp: [I] of IPComp
 * @akey: [I] kept because DUMP and GET return it
 * @ekey: [I] the same
 * @natt: ESP in UDP, see there
 * @peer: [s] where packets came from last, while @peer_moved
 * @peer_moved: [s] that is not what @ends and @natt say; READ_ONCE without the
 *		lock
 * @mode: [I] enum ipsec_mode_kind
 * @aalg: [I] SADB_AALG_* number
 * @ealg: [I] SADB_EALG_* number, of IPComp SADB_X_CALG_*
 * @reqid: [I] see struct ipsec_sa_params
 * @flags: [I] sadb_sa_flags
 * @window: [I] packets of the replay window
 * @pid: [I] sadb_msg_pid of the creator
 * @seq: [I] sadb_msg_seq of the creator
 * @state: [s] enum ipsec_sa_state; read without the lock by READ_ONCE
 * @leaving: [s] dead, but opens packets until @due ends it; READ_ONCE without the
 *	     lock
 * @charged: [I] the namespace's payer was charged for it, see charge.c
 * @out_seq: [A] sequence numbers used up
 * @replay: the receiver's window, see there
 * @life: limits and use, see there
 * @early: [s] packets that wait for the keys, see early.c
 * @due: [T] queued while a time limit, the larval limit or net.key.delete_grace runs,
 *	 or packets wait
 * @marks: [A] what received packets take their secpath from; set once, when first
 *         needed, see history.c
 * @sent: [A] what routes of packets show of it, of transport and of tunnel mode; the
 *        same
 * @pmtu: [A] path MTU learned from ICMP for the outer packet, 0 = none
 * @pmtu_until: [A] when it is forgotten, in jiffies
 * @lock: protects the [s] fields; never held across crypto or delivery
 * @refs: [A] see the head of this file
 * @dead_node: [A] waits for the end of a grace period, and then to be freed
 */
struct ipsec_sa {
	struct ipsec_sad_key	key;
	struct ipsec_table_entry spi_node;
	struct ipsec_ends_key	ends;
	struct list_head	ends_node;
	struct ipsec_rivals	*rivals[2];
	struct rb_node		age_node[2];
	u8			rank;
	struct rb_node		all_node;
	u64			serial;
	bool			linked;
	struct net		*net;
	const struct ipsec_xform *xform;
	union {
		struct ipsec_cipher	cipher;
		struct ipsec_mac	mac;
		struct ipsec_comp	comp;
	};
	struct ipsec_key	akey;
	struct ipsec_key	ekey;
	struct ipsec_natt	natt;
	struct ipsec_endpoint	peer;
	bool			peer_moved;
	u8			mode;
	u8			aalg;
	u8			ealg;
	u32			reqid;
	u32			flags;
	u32			window;
	u32			pid;
	u32			seq;
	u8			state;
	bool			leaving;
	bool			charged;
	atomic64_t		out_seq;
	struct ipsec_replay	replay;
	struct ipsec_lifetime	life;
	struct sk_buff_head	early;
	struct timerqueue_node	due;
	struct sk_buff		*marks[IPSEC_MARKS];
	struct xfrm_state	*sent[2];
	u32			pmtu;
	unsigned long		pmtu_until;
	spinlock_t		lock;
	refcount_t		refs;
	struct llist_node	dead_node;
};

/* What SAs are counted by. */
enum { IPSEC_SAD_ESP, IPSEC_SAD_AH, IPSEC_SAD_COMP, IPSEC_SAD_PROTOS };

/**
 * struct ipsec_sad - the SAD of one network namespace
 * @by_spi: [R] struct ipsec_sad_key -> SA, writers hold @lock
 * @by_ends: [R] struct ipsec_rivals_key -> struct ipsec_rivals, writers hold @lock
 * @all: [D] by serial, for dumps and flushes in the order of creation
 * @next_serial: [D] of the next SA
 * @count: [D] linked SAs; read without the lock as a hint
 * @counts: [D] those of each protocol; the same
 * @discards: [D] rivals of which some gave way to a newer one
 * @lock: protects the tables, the links and, with sa->lock, the states of SAs
 * @due: [T] SAs by the boot-time clock of their next event
 * @due_lock: protects @due
 * @upkeep: works on @due and @discards
 */
struct ipsec_sad {
	struct ipsec_table	by_spi;
	struct ipsec_table	by_ends;
	struct rb_root		all;
	u64			next_serial;
	u32			count;
	u32			counts[IPSEC_SAD_PROTOS];
	struct list_head	discards;
	spinlock_t		lock;
	struct timerqueue_head	due;
	spinlock_t		due_lock;
	struct delayed_work	upkeep;
};

/* One SA is made and freed: sa.c. */
struct ipsec_sa *ipsec_sa_create(struct net *net,
				 const struct ipsec_sa_params *params);
struct ipsec_sa *ipsec_sa_larval(struct net *net,
				 const struct ipsec_sa_params *params);
void ipsec_sa_destroy(struct ipsec_sa *sa);
void ipsec_sa_retire(struct ipsec_sa *sa);

/* It lives: sa_life.c. */
int ipsec_sad_add(struct ipsec_sa *sa);
int ipsec_sad_replace(struct ipsec_sa *old, struct ipsec_sa *sa);
void ipsec_sa_delete(struct ipsec_sa *sa);
void ipsec_sa_leave(struct ipsec_sa *sa);
void ipsec_sa_arm(struct ipsec_sa *sa);
void ipsec_sa_charge(struct ipsec_sa *sa, u32 packets, u64 bytes);
void ipsec_sa_upkeep_init(struct ipsec_sad *sad);

/* When something is due: sa_due.c. */
void ipsec_sa_due(struct ipsec_sa *sa, ktime_t when);
bool ipsec_sa_due_cancel(struct ipsec_sa *sa);
bool ipsec_sa_is_due(struct ipsec_sa *sa);
struct ipsec_sa *ipsec_sad_due_next(struct ipsec_sad *sad);
void ipsec_sad_due_again(struct ipsec_sad *sad, bool now);

static inline void ipsec_sa_hold(struct ipsec_sa *sa)
{
	refcount_inc(&sa->refs);
}

static inline void ipsec_sa_put(struct ipsec_sa *sa)
{
	if (refcount_dec_and_test(&sa->refs))
		ipsec_sa_destroy(sa);
}

/* Whether packets may be sent with @sa. */
static inline bool ipsec_sa_usable(const struct ipsec_sa *sa)
{
	u8 state = READ_ONCE(sa->state);

	return state == IPSEC_SA_MATURE || state == IPSEC_SA_DYING;
}

/* Whether @sa may open packets that were received. */
static inline bool ipsec_sa_opens(const struct ipsec_sa *sa)
{
	return ipsec_sa_usable(sa) || READ_ONCE(sa->leaving);
}

/* The database: sad.c. */
int ipsec_sad_link(struct ipsec_sa *sa);
int ipsec_sad_relink(struct ipsec_sa *old, struct ipsec_sa *sa);
bool ipsec_sad_unlink(struct ipsec_sa *sa);
struct ipsec_sa *ipsec_sad_lookup_spi(struct net *net,
				      const struct ipsec_sad_key *key);
struct ipsec_sa *ipsec_sad_get(struct net *net,
			       const struct ipsec_sad_key *key);
void ipsec_sad_tables_init(struct ipsec_sad *sad);
void ipsec_sad_tables_exit(struct ipsec_sad *sad);

/* Which SA to send with: sad_out.c. */
struct ipsec_sa *ipsec_sad_find_out(struct net *net,
				    const struct ipsec_ends_key *ends,
				    u8 mode, u32 reqid);
const char *ipsec_sa_misfit(const struct ipsec_sa *sa, u8 mode, u32 reqid);
unsigned int
ipsec_sad_each_between(struct net *net, const struct ipsec_ends_key *ends,
		       void (*show)(const struct ipsec_sa *sa, void *arg),
		       void *arg, unsigned int max);
struct ipsec_sa *ipsec_sad_usable_between(struct net *net,
					  const struct ipsec_ends_key *ends);
void ipsec_sad_discard(const struct ipsec_sa *best, u8 mode, u32 reqid);
struct ipsec_sa *ipsec_sad_next_discard(struct ipsec_sad *sad);
int ipsec_sad_join(struct ipsec_sad *sad, struct ipsec_sa *sa);
void ipsec_sad_part(struct ipsec_sad *sad, struct ipsec_sa *sa);
void ipsec_sad_rank(struct ipsec_sad *sad, struct ipsec_sa *sa, u8 state);
void ipsec_sad_out_init(struct ipsec_sad *sad);
void ipsec_sad_out_exit(struct ipsec_sad *sad);

/* An SPI for it: sa_spi.c. */
struct ipsec_sa *ipsec_sad_alloc_spi(struct net *net,
				     const struct ipsec_sa_params *params,
				     u32 min, u32 max);

/* All of it: sad_walk.c. */
struct ipsec_sa *ipsec_sad_next(struct net *net, u64 *cursor, u8 proto);
void ipsec_sad_wake(struct net *net);
unsigned int ipsec_sad_count(struct net *net, u8 proto);
int ipsec_sad_flush(struct net *net, u8 proto);
int ipsec_sad_delete_ends(struct net *net, const struct ipsec_ends_key *ends);
void ipsec_sad_clear(struct net *net);
void ipsec_sad_init(struct ipsec_sad *sad);
void ipsec_sad_exit(struct net *net, struct ipsec_sad *sad);

/* Once for the module: sa.c. */
int ipsec_sa_init(void);
void ipsec_sa_exit(void);

#endif /* _IPSEC_SA_H */
