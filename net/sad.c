// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SAD: which SA opens a received packet, and where it is linked (RFC 4301 section
 * 4.4.2). Which one protects a packet to send is in sad_out.c. Both are one hash probe.
 */
#include <linux/rbtree.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

static u32 spi_hash(const struct ipsec_sad_key *key)
{
	return ipsec_hash(key, sizeof(*key), 0);
}

static struct ipsec_sa *sa_of(const struct ipsec_table_entry *e)
{
	return container_of(e, struct ipsec_sa, spi_node);
}

static bool spi_same(const struct ipsec_table_entry *e, const void *key)
{
	return !memcmp(&sa_of(e)->key, key, sizeof(struct ipsec_sad_key));
}

/* Context: RCU read side, or sad.lock held. */
static struct ipsec_sa *spi_find(const struct ipsec_sad *sad,
				 const struct ipsec_sad_key *key)
{
	struct ipsec_table_entry *e;

	e = ipsec_table_find(&sad->by_spi, spi_hash(key), spi_same, key);
	return e ? sa_of(e) : NULL;
}

static struct ipsec_sad *sad_of(const struct net *net)
{
	return &ipsec_net(net)->sad;
}

/**
 * ipsec_sad_lookup_spi() - find the SA of a received packet
 * @net: the namespace
 * @key: what the packet says
 *
 * Context: RCU read side. Return: the SA, without a reference and in any state,
 * or NULL. RFC 4301 section 4.1.
 */
struct ipsec_sa *ipsec_sad_lookup_spi(struct net *net,
				      const struct ipsec_sad_key *key)
{
	struct ipsec_sad *sad = sad_of(net);

	/*
	 * ICMP errors come in until the namespace's last device is gone, which
	 * is after the table is. An SA that is counted here keeps the table for
	 * a grace period, see ipsec_sad_exit().
	 */
	if (!READ_ONCE(sad->count))
		return NULL;
	return spi_find(sad, key);
}

/**
 * ipsec_sad_get() - find an SA for a key manager
 * @net: the namespace
 * @key: identity
 *
 * What was deleted is not found, though it may still open packets.
 *
 * Return: the SA with a reference for the caller, or NULL.
 */
struct ipsec_sa *ipsec_sad_get(struct net *net,
			       const struct ipsec_sad_key *key)
{
	struct ipsec_sa *sa;

	rcu_read_lock();
	sa = ipsec_sad_lookup_spi(net, key);
	if (sa && (READ_ONCE(sa->state) == IPSEC_SA_DEAD ||
		   !refcount_inc_not_zero(&sa->refs)))
		sa = NULL;
	rcu_read_unlock();
	return sa;
}

static unsigned int count_of(u8 proto)
{
	switch (proto) {
	case IPPROTO_ESP:
		return IPSEC_SAD_ESP;
	case IPPROTO_AH:
		return IPSEC_SAD_AH;
	default:
		return IPSEC_SAD_COMP;
	}
}

static void count_locked(struct ipsec_sad *sad, const struct ipsec_sa *sa,
			 int n)
{
	u32 *count = &sad->counts[count_of(sa->key.proto)];

	WRITE_ONCE(*count, *count + n);
	WRITE_ONCE(sad->count, sad->count + n);
}

static bool serial_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ipsec_sa, all_node)->serial <
	       rb_entry(b, struct ipsec_sa, all_node)->serial;
}

/* Links @sa everywhere but in by_spi. */
static int link_others(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	int err;

	lockdep_assert_held(&sad->lock);
	sa->serial = sad->next_serial++;
	err = ipsec_sad_join(sad, sa);
	if (err)
		return err;
	rb_add(&sa->all_node, &sad->all, serial_less);
	count_locked(sad, sa, 1);
	sa->linked = true;
	return 0;
}

static void unlink_others(struct ipsec_sad *sad, struct ipsec_sa *sa)
{
	lockdep_assert_held(&sad->lock);
	ipsec_sad_part(sad, sa);
	rb_erase(&sa->all_node, &sad->all);
	count_locked(sad, sa, -1);
	sa->linked = false;
}

/**
 * ipsec_sad_link() - put an SA into the tables
 * @sa: the SA
 *
 * Return: 0, -EEXIST if (destination, protocol, SPI) is taken, -ENOMEM.
 */
int ipsec_sad_link(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	int err = -EEXIST;

	spin_lock_bh(&sad->lock);
	if (spi_find(sad, &sa->key))
		goto out;
	err = link_others(sad, sa);
	if (err)
		goto out;
	err = ipsec_table_add(&sad->by_spi, &sa->spi_node, spi_hash(&sa->key));
	if (err)
		unlink_others(sad, sa);
out:
	spin_unlock_bh(&sad->lock);
	return err;
}

/**
 * ipsec_sad_relink() - put an SA into the place of another
 * @old: the SA that leaves the tables
 * @sa: the one that comes, with the same (destination, protocol, SPI)
 *
 * Return: 0, -ESRCH if @old is not in the tables, -ENOMEM.
 */
int ipsec_sad_relink(struct ipsec_sa *old, struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	int err = -ESRCH;

	spin_lock_bh(&sad->lock);
	if (!old->linked)
		goto out;
	err = link_others(sad, sa);
	if (err)
		goto out;
	ipsec_table_replace(&sad->by_spi, &old->spi_node, &sa->spi_node);
	unlink_others(sad, old);
out:
	spin_unlock_bh(&sad->lock);
	return err;
}

/**
 * ipsec_sad_unlink() - take an SA out of the tables
 * @sa: the SA
 *
 * The SAD's reference passes to the caller, who deletes the SA.
 *
 * Return: whether it was in the tables.
 */
bool ipsec_sad_unlink(struct ipsec_sa *sa)
{
	struct ipsec_sad *sad = sad_of(sa->net);
	bool linked;

	spin_lock_bh(&sad->lock);
	linked = sa->linked;
	if (linked) {
		ipsec_table_del(&sad->by_spi, &sa->spi_node);
		unlink_others(sad, sa);
	}
	spin_unlock_bh(&sad->lock);
	return linked;
}

/**
 * ipsec_sad_count() - how many SAs there are
 * @net: the namespace
 * @proto: of this protocol; 0 = all
 *
 * Context: any. Return: the number.
 */
unsigned int ipsec_sad_count(struct net *net, u8 proto)
{
	const struct ipsec_sad *sad = sad_of(net);

	return proto ? READ_ONCE(sad->counts[count_of(proto)]) :
		       READ_ONCE(sad->count);
}

/**
 * ipsec_sad_tables_init() - make the empty tables
 * @sad: the SAD, zeroed
 */
void ipsec_sad_tables_init(struct ipsec_sad *sad)
{
	spin_lock_init(&sad->lock);
	sad->all = RB_ROOT;
	ipsec_table_init(&sad->by_spi, &sad->lock);
	ipsec_sad_out_init(sad);
}

/**
 * ipsec_sad_tables_exit() - free the tables, which are empty
 * @sad: the SAD; nobody looks at it any more
 */
void ipsec_sad_tables_exit(struct ipsec_sad *sad)
{
	ipsec_sad_out_exit(sad);
	ipsec_table_exit(&sad->by_spi, NULL);
}
