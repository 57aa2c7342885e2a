// SPDX-License-Identifier: GPL-2.0-only
/* REGISTER and PROMISC: what a socket wants to hear. */
#include "pfkey.h"

/**
 * pfkey_register() - REGISTER: become a key manager, learn the algorithms
 * @req: the request; satype 0 only asks for the algorithms
 *
 * Return: 0 or an errno; -EEXIST when registered for this type already.
 */
int pfkey_register(struct pfkey_request *req)
{
	u8 satype = req->hdr->sadb_msg_satype;
	struct pfkey_sock *pk = req->from;

	if (satype != SADB_SATYPE_UNSPEC) {
		if (!pfkey_satype_to_proto(satype))
			return -EOPNOTSUPP;
		if (pk->registered & BIT(satype))
			return -EEXIST;
		WRITE_ONCE(pk->registered, pk->registered | BIT(satype));
	}
	return pfkey_deliver_registered(req->net,
					pfkey_build_register(req->hdr), pk);
}

/**
 * pfkey_promisc() - PROMISC: see every message, or stop to
 * @req: the request; satype 1 or 0
 *
 * Return: 0 or an errno.
 */
int pfkey_promisc(struct pfkey_request *req)
{
	u8 on = req->hdr->sadb_msg_satype;

	if (on > 1 || req->hdr->sadb_msg_len > sizeof(*req->hdr) / PFKEY_WORD)
		return -EINVAL;
	WRITE_ONCE(req->from->promisc, on);
	return pfkey_deliver_all(req->net, pfkey_build_echo(req->hdr));
}
