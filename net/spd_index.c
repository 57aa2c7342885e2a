// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the SPD finds the policy of a packet (RFC 4301 section 4.4.1).
 *
 * Policies whose selectors mask the same bits (prefix lengths, protocol given
 * or not, ports given or not) form a group. A look-up masks the flow once for
 * each group and probes one hash table; it does not walk policies. Groups are
 * tried in the order of their best entry, so that the search ends as soon as
 * no later group can hold a better one. 5,000 policies that differ only in the
 * port are one group, and one probe.
 *
 * The winner is the lowest (priority, ordinal), packed into one 64-bit number.
 */
#include <linux/slab.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"

/* Policy ids: 8n + direction - 1, as clients of Linux's PF_KEY expect them. */
#define ID_STEP		8
#define ID_SLOTS	BIT(29)

/* Automatic reqids start behind the manual ones. */
#define REQID_FIRST	(IPSEC_REQID_MANUAL_MAX + 1)

/**
 * struct ipsec_sp_group - policies that mask the same bits
 * @members: [P] by order, the best leftmost
 * @best: [P] order of the best member; readers use READ_ONCE()
 * @number: [I] tells groups apart in the hash table
 * @family: [I] AF_INET or AF_INET6
 * @src_len: [I] prefix length of the source
 * @dst_len: [I] prefix length of the destination
 * @proto: [I] the protocol matters
 * @sport: [I] the source port matters
 * @dport: [I] the destination port matters
 * @rcu: frees it
 */
struct ipsec_sp_group {
	struct rb_root_cached	members;
	u64			best;
	u32			number;
	u8			family;
	u8			src_len;
	u8			dst_len;
	bool			proto;
	bool			sport;
	bool			dport;
	struct rcu_head		rcu;
};

/**
 * struct ipsec_spd_groups - the groups of one direction, best first
 * @rcu: frees it
 * @sorted: [P] the search may end early; readers use READ_ONCE()
 * @n: length of @group
 * @group: [I] replaced as a whole, never edited
 */
struct ipsec_spd_groups {
	struct rcu_head		rcu;
	bool			sorted;
	unsigned int		n;
	struct ipsec_sp_group	*group[];
};

static u32 sp_key_hash(const void *data, u32 len, u32 seed)
{
	return ipsec_hash(data, sizeof(struct ipsec_sp_key), seed);
}

static const struct rhashtable_params sp_params = {
	.head_offset	= offsetof(struct ipsec_sp, node),
	.key_offset	= offsetof(struct ipsec_sp, key),
	.key_len	= sizeof(struct ipsec_sp_key),
	.hashfn		= sp_key_hash,
	.automatic_shrinking = true,
};

static const struct rhashtable_params id_params = {
	.head_offset	= offsetof(struct ipsec_sp, id_node),
	.key_offset	= offsetof(struct ipsec_sp, id),
	.key_len	= sizeof(u32),
	.automatic_shrinking = true,
};

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
	key->group = g->number;
}

static struct ipsec_sp *group_lookup(struct ipsec_spd_dir *dir,
				     const struct ipsec_sp_group *g,
				     const struct ipsec_flow *flow)
{
	struct ipsec_sp *sp, *best = NULL;
	struct rhlist_head *list, *pos;
	struct ipsec_sp_key key;

	group_key(&key, g, &flow->src, &flow->dst, flow->proto, flow->sport,
		  flow->dport);
	list = rhltable_lookup(&dir->table, &key, sp_params);
	rhl_for_each_entry_rcu(sp, pos, list, node)
		if (!best || READ_ONCE(sp->order) < READ_ONCE(best->order))
			best = sp;
	return best;
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
	struct ipsec_spd_groups *groups = rcu_dereference(dir->groups);
	struct ipsec_sp *sp, *best = NULL;
	unsigned int i;

	for (i = 0; groups && i < groups->n; i++) {
		const struct ipsec_sp_group *g = groups->group[i];

		if (best && READ_ONCE(best->order) <= READ_ONCE(g->best) &&
		    READ_ONCE(groups->sorted))
			break;
		if (g->family != flow->family)
			continue;
		sp = group_lookup(dir, g, flow);
		if (sp && (!best || READ_ONCE(sp->order) < READ_ONCE(best->order)))
			best = sp;
	}
	return best;
}

static struct ipsec_spd_groups *groups_locked(struct ipsec_spd *spd,
					      struct ipsec_spd_dir *dir)
{
	return rcu_dereference_protected(dir->groups,
					 lockdep_is_held(&spd->lock));
}

static bool group_fits(const struct ipsec_sp_group *g,
		       const struct ipsec_selector *sel)
{
	return g->family == sel->family && g->src_len == sel->src_len &&
	       g->dst_len == sel->dst_len &&
	       g->proto == (sel->proto != IPSEC_PROTO_ANY) &&
	       g->sport == !!sel->sport && g->dport == !!sel->dport;
}

