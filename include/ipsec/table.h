/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hash table that grows by one bucket when there are more entries than buckets
 * (linear hashing), so that no entry that is added costs more than another one: there
 * is no moment at which all of a large table is allocated, cleared or copied, which
 * others would wait for. Nor is an entry ever refused because its bucket is full.
 *
 * With n buckets, 2^k <= n < 2^(k+1), the last k + 1 bits of a hash name the bucket; the
 * last k bits do if there is no such bucket yet. The next one, n, gets its entries from
 * bucket n - 2^k.
 *
 * Readers take no lock. One that finds nothing looks again if entries were moved
 * meanwhile: it may have followed one of them into another bucket.
 *
 * It does not shrink. What it keeps is eight bytes for each of the most entries that it
 * ever had, which took a hundred times as much.
 *
 * Writers hold a lock that the table is told of. An entry that left may be freed after
 * an RCU grace period.
 */
#ifndef _IPSEC_TABLE_H
#define _IPSEC_TABLE_H

#include <linux/log2.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/seqlock.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/* Buckets of a part, a power of two: allocated together, and never moved. */
#define IPSEC_TABLE_PART	256U

/**
 * struct ipsec_table_entry - link of what is in a table
 * @node: [lock R] others in the same bucket
 * @hash: [I] of its key
 */
struct ipsec_table_entry {
	struct hlist_node	node;
	u32			hash;
};

/**
 * struct ipsec_table_part - some buckets
 * @bucket: [lock R] the entries of each
 */
struct ipsec_table_part {
	struct hlist_head	bucket[IPSEC_TABLE_PART];
};

/**
 * struct ipsec_table_parts - where the buckets are
 * @rcu: frees it when a longer one has taken its place
 * @room: length of @part
 * @part: [lock] as many as the table's buckets need; readers look at no other one
 */
struct ipsec_table_parts {
	struct rcu_head		rcu;
	unsigned int		room;
	struct ipsec_table_part	*part[];
};

/**
 * struct ipsec_table - a hash table
 * @lock: [I] held by writers, with bottom halves disabled
 * @moves: [lock] counts the times that entries were moved
 * @n: [lock] buckets; readers acquire it before they look at @parts, which has as
 *     many at least, or none at all
 * @count: [lock] entries
 * @parts: [lock R] the buckets; NULL until there is an entry
 */
struct ipsec_table {
	spinlock_t			*lock;
	seqcount_spinlock_t		moves;
	unsigned int			n;
	unsigned int			count;
	struct ipsec_table_parts __rcu	*parts;
};

void ipsec_table_init(struct ipsec_table *t, spinlock_t *lock);
void ipsec_table_exit(struct ipsec_table *t,
		      void (*free)(struct ipsec_table_entry *e));
int ipsec_table_add(struct ipsec_table *t, struct ipsec_table_entry *e,
		    u32 hash);
void ipsec_table_del(struct ipsec_table *t, struct ipsec_table_entry *e);
void ipsec_table_replace(struct ipsec_table *t, struct ipsec_table_entry *old,
			 struct ipsec_table_entry *e);

/* The bucket of a hash among @n, which is at least IPSEC_TABLE_PART. */
static inline unsigned int ipsec_table_bucket(u32 hash, unsigned int n)
{
	u32 mask = roundup_pow_of_two(n) - 1, i = hash & mask;

	return i < n ? i : i & (mask >> 1);
}

static inline struct hlist_head *
ipsec_table_head(const struct ipsec_table_parts *parts, unsigned int i)
{
	return &parts->part[i / IPSEC_TABLE_PART]->bucket[i % IPSEC_TABLE_PART];
}

/* One look into the bucket, which may miss an entry that is being moved. */
static __always_inline struct ipsec_table_entry *
ipsec_table_look(const struct ipsec_table *t, u32 hash,
		 bool (*same)(const struct ipsec_table_entry *e,
			      const void *key),
		 const void *key)
{
	/* Pairs with the release in table_split(). */
	unsigned int n = smp_load_acquire(&t->n);
	struct ipsec_table_parts *parts;
	struct ipsec_table_entry *e;

	parts = rcu_dereference_check(t->parts, lockdep_is_held(t->lock));
	if (!parts)
		return NULL;
	hlist_for_each_entry_rcu(e, ipsec_table_head(parts,
						     ipsec_table_bucket(hash, n)),
				 node, lockdep_is_held(t->lock))
		if (e->hash == hash && same(e, key))
			return e;
	return NULL;
}

/**
 * ipsec_table_find() - find an entry
 * @t: the table
 * @hash: of its key
 * @same: whether an entry has a key; a function of the caller's file, to be inlined
 * @key: what @same compares with
 *
 * Context: RCU read side, or the table's lock held. Return: the entry or NULL.
 */
static __always_inline struct ipsec_table_entry *
ipsec_table_find(const struct ipsec_table *t, u32 hash,
		 bool (*same)(const struct ipsec_table_entry *e,
			      const void *key),
		 const void *key)
{
	struct ipsec_table_entry *e;
	unsigned int seq;

	do {
		seq = read_seqcount_begin(&t->moves);
		e = ipsec_table_look(t, hash, same, key);
	} while (!e && read_seqcount_retry(&t->moves, seq));
	return e;
}

#endif /* _IPSEC_TABLE_H */
