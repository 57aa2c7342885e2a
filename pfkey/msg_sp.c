// SPDX-License-Identifier: GPL-2.0-only
/* Messages about policies, KAME's extension of RFC 2367. */
#include "pfkey.h"

static int check_policy(const struct sadb_x_policy *policy)
{
	if (policy->sadb_x_policy_dir != IPSEC_DIR_INBOUND &&
	    policy->sadb_x_policy_dir != IPSEC_DIR_OUTBOUND &&
	    policy->sadb_x_policy_dir != IPSEC_DIR_FWD)
		return -EINVAL;
	/* Entrust and bypass are for sockets. */
	if (policy->sadb_x_policy_type > IPSEC_POLICY_IPSEC)
		return -EINVAL;
	return 0;
}

/*
 * Transport acts on the packet as the tunnel before it left it: an SA between
 * addresses of another family could never be the one.
 */
static int check_families(const struct ipsec_sp *sp)
{
	u8 family = sp->sel.family;
	unsigned int i;

	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];

		if (req->mode == IPSEC_MODE_TUNNEL)
			family = req->family;
		else if (req->family && req->family != family)
			return -EINVAL;
	}
	return 0;
}

static struct ipsec_sp *create(const struct pfkey_request *req)
{
	const struct sadb_lifetime *hard = req->ext[SADB_EXT_LIFETIME_HARD];
	const struct sadb_x_policy *policy = req->ext[SADB_X_EXT_POLICY];
	bool index = req->hdr->sadb_msg_type == SADB_X_SPDSETIDX;
	bool ipsec = policy->sadb_x_policy_type == IPSEC_POLICY_IPSEC;
	struct ipsec_sp *sp;
	int n, err;

	err = check_policy(policy);
	if (err)
		return ERR_PTR(err);
	n = pfkey_count_requests(policy);
	if (n < 0)
		return ERR_PTR(n);
	/* A policy that asks for IPsec has to say which, be it later. */
	if (ipsec ? !n && !index : n)
		return ERR_PTR(-EINVAL);
	sp = ipsec_sp_alloc(req->net, n, GFP_KERNEL);
	if (!sp)
		return ERR_PTR(-ENOMEM);
	err = pfkey_get_selector(req, &sp->sel);
	if (!err && n)
		err = min(pfkey_get_requests(policy, sp->requests), 0);
	if (!err)
		err = check_families(sp);
	if (err) {
		ipsec_sp_put(sp);
		return ERR_PTR(err);
	}
	sp->dir = policy->sadb_x_policy_dir;
	sp->type = policy->sadb_x_policy_type;
	sp->priority = policy->sadb_x_policy_priority;
	if (hard) {
		sp->lifetime = hard->sadb_lifetime_addtime;
		sp->validtime = hard->sadb_lifetime_usetime;
	}
	return sp;
}

static struct sk_buff *describe(const struct pfkey_request *req,
				const struct ipsec_sp *sp)
{
	return pfkey_build_sp(req->hdr->sadb_msg_type,
			      req->hdr->sadb_msg_satype, sp,
			      req->hdr->sadb_msg_seq, req->hdr->sadb_msg_pid,
			      PFKEY_REPLY_GFP);
}

static int add(struct pfkey_request *req, bool replace)
{
	struct ipsec_sp *sp = create(req);
	int err;

	if (IS_ERR(sp))
		return PTR_ERR(sp);
	refcount_inc(&sp->refs);
	err = ipsec_spd_add(sp, replace);
	if (err)
		ipsec_sp_put(sp);
	else
		err = pfkey_deliver_all(req, describe(req, sp));
	ipsec_sp_put(sp);
	return err;
}

/**
 * pfkey_spdadd() - SPDADD: a new policy
 * @req: the request
 *
 * Return: 0 or an errno; -EEXIST for an equal selector and direction.
 */
int pfkey_spdadd(struct pfkey_request *req)
{
	return add(req, false);
}

/**
 * pfkey_spdupdate() - SPDUPDATE: a policy, whether or not there was one
 * @req: the request
 *
 * Return: 0 or an errno.
 */
int pfkey_spdupdate(struct pfkey_request *req)
{
	return add(req, true);
}

/**
 * pfkey_spdsetidx() - SPDSETIDX: a new policy whose requests may come later
 * @req: the request
 *
 * The first packet that meets it makes key managers hear an SPDACQUIRE; the
 * answer is an SPDUPDATE.
 *
 * Return: 0 or an errno; -EEXIST for an equal selector and direction.
 */
int pfkey_spdsetidx(struct pfkey_request *req)
{
	return add(req, false);
}

/* Deletes @sp, which is consumed, and tells everybody. */
static int delete(struct pfkey_request *req, struct ipsec_sp *sp)
{
	struct sk_buff *reply;

	if (!sp)
		return -ENOENT;
	ipsec_spd_delete(sp);
	reply = describe(req, sp);
	ipsec_sp_put(sp);
	return pfkey_deliver_all(req, reply);
}

/**
 * pfkey_spddelete() - SPDDELETE: by selector and direction, nothing else counts
 * @req: the request
 *
 * Return: 0 or an errno; -ENOENT without such a policy.
 */
int pfkey_spddelete(struct pfkey_request *req)
{
	const struct sadb_x_policy *policy = req->ext[SADB_X_EXT_POLICY];
	struct ipsec_selector sel;
	int err;

	if (!policy->sadb_x_policy_dir ||
	    policy->sadb_x_policy_dir > IPSEC_DIR_FWD)
		return -EINVAL;
	err = pfkey_get_selector(req, &sel);
	if (err)
		return err;
	return delete(req, ipsec_spd_find(req->net, policy->sadb_x_policy_dir,
					  &sel));
}

static struct ipsec_sp *find_by_id(const struct pfkey_request *req)
{
	const struct sadb_x_policy *policy = req->ext[SADB_X_EXT_POLICY];

	return ipsec_spd_get(req->net, policy->sadb_x_policy_id);
}

/**
 * pfkey_spddelete2() - SPDDELETE2: by id
 * @req: the request
 *
 * Return: 0 or an errno; -ENOENT without such a policy.
 */
int pfkey_spddelete2(struct pfkey_request *req)
{
	return delete(req, find_by_id(req));
}

/**
 * pfkey_spdget() - SPDGET: everything about a policy, by id
 * @req: the request
 *
 * Return: 0 or an errno; -ENOENT without such a policy.
 */
int pfkey_spdget(struct pfkey_request *req)
{
	struct ipsec_sp *sp = find_by_id(req);
	struct sk_buff *reply;

	if (!sp)
		return -ENOENT;
	reply = describe(req, sp);
	ipsec_sp_put(sp);
	return pfkey_deliver_one(req->from, reply);
}

/**
 * pfkey_spdflush() - SPDFLUSH: delete all policies
 * @req: the request; whoever adds an extension wants less than all
 *
 * Return: 0 or an errno.
 */
int pfkey_spdflush(struct pfkey_request *req)
{
	int err;

	if (req->hdr->sadb_msg_len > sizeof(*req->hdr) / PFKEY_WORD)
		return -EINVAL;
	err = ipsec_spd_flush(req->net);
	/* Nobody is told that all are gone if the asker died too soon. */
	return err ?: pfkey_deliver_all(req, pfkey_build_echo(req->hdr));
}
