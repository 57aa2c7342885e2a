// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policies of sockets: one for all sockets that asked for the same, found by
 * its id, freed when no socket has it any more. How a socket holds an id is
 * sock_carrier.c's matter.
 */
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>
#include <ipsec/hash.h>
#include <ipsec/netns.h>
#include <ipsec/sockpolicy.h>
#include <ipsec/sp.h>
#include "net.h"

/* Ids as clients of Linux's PF_KEY expect them: 8n + 3 + direction - 1. */
#define ID_STEP		8
#define ID_SOCKET	3
#define NUMBER_MAX	(BIT(29) - 1)

/* A sweep comes this late, or as soon as the table has grown to twice the
 * policies that the last one left, and to SWEEP_MIN.
 */
#define SWEEP_DELAY	(10 * HZ)
#define SWEEP_MIN	64U

/* The table may be full of policies that only a sweep knows to be unused. */
#define COUNT_MAX	BIT(17)

/**
 * struct ipsec_sock_policy - a policy, and who may have it
 * @sp: [I] the policy
 * @node: [L] link of socks.by_wire; unhashed: no other socket gets it
 * @carrier: [L] the last one handed out, referenced until it has a socket
 * @shared: [I] other sockets that ask for the same may have it
 * @used: [L] written by the sweep, and by whoever gets it
 * @condemned: [L] no carrier was found; waits for the second look
 * @hash: [I] of @wire
 * @len: [I] bytes of @wire
 * @rcu: frees it
 * @wire: [I] what setsockopt was given, and getsockopt gives back
 */
struct ipsec_sock_policy {
	struct ipsec_sp		*sp;
	struct hlist_node	node;
	struct xfrm_policy	*carrier;
	bool			shared;
	bool			used;
	bool			condemned;
	u32			hash;
	unsigned int		len;
	struct rcu_head		rcu;
	u8			wire[];
};

static struct ipsec_socks *socks_of(const struct net *net)
{
	return &ipsec_net(net)->socks;
}

/* No socket has it yet; the index comes with the socket, and stays. */
static bool pending(const struct xfrm_policy *carrier)
{
	return carrier && !READ_ONCE(carrier->index);
}

/* What a policy may want to see in the history of received packets. */
static unsigned int needs(const struct ipsec_sp *sp)
{
	unsigned int i, need = 0;

	for (i = 0; sp->dir == IPSEC_IN && i < sp->n_requests; i++)
		need |= ipsec_have_bit(sp->requests[i].proto);
	return need;
}

static void give_carrier(struct ipsec_sock_policy *p, struct xfrm_policy *to)
{
	struct xfrm_policy *old = p->carrier;

	xfrm_pol_hold(to);
	p->carrier = to;
	p->used = true;
	if (old)
		xfrm_pol_put(old);
}

/*
 * One whose last carrier is not yet in a socket is passed over: who asks for the
 * same at the same time gets another one, so that each has at most one such.
 */
static struct ipsec_sock_policy *find_equal(struct ipsec_socks *socks,
					    u32 hash, const void *wire,
					    unsigned int len)
{
	struct ipsec_sock_policy *p;

	hash_for_each_possible(socks->by_wire, p, node, hash)
		if (p->hash == hash && p->len == len &&
		    !memcmp(p->wire, wire, len) && !pending(p->carrier))
			return p;
	return NULL;
}

static int add(struct ipsec_socks *socks, struct ipsec_sock_policy *p)
{
	u32 number;
	int err;

	if (socks->count >= COUNT_MAX)
		return -ENOBUFS;
	err = xa_alloc_cyclic(&socks->by_number, &number, p,
			      XA_LIMIT(1, NUMBER_MAX), &socks->next,
			      GFP_ATOMIC);
	if (err < 0)
		return err;
	p->sp->id = number * ID_STEP + ID_SOCKET + p->sp->dir - 1;
	if (p->shared)
		hash_add(socks->by_wire, &p->node, p->hash);
	WRITE_ONCE(socks->count, socks->count + 1);
	WRITE_ONCE(socks->in_need, socks->in_need | needs(p->sp));
	return 0;
}

static void free_policy(struct ipsec_sock_policy *p)
{
	if (p->carrier)
		xfrm_pol_put(p->carrier);
	ipsec_sp_put(p->sp);
	kfree_rcu(p, rcu);
}

static struct ipsec_sock_policy *new_policy(struct ipsec_sp *sp, u32 hash,
					    const void *wire, unsigned int len,
					    bool shared)
{
	struct ipsec_sock_policy *p;

	p = kzalloc(struct_size(p, wire, len), GFP_ATOMIC | __GFP_ACCOUNT);
	if (!p)
		return NULL;
	p->sp = sp;
	p->hash = hash;
	p->len = len;
	p->shared = shared;
	memcpy(p->wire, wire, len);
	return p;
}

