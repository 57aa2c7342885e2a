// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages about SAs (RFC 2367 section 3.1). A failed request leaves the SAD as
 * it was; UPDATE replaces an SA as a whole and never edits a key.
 */
#include <ipsec/acquire.h>
#include "pfkey.h"

/* The SA that a message names by destination, protocol and SPI. */
static struct ipsec_sa *find_sa(const struct pfkey_request *req)
{
	const struct sadb_sa *named = req->ext[SADB_EXT_SA];
	struct ipsec_ends_key ends;
	struct ipsec_sad_key key;
	struct ipsec_sa *sa;
	int err;

	err = pfkey_get_ends(req, &ends);
	if (err)
		return ERR_PTR(err);
	key = (struct ipsec_sad_key){
		.daddr	= ends.daddr,
		.spi	= named->sadb_sa_spi,
		.proto	= ends.proto,
		.family	= ends.family,
	};
	sa = ipsec_sad_get(req->net, &key);
	return sa ?: ERR_PTR(-ESRCH);
}

/**
 * pfkey_getspi() - GETSPI: reserve an SPI
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int pfkey_getspi(struct pfkey_request *req)
{
	const struct sadb_spirange *range = req->ext[SADB_EXT_SPIRANGE];
	struct ipsec_sa_params p;
	struct ipsec_sa *sa;
	u32 min = 0, max = 0;
	int err;

	err = pfkey_get_params(req, &p);
	if (err)
		return err;
	if (range) {
		min = range->sadb_spirange_min;
		max = range->sadb_spirange_max;
		if (min > max || pfkey_check_spi(p.ends.proto, min))
			return -EINVAL;
	}
	ipsec_acquire_restart(req->net, req->hdr->sadb_msg_seq);
	sa = ipsec_sad_alloc_spi(req->net, &p, min, max);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	err = pfkey_deliver_one(req->from,
				pfkey_build_spi(SADB_GETSPI, sa,
						req->hdr->sadb_msg_seq,
						req->hdr->sadb_msg_pid,
						PFKEY_REPLY_GFP));
	/* An SPI that nobody was told of would only be in the way. */
	if (err)
		ipsec_sa_delete(sa);
	ipsec_sa_put(sa);
	return err;
}

/*
 * OpenIKED sends the cipher of its ESP along with AH: what AH cannot use does not
 * matter to it.
 */
static void forget_cipher(struct ipsec_sa_params *p)
{
	if (p->ends.proto != IPPROTO_AH)
		return;
	p->ealg = SADB_EALG_NONE;
	p->ekey = (struct ipsec_key){};
}

/* ESP needs to be told its cipher, even if that is none. */
static int check_keys(const struct pfkey_request *req,
		      const struct ipsec_sa_params *p)
{
	if (p->ends.proto == IPPROTO_ESP && !p->ealg)
		return -EINVAL;
	if (p->ends.proto == IPPROTO_AH && !p->aalg)
		return -EINVAL;
	if (p->ends.proto == IPPROTO_COMP && !p->ealg)
		return -EINVAL;
	/* A key without an algorithm is a mistake, not a wish to be ignored. */
	if (p->akey.bits && !p->aalg)
		return -EINVAL;
	return 0;
}

/* Everything about an SA, its keys included. */
static int get_complete(const struct pfkey_request *req,
			struct ipsec_sa_params *p)
{
	int err = pfkey_get_params(req, p);

	if (err)
		return err;
	forget_cipher(p);
	ipsec_acquire_restart(req->net, req->hdr->sadb_msg_seq);
	return check_keys(req, p);
}

/*
 * Everybody learns of the new SA, but not its keys. Identities are not kept, but
 * repeated.
 */
static int announce(struct pfkey_request *req, const struct ipsec_sa *sa)
{
	struct sk_buff *skb = pfkey_build_sa(req->hdr->sadb_msg_type, sa,
					     req->hdr->sadb_msg_seq,
					     req->hdr->sadb_msg_pid, false);

	if (skb && req->ext[SADB_EXT_IDENTITY_SRC] &&
	    (pfkey_put_copy(skb, req->ext[SADB_EXT_IDENTITY_SRC]) ||
	     pfkey_put_copy(skb, req->ext[SADB_EXT_IDENTITY_DST]))) {
		kfree_skb(skb);
		skb = NULL;
	}
	return pfkey_deliver_all(req, skb);
}

