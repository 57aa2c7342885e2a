// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ACQUIRE proposes (RFC 2367 section 2.3.7): combinations of algorithms
 * that this kernel has, as net.key.esp_keymin, esp_auth and ah_keymin want them.
 * The table of algorithms goes from weak to strong, the proposal the other way:
 * the one that is preferred comes first.
 */
#include <linux/in.h>
#include <ipsec/alg.h>
#include <ipsec/km.h>
#include "pfkey.h"

/* What KAME proposes: a window in packets, lifetimes in seconds. */
#define REPLAY		32
#define HARD_ADDTIME	86400
#define SOFT_ADDTIME	(HARD_ADDTIME * 80 / 100)
#define HARD_USETIME	28800
#define SOFT_USETIME	(HARD_USETIME * 80 / 100)

static const struct ipsec_alg_desc none;

/* IPComp has no keys. */
static const struct ipsec_alg_desc deflate = {
	.id	= SADB_X_CALG_DEFLATE,
};

/* The algorithms of a kind, the last of the table first; NULL at the end. */
static const struct ipsec_alg_desc *next(enum ipsec_alg_kind kind,
					 unsigned int *left)
{
	while (*left) {
		const struct ipsec_alg_desc *alg = &ipsec_alg_table[--*left];

		if (alg->kind == kind && !alg->keyed && !ipsec_alg_missing(alg))
			return alg;
	}
	return NULL;
}

static bool long_enough(const struct ipsec_alg_desc *alg, int keymin)
{
	return alg->key_max >= keymin;
}

/* Whether there was room for one more. */
static bool put_comb(struct sk_buff *skb, struct sadb_prop *prop,
		     const struct ipsec_km_ask *ask,
		     const struct ipsec_alg_desc *auth,
		     const struct ipsec_alg_desc *encrypt)
{
	struct sadb_comb *comb;

	if (skb->len + sizeof(*comb) > PFKEY_ACQUIRE_MAX)
		return false;
	comb = pfkey_more(skb, prop, sizeof(*comb));
	comb->sadb_comb_auth = auth->id;
	comb->sadb_comb_auth_maxbits = auth->key_max;
	if (auth->key_max)
		comb->sadb_comb_auth_minbits = max_t(int, auth->key_min,
						     ask->ah_keymin);
	comb->sadb_comb_encrypt = encrypt->id;
	comb->sadb_comb_encrypt_maxbits = encrypt->key_max;
	if (encrypt->key_max)
		comb->sadb_comb_encrypt_minbits = max_t(int, encrypt->key_min,
							ask->esp_keymin);
	comb->sadb_comb_soft_allocations = 1;
	comb->sadb_comb_hard_allocations = 1;
	comb->sadb_comb_soft_addtime = SOFT_ADDTIME;
	comb->sadb_comb_hard_addtime = HARD_ADDTIME;
	comb->sadb_comb_soft_usetime = SOFT_USETIME;
	comb->sadb_comb_hard_usetime = HARD_USETIME;
	return true;
}

/* @encrypt with each MAC; for AH the MACs alone. */
static bool put_macs(struct sk_buff *skb, struct sadb_prop *prop,
		     const struct ipsec_km_ask *ask,
		     const struct ipsec_alg_desc *encrypt)
{
	unsigned int left = ipsec_alg_count;
	const struct ipsec_alg_desc *auth;

	while ((auth = next(IPSEC_ALG_AUTH, &left)))
		if (auth->key_max && long_enough(auth, ask->ah_keymin) &&
		    !put_comb(skb, prop, ask, auth, encrypt))
			return false;
	return true;
}

/* An AEAD needs no MAC beside it. */
static void put_ciphers(struct sk_buff *skb, struct sadb_prop *prop,
			const struct ipsec_km_ask *ask)
{
	unsigned int left = ipsec_alg_count;
	const struct ipsec_alg_desc *alg;
	bool more = true;

	while (more && (alg = next(IPSEC_ALG_ENCRYPT, &left))) {
		if (!long_enough(alg, ask->esp_keymin))
			continue;
		if (ask->esp_auth && !alg->aead)
			more = put_macs(skb, prop, ask, alg);
		else
			more = put_comb(skb, prop, ask, &none, alg);
	}
}

/**
 * pfkey_put_proposal() - append a proposal to an ACQUIRE
 * @skb: the message, made with PFKEY_ACQUIRE_MAX bytes of room
 * @ask: what is asked for
 *
 * Context: any.
 */
void pfkey_put_proposal(struct sk_buff *skb, const struct ipsec_km_ask *ask)
{
	struct sadb_prop *prop = pfkey_put(skb, SADB_EXT_PROPOSAL,
					   sizeof(*prop));

	prop->sadb_prop_replay = REPLAY;
	switch (ask->ends->proto) {
	case IPPROTO_ESP:
		put_ciphers(skb, prop, ask);
		break;
	case IPPROTO_AH:
		put_macs(skb, prop, ask, &none);
		break;
	case IPPROTO_COMP:
		put_comb(skb, prop, ask, &none, &deflate);
		break;
	}
}
