/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: what those from 6.1 to 7.3 do differently.
 * A test for the symbol is preferred, because distributions backport.
 */
#ifndef _IPSEC_COMPAT_H
#define _IPSEC_COMPAT_H

#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/sched.h>
#include <linux/sysctl.h>
#include <linux/task_work.h>
#include <linux/version.h>
#include <net/ip6_route.h>
#include <net/ndisc.h>
/* Not before linux/sched.h, which it forgets. */
#include <linux/local_lock.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#include <net/gso.h>
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#include <linux/unaligned.h>
#else
#include <asm/unaligned.h>
#endif

/* 6.3: completion callbacks of the crypto API get their data, not a request. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define IPSEC_CRYPTO_DONE(name, arg, err)	\
	static void name(void *arg, int err)
#define ipsec_crypto_done_data(arg)		(arg)
#else
#define IPSEC_CRYPTO_DONE(name, arg, err)	\
	static void name(struct crypto_async_request *arg, int err)
#define ipsec_crypto_done_data(arg)		((arg)->data)
#endif

/*
 * 6.6: a sysctl table is registered with its length; before that it ends with an
 * empty entry. Tables are allocated with room for one, zeroed.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 6, 0)
#define ipsec_register_sysctl(net, path, table, n)	\
	register_net_sysctl_sz(net, path, table, n)
#else
#define ipsec_register_sysctl(net, path, table, n)	\
	register_net_sysctl(net, path, table)
#endif

/* 6.11: handlers get a constant table. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 11, 0)
#define IPSEC_CTL_TABLE		const struct ctl_table
#else
#define IPSEC_CTL_TABLE		struct ctl_table
#endif

/* 6.5: sendpage left struct proto_ops. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define IPSEC_NO_SENDPAGE
#else
#define IPSEC_NO_SENDPAGE	.sendpage = sock_no_sendpage,
#endif

/*
 * 6.11: a lock for what tasks of a CPU share, taken with BH disabled; a no-op but on
 * PREEMPT_RT. Until 6.17 disabling BH was such a lock there, so that kernels without
 * this one need none.
 */
#ifndef local_lock_nested_bh
#define local_lock_nested_bh(lock)	((void)(lock))
#define local_unlock_nested_bh(lock)	((void)(lock))
#endif

/*
 * 7.x: IPv6 is never a module, and the header with stubs of its functions is gone;
 * net/ndisc.h had it.
 */
#ifdef _IPV6_STUBS_H
#define ipsec_ip6_fragment(net, sk, skb, output)	\
	ipv6_stub->ipv6_fragment(net, sk, skb, output)
#else
#define ipsec_ip6_fragment(net, sk, skb, output)	\
	ip6_fragment(net, sk, skb, output)
#endif

/* 6.4: references to routes are a rcuref_t, and the first one is not asked for. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define ipsec_dst_alloc(ops, dev, flags)	\
	((struct xfrm_dst *)dst_alloc(ops, dev, DST_OBSOLETE_FORCE_CHK, flags))
#define ipsec_dst_refs(dst)	rcuref_read(&(dst)->__rcuref)
#else
#define ipsec_dst_alloc(ops, dev, flags)	\
	((struct xfrm_dst *)dst_alloc(ops, dev, 1, DST_OBSOLETE_FORCE_CHK, flags))
#define ipsec_dst_refs(dst)	atomic_read(&(dst)->__refcnt)
#endif

/*
 * Whether the firewall sends a copy of a packet just now. Until 6.16 a CPU says so, which
 * with PREEMPT_RT may be another task; since then the task says it.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 16, 0)
#define ipsec_sends_copy()	(current->in_nf_duplicate)
#elif !defined(CONFIG_PREEMPT_RT)
#define ipsec_sends_copy()	this_cpu_read(nf_skb_duplicated)
#else
#define ipsec_sends_copy()	false
#endif

/* 6.13: the route of a received packet is asked for with its DSCP. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define ipsec_route_input4(skb)						\
	ip_route_input_noref(skb, ip_hdr(skb)->daddr,			\
			     ip_hdr(skb)->saddr, ip4h_dscp(ip_hdr(skb)),	\
			     (skb)->dev)
#else
#define ipsec_route_input4(skb)						\
	ip_route_input_noref(skb, ip_hdr(skb)->daddr,			\
			     ip_hdr(skb)->saddr, ip_hdr(skb)->tos, (skb)->dev)
#endif

/* 6.18: a namespace's sockets are looked up without naming its table; Kbuild asks. */
#ifdef IPSEC_LOOKUP_HASHINFO
#define ipsec_inet_lookup(net, ...)	\
	inet_lookup(net, (net)->ipv4.tcp_death_row.hashinfo, NULL, 0, __VA_ARGS__)
#define ipsec_inet6_lookup(net, ...)	\
	inet6_lookup(net, (net)->ipv4.tcp_death_row.hashinfo, NULL, 0, __VA_ARGS__)
#else
#define ipsec_inet_lookup(net, ...)	inet_lookup(net, NULL, 0, __VA_ARGS__)
#define ipsec_inet6_lookup(net, ...)	inet6_lookup(net, NULL, 0, __VA_ARGS__)
#endif

/* Not every kernel exports it; NULL where it does not. */
typeof(task_work_add) task_work_add __weak;

#endif /* _IPSEC_COMPAT_H */
