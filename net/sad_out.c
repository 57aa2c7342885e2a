// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which SA protects a packet to send (RFC 4301 section 4.4.2). SAs between the same ends
 * are rivals. Those that may send are kept in order of preference, for requests with any
 * reqid and for those with the SAs' own, so that a look-up takes the first or the last
 * one, however many there are.
 */
#include <linux/rculist.h>
#include <linux/slab.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/* Indices of by_age: those that end some day, and those that do not. */
enum { IMMORTAL, MORTAL };

static u32 rivals_hash(const struct ipsec_rivals_key *key)
{
	return ipsec_hash(key, sizeof(*key), 0);
}

static struct ipsec_rivals *rivals_of(const struct ipsec_table_entry *e)
{
	return container_of(e, struct ipsec_rivals, node);
}

static bool rivals_same(const struct ipsec_table_entry *e, const void *key)
{
	return !memcmp(&rivals_of(e)->key, key,
		       sizeof(struct ipsec_rivals_key));
}

/* Context: RCU read side, or sad.lock held. */
static struct ipsec_rivals *rivals_find(struct ipsec_sad *sad,
					const struct ipsec_ends_key *ends,
					u32 reqid)
{
	struct ipsec_rivals_key key = { .ends = *ends, .reqid = reqid };
	struct ipsec_table_entry *e;

	e = ipsec_table_find(&sad->by_ends, rivals_hash(&key), rivals_same,
			     &key);
	return e ? rivals_of(e) : NULL;
}

/**
 * ipsec_sa_misfit() - why an SA does not serve a request
 * @sa: the SA, between the ends of the request
 * @mode: mode of the request
 * @reqid: 0, or the only reqid that will do
 *
 * Return: the reason in one word, or NULL when it serves.
 */
const char *ipsec_sa_misfit(const struct ipsec_sa *sa, u8 mode, u32 reqid)
{
	if (!ipsec_sa_usable(sa))
		return "state";
	if (sa->mode != IPSEC_MODE_KIND_ANY && sa->mode != mode)
		return "mode";
	if (reqid && sa->reqid != reqid)
		return "reqid";
	return NULL;
}

static bool is_older(const struct ipsec_sa *a, const struct ipsec_sa *b)
{
	return a->serial < b->serial;
}

/* Whether @a is the better one to send with; of none the other one is. */
static bool is_better(const struct ipsec_sa *a, const struct ipsec_sa *b,
		      enum ipsec_preference prefer)
{
	bool oldest = prefer == IPSEC_PREFER_OLDEST;
	u8 sa, sb;

	if (!a || !b)
		return a;
	sa = READ_ONCE(a->state);
	sb = READ_ONCE(b->state);
	if (sa != sb)
		return oldest ? sa > sb : sa < sb;
	return is_older(a, b) == oldest;
}

static struct ipsec_sa *find_between(struct ipsec_net *in,
				     const struct ipsec_ends_key *ends,
				     u8 mode, u32 reqid)
{
	enum ipsec_preference prefer;
	struct ipsec_sa *best, *other;
	struct ipsec_rivals *rivals;

	rivals = rivals_find(&in->sad, ends, reqid);
	if (!rivals)
		return NULL;
	prefer = READ_ONCE(in->knobs.preferred_oldsa) ? IPSEC_PREFER_OLDEST :
							IPSEC_PREFER_NEWEST;
	best = rcu_dereference(rivals->best[IPSEC_MODE_KIND_ANY][prefer]);
	other = rcu_dereference(rivals->best[mode][prefer]);
	return is_better(other, best, prefer) ? other : best;
}

/**
 * ipsec_sad_find_out() - find the SA to send with
 * @net: the namespace
 * @ends: protocol and addresses
 * @mode: mode of the request; SAs of mode "any" serve both
 * @reqid: 0, or the only reqid that will do
 *
 * Of several the oldest is taken, a dying one first, or with
 * net.key.preferred_oldsa=0 the newest, a mature one first. In transport mode one
 * from any source serves who has none of his own: a group shares it (RFC 4552).
 *
 * Context: RCU read side. Return: the SA, without a reference, or NULL.
 */
