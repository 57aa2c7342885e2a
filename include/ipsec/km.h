/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Upcalls to key managers. The packet path knows these operations only;
 * pfkey/notify.c turns them into PF_KEY messages.
 */
#ifndef _IPSEC_KM_H
#define _IPSEC_KM_H

#include <linux/types.h>

struct ipsec_flow;
struct ipsec_request;
struct ipsec_sa;
struct ipsec_sp;
struct net;

/**
 * struct ipsec_km_ops - how the packet path talks to key managers
 * @expire: @sa passed its soft (@hard false) or hard limit.
 *          Context: any, no lock held.
 */
struct ipsec_km_ops {
	void (*expire)(struct ipsec_sa *sa, bool hard);
};

void ipsec_km_register(const struct ipsec_km_ops *ops);
void ipsec_km_unregister(void);
void ipsec_km_expire(struct ipsec_sa *sa, bool hard);

#endif /* _IPSEC_KM_H */
