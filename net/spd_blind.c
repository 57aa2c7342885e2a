// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a fragment hides from the SPD (RFC 4301 section 7). It tells no ports, and behind
 * extension headers of IPv6 not even the protocol, so it is found by entries that name
 * neither. But an entry that does may be about it, and comes before: then the packet
 * would have been protected or discarded if it had come in one piece.
 *
 * Such entries are therefore found a second time, by what the fragment does tell: their
 * selector without ports, and for IPv6 without the protocol too. Those that let packets
 * pass are left out, because a fragment is never let pass on their behalf. Packets that
 * are no fragments never look here.
 */
#include <linux/slab.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sp.h>
#include "net.h"
#include "spd_groups.h"

/* Behind the bits of ipsec_sp_masks(): what is hidden. */
#define BLIND_BIT(blind)	BIT(20 + (blind))

enum { CLASS_DISCARD, CLASS_IPSEC, CLASSES };

/**
 * struct ipsec_sp_blind - policies that a fragment cannot tell apart
 * @key: [I] their selector, masked, without what is hidden
 * @node: [P R] link of the table of their direction
 * @best: [P R] the one that comes first of those that discard, and of those that
 *	  protect; NULL while there is none
 * @ordered: [P] all of them by order, the best leftmost
 * @rcu: frees it
 */
struct ipsec_sp_blind {
	struct ipsec_sp_key	key;
	struct ipsec_table_entry node;
	struct ipsec_sp __rcu	*best[CLASSES];
	struct rb_root_cached	ordered[CLASSES];
	struct rcu_head		rcu;
};

static unsigned int class_of(const struct ipsec_sp *sp)
{
	return sp->type == IPSEC_SP_DISCARD ? CLASS_DISCARD : CLASS_IPSEC;
}

static u32 blind_hash(const struct ipsec_sp_key *key)
{
	return ipsec_hash(key, sizeof(*key), 0);
}

static struct ipsec_sp_blind *blind_of(const struct ipsec_table_entry *e)
{
	return container_of(e, struct ipsec_sp_blind, node);
}

static bool blind_same(const struct ipsec_table_entry *e, const void *key)
{
	return !memcmp(&blind_of(e)->key, key, sizeof(struct ipsec_sp_key));
}

/* Context: RCU read side, or SPD lock held. */
static struct ipsec_sp_blind *blind_lookup(const struct ipsec_spd_dir *dir,
					   const struct ipsec_sp_key *key)
{
	struct ipsec_table_entry *e;

	e = ipsec_table_find(&dir->blind, blind_hash(key), blind_same, key);
	return e ? blind_of(e) : NULL;
}

/* @src, @dst and @proto are a selector's with @masks, or a fragment's. */
static void blind_key(struct ipsec_sp_key *key, u32 masks, unsigned int blind,
		      const union ipsec_addr *src, const union ipsec_addr *dst,
		      u8 proto)
{
	*key = (struct ipsec_sp_key){
		.proto	= blind == IPSEC_BLIND_PROTO ? IPSEC_PROTO_ANY : proto,
		.masks	= masks | BLIND_BIT(blind),
	};
	ipsec_addr_mask(&key->src, src, masks & 0xff);
	ipsec_addr_mask(&key->dst, dst, masks >> 8 & 0xff);
}

/* Whether fragments that hide @blind may be of an entry without telling. */
static bool is_hidden(const struct ipsec_sp *sp, unsigned int blind)
{
	if (sp->type == IPSEC_SP_NONE)
		return false;
	if (sp->sel.sport || sp->sel.dport)
		return blind == IPSEC_BLIND_PORTS || sp->sel.family == AF_INET6;
	return blind == IPSEC_BLIND_PROTO && sp->sel.family == AF_INET6 &&
	       sp->sel.proto != IPSEC_PROTO_ANY;
}

static struct ipsec_sp *sp_of(struct rb_node *node)
{
	return rb_entry(node, struct ipsec_sp_blind_link, node)->sp;
}

static bool blind_less(struct rb_node *a, const struct rb_node *b)
{
	return ipsec_sp_before(sp_of(a), sp_of((struct rb_node *)b));
}

/* Tell look-ups which policy of the class comes first. */
static void blind_publish(struct ipsec_sp_blind *bin, unsigned int class)
{
	struct rb_node *first = rb_first_cached(&bin->ordered[class]);

	rcu_assign_pointer(bin->best[class], first ? sp_of(first) : NULL);
}

static struct ipsec_sp_blind *blind_get(struct ipsec_spd_dir *dir,
					const struct ipsec_sp *sp,
					unsigned int blind)
{
	struct ipsec_sp_blind *bin;
	struct ipsec_sp_key key;
	int err;

	blind_key(&key, ipsec_sp_masks(&sp->sel), blind, &sp->sel.src,
		  &sp->sel.dst, sp->sel.proto);
	bin = blind_lookup(dir, &key);
	if (bin)
		return bin;
	bin = kzalloc(sizeof(*bin), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!bin)
		return ERR_PTR(-ENOMEM);
	bin->key = key;
	bin->ordered[CLASS_DISCARD] = RB_ROOT_CACHED;
	bin->ordered[CLASS_IPSEC] = RB_ROOT_CACHED;
	err = ipsec_table_add(&dir->blind, &bin->node, blind_hash(&key));
	if (!err)
		return bin;
	kfree(bin);
	return ERR_PTR(err);
}

