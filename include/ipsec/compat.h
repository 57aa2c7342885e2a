/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows kernel versions: what 6.1 and 6.12 do differently.
 * A test for the symbol is preferred, because distributions backport.
 */
#ifndef _IPSEC_COMPAT_H
#define _IPSEC_COMPAT_H

#include <linux/netdevice.h>
#include <linux/sysctl.h>
#include <linux/task_work.h>
#include <linux/version.h>

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

/* Not every kernel exports it; NULL where it does not. */
typeof(task_work_add) task_work_add __weak;

#endif /* _IPSEC_COMPAT_H */