/* The policy for @wire, with @carrier as the one to come; takes over @sp. */
static struct ipsec_sock_policy *intern(struct ipsec_socks *socks,
					struct ipsec_sp *sp, const void *wire,
					unsigned int len, bool shared,
					struct xfrm_policy *carrier)
{
	u32 hash = ipsec_hash_bytes(wire, len);
	struct ipsec_sock_policy *p, *made;
	int err = 0;

	made = new_policy(sp, hash, wire, len, shared);
	if (!made) {
		ipsec_sp_put(sp);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock_bh(&socks->lock);
	p = shared ? find_equal(socks, hash, wire, len) : NULL;
	if (!p) {
		err = add(socks, made);
		p = made;
	}
	if (!err)
		give_carrier(p, carrier);
	if (socks->count >= socks->sweep_at)
		mod_delayed_work(ipsec_wq, &socks->sweeper, 0);
	else
		queue_delayed_work(ipsec_wq, &socks->sweeper, SWEEP_DELAY);
	spin_unlock_bh(&socks->lock);
	if (err || p != made)
		free_policy(made);
	return err ? ERR_PTR(err) : p;
}

/**
 * ipsec_sock_policy_make() - a policy for a socket
 * @sk: the socket
 * @sp: the policy with its direction, type and requests; taken over
 * @wire: what userland sent; equal bytes are the same policy
 * @len: how many, at most IPSEC_SOCK_WIRE_MAX
 * @shared: it may be the policy of other sockets too
 *
 * Context: any but hard interrupts, the socket locked by its owner. Return: what
 * the socket layer is to put into the socket, or an ERR_PTR.
 */
struct xfrm_policy *ipsec_sock_policy_make(struct sock *sk, struct ipsec_sp *sp,
					   const void *wire, unsigned int len,
					   bool shared)
{
	struct net *net = sock_net(sk);
	struct ipsec_sock_policy *p;
	struct xfrm_policy *carrier;

	carrier = xfrm_policy_alloc(net, GFP_ATOMIC);
	if (!carrier) {
		ipsec_sp_put(sp);
		return ERR_PTR(-ENOMEM);
	}
	p = intern(socks_of(net), sp, wire, len, shared, carrier);
	if (IS_ERR(p)) {
		carrier->walk.dead = 1;
		xfrm_pol_put(carrier);
		return ERR_CAST(p);
	}
	/* The carrier that is not yet in the socket keeps the policy. */
	ipsec_carrier_fill(carrier, sk->sk_family, p->sp);
	return carrier;
}

static struct ipsec_sock_policy *by_id(struct ipsec_socks *socks, u32 id)
{
	struct ipsec_sock_policy *p = xa_load(&socks->by_number, id / ID_STEP);

	return p && p->sp->id == id ? p : NULL;
}

/**
 * ipsec_sock_policy_find() - a socket's policy by its id
 * @net: the namespace
 * @id: the id
 *
 * Context: RCU read side. Return: the policy, or NULL.
 */
struct ipsec_sp *ipsec_sock_policy_find(struct net *net, u32 id)
{
	struct ipsec_sock_policy *p = by_id(socks_of(net), id);

	return p ? p->sp : NULL;
}

/**
 * ipsec_sock_policy_seen() - a carrier names this policy
 * @net: the namespace
 * @id: the policy's id
 *
 * Context: RCU read side. Return: the policy, or NULL.
 */
struct ipsec_sp *ipsec_sock_policy_seen(struct net *net, u32 id)
{
	struct ipsec_socks *socks = socks_of(net);
	struct ipsec_sock_policy *p;

	spin_lock_bh(&socks->lock);
	p = by_id(socks, id);
	if (p)
		p->used = true;
	spin_unlock_bh(&socks->lock);
	return p ? p->sp : NULL;
}

/**
 * ipsec_sock_policy_read() - what a socket was given
 * @sk: the socket
 * @dir: IPSEC_IN or IPSEC_OUT
 * @says: filled with type and id
 * @wire: filled; has room for IPSEC_SOCK_WIRE_MAX
 *
 * Context: process. Return: bytes of @wire, 0 when there are none besides @says,
 * -ESTALE when they came with an earlier load of the module.
 */
int ipsec_sock_policy_read(struct sock *sk, enum ipsec_dir dir,
			   struct ipsec_sock_says *says, void *wire)
{
	struct ipsec_sock_policy *p;
	int len = 0;

