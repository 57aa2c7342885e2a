// SPDX-License-Identifier: GPL-2.0-only
/* Where the key manager registers itself; the packet path calls through here. */
#include <linux/rcupdate.h>
#include <ipsec/km.h>

static const struct ipsec_km_ops __rcu *km_ops;

/**
 * ipsec_km_register() - install the key manager's operations
 * @ops: constant, alive until ipsec_km_unregister() returned
 */
void ipsec_km_register(const struct ipsec_km_ops *ops)
{
	rcu_assign_pointer(km_ops, ops);
}

/**
 * ipsec_km_unregister() - remove them and wait for calls that are under way
 *
 * Context: process, sleeps.
 */
void ipsec_km_unregister(void)
{
	RCU_INIT_POINTER(km_ops, NULL);
	synchronize_rcu();
}

/**
 * ipsec_km_expire() - tell key managers that a lifetime ended
 * @sa: the SA; the caller has a reference
 * @hard: the hard limit, else the soft one
 *
 * Context: any, no lock held.
 */
void ipsec_km_expire(struct ipsec_sa *sa, bool hard)
{
	const struct ipsec_km_ops *ops;

	rcu_read_lock();
	ops = rcu_dereference(km_ops);
	if (ops)
		ops->expire(sa, hard);
	rcu_read_unlock();
}
