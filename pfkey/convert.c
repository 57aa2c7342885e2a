// SPDX-License-Identifier: GPL-2.0-only
/* Between the wire's structures and ours. Nothing here looks at a database. */
#include <linux/in.h>
#include <linux/in6.h>
#include "pfkey.h"

/* sadb_x_ipsecrequest_len counts bytes, unlike every other length here. */
#define REQUEST_MIN	sizeof(struct sadb_x_ipsecrequest)

/* SPIs up to this one are reserved (RFC 4303 section 2.1). */
#define SPI_RESERVED	255

/**
 * pfkey_satype_to_proto() - protocol of an SA type
 * @satype: SADB_SATYPE_*
 *
 * Return: IPPROTO_*, or 0 for a type that is not one of IPsec's.
 */
u8 pfkey_satype_to_proto(u8 satype)
{
	switch (satype) {
	case SADB_SATYPE_AH:
		return IPPROTO_AH;
	case SADB_SATYPE_ESP:
		return IPPROTO_ESP;
	case SADB_X_SATYPE_IPCOMP:
		return IPPROTO_COMP;
	default:
		return 0;
	}
}

/**
 * pfkey_proto_to_satype() - the reverse of pfkey_satype_to_proto()
 * @proto: IPPROTO_*
 */
u8 pfkey_proto_to_satype(u8 proto)
{
	switch (proto) {
	case IPPROTO_AH:
		return SADB_SATYPE_AH;
	case IPPROTO_ESP:
		return SADB_SATYPE_ESP;
	case IPPROTO_COMP:
		return SADB_X_SATYPE_IPCOMP;
	default:
		return SADB_SATYPE_UNSPEC;
	}
}

/**
 * pfkey_sockaddr_len() - length of a socket address
 * @family: AF_INET or AF_INET6
 *
 * Return: bytes, or 0 for another family.
 */
int pfkey_sockaddr_len(sa_family_t family)
{
	switch (family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return 0;
	}
}

/**
 * pfkey_get_sockaddr() - read a socket address
 * @from: where it is; aligned to four bytes
 * @room: bytes there are
 * @to: addr, family and port are filled
 *
 * Return: its length, -EAFNOSUPPORT, or -EINVAL when it is cut short.
 */
int pfkey_get_sockaddr(const void *from, size_t room, struct pfkey_address *to)
{
	const struct sockaddr_in *sin = from;
	const struct sockaddr_in6 *sin6 = from;
	int len;

	if (room < sizeof(sin->sin_family))
		return -EINVAL;
	len = pfkey_sockaddr_len(sin->sin_family);
	if (!len)
		return -EAFNOSUPPORT;
	if (room < len)
		return -EINVAL;
	to->family = sin->sin_family;
	if (to->family == AF_INET) {
		ipsec_addr_set4(&to->addr, sin->sin_addr.s_addr);
		to->port = sin->sin_port;
	} else {
		to->addr.in6 = sin6->sin6_addr;
		to->port = sin6->sin6_port;
	}
	return len;
}

/**
 * pfkey_put_sockaddr() - write a socket address
 * @to: zeroed room for it
 * @family: AF_INET or AF_INET6
 * @addr: address
 * @port: port or 0
 */
void pfkey_put_sockaddr(void *to, sa_family_t family,
			const union ipsec_addr *addr, __be16 port)
{
	if (family == AF_INET) {
		struct sockaddr_in *sin = to;

		sin->sin_family = AF_INET;
		sin->sin_port = port;
		sin->sin_addr.s_addr = addr->a4;
	} else {
		struct sockaddr_in6 *sin6 = to;

		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = port;
		sin6->sin6_addr = addr->in6;
	}
}

/**
 * pfkey_get_address() - read an address extension
 * @ext: the extension, its length within the message
 * @to: filled
 *
 * The extension must be exactly as long as its address asks for.
 *
 * Return: 0, -EAFNOSUPPORT, or -EINVAL.
 */
int pfkey_get_address(const struct sadb_address *ext, struct pfkey_address *to)
{
	size_t room = ext->sadb_address_len * PFKEY_WORD - sizeof(*ext);
	int len = pfkey_get_sockaddr(ext + 1, room, to);

	if (len < 0)
		return len;
	if (room != round_up(len, PFKEY_WORD))
		return -EINVAL;
	if (ext->sadb_address_prefixlen > ipsec_addr_bits(to->family))
		return -EINVAL;
	to->prefixlen = ext->sadb_address_prefixlen;
	to->proto = ext->sadb_address_proto;
	return 0;
}