struct ipsec_sa *ipsec_sad_find_out(struct net *net,
				    const struct ipsec_ends_key *ends,
				    u8 mode, u32 reqid)
{
	struct ipsec_net *in = ipsec_net(net);
	struct ipsec_sa *sa = find_between(in, ends, mode, reqid);
	struct ipsec_ends_key group;

	if (likely(sa) || mode != IPSEC_MODE_KIND_TRANSPORT)
		return sa;
	group = *ends;
	memset(&group.saddr, 0, sizeof(group.saddr));
	return find_between(in, &group, mode, reqid);
}

/**
 * ipsec_sad_each_between() - show SAs between two ends
 * @net: the namespace
 * @ends: protocol and addresses
 * @show: called for each, the oldest first
 * @arg: passed to @show
 * @max: no more than so many
 *
 * Context: RCU read side. Return: how many there are.
 */
unsigned int
ipsec_sad_each_between(struct net *net, const struct ipsec_ends_key *ends,
		       void (*show)(const struct ipsec_sa *sa, void *arg),
		       void *arg, unsigned int max)
{
	struct ipsec_rivals *rivals;
	struct ipsec_sa *sa;

	rivals = rivals_find(&ipsec_net(net)->sad, ends, 0);
	if (!rivals)
		return 0;
	list_for_each_entry_rcu(sa, &rivals->all, ends_node) {
		if (!max--)
			break;
		show(sa, arg);
	}
	return READ_ONCE(rivals->count);
}

static struct ipsec_sa *first_of(struct rb_root_cached *tree, unsigned int i)
{
	struct rb_node *node = rb_first_cached(tree);

	return node ? rb_entry(node - i, struct ipsec_sa, age_node[0]) : NULL;
}

static struct ipsec_sa *last_of(struct rb_root_cached *tree, unsigned int i)
{
	struct rb_node *node = rb_last(&tree->rb_root);

	return node ? rb_entry(node - i, struct ipsec_sa, age_node[0]) : NULL;
}

/* Which of the two links of an SA is one of these rivals'. */
static unsigned int link_of(const struct ipsec_rivals *rivals)
{
	return rivals->key.reqid ? 1 : 0;
}

/**
 * ipsec_sad_usable_between() - one of the SAs between two ends that may send
 * @net: the namespace
 * @ends: addresses and protocol
 *
 * Context: process. Return: the SA with a reference for the caller, or NULL.
 */
struct ipsec_sa *ipsec_sad_usable_between(struct net *net,
					  const struct ipsec_ends_key *ends)
{
	struct ipsec_sad *sad = &ipsec_net(net)->sad;
	struct ipsec_rivals *rivals;
	struct ipsec_sa *sa = NULL;
	unsigned int i;

	spin_lock_bh(&sad->lock);
	rcu_read_lock();
	rivals = rivals_find(sad, ends, 0);
	for (i = 0; rivals && !sa && i < IPSEC_MODE_KINDS * 2; i++)
		sa = first_of(&rivals->by_age[i / 2][i % 2], 0);
	if (sa)
		ipsec_sa_hold(sa);
	rcu_read_unlock();
	spin_unlock_bh(&sad->lock);
	return sa;
}

/* The order of the trees: what is preferred when the oldest is comes first. */
static bool ranks_before(const struct ipsec_sa *a, const struct ipsec_sa *b)
{
	if (a->rank != b->rank)
		return a->rank > b->rank;
	return is_older(a, b);
}

static void tree_add(struct rb_root_cached *tree, struct ipsec_sa *sa,
		     unsigned int i)
{
	struct rb_node **link = &tree->rb_root.rb_node, *parent = NULL;
	bool leftmost = true;

	while (*link) {
		parent = *link;
		if (ranks_before(sa, rb_entry(parent - i, struct ipsec_sa,
					      age_node[0]))) {
			link = &parent->rb_left;
		} else {
			link = &parent->rb_right;
			leftmost = false;
		}
	}
	rb_link_node(&sa->age_node[i], parent, link);
	rb_insert_color_cached(&sa->age_node[i], tree, leftmost);
}

static bool ranks_better(const struct ipsec_sa *a, const struct ipsec_sa *b,
			 bool first)
{
	if (!a || !b)
		return a;
	return ranks_before(a, b) == first;
}