/**
 * ipsec_sp_blind_del() - fragments find a policy no more
 * @spd: the SPD
 * @sp: the policy
 *
 * Context: SPD lock held.
 */
void ipsec_sp_blind_del(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	struct ipsec_spd_dir *dir = &spd->dir[sp->dir];
	unsigned int blind, class = class_of(sp);

	lockdep_assert_held(&spd->lock);
	for (blind = 0; blind < IPSEC_BLINDS; blind++) {
		struct ipsec_sp_blind_link *link = &sp->blind[blind];
		struct ipsec_sp_blind *bin = link->bin;

		if (!bin)
			continue;
		link->bin = NULL;
		rb_erase_cached(&link->node, &bin->ordered[class]);
		blind_publish(bin, class);
		if (!RB_EMPTY_ROOT(&bin->ordered[CLASS_DISCARD].rb_root) ||
		    !RB_EMPTY_ROOT(&bin->ordered[CLASS_IPSEC].rb_root))
			continue;
		ipsec_table_del(&dir->blind, &bin->node);
		kfree_rcu(bin, rcu);
	}
}

/**
 * ipsec_sp_blind_add() - fragments find a policy that they may hide
 * @spd: the SPD
 * @sp: the policy, with its order
 *
 * Context: SPD lock held. Return: 0 or -ENOMEM, with all as before.
 */
int ipsec_sp_blind_add(struct ipsec_spd *spd, struct ipsec_sp *sp)
{
	struct ipsec_spd_dir *dir = &spd->dir[sp->dir];
	unsigned int blind, class = class_of(sp);

	lockdep_assert_held(&spd->lock);
	for (blind = 0; blind < IPSEC_BLINDS; blind++) {
		struct ipsec_sp_blind_link *link = &sp->blind[blind];
		struct ipsec_sp_blind *bin;

		if (!is_hidden(sp, blind))
			continue;
		bin = blind_get(dir, sp, blind);
		if (IS_ERR(bin)) {
			ipsec_sp_blind_del(spd, sp);
			return PTR_ERR(bin);
		}
		link->bin = bin;
		link->sp = sp;
		rb_add_cached(&link->node, &bin->ordered[class], blind_less);
		blind_publish(bin, class);
	}
	return 0;
}

/* Whether the group may hold entries that a fragment hides. */
static bool group_hides(const struct ipsec_sp_group *g, unsigned int blind,
			u8 proto)
{
	if (blind == IPSEC_BLIND_PROTO)
		return g->proto || g->sport || g->dport;
	return (g->sport || g->dport) &&
	       (g->proto || ipsec_proto_has_parts(proto));
}

/* Whether the best of a class comes before what the fragment was found by. */
static bool comes_first(const struct ipsec_sp_blind *bin, unsigned int class,
			const struct ipsec_sp *sp)
{
	const struct ipsec_sp *best = rcu_dereference(bin->best[class]);

	return best && (!sp || ipsec_sp_before(best, sp));
}

/**
 * ipsec_spd_hides() - whether a fragment may be of an entry that it cannot be found by
 * @net: the namespace
 * @flow: of the fragment
 * @dir: which list
 * @sp: by what the fragment was found there, or NULL
 * @insists: @sp insists on protection
 *
 * Only entries before @sp matter. If that insists on protection, it need not give way to
 * an entry that would have protected the whole packet: nothing leaves or comes in clear,
 * and an SA for any ports is to carry all fragments (RFC 4301 section 7.1).
 *
 * Context: RCU read side. Return: true if the fragment must not go on.
 */
bool ipsec_spd_hides(struct net *net, const struct ipsec_flow *flow,
		     enum ipsec_dir dir, const struct ipsec_sp *sp, bool insists)
{
	unsigned int blind = flow->proto == IPSEC_PROTO_ANY ?
			     IPSEC_BLIND_PROTO : IPSEC_BLIND_PORTS;
	struct ipsec_spd_dir *list = &ipsec_net(net)->spd.dir[dir];
	const struct ipsec_spd_groups *groups;
	unsigned int i;

	groups = rcu_dereference(list->groups[ipsec_spd_family(flow->family)]);
	for (i = 0; groups && i < groups->n; i++) {
		const struct ipsec_sp_group *g = groups->group[i];
		struct ipsec_sp_blind *bin;
		struct ipsec_sp_key key;

		if (!group_hides(g, blind, flow->proto))
			continue;
		blind_key(&key, g->masks, blind, &flow->src, &flow->dst,
			  g->proto ? flow->proto : IPSEC_PROTO_ANY);
		bin = blind_lookup(list, &key);
		if (bin && (comes_first(bin, CLASS_DISCARD, sp) ||
			    (!insists && comes_first(bin, CLASS_IPSEC, sp))))
			return true;
	}
	return false;
}

static void blind_free(struct ipsec_table_entry *e)
{
	kfree(blind_of(e));
}

/**
 * ipsec_spd_blind_exit() - free what a direction has for fragments
 * @dir: the direction; nobody looks at it any more
 */
void ipsec_spd_blind_exit(struct ipsec_spd_dir *dir)
{
	ipsec_table_exit(&dir->blind, blind_free);
}
