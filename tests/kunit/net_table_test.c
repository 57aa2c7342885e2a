// SPDX-License-Identifier: GPL-2.0-only
/* The hash table: what is in it is found, whatever it has grown to meanwhile. */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/hash.h>
#include <linux/slab.h>
#include <ipsec/table.h>

#define MANY	5000U

/**
 * struct item - an entry
 * @entry: its link
 * @id: its key
 */
struct item {
	struct ipsec_table_entry	entry;
	u32				id;
};

/**
 * struct fixture - a table and its entries
 * @lock: its lock
 * @table: the table
 * @items: MANY of them
 */
struct fixture {
	spinlock_t		lock;
	struct ipsec_table	table;
	struct item		*items;
};

static u32 id_hash(u32 id)
{
	return hash_32(id, 32);
}

static bool id_same(const struct ipsec_table_entry *e, const void *key)
{
	return container_of(e, struct item, entry)->id == *(const u32 *)key;
}

static struct item *find(struct fixture *f, u32 hash, u32 id)
{
	struct ipsec_table_entry *e;

	rcu_read_lock();
	e = ipsec_table_find(&f->table, hash, id_same, &id);
	rcu_read_unlock();
	return e ? container_of(e, struct item, entry) : NULL;
}

static int add(struct fixture *f, u32 id, u32 hash)
{
	int err;

	spin_lock_bh(&f->lock);
	err = ipsec_table_add(&f->table, &f->items[id].entry, hash);
	spin_unlock_bh(&f->lock);
	return err;
}

static struct fixture *fixture(struct kunit *test)
{
	struct fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	u32 id;

	KUNIT_ASSERT_NOT_NULL(test, f);
	f->items = kunit_kcalloc(test, MANY, sizeof(*f->items), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f->items);
	for (id = 0; id < MANY; id++)
		f->items[id].id = id;
	spin_lock_init(&f->lock);
	ipsec_table_init(&f->table, &f->lock);
	return f;
}

/* The first @n are found, and the next one is not. */
static void expect_found(struct kunit *test, struct fixture *f, u32 n)
{
	u32 id, lost = 0;

	for (id = 0; id < n; id++)
		lost += find(f, id_hash(id), id) != &f->items[id];
	KUNIT_EXPECT_EQ_MSG(test, lost, 0U, "of %u", n);
	KUNIT_EXPECT_NULL(test, find(f, id_hash(n), n));
}

/* One bucket for each entry, and never more than one bucket's entries move. */
static void table_grows(struct kunit *test)
{
	struct fixture *f = fixture(test);
	u32 id, at_once = 0;

	expect_found(test, f, 0);
	for (id = 0; id < MANY; id++) {
		unsigned int before = f->table.moves.seqcount.sequence;

		KUNIT_ASSERT_EQ(test, add(f, id, id_hash(id)), 0);
		at_once = max(at_once, f->table.moves.seqcount.sequence - before);
		if (is_power_of_2(id) || is_power_of_2(id + 1) ||
		    is_power_of_2(id + 2))
			expect_found(test, f, id + 1);
	}
	expect_found(test, f, MANY);
	KUNIT_EXPECT_EQ(test, f->table.n, MANY);
	KUNIT_EXPECT_EQ(test, at_once, 2U);
	ipsec_table_exit(&f->table, NULL);
}

static void table_shrinks_not(struct kunit *test)
{
	struct fixture *f = fixture(test);
	u32 id;

	for (id = 0; id < MANY; id++)
		add(f, id, id_hash(id));
	spin_lock_bh(&f->lock);
	for (id = 1; id < MANY; id++)
		ipsec_table_del(&f->table, &f->items[id].entry);
	spin_unlock_bh(&f->lock);
	expect_found(test, f, 1);
	KUNIT_EXPECT_EQ(test, f->table.count, 1U);
	for (id = 1; id < MANY; id++)
		add(f, id, id_hash(id));
	expect_found(test, f, MANY);
	KUNIT_EXPECT_EQ(test, f->table.n, MANY);
	ipsec_table_exit(&f->table, NULL);
}

static void table_replaces(struct kunit *test)
{
	struct fixture *f = fixture(test);

	add(f, 0, id_hash(0));
	f->items[1].id = 0;
	spin_lock_bh(&f->lock);
	ipsec_table_replace(&f->table, &f->items[0].entry, &f->items[1].entry);
	spin_unlock_bh(&f->lock);
	KUNIT_EXPECT_PTR_EQ(test, find(f, id_hash(0), 0), &f->items[1]);
	ipsec_table_exit(&f->table, NULL);
}

/* No chain is too long for one more: hashes that are equal are found by their keys. */
static void table_same_hash(struct kunit *test)
{
	struct fixture *f = fixture(test);
	u32 id, lost = 0;

	for (id = 0; id < MANY; id++)
		KUNIT_ASSERT_EQ(test, add(f, id, id % 8), 0);
	for (id = 0; id < MANY; id++)
		lost += find(f, id % 8, id) != &f->items[id];
	KUNIT_EXPECT_EQ(test, lost, 0U);
	ipsec_table_exit(&f->table, NULL);
}

/**
 * struct moving - a search during which the table grows
 * @f: the fixture
 * @next: the next one to add
 * @id: what is looked for
 */
struct moving {
	struct fixture	*f;
	u32		*next;
	u32		id;
};

/* The first entry that is compared goes to another bucket, and so does the next. */
static bool moving_same(const struct ipsec_table_entry *e, const void *key)
{
	const struct moving *m = key;

	while (*m->next < MANY) {
		add(m->f, *m->next, *m->next);
		++*m->next;
	}
	return container_of(e, struct item, entry)->id == m->id;
}

static void table_moves(struct kunit *test)
{
	struct fixture *f = fixture(test);
	u32 hash = IPSEC_TABLE_PART + 1, next = 2;
	struct moving m = { .f = f, .next = &next, .id = 0 };
	struct ipsec_table_entry *e;

	/* Both in bucket 1, the one that is looked for last; it is split. */
	add(f, 0, hash);
	add(f, 1, hash);
	rcu_read_lock();
	e = ipsec_table_find(&f->table, hash, moving_same, &m);
	rcu_read_unlock();
	KUNIT_EXPECT_EQ(test, next, MANY);
	KUNIT_EXPECT_PTR_EQ(test, e, &f->items[0].entry);
	ipsec_table_exit(&f->table, NULL);
}

static unsigned int freed;

static void count_freed(struct ipsec_table_entry *e)
{
	freed++;
}

static void table_exit(struct kunit *test)
{
	struct fixture *f = fixture(test);
	u32 id;

	for (id = 0; id < MANY; id++)
		add(f, id, id_hash(id));
	freed = 0;
	ipsec_table_exit(&f->table, count_freed);
	KUNIT_EXPECT_EQ(test, freed, MANY);
	/* One that never had an entry. */
	ipsec_table_init(&f->table, &f->lock);
	ipsec_table_exit(&f->table, count_freed);
	KUNIT_EXPECT_EQ(test, freed, MANY);
}

static struct kunit_case table_cases[] = {
	KUNIT_CASE(table_grows),
	KUNIT_CASE(table_shrinks_not),
	KUNIT_CASE(table_replaces),
	KUNIT_CASE(table_same_hash),
	KUNIT_CASE(table_moves),
	KUNIT_CASE(table_exit),
	{}
};

static struct kunit_suite table_suite = {
	.name		= "ipsec_table",
	.test_cases	= table_cases,
};

kunit_test_suite(table_suite);
