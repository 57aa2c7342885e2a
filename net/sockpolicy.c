// SPDX-License-Identifier: GPL-2.0-only
/*
 * The policies of sockets: one for all sockets that asked for the same, found by
 * its id, freed when no socket has it any more. How a socket holds an id is
 * sock_carrier.c's matter.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>
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

/* A sweep looks at so many policies before it lets go of the lock. */
#define SWEEP_BATCH	64

/*
 * So many carriers are let go of before their callbacks are waited for: the core frees
 * each of them in one, and once it has 10,000 it goes on for milliseconds without a pause.
 */
#define CARRIERS_BATCH	2048

/**
 * struct ipsec_sock_policy - a policy, and who may have it
 * @sp: [I] the policy
 * @node: [L] link of socks.by_wire; empty: no other socket gets it
 * @gone: [L] link of the list of those that a sweep frees
 * @carrier: [L] the last one handed out, referenced until it has a socket
 * @shared: [I] other sockets that ask for the same may have it
 * @used: [L] written by the sweep, and by whoever gets it
 * @condemned: [L] no carrier was found; waits for the second look
 * @len: [I] bytes of @wire
 * @rcu: frees it
 * @wire: [I] what setsockopt was given, and getsockopt gives back
 */
struct ipsec_sock_policy {
	struct ipsec_sp		*sp;
	struct rb_node		node;
	struct list_head	gone;
	struct xfrm_policy	*carrier;
	bool			shared;
	bool			used;
	bool			condemned;
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

/* Counts @p in (1) or out (-1), if it is about received packets. */
static void count_needs(struct ipsec_socks *socks,
			const struct ipsec_sock_policy *p, int step)
{
	unsigned int need = needs(p->sp);

	if (need & IPSEC_HAVE_ESP)
		socks->needing[0] += step;
	if (need & IPSEC_HAVE_AH)
		socks->needing[1] += step;
	WRITE_ONCE(socks->in_need,
		   (socks->needing[0] ? IPSEC_HAVE_ESP : 0) |
		   (socks->needing[1] ? IPSEC_HAVE_AH : 0));
}

/**
 * struct wire - what a socket asks for
 * @data: the bytes
 * @len: how many
 */
struct wire {
	const void	*data;
	unsigned int	len;
};

static int wire_compare(const void *key, const struct rb_node *node)
{
	const struct ipsec_sock_policy *p =
		rb_entry(node, struct ipsec_sock_policy, node);
	const struct wire *wire = key;

	if (wire->len != p->len)
		return wire->len < p->len ? -1 : 1;
	return memcmp(wire->data, p->wire, p->len);
}

static bool wire_less(struct rb_node *node, const struct rb_node *other)
{
	const struct ipsec_sock_policy *p =
		rb_entry(node, struct ipsec_sock_policy, node);
	const struct wire wire = { p->wire, p->len };

	return wire_compare(&wire, other) < 0;
}

/* Other sockets that ask for the same may have it, or may no more. */
static void share(struct ipsec_socks *socks, struct ipsec_sock_policy *p)
{
	if (p->shared && RB_EMPTY_NODE(&p->node))
		rb_add(&p->node, &socks->by_wire, wire_less);
}

static void unshare(struct ipsec_socks *socks, struct ipsec_sock_policy *p)
{
	if (RB_EMPTY_NODE(&p->node))
		return;
	rb_erase(&p->node, &socks->by_wire);
	RB_CLEAR_NODE(&p->node);
}

/*
 * One whose last carrier is not yet in a socket is passed over: who asks for the
 * same at the same time gets another one, so that each has at most one such. There
 * are no more of these than tasks within setsockopt().
 */
static struct ipsec_sock_policy *find_equal(struct ipsec_socks *socks,
					    const struct wire *wire)
{
	struct rb_node *node = rb_find_first(wire, &socks->by_wire,
					     wire_compare);

	while (node) {
		struct ipsec_sock_policy *p =
			rb_entry(node, struct ipsec_sock_policy, node);

		if (!pending(p->carrier))
			return p;
		node = rb_next_match(wire, node, wire_compare);
	}
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
	share(socks, p);
	count_needs(socks, p, 1);
	WRITE_ONCE(socks->count, socks->count + 1);
	return 0;
}

/* Context: process. Another carrier was let go of; @n counts them. */
static void pace(unsigned int *n)
{
	if (++*n % CARRIERS_BATCH == 0)
		rcu_barrier();
}

static void free_policy(struct ipsec_sock_policy *p)
{
	if (p->carrier)
		xfrm_pol_put(p->carrier);
	ipsec_sp_put(p->sp);
	kfree_rcu(p, rcu);
}

static struct ipsec_sock_policy *new_policy(struct ipsec_sp *sp,
					    const struct wire *wire,
					    bool shared)
{
	struct ipsec_sock_policy *p;

	p = kzalloc(struct_size(p, wire, wire->len),
		    GFP_ATOMIC | __GFP_ACCOUNT);
	if (!p)
		return NULL;
	p->sp = sp;
	p->len = wire->len;
	p->shared = shared;
	RB_CLEAR_NODE(&p->node);
	memcpy(p->wire, wire->data, wire->len);
	return p;
}

/* The policy for @wire, with @carrier as the one to come; takes over @sp. */
static struct ipsec_sock_policy *intern(struct ipsec_socks *socks,
					struct ipsec_sp *sp,
					const struct wire *wire, bool shared,
					struct xfrm_policy *carrier)
{
	struct ipsec_sock_policy *p, *made;
	int err = 0;

