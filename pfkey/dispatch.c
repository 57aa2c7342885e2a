// SPDX-License-Identifier: GPL-2.0-only
/* The table of messages (RFC 2367 section 3.1 and KAME's policy messages). */
#include "pfkey.h"

#define ENDS	(PFKEY_BIT(ADDRESS_SRC) | PFKEY_BIT(ADDRESS_DST))

static const struct pfkey_message messages[SADB_MAX + 1] = {
	[SADB_GETSPI] = {
		.handler = pfkey_getspi,
		.sa	 = true,
		.need	 = ENDS,
	},
	[SADB_UPDATE] = {
		.handler = pfkey_update,
		.sa	 = true,
		.need	 = ENDS | PFKEY_BIT(SA),
	},
	[SADB_ADD] = {
		.handler = pfkey_add,
		.sa	 = true,
		.need	 = ENDS | PFKEY_BIT(SA),
	},
	[SADB_DELETE] = {
		.handler = pfkey_delete,
		.sa	 = true,
		.need	 = ENDS,
	},
	[SADB_GET] = {
		.handler = pfkey_get,
		.sa	 = true,
		.need	 = ENDS | PFKEY_BIT(SA),
	},
	[SADB_ACQUIRE] = {
		.handler = pfkey_acquire,
		.sa	 = true,
	},
	[SADB_REGISTER] = {
		.handler = pfkey_register,
	},
	[SADB_FLUSH] = {
		.handler = pfkey_flush,
	},
	[SADB_DUMP] = {
		.handler = pfkey_dump,
	},
	[SADB_X_PROMISC] = {
		.handler = pfkey_promisc,
	},
	[SADB_X_SPDUPDATE] = {
		.handler = pfkey_spdupdate,
		.need	 = ENDS | PFKEY_XBIT(POLICY),
	},
	[SADB_X_SPDADD] = {
		.handler = pfkey_spdadd,
		.need	 = ENDS | PFKEY_XBIT(POLICY),
	},
	[SADB_X_SPDDELETE] = {
		.handler = pfkey_spddelete,
		.need	 = ENDS | PFKEY_XBIT(POLICY),
	},
	[SADB_X_SPDGET] = {
		.handler = pfkey_spdget,
		.need	 = PFKEY_XBIT(POLICY),
	},
	[SADB_X_SPDDUMP] = {
		.handler = pfkey_spddump,
	},
	[SADB_X_SPDFLUSH] = {
		.handler = pfkey_spdflush,
	},
	[SADB_X_SPDSETIDX] = {
		.handler = pfkey_spdsetidx,
		.need	 = ENDS | PFKEY_XBIT(POLICY),
	},
	[SADB_X_SPDDELETE2] = {
		.handler = pfkey_spddelete2,
		.need	 = PFKEY_XBIT(POLICY),
	},
};

/* Policies have no SA type: whatever is there is ignored, as on Linux. */
static int check_satype(const struct pfkey_message *m, const struct sadb_msg *hdr)
{
	if (hdr->sadb_msg_type >= SADB_X_SPDUPDATE)
		return 0;
	switch (hdr->sadb_msg_satype) {
	case SADB_SATYPE_RSVP:
	case SADB_SATYPE_OSPFV2:
	case SADB_SATYPE_RIPV2:
	case SADB_SATYPE_MIP:
		return -EOPNOTSUPP;
	}
	if (hdr->sadb_msg_satype > SADB_SATYPE_MAX)
		return -EINVAL;
	if (m->sa && !pfkey_satype_to_proto(hdr->sadb_msg_satype))
		return -EINVAL;
	return 0;
}

/**
 * pfkey_dispatch() - carry out a request
 * @req: the request, its extensions taken apart
 *
 * Context: process, pfkey_net.mutex held. Return: 0 with a reply queued, or an
 * errno; nothing is then changed.
 */
int pfkey_dispatch(struct pfkey_request *req)
{
	const struct pfkey_message *m = &messages[req->hdr->sadb_msg_type];
	unsigned int i;
	int err;

	if (!m->handler)
		return -EOPNOTSUPP;
	err = check_satype(m, req->hdr);
	if (err)
		return err;
	for (i = 0; i <= PFKEY_EXT_MAX; i++)
		if (m->need & BIT(i) && !req->ext[i])
			return -EINVAL;
	return m->handler(req);
}
