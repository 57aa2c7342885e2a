// SPDX-License-Identifier: GPL-2.0-only
/* Where the key manager registers itself; the packet path calls through here. */
#include <linux/rcupdate.h>
#include <ipsec/km.h>
#include <ipsec/log.h>
#include <ipsec/netns.h>
#include <ipsec/stats.h>

/* KAME's bits of net.key.debug: about keys, and that a message came. */
#define DEBUG_REQUESTS	0x11

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

/* Call @op of the key manager's operations, if there are any. */
#define TELL(op, ...)						\
do {								\
	const struct ipsec_km_ops *ops;				\
								\
	rcu_read_lock();					\
	ops = rcu_dereference(km_ops);				\
	if (ops)						\
		ops->op(__VA_ARGS__);				\
	rcu_read_unlock();					\
} while (0)

/**
 * ipsec_km_listens() - whether anybody would hear
 * @net: the namespace
 *
 * Context: any.
 */
bool ipsec_km_listens(struct net *net)
{
	const struct ipsec_km_ops *ops;
	bool listens;

	rcu_read_lock();
	ops = rcu_dereference(km_ops);
	listens = ops && ops->listens(net);
	rcu_read_unlock();
	return listens;
}

/**
 * ipsec_km_log() - log a request that a key manager made, if net.key.debug wants it
 * @net: the namespace
 * @type: of the message
 * @satype: of the message
 * @seq: of the message
 * @pid: of the message, who asked
 * @err: what came of it, 0 or a negative errno
 *
 * Never what else is in a message. Context: process.
 */
void ipsec_km_log(struct net *net, u8 type, u8 satype, u32 seq, u32 pid,
		  int err)
{
	int bits = READ_ONCE(ipsec_net(net)->knobs.key_debug);
	u32 hidden;

	if (likely((bits & DEBUG_REQUESTS) != DEBUG_REQUESTS) ||
	    !ipsec_log_take(net, IPSEC_LOG_REQUEST, &hidden))
		return;
	ipsec_log_line(net, NULL, hidden,
		       "PF_KEY type %u, satype %u, seq %u, pid %u: errno %d",
		       type, satype, seq, pid, -err);
}

/**
 * ipsec_km_lost() - count a message to key managers that found no memory
 * @net: the namespace
 *
 * Context: any.
 */
void ipsec_km_lost(struct net *net)
{
	ipsec_count(net, IPSEC_STAT_km_lost);
}

/**
 * ipsec_km_acquire() - ask key managers for an SA
 * @ask: which
 *
 * Context: any, no lock held.
 */
void ipsec_km_acquire(const struct ipsec_km_ask *ask)
{
	TELL(acquire, ask);
}

/**
 * ipsec_km_sp_acquire() - ask key managers for the requests of a policy
 * @sp: the policy
 *
 * Context: any, no lock held.
 */
void ipsec_km_sp_acquire(const struct ipsec_sp *sp)
{
	TELL(sp_acquire, sp);
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
	TELL(expire, sa, hard);
}

/**
 * ipsec_km_sp_expire() - tell key managers that a policy is gone
 * @sp: the policy; the caller has a reference
 *
 * Context: any, no lock held.
 */
void ipsec_km_sp_expire(const struct ipsec_sp *sp)
{
	TELL(sp_expire, sp);
}

/**
 * ipsec_km_discard() - tell key managers that an SA gave way to a newer one
 * @sa: the SA; the caller has a reference
 *
 * Context: any, no lock held.
 */
void ipsec_km_discard(const struct ipsec_sa *sa)
{
	TELL(discard, sa);
}

/**
 * ipsec_km_mapping() - tell key managers that a peer's address or port changed
 * @sa: the SA that it sends with
 * @now: where it is now
 *
 * Context: RCU read side, BH disabled, no lock held.
 */
void ipsec_km_mapping(struct ipsec_sa *sa, const struct ipsec_endpoint *now)
{
	const struct ipsec_km_ops *ops = rcu_dereference(km_ops);

	if (ops)
		ops->mapping(sa, now);
}
