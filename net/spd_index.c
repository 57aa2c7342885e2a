// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the SPD finds the policy of a packet (RFC 4301 section 4.4.1).
 *
 * Policies whose selectors mask the same bits (prefix lengths, protocol given
 * or not, ports given or not) form a group, see spd_groups.c. A look-up masks the
 * flow once for each group and probes one hash table; it does not walk policies.
 * 5,000 policies that differ only in the port are one group, and one probe.
 *
 * Selectors may differ in bits that they mask: 10.0.0.1/24 and 10.0.0.2/24 are two
 * entries. Such policies share a bin, which is what the table holds. It knows the
 * best of them, so that a look-up ends there; one tree has them in order, for the
 * next best, another one by their selectors, for who names one of them. However many
 * they are, whatever is done to one of them takes a number of steps that grows with
 * the logarithm.
 *
 * The winner is the policy with the lowest priority, and of these the first come.
 */
#include <linux/hash.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"
#include "spd_groups.h"

/* Policy ids: 8n + direction - 1, as clients of Linux's PF_KEY expect them. */
#define ID_STEP		8
#define ID_NUMBERS	(BIT(29) - 1)

/* Numbers that are tried for a new one; there are far more than policies. */
#define ID_TRIES	32

/* Automatic reqids start behind the manual ones. */
#define REQID_FIRST	(IPSEC_REQID_MANUAL_MAX + 1)

/**
 * struct ipsec_sp_bin - policies that the table cannot tell apart
 * @key: [I] their selector, masked
 * @node: [P R] link of the table of their direction
 * @best: [P R] the one that matches; NULL while there is none
 * @ordered: [P] all of them by order, the best leftmost
 * @exact: [P] all of them by selector
 * @group: [I] the group of all of them
 * @rcu: frees it
 */
struct ipsec_sp_bin {
	struct ipsec_sp_key	key;
	struct ipsec_table_entry node;
	struct ipsec_sp __rcu	*best;
	struct rb_root_cached	ordered;
	struct rb_root		exact;
	struct ipsec_sp_group	*group;
	struct rcu_head		rcu;
};

static u32 bin_hash(const struct ipsec_sp_key *key)
{
	return ipsec_hash(key, sizeof(*key), 0);
}

static struct ipsec_sp_bin *bin_of(const struct ipsec_table_entry *e)
{
	return container_of(e, struct ipsec_sp_bin, node);
}

static bool bin_same(const struct ipsec_table_entry *e, const void *key)
{
	return !memcmp(&bin_of(e)->key, key, sizeof(struct ipsec_sp_key));
}

/* Context: RCU read side, or SPD lock held. */
static struct ipsec_sp_bin *bin_lookup(const struct ipsec_spd_dir *dir,
				       const struct ipsec_sp_key *key)
{
	struct ipsec_table_entry *e;

	e = ipsec_table_find(&dir->table, bin_hash(key), bin_same, key);
	return e ? bin_of(e) : NULL;
}

/* What a packet's key is if its policy is in group @g. */
static void group_key(struct ipsec_sp_key *key, const struct ipsec_sp_group *g,
		      const union ipsec_addr *src, const union ipsec_addr *dst,
		      u8 proto, __be16 sport, __be16 dport)
{
	ipsec_addr_mask(&key->src, src, g->src_len);
	ipsec_addr_mask(&key->dst, dst, g->dst_len);
	key->sport = g->sport ? sport : 0;
	key->dport = g->dport ? dport : 0;
	key->proto = g->proto ? proto : IPSEC_PROTO_ANY;
	memset(key->pad, 0, sizeof(key->pad));
	key->masks = g->masks;
}

static struct ipsec_sp *group_lookup(struct ipsec_spd_dir *dir,
				     const struct ipsec_sp_group *g,
				     const struct ipsec_flow *flow)
{
	struct ipsec_sp_bin *bin;
	struct ipsec_sp_key key;

	group_key(&key, g, &flow->src, &flow->dst, flow->proto, flow->sport,
		  flow->dport);
	bin = bin_lookup(dir, &key);
	return bin ? rcu_dereference(bin->best) : NULL;
}

