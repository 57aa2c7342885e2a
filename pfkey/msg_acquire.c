// SPDX-License-Identifier: GPL-2.0-only
/* ACQUIRE from userland: a question that failed, or one of its own. */
#include <ipsec/acquire.h>
#include "pfkey.h"

/**
 * pfkey_acquire() - ACQUIRE (RFC 2367 section 3.1.6)
 * @req: the request
 *
 * A base header alone says that the negotiation for its sequence number failed;
 * it has no reply. Anything longer asks key managers for an SA between two ends,
 * as a packet would, and is shown to them.
 *
 * Return: 0 or an errno; -EEXIST when an SA of any mode is there.
 */
int pfkey_acquire(struct pfkey_request *req)
{
	const struct sadb_x_sa2 *sa2 = req->ext[SADB_X_EXT_SA2];
	struct ipsec_ends_key ends;
	u8 mode = IPSEC_MODE_ANY;
	bool have;
	int err;

	if (req->hdr->sadb_msg_len == sizeof(*req->hdr) / PFKEY_WORD) {
		ipsec_acquire_restart(req->net, req->hdr->sadb_msg_seq);
		return 0;
	}
	err = pfkey_get_ends(req, &ends);
	if (err)
		return err;
	if (!req->ext[SADB_EXT_PROPOSAL])
		return -EINVAL;
	if (sa2)
		mode = sa2->sadb_x_sa2_mode;
	if (mode > IPSEC_MODE_TUNNEL)
		return -EINVAL;

	rcu_read_lock();
	have = ipsec_sad_find_out(req->net, &ends, mode, 0);
	rcu_read_unlock();
	if (have)
		return -EEXIST;
	ipsec_acquire_sa(req->net, &ends, mode, 0, NULL);
	return pfkey_deliver_registered(req, pfkey_build_copy(req->hdr,
							      GFP_KERNEL));
}
