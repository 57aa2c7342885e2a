/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies of sockets (setsockopt, IP_IPSEC_POLICY). Field letters: sa.h; here
 * [L] is socks.lock.
 *
 * The socket layer has a place for one native policy for each direction of a
 * socket, copies it to accepted sockets, and frees it, all without telling us.
 * So what is put there, the carrier, only names our policy by its id. Equal
 * requests are one policy, and a policy that no carrier names any more is found
 * by a walk over the carriers now and then, which frees it.
 */
#ifndef _IPSEC_SOCKPOLICY_H
#define _IPSEC_SOCKPOLICY_H

#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <ipsec/selector.h>

struct ipsec_sp;
struct net;
struct sock;
struct xfrm_policy;

/* Bytes of the longest request: five tunnels between IPv6 addresses. */
#define IPSEC_SOCK_WIRE_MAX	(16 + 5 * 72)

/**
 * struct ipsec_socks - the policies of the sockets of a network namespace
 * @by_number: [L R] id / 8 -> struct ipsec_sock_policy
 * @by_wire: [L] those that another socket may share, by what was asked
 * @next: [L] where the search for a free number starts
 * @count: [L] entries of @by_number
 * @sweep_at: [L] how many of them call for a sweep at once
 * @needing: [L] how many of them ask received packets for IPSEC_HAVE_ESP, and
 *           for IPSEC_HAVE_AH
 * @in_need: IPSEC_HAVE_* that one or another asks for; read without the lock,
 *           never too small
 * @starting: [A] tasks that enable the hooks on their way back to userland
 * @lock: protects the tables
 * @sweeper: frees what no socket uses
 * @net: [I] the namespace
 */
struct ipsec_socks {
	struct xarray		by_number;
	struct rb_root		by_wire;
	u32			next;
	u32			count;
	u32			sweep_at;
	u32			needing[2];
	unsigned int		in_need;
	atomic_t		starting;
	spinlock_t		lock;
	struct delayed_work	sweeper;
	struct net		*net;
};

/**
 * struct ipsec_sock_says - what a socket says about one direction
 * @type: enum ipsec_sp_type; ENTRUST = nothing, the SPD decides
 * @id: of the policy; 0 without one, or one that says no more than @type
 */
struct ipsec_sock_says {
	u8	type;
	u32	id;
};

struct xfrm_policy *ipsec_sock_policy_make(struct sock *sk, struct ipsec_sp *sp,
					   const void *wire, unsigned int len,
					   bool shared);
struct ipsec_sp *ipsec_sock_policy_find(struct net *net, u32 id);
int ipsec_sock_policy_read(struct sock *sk, enum ipsec_dir dir,
			   struct ipsec_sock_says *says, void *wire);
void ipsec_carriers_refresh(struct net *net);
void ipsec_carriers_obey(struct net *net);
void ipsec_socks_init(struct net *net, struct ipsec_socks *socks);
void ipsec_socks_stop(struct ipsec_socks *socks);
void ipsec_socks_exit(struct ipsec_socks *socks);

#endif /* _IPSEC_SOCKPOLICY_H */