/**
 * ipsec_spd_lookup() - find the policy of a flow
 * @net: the namespace
 * @flow: the flow; its direction chooses the list
 *
 * Context: RCU read side. Return: the best matching policy, without a reference,
 * or NULL. RFC 4301 section 5.1.
 */
struct ipsec_sp *ipsec_spd_lookup(struct net *net,
				  const struct ipsec_flow *flow)
{
	struct ipsec_spd_dir *dir = &ipsec_net(net)->spd.dir[flow->dir];
	const struct ipsec_spd_groups *groups;
	struct ipsec_sp *sp, *best = NULL;
	unsigned int i;

	groups = rcu_dereference(dir->groups[ipsec_spd_family(flow->family)]);
	for (i = 0; groups && i < groups->n; i++) {
		const struct ipsec_sp_group *g = groups->group[i];
		const struct ipsec_sp *first = rcu_dereference(g->best);

		if (best && (!first || !ipsec_sp_before(first, best))) {
			if (READ_ONCE(groups->sorted))
				break;
			continue;
		}
		sp = group_lookup(dir, g, flow);
		if (sp && (!best || ipsec_sp_before(sp, best)))
			best = sp;
	}
	return best;
}

static bool order_less(struct rb_node *a, const struct rb_node *b)
{
	return ipsec_sp_node_less(a, b, order_node);
}

static bool bin_less(struct rb_node *a, const struct rb_node *b)
{
	return ipsec_sp_node_less(a, b, bin_node);
}

/* Within a bin selectors differ in masked bits of the addresses only. */
static int exact_compare(const void *key, const struct rb_node *node)
{
	const struct ipsec_sp *sp = rb_entry(node, struct ipsec_sp, exact_node);
	const struct ipsec_selector *sel = key;

	return memcmp(&sel->src, &sp->sel.src, sizeof(sel->src)) ?:
	       memcmp(&sel->dst, &sp->sel.dst, sizeof(sel->dst));
}

static bool exact_less(struct rb_node *a, const struct rb_node *b)
{
	return exact_compare(&rb_entry(a, struct ipsec_sp, exact_node)->sel,
			     b) < 0;
}

/* Tell look-ups which policy of the bin is the best. */
static void bin_publish(struct ipsec_sp_bin *bin)
{
	rcu_assign_pointer(bin->best,
			   ipsec_sp_leftmost(&bin->ordered, bin_node));
}

static struct ipsec_sp_bin *bin_find(struct ipsec_spd_dir *dir,
				     const struct ipsec_sp_group *g,
				     const struct ipsec_selector *sel)
{
	struct ipsec_sp_key key;

	group_key(&key, g, &sel->src, &sel->dst, sel->proto, sel->sport,
		  sel->dport);
	return bin_lookup(dir, &key);
}

static struct ipsec_sp_bin *bin_new(struct ipsec_spd_dir *dir,
				    struct ipsec_sp_group *g,
				    const struct ipsec_selector *sel)
{
	struct ipsec_sp_bin *bin;
	int err;

	bin = kzalloc(sizeof(*bin), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!bin)
		return ERR_PTR(-ENOMEM);
	group_key(&bin->key, g, &sel->src, &sel->dst, sel->proto, sel->sport,
		  sel->dport);
	bin->group = g;
	bin->ordered = RB_ROOT_CACHED;
	bin->exact = RB_ROOT;
	err = ipsec_table_add(&dir->table, &bin->node, bin_hash(&bin->key));
	if (err) {
		kfree(bin);
		return ERR_PTR(err);
	}
	return bin;
}

/* The bin of a selector, found or made, in a group found or made. */
static struct ipsec_sp_bin *bin_get(struct ipsec_spd *spd,
				    struct ipsec_spd_dir *dir,
				    const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g = ipsec_sp_group_get(spd, dir, sel);
	struct ipsec_sp_bin *bin;

	if (IS_ERR(g))
		return ERR_CAST(g);
	bin = bin_find(dir, g, sel);
	if (bin)
		return bin;
	bin = bin_new(dir, g, sel);
	if (IS_ERR(bin))
		ipsec_sp_group_put(spd, dir, sel);
	return bin;
}

