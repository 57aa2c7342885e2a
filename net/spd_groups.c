// SPDX-License-Identifier: GPL-2.0-only
/*
 * The mask tuples of the SPD. A look-up tries them in the order of their best
 * entry, so that it ends as soon as no later one can hold a better one.
 *
 * What a namespace's owner makes, packets pay for: with 129 prefix lengths for each
 * end and eight ways to name protocol and ports there could be 133,128 tuples of
 * IPv6. IPSEC_SPD_GROUPS_MAX bounds what a packet costs, and how much is sorted
 * and copied under the lock.
 */
#include <linux/slab.h>
#include <linux/sort.h>
#include "net.h"
#include "spd_groups.h"

static struct ipsec_spd_groups *groups_locked(struct ipsec_spd *spd,
					      struct ipsec_spd_dir *dir,
					      unsigned int family)
{
	return rcu_dereference_protected(dir->groups[family],
					 lockdep_is_held(&spd->lock));
}

static bool group_empty(const struct ipsec_sp_group *g)
{
	return RB_EMPTY_ROOT(&g->members.rb_root);
}

/* Whether @a is tried before @b; those without members come last. */
static bool group_before(const struct ipsec_sp_group *a,
			 const struct ipsec_sp_group *b)
{
	const struct ipsec_sp *x = rcu_dereference_protected(a->best, true);
	const struct ipsec_sp *y = rcu_dereference_protected(b->best, true);

	return x && (!y || ipsec_sp_before(x, y));
}

static int group_compare(const void *a, const void *b)
{
	const struct ipsec_sp_group *const *x = a, *const *y = b;

	return group_before(*y, *x) - group_before(*x, *y);
}

static bool groups_ordered(const struct ipsec_spd_groups *groups)
{
	unsigned int i;

	for (i = 1; i < groups->n; i++)
		if (group_before(groups->group[i], groups->group[i - 1]))
			return false;
	return true;
}

/* Into its place, which all but one group have already: see groups_rebuild(). */
static void groups_insert(struct ipsec_spd_groups *groups,
			  struct ipsec_sp_group *g)
{
	unsigned int i = groups->n++;

	for (; i && group_before(g, groups->group[i - 1]); i--)
		groups->group[i] = groups->group[i - 1];
	groups->group[i] = g;
}

static unsigned int groups_live(const struct ipsec_spd_groups *groups)
{
	unsigned int i, n = 0;

	for (i = 0; groups && i < groups->n; i++)
		n += !group_empty(groups->group[i]);
	return n;
}

static void groups_retire(struct ipsec_spd_groups *old)
{
	unsigned int i;

	for (i = 0; old && i < old->n; i++)
		if (group_empty(old->group[i]))
			kfree_rcu(old->group[i], rcu);
	if (old)
		kfree_rcu(old, rcu);
}

/*
 * Publish the array again, best first, with @changed in its place. It was there
 * already, or is new. Those without members are left out and freed, but for it.
 */
static int groups_rebuild(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			  unsigned int family, struct ipsec_sp_group *changed)
{
	struct ipsec_spd_groups *old = groups_locked(spd, dir, family);
	unsigned int i, n = groups_live(old) + (changed && group_empty(changed));
	struct ipsec_spd_groups *new = NULL;

	if (n > IPSEC_SPD_GROUPS_MAX)
		return -ENOSPC;
	if (n) {
		new = kmalloc(struct_size(new, group, n),
			      GFP_ATOMIC | __GFP_ACCOUNT);
		if (!new)
			return -ENOMEM;
		new->n = 0;
		for (i = 0; old && i < old->n; i++)
			if (old->group[i] != changed &&
			    !group_empty(old->group[i]))
				new->group[new->n++] = old->group[i];
		if (changed)
			groups_insert(new, changed);
		/* More than one moved while there was no memory for an array. */
		if (!groups_ordered(new))
			sort(new->group, n, sizeof(new->group[0]),
			     group_compare, NULL);
		new->sorted = true;
	}
	rcu_assign_pointer(dir->groups[family], new);
	groups_retire(old);
	return 0;
}

/**
 * ipsec_sp_group_find() - the group of a selector
 * @spd: the SPD
 * @dir: the direction
 * @sel: the selector
 *
 * Context: SPD lock held. Return: the group or NULL.
 */
struct ipsec_sp_group *ipsec_sp_group_find(struct ipsec_spd *spd,
					   struct ipsec_spd_dir *dir,
					   const struct ipsec_selector *sel)
{
	struct ipsec_spd_groups *groups;
	u32 masks = ipsec_sp_masks(sel);
	unsigned int i;

	groups = groups_locked(spd, dir, ipsec_spd_family(sel->family));
	for (i = 0; groups && i < groups->n; i++)
		if (groups->group[i]->masks == masks)
			return groups->group[i];
	return NULL;
}

