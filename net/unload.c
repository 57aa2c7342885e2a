// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is left of us in the kernel when nobody calls us any more: a function of ours
 * that a queue of netfilter is still to call, and functions that are about to return.
 */
#include <linux/delay.h>
#include <linux/netfilter.h>
#include <linux/rcupdate.h>
#include <net/net_namespace.h>
#include "net.h"

/*
 * A packet that a program took out of a queue while the queue was emptied may enter
 * the queue of a later rule. So the queues are emptied as often as that can happen
 * one after another, with some to spare.
 */
#define ROUNDS		4

static unsigned int hook_nothing(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	return NF_ACCEPT;
}

static const struct nf_hook_ops nothing = {
	.hook		= hook_nothing,
	.pf		= NFPROTO_IPV4,
	.hooknum	= NF_INET_LOCAL_OUT,
	.priority	= INT_MAX,
};

static int __net_init drain_init(struct net *net)
{
	return nf_register_net_hook(net, &nothing);
}

static void __net_exit drain_exit(struct net *net)
{
	nf_unregister_net_hook(net, &nothing);
}

/*
 * The core drops what is queued in a namespace when a hook goes there, because a
 * packet that comes back could meet other hooks than it left. It has no other door.
 */
static struct pernet_operations drain_ops = {
	.init	= drain_init,
	.exit	= drain_exit,
};

/*
 * NFQUEUE keeps deliver_finish() with a packet. Its queues are filled and emptied in
 * RCU sections only: so before the queues are emptied, nobody is left who puts our
 * function there, and after the last grace period nobody calls one that was taken out
 * before.
 */
static void drain_queues(void)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		synchronize_rcu();
		while (register_pernet_subsys(&drain_ops))
			msleep(20);
		unregister_pernet_subsys(&drain_ops);
	}
	synchronize_rcu();
}

/**
 * ipsec_unload_wait() - wait until nothing leads to our code any more
 *
 * The last step of unloading; ipsec_exit() says what was done before.
 *
 * Context: process, sleeps.
 */
void ipsec_unload_wait(void)
{
	drain_queues();
	rcu_barrier();
	/*
	 * Functions that told somebody that they are done, and return: those in
	 * softirqs, and what calls us with BH or preemption disabled, as crypto does,
	 * are RCU sections too. Task works may be preempted before they return, and
	 * so may crypto's callback when it has enabled BH, and a sender who is about
	 * to call the output of his packet's route.
	 */
	synchronize_rcu();
	synchronize_rcu_tasks();
}