	made = new_policy(sp, wire, shared);
	if (!made) {
		ipsec_sp_put(sp);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock_bh(&socks->lock);
	p = shared ? find_equal(socks, wire) : NULL;
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
	const struct wire asked = { wire, len };
	struct net *net = sock_net(sk);
	struct ipsec_sock_policy *p;
	struct xfrm_policy *carrier;

	carrier = xfrm_policy_alloc(net, GFP_ATOMIC | __GFP_ACCOUNT);
	if (!carrier) {
		ipsec_sp_put(sp);
		return ERR_PTR(-ENOMEM);
	}
	p = intern(socks_of(net), sp, &asked, shared, carrier);
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

/**
 * sweep_policies() - do something with each policy, a batch under the lock at a time
 * @socks: the policies
 * @fn: what; may add the policy to @gone. Each is looked at for itself, so those that
 *      come between two batches are no trouble: @fn knows them by @used.
 *
 * Return: how many times @fn said so.
 */
static unsigned int sweep_policies(struct ipsec_socks *socks,
				   bool (*fn)(struct ipsec_socks *socks,
					      struct ipsec_sock_policy *p,
					      struct list_head *gone))
{
	unsigned int said = 0, paced = 0, n;
	struct ipsec_sock_policy *p, *next;
	unsigned long number = 0;
	LIST_HEAD(gone);

	do {
		n = 0;
		spin_lock_bh(&socks->lock);
		xa_for_each_start(&socks->by_number, number, p, number) {
			if (n++ == SWEEP_BATCH)
				break;
			said += fn(socks, p, &gone);
		}
		spin_unlock_bh(&socks->lock);
		/* The flow cache knows them, and the next may have their ids. */
		if (!list_empty(&gone))
			ipsec_generation_bump(socks->net);
		list_for_each_entry_safe(p, next, &gone, gone)
			free_policy(p);
		INIT_LIST_HEAD(&gone);
		while (paced < said)
			pace(&paced);
		cond_resched();
	} while (n > SWEEP_BATCH);
	return said;
}

/* Forgets who is used. A carrier without a socket counts as a user. */
static bool sweep_begin(struct ipsec_socks *socks, struct ipsec_sock_policy *p,
			struct list_head *gone)
{
	p->used = pending(p->carrier);
	return p->used;
}

/* Nobody gets an unused one any more. Returns whether it is one. */
static bool sweep_condemn(struct ipsec_socks *socks,
			  struct ipsec_sock_policy *p, struct list_head *gone)
{
	p->condemned = !p->used && !pending(p->carrier);
	if (!p->condemned)
		return false;
	unshare(socks, p);
	if (p->carrier)
		xfrm_pol_put(p->carrier);
	p->carrier = NULL;
	return true;
}

/* Frees it if it is still unused. */
static bool sweep_finish(struct ipsec_socks *socks, struct ipsec_sock_policy *p,
			 struct list_head *gone)
{
	if (!p->condemned)
		return false;
	p->condemned = false;
	if (p->used) {
		share(socks, p);
		return false;
	}
	xa_erase(&socks->by_number, p->sp->id / ID_STEP);
	WRITE_ONCE(socks->count, socks->count - 1);
	count_needs(socks, p, -1);
	list_add(&p->gone, gone);
	return true;
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

	sweep_policies(socks, sweep_begin);
	ipsec_carriers_refresh(socks->net);
	if (sweep_policies(socks, sweep_condemn)) {
		synchronize_rcu();
		ipsec_carriers_refresh(socks->net);
		sweep_policies(socks, sweep_finish);
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
	socks->by_wire = RB_ROOT;
	xa_init_flags(&socks->by_number, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_BH |
					 XA_FLAGS_ACCOUNT);
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
	unsigned int paced = 0;
	unsigned long number;

	/* xa_destroy() would empty it with interrupts off. */
	xa_for_each(&socks->by_number, number, p) {
		xa_erase_bh(&socks->by_number, number);
		free_policy(p);
		pace(&paced);
		cond_resched();
	}
	xa_destroy(&socks->by_number);
}