static struct ipsec_sp_group *group_find(struct ipsec_spd_groups *groups,
					 const struct ipsec_selector *sel)
{
	unsigned int i;

	for (i = 0; groups && i < groups->n; i++)
		if (group_fits(groups->group[i], sel))
			return groups->group[i];
	return NULL;
}

static struct ipsec_sp_group *group_new(struct ipsec_spd *spd,
					const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g = kzalloc(sizeof(*g), GFP_ATOMIC);

	if (!g)
		return NULL;
	g->members = RB_ROOT_CACHED;
	g->best = U64_MAX;
	g->number = spd->next_group++;
	g->family = sel->family;
	g->src_len = sel->src_len;
	g->dst_len = sel->dst_len;
	g->proto = sel->proto != IPSEC_PROTO_ANY;
	g->sport = !!sel->sport;
	g->dport = !!sel->dport;
	return g;
}

/* Publish the array again with @add in it or @del out of it, best first. */
static int groups_rebuild(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			  struct ipsec_sp_group *add,
			  const struct ipsec_sp_group *del)
{
	struct ipsec_spd_groups *old = groups_locked(spd, dir), *new;
	unsigned int i, j, n = old ? old->n : 0;

	new = kmalloc(struct_size(new, group, n + 1), GFP_ATOMIC);
	if (!new)
		return -ENOMEM;
	new->n = 0;
	new->sorted = true;
	for (i = 0; i <= n; i++) {
		struct ipsec_sp_group *g = i < n ? old->group[i] : add;

		if (!g || g == del)
			continue;
		for (j = new->n++; j && new->group[j - 1]->best > g->best; j--)
			new->group[j] = new->group[j - 1];
		new->group[j] = g;
	}
	rcu_assign_pointer(dir->groups, new);
	if (old)
		kfree_rcu(old, rcu);
	return 0;
}

static bool groups_ordered(const struct ipsec_spd_groups *groups)
{
	unsigned int i;

	for (i = 1; i < groups->n; i++)
		if (groups->group[i - 1]->best > groups->group[i]->best)
			return false;
	return true;
}

static bool order_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipsec_sp, order_node)->order <
	       rb_entry(b, struct ipsec_sp, order_node)->order;
}

static bool group_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipsec_sp, group_node)->order <
	       rb_entry(b, struct ipsec_sp, group_node)->order;
}

static void group_update_best(struct ipsec_sp_group *g)
{
	struct rb_node *first = rb_first_cached(&g->members);

	WRITE_ONCE(g->best, first ? rb_entry(first, struct ipsec_sp,
					     group_node)->order : U64_MAX);
}

/* Ordinals ran out after 2^32 additions: number the entries from 0 again. */
static void renumber(struct ipsec_spd_dir *dir)
{
	struct rb_node *node;

	dir->next_ordinal = 0;
	for (node = rb_first(&dir->ordered); node; node = rb_next(node)) {
		struct ipsec_sp *sp = rb_entry(node, struct ipsec_sp,
					       order_node);

		WRITE_ONCE(sp->order, (u64)sp->priority << 32 |
			   dir->next_ordinal++);
		group_update_best(sp->group);
	}
}

static u32 id_alloc(struct ipsec_spd *spd, u8 dir)
{
	u32 id;

	do {
		spd->next_id = spd->next_id % (ID_SLOTS - 1) + 1;
		id = spd->next_id * ID_STEP + dir - 1;
	} while (rhashtable_lookup_fast(&spd->by_id, &id, id_params));
	return id;
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
	struct rhltable *table = &spd->dir[dir].table;
	struct ipsec_sp_group *g;
	struct ipsec_sp *sp, *found = NULL;
	struct rhlist_head *list, *pos;
	struct ipsec_sp_key key;

	g = group_find(groups_locked(spd, &spd->dir[dir]), sel);
	if (!g)
		return NULL;
	group_key(&key, g, &sel->src, &sel->dst, sel->proto, sel->sport,
		  sel->dport);
	rcu_read_lock();
	list = rhltable_lookup(table, &key, sp_params);
	rhl_for_each_entry_rcu(sp, pos, list, node) {
		if (ipsec_selector_equal(&sp->sel, sel)) {
			found = sp;
			break;
		}
	}
	rcu_read_unlock();
	return found;
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
	struct ipsec_spd_groups *groups = groups_locked(spd, dir);
	struct ipsec_sp_group *g = sp->group;

	lockdep_assert_held(&spd->lock);
	sp->linked = false;
	rhltable_remove(&dir->table, &sp->node, sp_params);
	rhashtable_remove_fast(&spd->by_id, &sp->id_node, id_params);
	rb_erase(&sp->order_node, &dir->ordered);
	rb_erase_cached(&sp->group_node, &g->members);
	WRITE_ONCE(dir->count, dir->count - 1);

	/*
	 * The group may now belong further back. Until the array is rebuilt, or
	 * for good if there is no memory for that, look-ups visit every group.
	 * An empty group that stays matches nothing, and serves again when its
	 * masks come back.
	 */
	WRITE_ONCE(groups->sorted, false);
	group_update_best(g);
	if (RB_EMPTY_ROOT(&g->members.rb_root)) {
		if (!groups_rebuild(spd, dir, NULL, g))
			kfree_rcu(g, rcu);
	} else if (groups_ordered(groups)) {
		WRITE_ONCE(groups->sorted, true);
	} else {
		groups_rebuild(spd, dir, NULL, NULL);
	}
}

