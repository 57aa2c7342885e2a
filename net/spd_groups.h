/* SPDX-License-Identifier: GPL-2.0-only */
/* How the SPD's tables are built; for spd_index.c, spd_groups.c, spd_blind.c only. */
#ifndef _IPSEC_SPD_GROUPS_H
#define _IPSEC_SPD_GROUPS_H

#include <linux/rbtree.h>
#include <linux/rcupdate.h>
#include <ipsec/sp.h>

/**
 * struct ipsec_sp_group - policies that mask the same bits
 * @members: [P] policies by order, the best leftmost
 * @best: [P R] the best of them; NULL while there is none
 * @masks: [I] the same as a number, see ipsec_sp_masks()
 * @src_len: [I] prefix length of the source
 * @dst_len: [I] prefix length of the destination
 * @proto: [I] the protocol matters
 * @sport: [I] the source port matters
 * @dport: [I] the destination port matters
 * @rcu: frees it
 */
struct ipsec_sp_group {
	struct rb_root_cached	members;
	struct ipsec_sp __rcu	*best;
	u32			masks;
	u8			src_len;
	u8			dst_len;
	bool			proto;
	bool			sport;
	bool			dport;
	struct rcu_head		rcu;
};

/**
 * struct ipsec_spd_groups - the groups of one direction and family, best first
 * @rcu: frees it
 * @sorted: [P] the search may end early; readers use READ_ONCE()
 * @n: length of @group, at most IPSEC_SPD_GROUPS_MAX
 * @group: [I] replaced as a whole, never edited
 */
struct ipsec_spd_groups {
	struct rcu_head		rcu;
	bool			sorted;
	unsigned int		n;
	struct ipsec_sp_group	*group[];
};

struct ipsec_sp_group *ipsec_sp_group_get(struct ipsec_spd *spd,
					  struct ipsec_spd_dir *dir,
					  const struct ipsec_selector *sel);
void ipsec_sp_group_put(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			const struct ipsec_selector *sel);
void ipsec_sp_group_add(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			struct ipsec_sp_group *g, struct ipsec_sp *sp);
void ipsec_sp_group_del(struct ipsec_spd *spd, struct ipsec_spd_dir *dir,
			struct ipsec_sp_group *g, struct ipsec_sp *sp);
struct ipsec_sp_group *ipsec_sp_group_find(struct ipsec_spd *spd,
					   struct ipsec_spd_dir *dir,
					   const struct ipsec_selector *sel);
void ipsec_spd_groups_exit(struct ipsec_spd_dir *dir);

int ipsec_sp_blind_add(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_sp_blind_del(struct ipsec_spd *spd, struct ipsec_sp *sp);
void ipsec_spd_blind_exit(struct ipsec_spd_dir *dir);

/* Which of a direction's two arrays of groups is about @family. */
static inline unsigned int ipsec_spd_family(sa_family_t family)
{
	return family == AF_INET ? IPSEC_SPD_IP4 : IPSEC_SPD_IP6;
}

/* The bits that a selector masks, as a number of their own, of less than 20 bits. */
static inline u32 ipsec_sp_masks(const struct ipsec_selector *sel)
{
	return sel->src_len | sel->dst_len << 8 |
	       (sel->proto != IPSEC_PROTO_ANY) << 16 | !!sel->sport << 17 |
	       !!sel->dport << 18 | ipsec_spd_family(sel->family) << 19;
}

/* Orders a tree by the order of matching; @member is the link's name. */
#define ipsec_sp_node_less(a, b, member)				\
	ipsec_sp_before(rb_entry(a, struct ipsec_sp, member),		\
			rb_entry(b, struct ipsec_sp, member))

/* The best of a tree, or NULL. */
#define ipsec_sp_leftmost(root, member)					\
({									\
	struct rb_node *first = rb_first_cached(root);			\
									\
	first ? rb_entry(first, struct ipsec_sp, member) : NULL;	\
})

#endif /* _IPSEC_SPD_GROUPS_H */
