// SPDX-License-Identifier: GPL-2.0-only
/*
 * Carriers: native policies in sockets that name ours.
 *
 * The socket layer copies and frees them as it likes, also when this module is
 * gone. A carrier for sent packets transforms nothing: the core lets the packet
 * pass, and LOCAL_OUT reads the id. One for received packets has a template for
 * ESP or AH if it is required, so that the core, which knows the receiver of
 * every kind of packet, refuses what came without.
 */
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait_bit.h>
#include <net/sock.h>
#include <net/xfrm.h>
#include <ipsec/compat.h>
#include <ipsec/netns.h>
#include <ipsec/sockpolicy.h>
#include <ipsec/sp.h>
#include "net.h"

/*
 * The limits of a socket's policy are never looked at, but they are copied. They
 * hold the id, the type, this mark, and a number that each load of the module
 * chooses: an id of another load means nothing now.
 */
#define CARRIER		0x4b414d45736f636bULL

/* No policy has this id. */
#define ID_LOST		7

static u64 load_number __read_mostly;

/**
 * ipsec_carrier_init() - choose the number of this load
 */
void ipsec_carrier_init(void)
{
	load_number = get_random_u64();
}

static bool is_carrier(const struct xfrm_policy *pol)
{
	return pol->lft.hard_byte_limit == CARRIER;
}

/**
 * ipsec_sock_says() - what a socket says about one direction
 * @sk: the socket, of any kind, or NULL
 * @dir: IPSEC_IN or IPSEC_OUT
 *
 * A request for IPsec of an earlier load of the module is not known any more: it
 * gets an id that is never found, and so no packets. Bypass stays bypass.
 *
 * Context: RCU read side.
 */
struct ipsec_sock_says ipsec_sock_says(struct sock *sk, enum ipsec_dir dir)
{
	struct ipsec_sock_says says = { .type = IPSEC_SP_ENTRUST };
	const struct xfrm_policy *pol;

	sk = sk_to_full_sk(sk);
	if (!sk || !sk_fullsock(sk))
		return says;
	pol = rcu_dereference(sk->sk_policy[dir == IPSEC_OUT ?
					    XFRM_POLICY_OUT : XFRM_POLICY_IN]);
	if (!pol || !is_carrier(pol))
		return says;
	says.type = pol->lft.soft_packet_limit;
	if (likely(pol->lft.hard_packet_limit == load_number))
		says.id = pol->lft.soft_byte_limit;
	else if (says.type == IPSEC_SP_IPSEC)
		says.id = ID_LOST;
	return says;
}

/*
 * What may change: until the hooks see the socket's packets, it may send none,
 * and what a level asks for is up to the knobs.
 */
static void carrier_apply(struct xfrm_policy *pol, const struct ipsec_sp *sp)
{
	struct ipsec_net *in = ipsec_net(sp->net);
	const struct ipsec_knobs_family *knobs;
	unsigned int i, must = 0;

	if (sp->dir == IPSEC_OUT) {
		WRITE_ONCE(pol->action,
			   sp->type != IPSEC_SP_IPSEC || READ_ONCE(in->hooked) ?
			   XFRM_POLICY_ALLOW : XFRM_POLICY_BLOCK);
		return;
	}
	knobs = ipsec_knobs_of(in, pol->family);
	for (i = 0; i < sp->n_requests; i++)
		if (ipsec_level_resolve(knobs, &sp->requests[i]) !=
		    IPSEC_LEVEL_IS_USE)
			must |= ipsec_have_bit(sp->requests[i].proto);
	for (i = 0; i < pol->xfrm_nr; i++) {
		struct xfrm_tmpl *tmpl = &pol->xfrm_vec[i];

		WRITE_ONCE(tmpl->optional,
			   !(must & ipsec_have_bit(tmpl->id.proto)));
	}
}

/*
 * One for each protocol, however many requests there are of it: any SA of the
 * protocol does, see ipsec_request_unmet(). Ours stand in a packet's secpath as
 * transport ones, see history.c.
 */
static void add_templates(struct xfrm_policy *pol, const struct ipsec_sp *sp)
{
	unsigned int i, have = 0;

	for (i = 0; sp->dir == IPSEC_IN && i < sp->n_requests; i++) {
		struct xfrm_tmpl *tmpl = &pol->xfrm_vec[pol->xfrm_nr];
		unsigned int bit = ipsec_have_bit(sp->requests[i].proto);

		if (!(bit & ~have))
			continue;
		have |= bit;
		tmpl->id.proto = sp->requests[i].proto;
		tmpl->mode = XFRM_MODE_TRANSPORT;
		tmpl->allalgs = 1;
		tmpl->encap_family = pol->family;
		pol->xfrm_nr++;
	}
}

/**
 * struct starter - the hooks are enabled before a task is back in userland
 * @task: its work
 * @net: the namespace
 */
struct starter {
	struct callback_head	task;
	struct net		*net;
};

/*
 * NULL where it is not exported. A weak symbol, which code may not name: that goes by a
 * table of offsets on some machines, and arm64's kernel loads no module with one.
 */
static typeof(task_work_add) *add_task_work = task_work_add;

static void start(struct callback_head *task)
{
	struct starter *s = container_of(task, struct starter, task);
	struct ipsec_socks *socks = &ipsec_net(s->net)->socks;

	if (!ipsec_hooks_enable(s->net))
		ipsec_carriers_refresh(s->net);
	kfree(s);
	if (atomic_dec_and_test(&socks->starting))
		wake_up_var(&socks->starting);
}