	rcu_read_lock();
	*says = ipsec_sock_says(sk, dir);
	if (says->id) {
		p = by_id(socks_of(sock_net(sk)), says->id);
		len = p ? p->len : -ESTALE;
	}
	if (len > 0)
		memcpy(wire, p->wire, len);
	rcu_read_unlock();
	return len;
}

/* Forgets who is used. A carrier without a socket counts as a user. */
static void sweep_begin(struct ipsec_socks *socks)
{
	struct ipsec_sock_policy *p;
	unsigned long number;

	spin_lock_bh(&socks->lock);
	xa_for_each(&socks->by_number, number, p)
		p->used = pending(p->carrier);
	spin_unlock_bh(&socks->lock);
}

/* Nobody gets the unused ones any more. Returns whether there are any. */
static bool sweep_condemn(struct ipsec_socks *socks)
{
	struct ipsec_sock_policy *p;
	unsigned long number;
	bool any = false;

	spin_lock_bh(&socks->lock);
	xa_for_each(&socks->by_number, number, p) {
		p->condemned = !p->used && !pending(p->carrier);
		if (!p->condemned)
			continue;
		any = true;
		hash_del(&p->node);
		if (p->carrier)
			xfrm_pol_put(p->carrier);
		p->carrier = NULL;
	}
	spin_unlock_bh(&socks->lock);
	return any;
}

/* Frees those that are still unused, and counts what the others need. */
static void sweep_finish(struct ipsec_socks *socks)
{
	struct ipsec_sock_policy *p;
	struct hlist_node *next;
	unsigned int need = 0;
	unsigned long number;
	HLIST_HEAD(gone);

	spin_lock_bh(&socks->lock);
	xa_for_each(&socks->by_number, number, p) {
		if (p->condemned && !p->used) {
			xa_erase(&socks->by_number, number);
			WRITE_ONCE(socks->count, socks->count - 1);
			hlist_add_head(&p->node, &gone);
			continue;
		}
		if (p->condemned && p->shared)
			hash_add(socks->by_wire, &p->node, p->hash);
		p->condemned = false;
		need |= needs(p->sp);
	}
	WRITE_ONCE(socks->in_need, need);
	spin_unlock_bh(&socks->lock);

	/* The flow cache knows the policies, and the next may have their ids. */
	ipsec_generation_bump(socks->net);
	hlist_for_each_entry_safe(p, next, &gone, node)
		free_policy(p);
}

/*
 * Free what no socket has. A walk over all carriers misses the copy that is
 * being made for an accepted socket; after a grace period it is there, and made
 * from one that has gone meanwhile. So who seems unused is looked for twice.
 */
static void sweep(struct work_struct *work)
{
	struct ipsec_socks *socks = container_of(to_delayed_work(work),
						 struct ipsec_socks, sweeper);

	sweep_begin(socks);
	ipsec_carriers_refresh(socks->net);
	if (sweep_condemn(socks)) {
		synchronize_rcu();
		ipsec_carriers_refresh(socks->net);
		sweep_finish(socks);
	}
	spin_lock_bh(&socks->lock);
	socks->sweep_at = max(2 * socks->count, SWEEP_MIN);
	if (socks->count)
		queue_delayed_work(ipsec_wq, &socks->sweeper, SWEEP_DELAY);
	spin_unlock_bh(&socks->lock);
	ipsec_hooks_idle(socks->net);
}

/**
 * ipsec_socks_init() - no policies yet
 * @net: the namespace
 * @socks: its policies, zeroed
 */
void ipsec_socks_init(struct net *net, struct ipsec_socks *socks)
{
	socks->net = net;
	spin_lock_init(&socks->lock);
	hash_init(socks->by_wire);
	xa_init_flags(&socks->by_number, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH);
	socks->sweep_at = SWEEP_MIN;
	INIT_DELAYED_WORK(&socks->sweeper, sweep);
}

/**
 * ipsec_socks_stop() - nothing of ours runs for the sockets from now on
 * @socks: the policies; no socket can get one any more
 *
 * Context: process, may sleep.
 */
void ipsec_socks_stop(struct ipsec_socks *socks)
{
	wait_var_event(&socks->starting, !atomic_read(&socks->starting));
	cancel_delayed_work_sync(&socks->sweeper);
}

/**
 * ipsec_socks_exit() - free the policies
 * @socks: the policies; no packet looks at them any more
 */
void ipsec_socks_exit(struct ipsec_socks *socks)
{
	struct ipsec_sock_policy *p;
	unsigned long number;

	xa_for_each(&socks->by_number, number, p)
		free_policy(p);
	xa_destroy(&socks->by_number);
}