static int get_pair(const struct pfkey_request *req, struct pfkey_address *src,
		    struct pfkey_address *dst)
{
	int err;

	if (!req->ext[SADB_EXT_ADDRESS_SRC] || !req->ext[SADB_EXT_ADDRESS_DST])
		return -EINVAL;
	err = pfkey_get_address(req->ext[SADB_EXT_ADDRESS_SRC], src);
	if (err)
		return err;
	err = pfkey_get_address(req->ext[SADB_EXT_ADDRESS_DST], dst);
	if (err)
		return err;
	if (src->family != dst->family || src->proto != dst->proto)
		return -EINVAL;
	return 0;
}

/**
 * pfkey_get_ends() - the two ends of an SA
 * @req: the request
 * @ends: filled; ports and prefixes do not matter
 *
 * Return: 0 or an errno.
 */
int pfkey_get_ends(const struct pfkey_request *req, struct ipsec_ends_key *ends)
{
	struct pfkey_address src, dst;
	int err = get_pair(req, &src, &dst);

	if (err)
		return err;
	*ends = (struct ipsec_ends_key){
		.saddr	= src.addr,
		.daddr	= dst.addr,
		.proto	= pfkey_satype_to_proto(req->hdr->sadb_msg_satype),
		.family	= src.family,
	};
	return 0;
}

/**
 * pfkey_get_selector() - the selector of a policy
 * @req: the request
 * @sel: filled
 *
 * Protocol 0 means any, as 255 does.
 *
 * Return: 0 or an errno.
 */
int pfkey_get_selector(const struct pfkey_request *req,
		       struct ipsec_selector *sel)
{
	struct pfkey_address src, dst;
	int err = get_pair(req, &src, &dst);

	if (err)
		return err;
	*sel = (struct ipsec_selector){
		.src	 = src.addr,
		.dst	 = dst.addr,
		.sport	 = src.port,
		.dport	 = dst.port,
		.src_len = src.prefixlen,
		.dst_len = dst.prefixlen,
		.proto	 = src.proto ?: IPSEC_PROTO_ANY,
		.family	 = src.family,
	};
	return 0;
}

static void get_key(const struct pfkey_request *req, unsigned int type,
		    struct ipsec_key *key)
{
	const struct sadb_key *ext = req->ext[type];

	if (ext && ext->sadb_key_bits) {
		key->data = (const u8 *)(ext + 1);
		key->bits = ext->sadb_key_bits;
	}
}

static void get_limits(const struct pfkey_request *req, unsigned int type,
		       struct ipsec_limits *limits)
{
	const struct sadb_lifetime *ext = req->ext[type];

	if (!ext)
		return;
	limits->allocations = ext->sadb_lifetime_allocations;
	limits->bytes = ext->sadb_lifetime_bytes;
	limits->addtime = ext->sadb_lifetime_addtime;
	limits->usetime = ext->sadb_lifetime_usetime;
}

/**
 * pfkey_check_spi() - whether an SA may have an SPI
 * @proto: protocol of the SA
 * @spi: the SPI, host order
 *
 * Return: 0, or -EINVAL for a reserved one.
 */
int pfkey_check_spi(u8 proto, u32 spi)
{
	return spi <= (proto == IPPROTO_COMP ? 0 : SPI_RESERVED) ? -EINVAL : 0;
}

static int get_sa(const struct pfkey_request *req, struct ipsec_sa_params *p)
{
	const struct sadb_sa *sa = req->ext[SADB_EXT_SA];

	if (!sa)
		return 0;
	p->spi = sa->sadb_sa_spi;
	p->window = sa->sadb_sa_replay * PFKEY_REPLAY_UNIT;
	p->aalg = sa->sadb_sa_auth;
	p->ealg = sa->sadb_sa_encrypt;
	p->flags = sa->sadb_sa_flags;
	return pfkey_check_spi(p->ends.proto, ntohl(p->spi));
}

/* Both or none, and of one type. */
static int check_identities(const struct sadb_ident *src,
			    const struct sadb_ident *dst)
{
	if (!src != !dst)
		return -EINVAL;
	if (src && src->sadb_ident_type != dst->sadb_ident_type)
		return -EINVAL;
	return 0;
}