static struct ipsec_sp_group *group_new(const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g;

	g = kzalloc(sizeof(*g), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!g)
		return NULL;
	g->members = RB_ROOT_CACHED;
	g->masks = ipsec_sp_masks(sel);
	g->src_len = sel->src_len;
	g->dst_len = sel->dst_len;
	g->proto = sel->proto != IPSEC_PROTO_ANY;
	g->sport = !!sel->sport;
	g->dport = !!sel->dport;
	return g;
}

/**
 * ipsec_sp_group_get() - find or make the group of a selector
 * @spd: the SPD
 * @dir: the direction
 * @sel: the selector
 *
 * Context: SPD lock held. Return: the group, to which a member is added next or
 * ipsec_sp_group_put() is called; or an ERR_PTR: -ENOMEM, or -ENOSPC when there are
 * IPSEC_SPD_GROUPS_MAX others.
 */
struct ipsec_sp_group *ipsec_sp_group_get(struct ipsec_spd *spd,
					  struct ipsec_spd_dir *dir,
					  const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g = ipsec_sp_group_find(spd, dir, sel);
	int err;

	lockdep_assert_held(&spd->lock);
	if (g)
		return g;
	g = group_new(sel);
	if (!g)
		return ERR_PTR(-ENOMEM);
	err = groups_rebuild(spd, dir, ipsec_spd_family(sel->family), g);
	if (err) {
		kfree(g);
		return ERR_PTR(err);
	}
	return g;
}

/**
 * ipsec_sp_group_put() - a group that got no member may go
 * @spd: the SPD
 * @dir: the direction
 * @sel: the selector that it was made for
 *
 * Without memory for an array it stays, matches nothing, and goes next time.
 *
 * Context: SPD lock held.
 */
void ipsec_sp_group_put(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			const struct ipsec_selector *sel)
{
	struct ipsec_sp_group *g = ipsec_sp_group_find(spd, dir, sel);

	lockdep_assert_held(&spd->lock);
	if (g && group_empty(g))
		groups_rebuild(spd, dir, ipsec_spd_family(sel->family), NULL);
}

/*
 * A member came or went. The group may now belong elsewhere in the array; until it
 * is there, or for good if there is no memory for that, look-ups visit every group.
 */
static void group_changed(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			  struct ipsec_sp_group *g, unsigned int family)
{
	struct ipsec_sp *best = ipsec_sp_leftmost(&g->members, group_node);
	struct ipsec_spd_groups *groups = groups_locked(spd, dir, family);

	if (best == rcu_dereference_protected(g->best,
					      lockdep_is_held(&spd->lock)))
		return;
	WRITE_ONCE(groups->sorted, false);
	rcu_assign_pointer(g->best, best);
	if (best && groups_ordered(groups))
		WRITE_ONCE(groups->sorted, true);
	else
		groups_rebuild(spd, dir, family, best ? g : NULL);
}

static bool group_less(struct rb_node *a, const struct rb_node *b)
{
	return ipsec_sp_node_less(a, b, group_node);
}

/**
 * ipsec_sp_group_add() - a group gets a member
 * @spd: the SPD
 * @dir: the direction
 * @g: the group
 * @sp: the policy, with its order
 *
 * Context: SPD lock held.
 */
void ipsec_sp_group_add(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			struct ipsec_sp_group *g, struct ipsec_sp *sp)
{
	lockdep_assert_held(&spd->lock);
	rb_add_cached(&sp->group_node, &g->members, group_less);
	group_changed(spd, dir, g, ipsec_spd_family(sp->sel.family));
}

/**
 * ipsec_sp_group_del() - a group loses a member
 * @spd: the SPD
 * @dir: the direction
 * @g: the group; with its last member it goes
 * @sp: the policy
 *
 * Context: SPD lock held.
 */
void ipsec_sp_group_del(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			struct ipsec_sp_group *g, struct ipsec_sp *sp)
{
	lockdep_assert_held(&spd->lock);
	rb_erase_cached(&sp->group_node, &g->members);
	group_changed(spd, dir, g, ipsec_spd_family(sp->sel.family));
}

/**
 * ipsec_spd_groups_exit() - free the groups of a direction
 * @dir: the direction; nobody looks at it any more
 */
void ipsec_spd_groups_exit(struct ipsec_spd_dir *dir)
{
	unsigned int family, i;

	for (family = 0; family < IPSEC_SPD_FAMILIES; family++) {
		struct ipsec_spd_groups *groups;

		groups = rcu_dereference_protected(dir->groups[family], true);
		for (i = 0; groups && i < groups->n; i++)
			kfree(groups->group[i]);
		kfree(groups);
	}
}