/* Publishes which SAs of @mode are first and last. */
static void publish_best(struct ipsec_rivals *rivals, u8 mode)
{
	struct rb_root_cached *tree = rivals->by_age[mode];
	unsigned int i = link_of(rivals);
	struct ipsec_sa *a, *b;

	a = first_of(&tree[IMMORTAL], i);
	b = first_of(&tree[MORTAL], i);
	rcu_assign_pointer(rivals->best[mode][IPSEC_PREFER_OLDEST],
			   ranks_better(a, b, true) ? a : b);
	a = last_of(&tree[IMMORTAL], i);
	b = last_of(&tree[MORTAL], i);
	rcu_assign_pointer(rivals->best[mode][IPSEC_PREFER_NEWEST],
			   ranks_better(a, b, false) ? a : b);
}

static struct rb_root_cached *tree_of(struct ipsec_sa *sa, unsigned int i)
{
	return &sa->rivals[i]->by_age[sa->mode][sa->life.hard.addtime ?
						MORTAL : IMMORTAL];
}

/**
 * ipsec_sad_rank() - give an SA its place among its rivals
 * @sad: the SAD
 * @sa: the SA, linked
 * @state: the state that it has or is about to have
 *
 * Senders find one or another of the rivals at any time.
 *
 * Context: sad.lock held.
 */
void ipsec_sad_rank(struct ipsec_sad *sad, struct ipsec_sa *sa, u8 state)
{
	bool usable = state == IPSEC_SA_MATURE || state == IPSEC_SA_DYING;
	unsigned int i;

	lockdep_assert_held(&sad->lock);
	for (i = 0; sa->rank && i < ARRAY_SIZE(sa->rivals); i++)
		if (sa->rivals[i])
			rb_erase_cached(&sa->age_node[i], tree_of(sa, i));
	sa->rank = usable ? state : 0;
	for (i = 0; i < ARRAY_SIZE(sa->rivals); i++) {
		if (!sa->rivals[i])
			continue;
		if (usable)
			tree_add(tree_of(sa, i), sa, i);
		publish_best(sa->rivals[i], sa->mode);
	}
}

static struct ipsec_rivals *rivals_get(struct ipsec_sad *sad,
				       const struct ipsec_ends_key *ends,
				       u32 reqid)
{
	struct ipsec_rivals *rivals = rivals_find(sad, ends, reqid);
	int err;

	if (rivals) {
		WRITE_ONCE(rivals->count, rivals->count + 1);
		return rivals;
	}
	/* Empty trees are zero. */
	rivals = kzalloc(sizeof(*rivals), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!rivals)
		return NULL;
	rivals->key.ends = *ends;
	rivals->key.reqid = reqid;
	rivals->count = 1;
	INIT_LIST_HEAD(&rivals->all);
	INIT_LIST_HEAD(&rivals->discard_node);
	err = ipsec_table_add(&sad->by_ends, &rivals->node,
			      rivals_hash(&rivals->key));
	if (err) {
		kfree(rivals);
		return NULL;
	}
	return rivals;
}

static void rivals_put(struct ipsec_sad *sad, struct ipsec_rivals *rivals)
{
	WRITE_ONCE(rivals->count, rivals->count - 1);
	if (rivals->count)
		return;
	list_del(&rivals->discard_node);
	ipsec_table_del(&sad->by_ends, &rivals->node);
	kfree_rcu(rivals, rcu);
}

/**
 * ipsec_sad_join() - make an SA one of the rivals between its ends
 * @sad: the SAD
 * @sa: the SA, with its serial
 *
 * Context: sad.lock held. Return: 0 or -ENOMEM.
 */
int ipsec_sad_join(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	lockdep_assert_held(&sad->lock);
	rcu_read_lock();
	sa->rivals[0] = rivals_get(sad, &sa->ends, 0);
	/* What waits for its keys never sends: the SA with the keys will. */
	if (sa->rivals[0] && sa->reqid && sa->state != IPSEC_SA_LARVAL) {
		sa->rivals[1] = rivals_get(sad, &sa->ends, sa->reqid);
		if (!sa->rivals[1]) {
			rivals_put(sad, sa->rivals[0]);
			sa->rivals[0] = NULL;
		}
	}
	rcu_read_unlock();
	if (!sa->rivals[0])
		return -ENOMEM;
	list_add_tail_rcu(&sa->ends_node, &sa->rivals[0]->all);
	ipsec_sad_rank(sad, sa, sa->state);
	return 0;
}

