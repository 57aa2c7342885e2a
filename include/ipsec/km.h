/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Upcalls to key managers. The packet path knows these operations only;
 * pfkey/notify.c turns them into PF_KEY messages.
 */
#ifndef _IPSEC_KM_H
#define _IPSEC_KM_H

#include <linux/types.h>

struct ipsec_endpoint;
struct ipsec_ends_key;
struct ipsec_sa;
struct ipsec_sp;
struct net;

/**
 * struct ipsec_km_ask - an SA is wanted
 * @net: the namespace
 * @ends: protocol and addresses of the SA
 * @sp: the policy that asks, NULL where a key manager does
 * @seq: the answer will have this number
 * @esp_keymin: see struct ipsec_knobs
 * @esp_auth: see there
 * @ah_keymin: see there
 */
struct ipsec_km_ask {
	struct net			*net;
	const struct ipsec_ends_key	*ends;
	const struct ipsec_sp		*sp;
	u32				seq;
	int				esp_keymin;
	int				esp_auth;
	int				ah_keymin;
};

/**
 * struct ipsec_km_ops - how the packet path talks to key managers
 * @listens: whether there is one in a namespace
 * @acquire: an SA is missed, see struct ipsec_km_ask
 * @sp_acquire: a policy has no requests, and a packet met it
 * @expire: an SA passed its soft (@hard false) or hard limit
 * @sp_expire: a policy passed its lifetime, and is gone
 * @discard: an SA gave way to a newer one
 * @mapping: the peer that sends with an SA is now elsewhere (RFC 3947 section 7)
 *
 * Context of all: any, no lock held; nothing may sleep.
 */
struct ipsec_km_ops {
	bool (*listens)(struct net *net);
	void (*acquire)(const struct ipsec_km_ask *ask);
	void (*sp_acquire)(const struct ipsec_sp *sp);
	void (*expire)(struct ipsec_sa *sa, bool hard);
	void (*sp_expire)(const struct ipsec_sp *sp);
	void (*discard)(const struct ipsec_sa *sa);
	void (*mapping)(struct ipsec_sa *sa, const struct ipsec_endpoint *now);
};

void ipsec_km_register(const struct ipsec_km_ops *ops);
void ipsec_km_unregister(void);
bool ipsec_km_listens(struct net *net);
void ipsec_km_lost(struct net *net);
void ipsec_km_log(struct net *net, u8 type, u8 satype, u32 seq, u32 pid,
		  int err);
void ipsec_km_acquire(const struct ipsec_km_ask *ask);
void ipsec_km_sp_acquire(const struct ipsec_sp *sp);
void ipsec_km_expire(struct ipsec_sa *sa, bool hard);
void ipsec_km_sp_expire(const struct ipsec_sp *sp);
void ipsec_km_discard(const struct ipsec_sa *sa);
void ipsec_km_mapping(struct ipsec_sa *sa, const struct ipsec_endpoint *now);

#endif /* _IPSEC_KM_H */
