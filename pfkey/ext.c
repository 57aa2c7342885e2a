// SPDX-License-Identifier: GPL-2.0-only
/* The table of extensions, and the parser that believes no length. */
#include "pfkey.h"

/**
 * struct extension - what an extension must look like
 * @min: bytes at least; 0 = userland may not send it
 * @max: bytes at most; 0 = no limit but the message
 */
struct extension {
	u16	min;
	u16	max;
};

#define FIXED(type)	{ .min = sizeof(type), .max = sizeof(type) }
#define MINIMUM(type)	{ .min = sizeof(type) }

static const struct extension extensions[PFKEY_EXT_MAX + 1] = {
	[SADB_EXT_SA]			= FIXED(struct sadb_sa),
	[SADB_EXT_LIFETIME_CURRENT]	= FIXED(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_HARD]	= FIXED(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_SOFT]	= FIXED(struct sadb_lifetime),
	[SADB_EXT_ADDRESS_SRC]		= MINIMUM(struct sadb_address),
	[SADB_EXT_ADDRESS_DST]		= MINIMUM(struct sadb_address),
	[SADB_EXT_ADDRESS_PROXY]	= MINIMUM(struct sadb_address),
	[SADB_EXT_KEY_AUTH]		= MINIMUM(struct sadb_key),
	[SADB_EXT_KEY_ENCRYPT]		= MINIMUM(struct sadb_key),
	[SADB_EXT_IDENTITY_SRC]		= MINIMUM(struct sadb_ident),
	[SADB_EXT_IDENTITY_DST]		= MINIMUM(struct sadb_ident),
	[SADB_EXT_SENSITIVITY]		= MINIMUM(struct sadb_sens),
	[SADB_EXT_PROPOSAL]		= MINIMUM(struct sadb_prop),
	[SADB_EXT_SUPPORTED_AUTH]	= MINIMUM(struct sadb_supported),
	[SADB_EXT_SUPPORTED_ENCRYPT]	= MINIMUM(struct sadb_supported),
	[SADB_EXT_SPIRANGE]		= FIXED(struct sadb_spirange),
	[SADB_X_EXT_KMPRIVATE]		= MINIMUM(struct sadb_x_kmprivate),
	[SADB_X_EXT_POLICY]		= MINIMUM(struct sadb_x_policy),
	[SADB_X_EXT_SA2]		= FIXED(struct sadb_x_sa2),
	[SADB_X_EXT_NAT_T_TYPE]		= FIXED(struct sadb_x_nat_t_type),
	[SADB_X_EXT_NAT_T_SPORT]	= FIXED(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_DPORT]	= FIXED(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_OA]		= MINIMUM(struct sadb_address),
	[SADB_X_EXT_SEC_CTX]		= MINIMUM(struct sadb_x_sec_ctx),
	[SADB_X_EXT_KMADDRESS]		= MINIMUM(struct sadb_x_kmaddress),
	[SADB_X_EXT_FILTER]		= FIXED(struct sadb_x_filter),
	[SADB_X_EXT_SA_REPLAY]		= FIXED(struct sadb_x_sa_replay),
};

static int check_key(const struct sadb_key *key, size_t len)
{
	size_t bytes = DIV_ROUND_UP(key->sadb_key_bits, 8);

	return sizeof(*key) + round_up(bytes, PFKEY_WORD) <= len ? 0 : -EINVAL;
}

/* The types that are not skipped. */
static bool is_known(unsigned int type)
{
	return type <= SADB_EXT_MAX || type == SADB_X_EXT_SA_REPLAY;
}

static int check_ext(unsigned int type, const void *ext, size_t len)
{
	const struct extension *e = &extensions[type];

	if (!e->min || len < e->min || (e->max && len > e->max))
		return -EINVAL;
	if (type == SADB_EXT_KEY_AUTH || type == SADB_EXT_KEY_ENCRYPT)
		return check_key(ext, len);
	return 0;
}

/**
 * pfkey_parse() - take a message apart
 * @req: @req->hdr and @req->ext are filled with pointers into @msg
 * @msg: the message, aligned to eight bytes
 * @len: its length; the base header was checked to agree
 *
 * Extensions may come in any order, each once. Types beyond those of Linux's
 * header and ours are skipped. Behind PROMISC's base header there is no
 * extension, but another message.
 *
 * Return: 0, or -EINVAL for a length that cannot be, an extension that comes
 * twice or is not for userland to send.
 */
int pfkey_parse(struct pfkey_request *req, const void *msg, size_t len)
{
	const u8 *p = msg, *end = p + len;

	memset(req->ext, 0, sizeof(req->ext));
	req->hdr = msg;
	if (len < sizeof(*req->hdr))
		return -EINVAL;
	p += sizeof(*req->hdr);
	if (req->hdr->sadb_msg_type == SADB_X_PROMISC)
		return 0;
	while (p < end) {
		const struct sadb_ext *ext = (const struct sadb_ext *)p;
		size_t left = end - p, size;

		if (left < sizeof(*ext))
			return -EINVAL;
		size = (size_t)ext->sadb_ext_len * PFKEY_WORD;
		if (size < PFKEY_WORD || size > left)
			return -EINVAL;
		p += size;
		if (!is_known(ext->sadb_ext_type))
			continue;
		if (req->ext[ext->sadb_ext_type])
			return -EINVAL;
		if (check_ext(ext->sadb_ext_type, ext, size))
			return -EINVAL;
		req->ext[ext->sadb_ext_type] = ext;
	}
	return 0;
}
