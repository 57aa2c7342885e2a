// SPDX-License-Identifier: GPL-2.0-only
/* REGISTER and PROMISC: what a socket wants to hear. */
#include <ipsec/acquire.h>
#include <ipsec/alg.h>
#include "pfkey.h"

/**
 * pfkey_register() - REGISTER: become a key manager, learn the algorithms
 * @req: the request; satype 0 only asks for the algorithms
 *
 * Return: 0 or an errno; -EEXIST when registered for this type already, -EINTR or
 * -ENOMEM and the like when it cannot be told now which algorithms there are.
 */
int pfkey_register(struct pfkey_request *req)
{
	u8 satype = req->hdr->sadb_msg_satype;
	struct pfkey_sock *pk = req->from;
	int err;

	if (satype != SADB_SATYPE_UNSPEC) {
		if (!pfkey_satype_to_proto(satype))
			return -EINVAL;
		if (pk->registered & BIT(satype))
			return -EEXIST;
	}
	/* All key managers hear the answer: it is right, or there is none. */
	err = ipsec_alg_ask_all();
	if (err)
		return err;
	if (satype != SADB_SATYPE_UNSPEC) {
		pfkey_hear(pk, pk->registered | BIT(satype), pk->promisc,
			   pk->extended);
		/* What others were asked for, they may have taken along. */
		ipsec_acquire_flush(req->net);
	}
	return pfkey_deliver_registered(req, pfkey_build_register(req->hdr));
}

/**
 * pfkey_promisc() - PROMISC: see every message, or stop to
 * @req: the request; satype 1 or 0
 *
 * With another message behind the base header it is a way to talk to all other
 * processes: they get that message.
 *
 * Return: 0 or an errno.
 */
int pfkey_promisc(struct pfkey_request *req)
{
	size_t inside = req->hdr->sadb_msg_len * PFKEY_WORD - sizeof(*req->hdr);
	struct pfkey_sock *pk = req->from;
	u8 on = req->hdr->sadb_msg_satype;

	if (inside) {
		if (inside < sizeof(*req->hdr) ||
		    pfkey_check_base(req->hdr + 1, inside))
			return -EINVAL;
		return pfkey_deliver_all(req,
					 pfkey_build_copy(req->hdr + 1,
							  GFP_KERNEL));
	}
	if (on > SADB_X_PROMISC_ON)
		return -EINVAL;
	pfkey_hear(pk, pk->registered, on, pk->extended);
	return pfkey_deliver_all(req, pfkey_build_echo(req->hdr));
}