static void bin_free_empty(struct ipsec_spd_dir *dir, struct ipsec_sp_bin *bin)
{
	if (!RB_EMPTY_ROOT(&bin->exact))
		return;
	ipsec_table_del(&dir->table, &bin->node);
	kfree_rcu(bin, rcu);
}

static u32 id_hash(u32 number)
{
	return hash_32(number, 32);
}

static bool id_same(const struct ipsec_table_entry *e, const void *key)
{
	const struct ipsec_sp *sp = container_of(e, struct ipsec_sp, id_node);
	const u32 *number = key;

	return sp->id / ID_STEP == *number;
}

static struct ipsec_sp *id_find(const struct ipsec_spd *spd, u32 number)
{
	struct ipsec_table_entry *e;

	e = ipsec_table_find(&spd->by_id, id_hash(number), id_same, &number);
	return e ? container_of(e, struct ipsec_sp, id_node) : NULL;
}

/*
 * The next number, or any once the numbers have begun from the lowest again and met
 * policies that are still there: they may lie close together.
 */
static int id_alloc(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	u32 number = spd->next_id;
	unsigned int tries;

	for (tries = 0; id_find(spd, number); tries++) {
		if (tries == ID_TRIES)
			return -ENOMEM;
		number = get_random_u32() % ID_NUMBERS + 1;
	}
	sp->id = number * ID_STEP + sp->dir - 1;
	spd->next_id = number % ID_NUMBERS + 1;
	return ipsec_table_add(&spd->by_id, &sp->id_node, id_hash(number));
}

/**
 * ipsec_spd_reqids() - give automatic reqids to the requests that want one
 * @spd: the SPD
 * @sp: the policy
 *
 * Context: SPD lock held. Return: whether any did.
 */
bool ipsec_spd_reqids(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	bool any = false;
	unsigned int i;

	lockdep_assert_held(&spd->lock);

	for (i = 0; i < sp->n_requests; i++) {
		struct ipsec_request *req = &sp->requests[i];

		if (req->level != IPSEC_LEVEL_IS_UNIQUE || req->reqid)
			continue;
		any = true;
		req->reqid = spd->next_reqid++;
		if (spd->next_reqid < REQID_FIRST)
			spd->next_reqid = REQID_FIRST;
	}
	return any;
}

/**
 * ipsec_spd_equal() - the policy with exactly this selector, at most one
 * @spd: the SPD
 * @dir: direction
 * @sel: selector; every field must be equal
 *
 * Context: SPD lock held. Return: the policy, without a reference, or NULL.
 */
struct ipsec_sp *ipsec_spd_equal(struct ipsec_spd *spd, enum ipsec_dir dir,
				 const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g;
	struct ipsec_sp_bin *bin;
	struct rb_node *node;

	lockdep_assert_held(&spd->lock);
	g = ipsec_sp_group_find(spd, &spd->dir[dir], sel);
	bin = g ? bin_find(&spd->dir[dir], g, sel) : NULL;
	node = bin ? rb_find(sel, &bin->exact, exact_compare) : NULL;
	return node ? rb_entry(node, struct ipsec_sp, exact_node) : NULL;
}

/**
 * ipsec_spd_unlink() - take a policy out of the tables
 * @spd: the SPD
 * @sp: the policy; the caller drops the SPD's reference
 *
 * Context: SPD lock held.
 */
void ipsec_spd_unlink(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	struct ipsec_spd_dir *dir = &spd->dir[sp->dir];
	struct ipsec_sp_bin *bin = sp->bin;

	lockdep_assert_held(&spd->lock);
	sp->linked = false;
	ipsec_table_del(&spd->by_id, &sp->id_node);
	rb_erase(&sp->order_node, &dir->ordered);
	rb_erase(&sp->exact_node, &bin->exact);
	rb_erase_cached(&sp->bin_node, &bin->ordered);
	bin_publish(bin);
	ipsec_sp_group_del(spd, dir, bin->group, sp);
	bin_free_empty(dir, bin);
	ipsec_sp_blind_del(spd, sp);
	WRITE_ONCE(dir->count, dir->count - 1);
}

