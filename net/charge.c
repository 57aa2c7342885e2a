// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for SAs. What we allocate ourselves on behalf of a namespace's owner is
 * charged to the memory cgroup of the task that asks (GFP_KERNEL_ACCOUNT). What others
 * allocate for us is not, and has no flag for it: a transform of the crypto API (from
 * 0.2 kB, NULL, to 2.2 kB, AES-CTR with XCBC), and the two stand-ins that received
 * packets refer to (1.7 kB each, made at the first packet, see history.c).
 *
 * In a namespace that belongs to another user namespace than the machine's, which is
 * anybody's, SAs are therefore charged by the only means that modules have to charge
 * what they did not allocate: as the memory of a socket. It is a socket of the kernel's
 * own, one for the namespace, of the cgroup of the task that makes the first SA there.
 * This takes no memory. Where there is no memory cgroup, or only its first version, the
 * number of SAs and policies is what is limited, by net.key.max_sa and net.key.max_sp.
 *
 * In the machine's own user namespace neither is done: there it takes the machine's
 * administrator to load an SA, and a daemon would pay for what scripts loaded at boot.
 */
#include <linux/mutex.h>
#include <net/sock.h>
#include <ipsec/netns.h>
#include "net.h"

/* What others allocate for an SA with keys: its transform and one stand-in. */
#define SA_CHARGE	4096

/* The cgroup sets the limit, the protocol none. */
static long no_limits[] = { LONG_MAX, LONG_MAX, LONG_MAX };
static atomic_long_t allocated;
static DEFINE_PER_CPU(int, reserve);

/* Without an owner: no namespace keeps the module, it is the other way round. */
static struct proto payer_proto = {
	.name			= "PF_KEY-SA",
	.obj_size		= sizeof(struct sock),
	.memory_allocated	= &allocated,
	.per_cpu_fw_alloc	= &reserve,
	.sysctl_mem		= no_limits,
};

/* The namespace's socket, made by the first who needs it, or NULL without memory. */
static struct sock *payer_of(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	lockdep_assert_held(&in->payer_mutex);
	if (!in->payer) {
		in->payer = sk_alloc(net, PF_KEY, GFP_KERNEL_ACCOUNT,
				     &payer_proto, 1);
		if (in->payer)
			sock_init_data(NULL, in->payer);
	}
	return in->payer;
}

/**
 * ipsec_charge_sa() - an SA with keys is about to be made
 * @net: the namespace
 *
 * Context: process, BH enabled, or the cgroup's limit would not hold. Return: 1 if
 * ipsec_uncharge_sa() is due when the SA is freed, 0 if not, -ENOBUFS when the cgroup
 * is at its limit, -ENOMEM.
 */
int ipsec_charge_sa(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);
	struct sock *payer;
	int err = 1;

	if (net->user_ns == &init_user_ns)
		return 0;
	mutex_lock(&in->payer_mutex);
	payer = payer_of(net);
	if (!payer)
		err = -ENOMEM;
	else if (!sk_wmem_schedule(payer, SA_CHARGE))
		err = -ENOBUFS;
	else
		sk_mem_charge(payer, SA_CHARGE);
	mutex_unlock(&in->payer_mutex);
	return err;
}

/**
 * ipsec_uncharge_sa() - an SA that was charged is freed
 * @net: the namespace
 *
 * Context: process.
 */
void ipsec_uncharge_sa(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	mutex_lock(&in->payer_mutex);
	sk_mem_uncharge(in->payer, SA_CHARGE);
	mutex_unlock(&in->payer_mutex);
}

/**
 * ipsec_charge_exit() - the namespace has no SA any more
 * @in: the namespace
 */
void ipsec_charge_exit(struct ipsec_net *in)
{
	if (in->payer)
		sock_put(in->payer);
}
