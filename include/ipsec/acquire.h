/* SPDX-License-Identifier: GPL-2.0-only */
/* What key managers were asked for, and when; field letters in sa.h. */
#ifndef _IPSEC_ACQUIRE_H
#define _IPSEC_ACQUIRE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <ipsec/sa.h>

struct ipsec_request;
struct ipsec_sp;

/* Traffic makes the entries, so there is a limit; the oldest gives way. */
#define IPSEC_ACQUIRE_MAX	1024
#define IPSEC_ACQUIRE_BUCKETS	128

/**
 * struct ipsec_want - what a packet misses
 * @ends: the SA's addresses and protocol; zero where a policy is missed
 * @reqid: the only reqid that will do, 0 = any
 * @sp_id: id of the policy that has no requests, 0 where an SA is missed
 * @mode: enum ipsec_mode_kind of the request
 */
struct ipsec_want {
	struct ipsec_ends_key	ends;
	u32			reqid;
	u32			sp_id;
	u8			mode;
};

/**
 * struct ipsec_acquires - the questions of one network namespace
 * @by_want: [q] entries by the ends and the policy that they want
 * @by_seq: [q] entries by sequence number
 * @ages: [q] entries, the oldest first
 * @count: [q] how many; read without the lock as a hint
 * @next_seq: [q] sequence number of the next question
 * @lock: [q] the innermost lock; never held across a call to key managers
 */
struct ipsec_acquires {
	struct hlist_head	by_want[IPSEC_ACQUIRE_BUCKETS];
	struct hlist_head	by_seq[IPSEC_ACQUIRE_BUCKETS];
	struct list_head	ages;
	unsigned int		count;
	u32			next_seq;
	spinlock_t		lock;
};

void ipsec_acquire_sa(struct net *net, const struct ipsec_ends_key *ends,
		      u8 mode, u32 reqid, const struct ipsec_sp *sp);
void ipsec_acquire_sp(struct net *net, const struct ipsec_sp *sp);
void ipsec_acquire_restart(struct net *net, u32 seq);
void ipsec_acquire_served(const struct ipsec_sa *sa);
void ipsec_acquire_flush(struct net *net);
void ipsec_acquire_init(struct ipsec_acquires *acq);

#endif /* _IPSEC_ACQUIRE_H */