/* What an SA extension has no room for. */
static int get_replay(const struct pfkey_request *req,
		      struct ipsec_sa_params *p)
{
	const struct sadb_x_sa_replay *ext = req->ext[SADB_X_EXT_SA_REPLAY];

	if (!ext)
		return 0;
	p->window = ext->sadb_x_sa_replay_window;
	p->sequence = ext->sadb_x_sa_replay_sequence;
	if (p->window > IPSEC_REPLAY_MAX)
		return -EINVAL;
	if (p->sequence > U32_MAX && !(p->flags & SADB_X_SAFLAGS_ESN))
		return -EINVAL;
	return 0;
}

static __be16 get_natt_port(const struct pfkey_request *req, unsigned int type)
{
	const struct sadb_x_nat_t_port *ext = req->ext[type];

	return ext ? ext->sadb_x_nat_t_port_port : 0;
}

/*
 * ESP in UDP. Ports in the addresses do not matter: key managers put those of
 * IKE there. Without a type the other extensions mean nothing.
 */
static int get_natt(const struct pfkey_request *req, struct ipsec_sa_params *p)
{
	const struct sadb_x_nat_t_type *type = req->ext[SADB_X_EXT_NAT_T_TYPE];
	const struct sadb_address *oa = req->ext[SADB_X_EXT_NAT_T_OA];
	struct pfkey_address addr;
	int err;

	if (!type || type->sadb_x_nat_t_type_type == SADB_X_NAT_T_NONE)
		return 0;
	/* The format of the draft: Linux 6.12 does not receive it any more. */
	if (type->sadb_x_nat_t_type_type == SADB_X_NAT_T_NON_IKE)
		return -EOPNOTSUPP;
	if (type->sadb_x_nat_t_type_type != SADB_X_NAT_T_ESPINUDP ||
	    p->ends.proto != IPPROTO_ESP)
		return -EINVAL;
	p->natt.type = type->sadb_x_nat_t_type_type;
	p->natt.sport = get_natt_port(req, SADB_X_EXT_NAT_T_SPORT);
	p->natt.dport = get_natt_port(req, SADB_X_EXT_NAT_T_DPORT);
	if (!p->natt.sport || !p->natt.dport)
		return -EINVAL;
	if (!oa)
		return 0;
	err = pfkey_get_address(oa, &addr);
	if (err)
		return err;
	if (addr.family != p->ends.family)
		return -EINVAL;
	p->natt.oa = addr.addr;
	return 0;
}

/* What a client asks for and would not get must be refused, not ignored. */
static int check_options(const struct pfkey_request *req,
			 const struct ipsec_sa_params *p)
{
	/* The field has four values, of which the last one is none. */
	if ((p->flags & SADB_X_EXT_PMASK) == SADB_X_EXT_PMASK)
		return -EINVAL;
	/* IPComp has no sequence numbers. */
	if (p->flags & SADB_X_SAFLAGS_ESN && p->ends.proto == IPPROTO_COMP)
		return -EINVAL;
	return check_identities(req->ext[SADB_EXT_IDENTITY_SRC],
				req->ext[SADB_EXT_IDENTITY_DST]);
}

/**
 * pfkey_get_params() - everything a message says about an SA
 * @req: the request
 * @p: filled; keys point into the message
 *
 * Return: 0, -EOPNOTSUPP for options that nothing carries out, or another errno.
 */
int pfkey_get_params(const struct pfkey_request *req,
		     struct ipsec_sa_params *p)
{
	const struct sadb_x_sa2 *sa2 = req->ext[SADB_X_EXT_SA2];
	int err;

	*p = (struct ipsec_sa_params){
		.state_pid	= req->hdr->sadb_msg_pid,
		.seq		= req->hdr->sadb_msg_seq,
	};
	err = pfkey_get_ends(req, &p->ends);
	if (err)
		return err;
	if (sa2) {
		if (sa2->sadb_x_sa2_mode > IPSEC_MODE_TUNNEL)
			return -EINVAL;
		p->mode = sa2->sadb_x_sa2_mode;
		p->reqid = sa2->sadb_x_sa2_reqid;
	}
	err = get_sa(req, p);
	if (!err)
		err = get_replay(req, p);
	if (err)
		return err;
	get_key(req, SADB_EXT_KEY_AUTH, &p->akey);
	get_key(req, SADB_EXT_KEY_ENCRYPT, &p->ekey);
	get_limits(req, SADB_EXT_LIFETIME_HARD, &p->hard);
	get_limits(req, SADB_EXT_LIFETIME_SOFT, &p->soft);
	err = get_natt(req, p);
	return err ?: check_options(req, p);
}