/**
 * pfkey_add() - ADD: a complete SA
 * @req: the request
 *
 * Return: 0 or an errno; -EEXIST when the SPI is taken, be it by a GETSPI.
 */
int pfkey_add(struct pfkey_request *req)
{
	struct ipsec_sa_params p;
	struct ipsec_sa *sa;
	int err;

	err = get_complete(req, &p);
	if (err)
		return err;
	sa = ipsec_sa_create(req->net, &p);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	ipsec_sa_hold(sa);
	err = ipsec_sad_add(sa);
	if (err)
		ipsec_sa_put(sa);
	else
		err = announce(req, sa);
	ipsec_sa_put(sa);
	return err;
}

/**
 * pfkey_update() - UPDATE: keys for a reserved SPI, or new ones for an SA
 * @req: the request
 *
 * A mature SA may be updated by its creator only. If nothing but the peer's ports
 * changed (ESP in UDP), it stays the same SA.
 *
 * Return: 0 or an errno; -ESRCH without such an SA.
 */
int pfkey_update(struct pfkey_request *req)
{
	struct ipsec_sa_params p;
	struct ipsec_sa *old, *sa;
	int err;

	old = find_sa(req);
	if (IS_ERR(old))
		return PTR_ERR(old);
	if (READ_ONCE(old->state) != IPSEC_SA_LARVAL &&
	    old->pid != req->hdr->sadb_msg_pid) {
		err = -EINVAL;
		goto out_old;
	}
	err = get_complete(req, &p);
	if (err)
		goto out_old;
	if (ipsec_natt_update(old, &p)) {
		err = announce(req, old);
		goto out_old;
	}
	sa = ipsec_sa_create(req->net, &p);
	if (IS_ERR(sa)) {
		err = PTR_ERR(sa);
		goto out_old;
	}
	ipsec_sa_hold(sa);
	err = ipsec_sad_replace(old, sa);
	if (err)
		ipsec_sa_put(sa);
	else
		err = announce(req, sa);
	ipsec_sa_put(sa);
out_old:
	ipsec_sa_put(old);
	return err;
}

/**
 * pfkey_delete() - DELETE: one SA, or all between two ends
 * @req: the request; without an SA extension it means all
 *
 * Return: 0 or an errno; -ESRCH without such an SA.
 */
int pfkey_delete(struct pfkey_request *req)
{
	struct ipsec_ends_key ends;
	struct sk_buff *reply;
	struct ipsec_sa *sa;
	int err;

	if (!req->ext[SADB_EXT_SA]) {
		err = pfkey_get_ends(req, &ends);
		if (err)
			return err;
		err = ipsec_sad_delete_ends(req->net, &ends);
		if (err)
			return err;
		return pfkey_deliver_all(req,
					 pfkey_build_ends(req, &ends));
	}
	sa = find_sa(req);
	if (IS_ERR(sa))
		return PTR_ERR(sa);
	ipsec_sa_leave(sa);
	reply = pfkey_build_spi(SADB_DELETE, sa, req->hdr->sadb_msg_seq,
				req->hdr->sadb_msg_pid, PFKEY_REPLY_GFP);
	ipsec_sa_put(sa);
	return pfkey_deliver_all(req, reply);
}

/**
 * pfkey_get() - GET: everything about an SA
 * @req: the request
 *
 * Return: 0 or an errno; -ESRCH without such an SA.
 */
int pfkey_get(struct pfkey_request *req)
{
	struct ipsec_sa *sa = find_sa(req);
	struct sk_buff *reply;

	if (IS_ERR(sa))
		return PTR_ERR(sa);
	reply = pfkey_build_sa(SADB_GET, sa, req->hdr->sadb_msg_seq,
			       req->hdr->sadb_msg_pid, true);
	ipsec_sa_put(sa);
	return pfkey_deliver_one(req->from, reply);
}

/**
 * pfkey_flush() - FLUSH: delete all SAs, or those of one type
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int pfkey_flush(struct pfkey_request *req)
{
	u8 satype = req->hdr->sadb_msg_satype;
	u8 proto = pfkey_satype_to_proto(satype);
	int err;

	if (satype != SADB_SATYPE_UNSPEC && !proto)
		return -EINVAL;
	err = ipsec_sad_flush(req->net, proto);
	if (err)
		return err;
	return pfkey_deliver_all(req, pfkey_build_echo(req->hdr));
}