/**
 * ipsec_spd_link() - put a policy into the tables
 * @spd: the SPD
 * @sp: the policy; gets its id, its order and automatic reqids
 *
 * Context: SPD lock held. Return: 0 or -ENOMEM, with the tables as before.
 */
int ipsec_spd_link(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	struct ipsec_spd_dir *dir = &spd->dir[sp->dir];
	struct ipsec_sp_group *g;
	u64 best;
	int err;

	lockdep_assert_held(&spd->lock);
	if (dir->next_ordinal == U32_MAX)
		renumber(dir);
	sp->order = (u64)sp->priority << 32 | dir->next_ordinal;

	g = group_find(groups_locked(spd, dir), &sp->sel);
	if (!g) {
		g = group_new(spd, &sp->sel);
		if (!g)
			return -ENOMEM;
		g->best = sp->order;
		err = groups_rebuild(spd, dir, g, NULL);
		if (err) {
			kfree(g);
			return err;
		}
	}
	best = g->best;
	if (sp->order < best) {
		/* The array must be in order before readers can see @sp. */
		WRITE_ONCE(g->best, sp->order);
		if (!groups_ordered(groups_locked(spd, dir))) {
			err = groups_rebuild(spd, dir, NULL, NULL);
			if (err)
				goto err_best;
		}
	}

	group_key(&sp->key, g, &sp->sel.src, &sp->sel.dst, sp->sel.proto,
		  sp->sel.sport, sp->sel.dport);
	sp->group = g;
	sp->id = id_alloc(spd, sp->dir);
	ipsec_spd_reqids(spd, sp);
	err = rhashtable_insert_fast(&spd->by_id, &sp->id_node, id_params);
	if (err)
		goto err_best;
	err = rhltable_insert(&dir->table, &sp->node, sp_params);
	if (err)
		goto err_id;
	rb_add(&sp->order_node, &dir->ordered, order_less);
	rb_add_cached(&sp->group_node, &g->members, group_less);
	dir->next_ordinal++;
	WRITE_ONCE(dir->count, dir->count + 1);
	sp->linked = true;
	return 0;

err_id:
	rhashtable_remove_fast(&spd->by_id, &sp->id_node, id_params);
err_best:
	WRITE_ONCE(g->best, best);
	return ipsec_hash_errno(err);
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
	return rhashtable_lookup_fast(&spd->by_id, &id, id_params);
}

/**
 * ipsec_spd_index_init() - make the empty tables
 * @spd: the SPD, zeroed
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_spd_index_init(struct ipsec_spd *spd)
{
	unsigned int dir;
	int err;

	spd->next_reqid = REQID_FIRST;
	err = rhashtable_init(&spd->by_id, &id_params);
	if (err)
		return err;
	for (dir = IPSEC_IN; dir <= IPSEC_FWD; dir++) {
		spd->dir[dir].ordered = RB_ROOT;
		err = rhltable_init(&spd->dir[dir].table, &sp_params);
		if (err)
			goto err_tables;
	}
	return 0;

err_tables:
	while (--dir >= IPSEC_IN)
		rhltable_destroy(&spd->dir[dir].table);
	rhashtable_destroy(&spd->by_id);
	return err;
}

/**
 * ipsec_spd_index_exit() - free the tables, which are empty
 * @spd: the SPD; nobody looks at it any more
 */
void ipsec_spd_index_exit(struct ipsec_spd *spd)
{
	unsigned int dir;

	for (dir = IPSEC_IN; dir <= IPSEC_FWD; dir++) {
		struct ipsec_spd_groups *groups;
		unsigned int i;

		groups = rcu_dereference_protected(spd->dir[dir].groups, true);
		/* Only groups that ipsec_spd_unlink() had no memory to remove. */
		for (i = 0; groups && i < groups->n; i++)
			kfree(groups->group[i]);
		kfree(groups);
		rhltable_destroy(&spd->dir[dir].table);
	}
	rhashtable_destroy(&spd->by_id);
}
