// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opened packets that PRE_ROUTING is to see as what they came by. That takes hooks of
 * ours at both ends of that chain, which every packet of the namespace has to pay for:
 * so they come when somebody else has a hook there, which nobody tells us. The first
 * opened packet finds out, and waits with those behind it until they are there; in a
 * queue of ours, as only a process can register hooks.
 */
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/rcupdate.h>
#include <linux/workqueue.h>
#include <net/dst.h>
#include <ipsec/netns.h>
#include "net.h"

/* As many as the backlog of a CPU takes by default. */
#define WAITING_MAX	1000

/* Set once, before the first namespace has a stack. */
static const struct nf_hook_ops *hooks;
static unsigned int n_hooks;

/* The next of those that wait; with the last one the wait is over for all. */
static struct sk_buff *next_waiting(struct ipsec_arrivals *arrivals)
{
	struct sk_buff *skb;

	spin_lock(&arrivals->waiting.lock);
	skb = __skb_dequeue(&arrivals->waiting);
	if (!skb)
		WRITE_ONCE(arrivals->shown, arrivals->hooked);
	spin_unlock(&arrivals->waiting.lock);
	return skb;
}

/* Without the hooks there was no memory for them, or there are no policies any more. */
static void let_go(struct ipsec_net *in, struct sk_buff *skb)
{
	struct net *net = in->socks.net;

	if (READ_ONCE(in->arrivals.hooked))
		ipsec_stack_receive(net, skb);
	else
		ipsec_drop(net, skb, READ_ONCE(in->hooked) ? IPSEC_STAT_in_nomem :
							     IPSEC_STAT_in_tunnel,
			   NULL, NULL);
}

/* Return: whether another one may wait. */
static bool let_next_go(struct ipsec_net *in)
{
	struct net_device *dev;
	struct sk_buff *skb;

	local_bh_disable();
	rcu_read_lock();
	skb = next_waiting(&in->arrivals);
	if (skb) {
		dev = skb->dev;
		let_go(in, skb);
		dev_put(dev);
	}
	rcu_read_unlock();
	local_bh_enable();
	return skb;
}

static void set_hooked(struct ipsec_arrivals *arrivals, bool hooked)
{
	spin_lock_bh(&arrivals->waiting.lock);
	WRITE_ONCE(arrivals->hooked, hooked);
	if (!hooked)
		WRITE_ONCE(arrivals->shown, false);
	spin_unlock_bh(&arrivals->waiting.lock);
}

static void arrivals_work(struct work_struct *work)
{
	struct ipsec_net *in = container_of(work, struct ipsec_net, arrivals.work);

	mutex_lock(&in->hook_mutex);
	if (in->hooked && !in->arrivals.hooked &&
	    !nf_register_net_hooks(in->socks.net, hooks, n_hooks))
		set_hooked(&in->arrivals, true);
	mutex_unlock(&in->hook_mutex);
	while (let_next_go(in))
		cond_resched();
}

/**
 * ipsec_arrivals_wait() - let an opened packet wait for the hooks of PRE_ROUTING
 * @net: the namespace, where somebody else has a hook there
 * @skb: the packet, ready to go back to the stack
 *
 * Taken over, it is received when they are there. Without memory for them or room to
 * wait it is dropped: to let it pass could mislead a firewall.
 *
 * Context: RCU read side, BH disabled. Return: whether it was taken over; not when they
 * are there, or when the namespace's packets are not looked at.
 */
bool ipsec_arrivals_wait(struct net *net, struct sk_buff *skb)
{
	struct ipsec_arrivals *arrivals = &ipsec_net(net)->arrivals;
	bool room;

	if (!READ_ONCE(ipsec_net(net)->hooked))
		return false;
	spin_lock(&arrivals->waiting.lock);
	if (arrivals->shown) {
		spin_unlock(&arrivals->waiting.lock);
		return false;
	}
	room = skb_queue_len(&arrivals->waiting) < WAITING_MAX;
	if (room) {
		dev_hold(skb->dev);
		skb_dst_force(skb);
		__skb_queue_tail(&arrivals->waiting, skb);
	}
	spin_unlock(&arrivals->waiting.lock);
	if (!room)
		ipsec_drop(net, skb, IPSEC_STAT_in_nomem, NULL, NULL);
	queue_work(ipsec_wq, &arrivals->work);
	return true;
}

/**
 * ipsec_arrivals_unhook() - the hooks of PRE_ROUTING go, if they are there
 * @in: the namespace, whose packets are not looked at any more
 *
 * Context: process, under @hook_mutex.
 */
void ipsec_arrivals_unhook(struct ipsec_net *in)
{
	lockdep_assert_held(&in->hook_mutex);
	if (!in->arrivals.hooked)
		return;
	set_hooked(&in->arrivals, false);
	nf_unregister_net_hooks(in->socks.net, hooks, n_hooks);
}

/**
 * ipsec_arrivals_init() - nothing waits, no hooks yet
 * @arrivals: of a namespace
 */
void ipsec_arrivals_init(struct ipsec_arrivals *arrivals)
{
	skb_queue_head_init(&arrivals->waiting);
	INIT_WORK(&arrivals->work, arrivals_work);
}

/**
 * ipsec_arrivals_exit() - nothing waits any more
 * @arrivals: of a namespace, a grace period after its packets were last looked at
 *
 * Context: process, may sleep.
 */
void ipsec_arrivals_exit(struct ipsec_arrivals *arrivals)
{
	flush_work(&arrivals->work);
}

/**
 * ipsec_arrivals_setup() - which hooks come when somebody else has some there
 * @table: the hooks
 * @n: how many
 *
 * The first step of loading.
 */
void ipsec_arrivals_setup(const struct nf_hook_ops *table, unsigned int n)
{
	hooks = table;
	n_hooks = n;
}
