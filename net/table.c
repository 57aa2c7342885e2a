// SPDX-License-Identifier: GPL-2.0-only
/* The hash table behind SAs and policies, see ipsec/table.h. */
#include <linux/sched.h>
#include <linux/slab.h>
#include <ipsec/table.h>

#define GFP_TABLE	(GFP_ATOMIC | __GFP_ACCOUNT | __GFP_NOWARN)

/* Parts that the first array has room for. */
#define ROOM_FIRST	4

static struct ipsec_table_parts *parts_of(const struct ipsec_table *t)
{
	return rcu_dereference_protected(t->parts, lockdep_is_held(t->lock));
}

static struct ipsec_table_parts *parts_new(unsigned int room)
{
	struct ipsec_table_parts *parts;

	parts = kmalloc(struct_size(parts, part, room), GFP_TABLE);
	if (parts)
		parts->room = room;
	return parts;
}

/* The first part, before the first entry. */
static int table_begin(struct ipsec_table *t)
{
	struct ipsec_table_parts *parts = parts_new(ROOM_FIRST);

	if (!parts)
		return -ENOMEM;
	parts->part[0] = kzalloc(sizeof(*parts->part[0]), GFP_TABLE);
	if (!parts->part[0]) {
		kfree(parts);
		return -ENOMEM;
	}
	rcu_assign_pointer(t->parts, parts);
	return 0;
}

/* A longer array with the same parts. */
static struct ipsec_table_parts *parts_grow(struct ipsec_table *t)
{
	struct ipsec_table_parts *old = parts_of(t), *parts;

	parts = parts_new(2 * old->room);
	if (!parts)
		return NULL;
	memcpy(parts->part, old->part, old->room * sizeof(old->part[0]));
	rcu_assign_pointer(t->parts, parts);
	kfree_rcu(old, rcu);
	return parts;
}

/* Returns whether there is memory for one bucket more. */
static bool has_room(struct ipsec_table *t)
{
	struct ipsec_table_parts *parts = parts_of(t);
	unsigned int i = t->n / IPSEC_TABLE_PART;

	if (t->n % IPSEC_TABLE_PART)
		return true;
	if (i == parts->room)
		parts = parts_grow(t);
	if (!parts)
		return false;
	parts->part[i] = kzalloc(sizeof(*parts->part[i]), GFP_TABLE);
	return parts->part[i];
}

/* One bucket more, with its entries. Without memory the chains become longer. */
static void table_split(struct ipsec_table *t)
{
	unsigned int n = t->n, half = rounddown_pow_of_two(n);
	struct hlist_head *from, *to;
	struct ipsec_table_entry *e;
	struct hlist_node *next;

	if (n > UINT_MAX / 2 || !has_room(t))
		return;
	from = ipsec_table_head(parts_of(t), n - half);
	to = ipsec_table_head(parts_of(t), n);
	write_seqcount_begin(&t->moves);
	/* Who sees the new bucket sees where it is. */
	smp_store_release(&t->n, n + 1);
	hlist_for_each_entry_safe(e, next, from, node) {
		if (ipsec_table_bucket(e->hash, n + 1) != n)
			continue;
		hlist_del_rcu(&e->node);
		hlist_add_head_rcu(&e->node, to);
	}
	write_seqcount_end(&t->moves);
}

/**
 * ipsec_table_add() - put an entry into the table
 * @t: the table
 * @e: the entry
 * @hash: of its key; the caller has looked whether there is an equal one
 *
 * Context: the table's lock held. Return: 0, or -ENOMEM for the first entry only.
 */
int ipsec_table_add(struct ipsec_table *t, struct ipsec_table_entry *e,
		    u32 hash)
{
	int err = 0;

	lockdep_assert_held(t->lock);
	if (!parts_of(t))
		err = table_begin(t);
	if (err)
		return err;
	if (t->count >= t->n)
		table_split(t);
	e->hash = hash;
	hlist_add_head_rcu(&e->node,
			   ipsec_table_head(parts_of(t),
					    ipsec_table_bucket(hash, t->n)));
	t->count++;
	return 0;
}

/**
 * ipsec_table_del() - take an entry out
 * @t: the table
 * @e: the entry; readers may still be at it
 *
 * Context: the table's lock held.
 */
void ipsec_table_del(struct ipsec_table *t, struct ipsec_table_entry *e)
{
	lockdep_assert_held(t->lock);
	hlist_del_rcu(&e->node);
	t->count--;
}

/**
 * ipsec_table_replace() - let an entry take the place of another one
 * @t: the table
 * @old: the one in the table
 * @e: the other one, with the same key
 *
 * Readers find one or the other. Context: the table's lock held.
 */
void ipsec_table_replace(struct ipsec_table *t, struct ipsec_table_entry *old,
			 struct ipsec_table_entry *e)
{
	lockdep_assert_held(t->lock);
	e->hash = old->hash;
	hlist_replace_rcu(&old->node, &e->node);
}

/**
 * ipsec_table_init() - make an empty table, which takes no memory
 * @t: the table, zeroed
 * @lock: what its writers hold
 */
void ipsec_table_init(struct ipsec_table *t, spinlock_t *lock)
{
	t->lock = lock;
	t->n = IPSEC_TABLE_PART;
	seqcount_spinlock_init(&t->moves, lock);
}

static void part_free(struct ipsec_table_part *part,
		      void (*free)(struct ipsec_table_entry *e))
{
	struct ipsec_table_entry *e;
	struct hlist_node *next;
	unsigned int i;

	for (i = 0; free && i < IPSEC_TABLE_PART; i++)
		hlist_for_each_entry_safe(e, next, &part->bucket[i], node)
			free(e);
	kfree(part);
}

/**
 * ipsec_table_exit() - free the table
 * @t: the table; nobody looks at it any more
 * @free: frees what is still in it; NULL if nothing is
 *
 * Context: process.
 */
void ipsec_table_exit(struct ipsec_table *t,
		      void (*free)(struct ipsec_table_entry *e))
{
	struct ipsec_table_parts *parts = rcu_dereference_protected(t->parts,
								    true);
	unsigned int i;

	for (i = 0; parts && i < DIV_ROUND_UP(t->n, IPSEC_TABLE_PART); i++) {
		part_free(parts->part[i], free);
		cond_resched();
	}
	RCU_INIT_POINTER(t->parts, NULL);
	kfree(parts);
}