/*
 * The first policy needs the hooks, and enabling them sleeps, which the socket
 * layer does not allow here. It is done on the way back to userland, or, where
 * that cannot be asked for, by the sweeper a moment later.
 */
static void start_hooks(struct net *net)
{
	struct ipsec_socks *socks = &ipsec_net(net)->socks;
	struct starter *s = kmalloc(sizeof(*s), GFP_ATOMIC);
	typeof(task_work_add) *add = READ_ONCE(add_task_work);

	if (s && add && !(current->flags & PF_KTHREAD)) {
		s->net = net;
		init_task_work(&s->task, start);
		atomic_inc(&socks->starting);
		if (!add(current, &s->task, TWA_RESUME))
			return;
		atomic_dec(&socks->starting);
	}
	kfree(s);
	mod_delayed_work(ipsec_wq, &socks->sweeper, 1);
}

/**
 * ipsec_carrier_fill() - make a native policy the carrier of one of ours
 * @pol: the native policy, in no socket yet
 * @family: of the socket
 * @sp: our policy
 *
 * Context: any but hard interrupts, on behalf of the task that asked.
 */
void ipsec_carrier_fill(struct xfrm_policy *pol, sa_family_t family,
			const struct ipsec_sp *sp)
{
	pol->family = family;
	pol->selector.family = family;
	pol->lft.hard_byte_limit = CARRIER;
	pol->lft.hard_packet_limit = load_number;
	pol->lft.soft_byte_limit = sp->id;
	pol->lft.soft_packet_limit = sp->type;
	add_templates(pol, sp);
	/* Its policy is known by now. Pairs with unhook(). */
	smp_mb();
	if (sp->type == IPSEC_SP_IPSEC &&
	    !READ_ONCE(ipsec_net(sp->net)->hooked))
		start_hooks(sp->net);
	carrier_apply(pol, sp);
}

/* A walk looks at so many native policies, then others get the core's lock. */
#define WALK_BATCH	64

/**
 * struct walk - a walk over the carriers of a namespace
 * @net: the namespace
 * @left: native policies that may be looked at before the lock is given up
 * @ipsec: some carriers ask for IPsec
 */
struct walk {
	struct net	*net;
	unsigned int	left;
	bool		ipsec;
};

static int refresh(struct xfrm_policy *pol, int dir, int seq, void *arg)
{
	struct walk *walk = arg;
	const struct ipsec_sp *sp;

	/* The walk stops before this policy, and goes on with it. */
	if (!walk->left)
		return -EAGAIN;
	walk->left--;
	if (!is_carrier(pol) || pol->lft.hard_packet_limit != load_number)
		return 0;
	rcu_read_lock();
	sp = ipsec_sock_policy_seen(walk->net, pol->lft.soft_byte_limit);
	if (sp) {
		carrier_apply(pol, sp);
		walk->ipsec |= sp->type == IPSEC_SP_IPSEC;
	}
	rcu_read_unlock();
	return 0;
}

/*
 * The core's lock is held for a batch of policies at a time, whoever's they are: its
 * other users in this namespace, and packets that interrupt us, do not wait for all.
 *
 * The core adds policies in front. A socket that comes between two batches is passed
 * over: with a policy of setsockopt it is up to date and known to be used, see
 * give_carrier(), and an accepted one has a copy of its listener's, which was or will
 * be seen. Only if the listener is closed before the walk comes to it, the copy is
 * missed. A sweep would have to miss that twice, for a socket that became a listener,
 * had a copy taken and was closed within the second walk as well; the packets of
 * whoever brings that about are dropped.
 */
static void walk_carriers(struct walk *walk)
{
	struct xfrm_policy_walk native;
	int err;

	xfrm_policy_walk_init(&native, XFRM_POLICY_TYPE_ANY);
	do {
		walk->left = WALK_BATCH;
		err = xfrm_policy_walk(walk->net, &native, refresh, walk);
		cond_resched();
	} while (err == -EAGAIN);
	xfrm_policy_walk_done(&native, walk->net);
}

/**
 * ipsec_carriers_refresh() - bring all carriers up to date
 * @net: the namespace
 *
 * After the hooks were enabled, and for the sweep, which learns which policies are
 * used.
 *
 * Context: process, may sleep.
 */
void ipsec_carriers_refresh(struct net *net)
{
	struct walk walk = { .net = net };

	walk_carriers(&walk);
	/* Nobody else did it, see start_hooks(). */
	if (walk.ipsec && !READ_ONCE(ipsec_net(net)->hooked) &&
	    !ipsec_hooks_enable(net))
		walk_carriers(&walk);
}

/**
 * ipsec_carriers_obey() - let all carriers obey a knob that was written
 * @net: the namespace
 *
 * Twice, because an accepted socket may have got its copy behind the back of the first
 * walk, from a listener that this one had not come to yet. The second walk meets it.
 *
 * Context: process, may sleep.
 */
void ipsec_carriers_obey(struct net *net)
{
	ipsec_carriers_refresh(net);
	ipsec_carriers_refresh(net);
}

/**
 * ipsec_carriers_inherit() - care for sockets with policies of an earlier load
 * @net: the namespace
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int ipsec_carriers_inherit(struct net *net)
{
	if (!ipsec_socks_any(net, IPSEC_IN) && !ipsec_socks_any(net, IPSEC_OUT))
		return 0;
	return ipsec_hooks_enable(net);
}