/**
 * ipsec_spd_link() - put a policy into the tables
 * @spd: the SPD
 * @sp: the policy; gets its id, its order and automatic reqids
 *
 * Context: SPD lock held. Return: 0 or an errno, with the tables as before: -ENOMEM,
 * or -ENOSPC when it would need one mask tuple too many.
 */
int ipsec_spd_link(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	struct ipsec_spd_dir *dir = &spd->dir[sp->dir];
	struct ipsec_sp_bin *bin;
	int err;

	lockdep_assert_held(&spd->lock);
	bin = bin_get(spd, dir, &sp->sel);
	if (IS_ERR(bin))
		return PTR_ERR(bin);
	err = id_alloc(spd, sp);
	if (err)
		goto err_bin;
	sp->ordinal = dir->next_ordinal++;
	err = ipsec_sp_blind_add(spd, sp);
	if (err)
		goto err_id;
	ipsec_spd_reqids(spd, sp);
	sp->bin = bin;
	rb_add(&sp->order_node, &dir->ordered, order_less);
	rb_add(&sp->exact_node, &bin->exact, exact_less);
	rb_add_cached(&sp->bin_node, &bin->ordered, bin_less);
	/* The groups must be in order before look-ups can see @sp. */
	ipsec_sp_group_add(spd, dir, bin->group, sp);
	bin_publish(bin);
	WRITE_ONCE(dir->count, dir->count + 1);
	sp->linked = true;
	return 0;

err_id:
	ipsec_table_del(&spd->by_id, &sp->id_node);
err_bin:
	bin_free_empty(dir, bin);
	ipsec_sp_group_put(spd, dir, &sp->sel);
	return err;
}

/**
 * ipsec_spd_by_id() - the policy with an id
 * @spd: the SPD
 * @id: the id
 *
 * Context: SPD lock held. Return: the policy, without a reference, or NULL.
 */
struct ipsec_sp *ipsec_spd_by_id(struct ipsec_spd *spd, u32 id)
{
	struct ipsec_sp *sp = id_find(spd, id / ID_STEP);

	lockdep_assert_held(&spd->lock);
	return sp && sp->id == id ? sp : NULL;
}

/**
 * ipsec_spd_index_init() - make the empty tables
 * @spd: the SPD, zeroed
 */
void ipsec_spd_index_init(struct ipsec_spd *spd)
{
	unsigned int dir;

	spd->next_reqid = REQID_FIRST;
	spd->next_id = 1;
	ipsec_table_init(&spd->by_id, &spd->lock);
	for (dir = IPSEC_IN; dir <= IPSEC_FWD; dir++) {
		spd->dir[dir].ordered = RB_ROOT;
		ipsec_table_init(&spd->dir[dir].table, &spd->lock);
		ipsec_table_init(&spd->dir[dir].blind, &spd->lock);
	}
}

static void sp_forget(struct ipsec_table_entry *e)
{
	struct ipsec_sp *sp = container_of(e, struct ipsec_sp, id_node);

	sp->linked = false;
	ipsec_sp_put(sp);
}

static void bin_free(struct ipsec_table_entry *e)
{
	kfree(bin_of(e));
}

/**
 * ipsec_spd_index_exit() - free the tables and all that is in them
 * @spd: the SPD; nobody looks at it any more
 *
 * As a whole: no policy is taken out of a tree that goes too.
 *
 * Context: process.
 */
void ipsec_spd_index_exit(struct ipsec_spd *spd)
{
	unsigned int dir;

	ipsec_table_exit(&spd->by_id, sp_forget);
	for (dir = IPSEC_IN; dir <= IPSEC_FWD; dir++) {
		ipsec_table_exit(&spd->dir[dir].table, bin_free);
		ipsec_spd_blind_exit(&spd->dir[dir]);
		ipsec_spd_groups_exit(&spd->dir[dir]);
	}
}