/*
 * Whether a request tells what it has to. A tunnel without an end can be received from,
 * where it means any, but not sent into.
 */
static bool ends_told(const struct ipsec_request *req, u8 dir)
{
	return req->mode != IPSEC_MODE_TUNNEL || dir != IPSEC_DIR_OUTBOUND ||
	       !(ipsec_addr_any(&req->saddr) || ipsec_addr_any(&req->daddr));
}

/*
 * The request at @p, which has @left bytes, of a policy of direction @dir. Returns its
 * length or an errno.
 */
static int get_request(const u8 *p, size_t left, u8 dir,
		       struct ipsec_request *to)
{
	const struct sadb_x_ipsecrequest *wire = (const void *)p;
	struct pfkey_address src, dst;
	size_t size, room;
	int len;

	if (left < REQUEST_MIN)
		return -EINVAL;
	size = wire->sadb_x_ipsecrequest_len;
	if (size < REQUEST_MIN || size > left || size % 4)
		return -EINVAL;
	*to = (struct ipsec_request){
		.proto	= wire->sadb_x_ipsecrequest_proto,
		.mode	= wire->sadb_x_ipsecrequest_mode,
		.level	= wire->sadb_x_ipsecrequest_level,
	};
	if (wire->sadb_x_ipsecrequest_proto > U8_MAX ||
	    !pfkey_proto_to_satype(to->proto))
		return -EPROTONOSUPPORT;
	if (to->mode != IPSEC_MODE_TRANSPORT && to->mode != IPSEC_MODE_TUNNEL)
		return -EINVAL;
	if (to->level > IPSEC_LEVEL_UNIQUE)
		return -EINVAL;
	/* Only "unique" binds to a reqid, as in KAME. */
	if (to->level == IPSEC_LEVEL_UNIQUE)
		to->reqid = wire->sadb_x_ipsecrequest_reqid;
	if (size == REQUEST_MIN)
		return to->mode == IPSEC_MODE_TUNNEL ? -EINVAL : size;

	/* Two addresses back to back; whatever ports they have is no matter. */
	room = size - REQUEST_MIN;
	len = pfkey_get_sockaddr(p + REQUEST_MIN, room, &src);
	if (len < 0)
		return len;
	if (pfkey_get_sockaddr(p + REQUEST_MIN + len, room - len, &dst) != len ||
	    room != 2 * len)
		return -EINVAL;
	to->family = src.family;
	to->saddr = src.addr;
	to->daddr = dst.addr;
	return ends_told(to, dir) ? size : -EINVAL;
}

static int walk_requests(const struct sadb_x_policy *policy,
			 struct ipsec_request *to)
{
	size_t left = policy->sadb_x_policy_len * PFKEY_WORD - sizeof(*policy);
	const u8 *p = (const u8 *)(policy + 1);
	struct ipsec_request scratch;
	int n = 0;

	while (left) {
		int len = get_request(p, left, policy->sadb_x_policy_dir,
				      to ? &to[n] : &scratch);

		if (len < 0)
			return len;
		if (++n > IPSEC_MAX_DEPTH)
			return -EINVAL;
		p += len;
		left -= len;
	}
	return n;
}

/**
 * pfkey_count_requests() - how many requests a policy has
 * @policy: the extension, its length within the message
 *
 * Checks all of them: they must tile the extension exactly.
 *
 * Return: the number, or an errno: -EINVAL, -EPROTONOSUPPORT, -EAFNOSUPPORT.
 */
int pfkey_count_requests(const struct sadb_x_policy *policy)
{
	return walk_requests(policy, NULL);
}

/**
 * pfkey_get_requests() - read them
 * @policy: the extension
 * @to: as many as pfkey_count_requests() said
 *
 * Return: the number, or an errno.
 */
int pfkey_get_requests(const struct sadb_x_policy *policy,
		       struct ipsec_request *to)
{
	return walk_requests(policy, to);
}