/**
 * ipsec_sad_part() - the reverse
 * @sad: the SAD
 * @sa: the SA
 *
 * Context: sad.lock held.
 */
void ipsec_sad_part(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	unsigned int i;

	ipsec_sad_rank(sad, sa, IPSEC_SA_DEAD);
	list_del_rcu(&sa->ends_node);
	for (i = 0; i < ARRAY_SIZE(sa->rivals); i++) {
		if (sa->rivals[i])
			rivals_put(sad, sa->rivals[i]);
		sa->rivals[i] = NULL;
	}
}

/* One that gave way to the newest of those that serve requests of @mode. */
static struct ipsec_sa *loser(struct ipsec_rivals *rivals, u8 mode)
{
	struct ipsec_sa *a, *b, *best;
	unsigned int i = link_of(rivals);

	a = rcu_dereference_raw(rivals->best[0][IPSEC_PREFER_NEWEST]);
	b = rcu_dereference_raw(rivals->best[mode][IPSEC_PREFER_NEWEST]);
	best = ranks_better(a, b, false) ? a : b;
	a = first_of(&rivals->by_age[IPSEC_MODE_KIND_ANY][MORTAL], i);
	b = first_of(&rivals->by_age[mode][MORTAL], i);
	if (a && a != best)
		return a;
	return b != best ? b : NULL;
}

/**
 * ipsec_sad_discard() - end the older SAs that gave way to a newer one
 * @best: the one to send with, as ipsec_sad_find_out() chose it
 * @mode: mode of the request
 * @reqid: as for ipsec_sad_find_out()
 *
 * Only with net.key.preferred_oldsa=0, and only SAs that would end some day; key
 * managers are told, as in KAME. They may be many: the upkeep does it soon.
 *
 * Context: RCU read side, no lock held.
 */
void ipsec_sad_discard(const struct ipsec_sa *best, u8 mode, u32 reqid)
{
	struct ipsec_net *in = ipsec_net(best->net);
	struct ipsec_sad *sad = &in->sad;
	struct ipsec_rivals *rivals;

	if (READ_ONCE(in->knobs.preferred_oldsa))
		return;
	spin_lock_bh(&sad->lock);
	rivals = rivals_find(sad, &best->ends, reqid);
	if (rivals && loser(rivals, mode)) {
		rivals->discard_modes |= BIT(mode);
		if (list_empty(&rivals->discard_node))
			list_add_tail(&rivals->discard_node, &sad->discards);
		ipsec_sad_due_again(sad, true);
	}
	spin_unlock_bh(&sad->lock);
}

/**
 * ipsec_sad_next_discard() - one of those that gave way
 * @sad: the SAD
 *
 * Context: process. Return: the SA with a reference for the caller, or NULL; call again
 * until sad.discards is empty.
 */
struct ipsec_sa *ipsec_sad_next_discard(struct ipsec_sad *sad)
{
	struct ipsec_rivals *rivals;
	struct ipsec_sa *sa = NULL;
	u8 mode;

	spin_lock_bh(&sad->lock);
	rivals = list_first_entry_or_null(&sad->discards, struct ipsec_rivals,
					  discard_node);
	for (mode = 0; rivals && !sa && mode < IPSEC_MODE_KINDS; mode++)
		if (rivals->discard_modes & BIT(mode))
			sa = loser(rivals, mode);
	if (sa) {
		ipsec_sa_hold(sa);
	} else if (rivals) {
		rivals->discard_modes = 0;
		list_del_init(&rivals->discard_node);
	}
	spin_unlock_bh(&sad->lock);
	return sa;
}

/**
 * ipsec_sad_out_init() - make the empty table
 * @sad: the SAD, zeroed
 */
void ipsec_sad_out_init(struct ipsec_sad *sad)
{
	INIT_LIST_HEAD(&sad->discards);
	ipsec_table_init(&sad->by_ends, &sad->lock);
}

/**
 * ipsec_sad_out_exit() - free the table, which is empty
 * @sad: the SAD
 */
void ipsec_sad_out_exit(struct ipsec_sad *sad)
{
	ipsec_table_exit(&sad->by_ends, NULL);
}
