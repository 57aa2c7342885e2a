// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to userland. Every byte that is not set is zero. Only extensions that
 * every libipsec knows are sent to all: it throws a message away for any other.
 */
#include <linux/in.h>
#include <ipsec/alg.h>
#include <ipsec/km.h>
#include "pfkey.h"

/*
 * What most messages have room in: EXPIRE of IPv6 is the longest of them. A buffer
 * that is no larger than it has to be leaves a slow reader room for more.
 */
#define USUAL		192
/* All about an SA but its keys. */
#define WHOLE_SA	320
/* All about a policy but its requests, and the algorithms of the whole table. */
#define WHOLE_POLICY	256
#define REGISTER_MAX	1024

/* A message that holds its base header so far, with room for @size bytes. */
static struct sk_buff *build(unsigned int size, u8 type, u8 satype, u32 seq,
			     u32 pid, gfp_t gfp)
{
	struct sk_buff *skb = pfkey_skb_alloc(size, gfp);
	struct sadb_msg *hdr;

	if (!skb)
		return NULL;
	hdr = skb_put_zero(skb, sizeof(*hdr));
	hdr->sadb_msg_version = PF_KEY_V2;
	hdr->sadb_msg_type = type;
	hdr->sadb_msg_satype = satype;
	hdr->sadb_msg_len = sizeof(*hdr) / PFKEY_WORD;
	hdr->sadb_msg_seq = seq;
	hdr->sadb_msg_pid = pid;
	return skb;
}

/**
 * pfkey_put() - append an extension
 * @skb: the message
 * @exttype: SADB_EXT_*
 * @bytes: its length, header included; rounded up to words
 *
 * Return: the extension, zeroed but for its header.
 */
void *pfkey_put(struct sk_buff *skb, u16 exttype, unsigned int bytes)
{
	unsigned int size = round_up(bytes, PFKEY_WORD);
	struct sadb_ext *ext = skb_put_zero(skb, size);
	struct sadb_msg *hdr = (struct sadb_msg *)skb->data;

	ext->sadb_ext_len = size / PFKEY_WORD;
	ext->sadb_ext_type = exttype;
	hdr->sadb_msg_len = skb->len / PFKEY_WORD;
	return ext;
}

/**
 * pfkey_more() - lengthen the last extension
 * @skb: the message
 * @ext: its last extension
 * @bytes: a multiple of PFKEY_WORD
 *
 * Return: the new part, zeroed.
 */
void *pfkey_more(struct sk_buff *skb, void *ext, unsigned int bytes)
{
	struct sadb_msg *hdr = (struct sadb_msg *)skb->data;
	void *more = skb_put_zero(skb, bytes);

	((struct sadb_ext *)ext)->sadb_ext_len += bytes / PFKEY_WORD;
	hdr->sadb_msg_len = skb->len / PFKEY_WORD;
	return more;
}

/**
 * pfkey_put_copy() - append an extension of the request
 * @skb: the message
 * @from: the extension, its length within its message
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int pfkey_put_copy(struct sk_buff *skb, const void *from)
{
	const struct sadb_ext *ext = from;
	unsigned int len = ext->sadb_ext_len * PFKEY_WORD;

	if (skb_tailroom(skb) < len &&
	    pskb_expand_head(skb, 0, len,
			     pfkey_reply_gfp(skb_end_offset(skb) + len)))
		return -ENOMEM;
	memcpy(pfkey_put(skb, ext->sadb_ext_type, len), from, len);
	return 0;
}

static void put_address(struct sk_buff *skb, u16 exttype, sa_family_t family,
			const union ipsec_addr *addr, __be16 port,
			u8 prefixlen, u8 proto)
{
	struct sadb_address *ext;

	ext = pfkey_put(skb, exttype,
			sizeof(*ext) + pfkey_sockaddr_len(family));
	ext->sadb_address_proto = proto;
	ext->sadb_address_prefixlen = prefixlen;
	pfkey_put_sockaddr(ext + 1, family, addr, port);
}

static void put_ends(struct sk_buff *skb, const struct ipsec_ends_key *ends)
{
	u8 bits = ipsec_addr_bits(ends->family);

	put_address(skb, SADB_EXT_ADDRESS_SRC, ends->family, &ends->saddr, 0,
		    bits, IPSEC_PROTO_ANY);
	put_address(skb, SADB_EXT_ADDRESS_DST, ends->family, &ends->daddr, 0,
		    bits, IPSEC_PROTO_ANY);
}

static void put_limits(struct sk_buff *skb, u16 exttype,
		       const struct ipsec_limits *limits)
{
	struct sadb_lifetime *ext = pfkey_put(skb, exttype, sizeof(*ext));

	ext->sadb_lifetime_allocations = limits->allocations;
	ext->sadb_lifetime_bytes = limits->bytes;
	ext->sadb_lifetime_addtime = limits->addtime;
	ext->sadb_lifetime_usetime = limits->usetime;
}

static void put_current(struct sk_buff *skb, const struct ipsec_lifetime *life)
{
	struct ipsec_limits now = {
		.allocations	= life->packets,
		.bytes		= life->bytes,
		.addtime	= life->add_time,
		.usetime	= life->use_time,
	};

	put_limits(skb, SADB_EXT_LIFETIME_CURRENT, &now);
}

static void put_key(struct sk_buff *skb, u16 exttype,
		    const struct ipsec_key *key)
{
	struct sadb_key *ext;

	ext = pfkey_put(skb, exttype, sizeof(*ext) + ipsec_key_bytes(key));
	ext->sadb_key_bits = key->bits;
	if (key->bits)
		memcpy(ext + 1, key->data, ipsec_key_bytes(key));
}

static void put_sa(struct sk_buff *skb, const struct ipsec_sa *sa)
{
	struct sadb_sa *ext = pfkey_put(skb, SADB_EXT_SA, sizeof(*ext));

	ext->sadb_sa_spi = sa->key.spi;
	ext->sadb_sa_replay = min(DIV_ROUND_UP(sa->window, PFKEY_REPLAY_UNIT),
				  U8_MAX);
	ext->sadb_sa_state = READ_ONCE(sa->state);
	ext->sadb_sa_auth = sa->aalg;
	ext->sadb_sa_encrypt = sa->ealg;
	ext->sadb_sa_flags = sa->flags;
}

/*
 * The last sequence number. An SA sends or receives, never both; without a
 * window it only counts.
 */
static u64 sequence_of(const struct ipsec_sa *sa)
{
	u64 sent = atomic64_read(&sa->out_seq);

	return max(sent, READ_ONCE(sa->replay.top)) ?: sa->life.packets;
}

static void put_sa2(struct sk_buff *skb, const struct ipsec_sa *sa)
{
	struct sadb_x_sa2 *ext = pfkey_put(skb, SADB_X_EXT_SA2, sizeof(*ext));

	ext->sadb_x_sa2_mode = sa->mode;
	ext->sadb_x_sa2_reqid = sa->reqid;
	ext->sadb_x_sa2_sequence = sequence_of(sa);
}

static void put_replay(struct sk_buff *skb, const struct ipsec_sa *sa)
{
	struct sadb_x_sa_replay *ext;
	u64 sequence = sequence_of(sa);

	ext = pfkey_put(skb, SADB_X_EXT_SA_REPLAY, sizeof(*ext));
	ext->sadb_x_sa_replay_window = sa->window;
	ext->sadb_x_sa_replay_sequence = sa->flags & SADB_X_SAFLAGS_ESN ?
					 sequence : (u32)sequence;
}

static void put_natt_port(struct sk_buff *skb, u16 exttype, __be16 port)
{
	struct sadb_x_nat_t_port *ext = pfkey_put(skb, exttype, sizeof(*ext));

	ext->sadb_x_nat_t_port_port = port;
}

static void put_natt(struct sk_buff *skb, const struct ipsec_sa *sa)
{
	const struct ipsec_natt *natt = &sa->natt;
	struct sadb_x_nat_t_type *type;

	type = pfkey_put(skb, SADB_X_EXT_NAT_T_TYPE, sizeof(*type));
	type->sadb_x_nat_t_type_type = natt->type;
	put_natt_port(skb, SADB_X_EXT_NAT_T_SPORT, natt->sport);
	put_natt_port(skb, SADB_X_EXT_NAT_T_DPORT, natt->dport);
	if (!ipsec_addr_any(&natt->oa))
		put_address(skb, SADB_X_EXT_NAT_T_OA, sa->ends.family,
			    &natt->oa, 0, ipsec_addr_bits(sa->ends.family),
			    IPSEC_PROTO_ANY);
}

static struct sk_buff *build_for_sa(unsigned int size, u8 type,
				    const struct ipsec_sa *sa, u32 seq,
				    u32 pid, gfp_t gfp)
{
	u8 satype = pfkey_proto_to_satype(sa->key.proto);
	struct sk_buff *skb = build(size, type, satype, seq, pid, gfp);

	if (skb)
		put_sa(skb, sa);
	return skb;
}

static unsigned int keys_size(const struct ipsec_sa *sa)
{
	return 2 * sizeof(struct sadb_key) +
	       round_up(ipsec_key_bytes(&sa->akey), PFKEY_WORD) +
	       round_up(ipsec_key_bytes(&sa->ekey), PFKEY_WORD);
}

/**
 * pfkey_build_sa() - all about an SA: ADD, UPDATE, GET, DUMP
 * @type: SADB_*
 * @sa: the SA
 * @seq: sadb_msg_seq
 * @pid: sadb_msg_pid
 * @keys: with its keys; only for a message to the one who asked
 *
 * Last comes our own extension, which delivery takes out for most.
 *
 * Context: process. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_sa(u8 type, const struct ipsec_sa *sa, u32 seq,
			       u32 pid, bool keys)
{
	unsigned int size = WHOLE_SA + (keys ? keys_size(sa) : 0);
	struct sk_buff *skb = build_for_sa(size, type, sa, seq, pid,
					   PFKEY_REPLY_GFP);
	struct sadb_msg *hdr;

	if (!skb)
		return NULL;
	put_sa2(skb, sa);
	put_limits(skb, SADB_EXT_LIFETIME_HARD, &sa->life.hard);
	put_limits(skb, SADB_EXT_LIFETIME_SOFT, &sa->life.soft);
	put_current(skb, &sa->life);
	put_ends(skb, &sa->ends);
	if (keys && sa->akey.bits)
		put_key(skb, SADB_EXT_KEY_AUTH, &sa->akey);
	if (keys && sa->ealg && sa->key.proto == IPPROTO_ESP)
		put_key(skb, SADB_EXT_KEY_ENCRYPT, &sa->ekey);
	if (sa->natt.type)
		put_natt(skb, sa);
	put_replay(skb, sa);
	hdr = (struct sadb_msg *)skb->data;
	/* KAME shows the references here; ours is not one of them. */
	hdr->sadb_msg_reserved = refcount_read(&sa->refs) - 1;
	return skb;
}

/**
 * pfkey_build_spi() - an SA's identity only: GETSPI, DELETE
 * @type: SADB_*
 * @sa: the SA
 * @seq: sadb_msg_seq
 * @pid: sadb_msg_pid
 * @gfp: how to allocate
 *
 * Return: the message or NULL.
 */
struct sk_buff *pfkey_build_spi(u8 type, const struct ipsec_sa *sa, u32 seq,
				u32 pid, gfp_t gfp)
{
	struct sk_buff *skb = build_for_sa(USUAL, type, sa, seq, pid,
					   gfp);

	if (skb) {
		put_sa2(skb, sa);
		put_ends(skb, &sa->ends);
	}
	return skb;
}

/**
 * pfkey_build_ends() - reply to a DELETE of all SAs between two ends
 * @req: the request
 * @ends: the ends
 *
 * Context: process. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_ends(const struct pfkey_request *req,
				 const struct ipsec_ends_key *ends)
{
	struct sk_buff *skb = pfkey_build_echo(req->hdr);

	if (skb)
		put_ends(skb, ends);
	return skb;
}

/**
 * pfkey_build_expire() - a lifetime ended
 * @sa: the SA
 * @hard: the hard one, else the soft one
 *
 * Context: any. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_expire(const struct ipsec_sa *sa, bool hard)
{
	struct sk_buff *skb = build_for_sa(USUAL, SADB_EXPIRE, sa, sa->seq,
					   0, GFP_ATOMIC);

	if (!skb)
		return NULL;
	put_sa2(skb, sa);
	put_current(skb, &sa->life);
	if (hard)
		put_limits(skb, SADB_EXT_LIFETIME_HARD, &sa->life.hard);
	else
		put_limits(skb, SADB_EXT_LIFETIME_SOFT, &sa->life.soft);
	put_ends(skb, &sa->ends);
	return skb;
}

/**
 * pfkey_build_mapping() - the address or port of a peer changed
 * @sa: the SA that it sends with; its ends are where the peer was
 * @now: where it is now
 *
 * X_NAT_T_NEW_MAPPING as Linux sends it: the old place as the source, the new
 * one as the destination. SA2 is more than that; charon does not read the message
 * without it.
 *
 * Context: any. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_mapping(const struct ipsec_sa *sa,
				    const struct ipsec_endpoint *now)
{
	struct sk_buff *skb = build_for_sa(USUAL, SADB_X_NAT_T_NEW_MAPPING,
					   sa, 0, 0, GFP_ATOMIC);
	struct ipsec_ends_key ends = sa->ends;

	if (!skb)
		return NULL;
	ends.daddr = now->addr;
	put_sa2(skb, sa);
	put_ends(skb, &ends);
	put_natt_port(skb, SADB_X_EXT_NAT_T_SPORT, sa->natt.sport);
	put_natt_port(skb, SADB_X_EXT_NAT_T_DPORT, now->port);
	return skb;
}

static unsigned int request_len(const struct ipsec_request *req)
{
	return sizeof(struct sadb_x_ipsecrequest) +
	       2 * pfkey_sockaddr_len(req->family);
}

/* A policy without its requests, and @len bytes for them. */
static void *put_policy_head(struct sk_buff *skb, const struct ipsec_sp *sp,
			     unsigned int len)
{
	struct sadb_x_policy *ext;

	ext = pfkey_put(skb, SADB_X_EXT_POLICY, sizeof(*ext) + len);
	ext->sadb_x_policy_type = sp->type;
	ext->sadb_x_policy_dir = sp->dir;
	ext->sadb_x_policy_id = sp->id;
	ext->sadb_x_policy_priority = sp->priority;
	return ext + 1;
}

static unsigned int requests_len(const struct ipsec_sp *sp)
{
	unsigned int i, len = 0;

	for (i = 0; i < sp->n_requests; i++)
		len += request_len(&sp->requests[i]);
	return len;
}

static void put_policy(struct sk_buff *skb, const struct ipsec_sp *sp)
{
	unsigned int i;
	u8 *p;

	p = put_policy_head(skb, sp, requests_len(sp));
	for (i = 0; i < sp->n_requests; i++) {
		const struct ipsec_request *req = &sp->requests[i];
		struct sadb_x_ipsecrequest *wire = (void *)p;
		unsigned int addr = pfkey_sockaddr_len(req->family);

		wire->sadb_x_ipsecrequest_len = request_len(req);
		wire->sadb_x_ipsecrequest_proto = req->proto;
		wire->sadb_x_ipsecrequest_mode = req->mode;
		wire->sadb_x_ipsecrequest_level = req->level;
		wire->sadb_x_ipsecrequest_reqid = req->reqid;
		p += sizeof(*wire);
		if (!addr)
			continue;
		pfkey_put_sockaddr(p, req->family, &req->saddr, 0);
		pfkey_put_sockaddr(p + addr, req->family, &req->daddr, 0);
		p += 2 * addr;
	}
}

/**
 * pfkey_build_sp() - all about a policy: SPDADD, SPDGET, SPDDUMP and the like
 * @type: SADB_X_SPD*
 * @satype: as in the request
 * @sp: the policy
 * @seq: sadb_msg_seq
 * @pid: sadb_msg_pid
 * @gfp: how to allocate
 *
 * Return: the message or NULL.
 */
struct sk_buff *pfkey_build_sp(u8 type, u8 satype, const struct ipsec_sp *sp,
			       u32 seq, u32 pid, gfp_t gfp)
{
	const struct ipsec_selector *sel = &sp->sel;
	struct ipsec_limits now = {
		.addtime = sp->add_time,
		.usetime = ipsec_sp_use_time(sp),
	};
	struct ipsec_limits hard = {
		.addtime = sp->lifetime,
		.usetime = sp->validtime,
	};
	struct sk_buff *skb = build(WHOLE_POLICY + requests_len(sp), type,
				    satype, seq, pid, gfp);
	struct sadb_msg *hdr;

	if (!skb)
		return NULL;
	put_address(skb, SADB_EXT_ADDRESS_SRC, sel->family, &sel->src,
		    sel->sport, sel->src_len, sel->proto);
	put_address(skb, SADB_EXT_ADDRESS_DST, sel->family, &sel->dst,
		    sel->dport, sel->dst_len, sel->proto);
	put_policy(skb, sp);
	put_limits(skb, SADB_EXT_LIFETIME_CURRENT, &now);
	put_limits(skb, SADB_EXT_LIFETIME_HARD, &hard);
	hdr = (struct sadb_msg *)skb->data;
	hdr->sadb_msg_reserved = refcount_read(&sp->refs) - 1;
	return skb;
}

/**
 * pfkey_build_acquire() - an SA is missing
 * @ask: which
 *
 * Context: any. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_acquire(const struct ipsec_km_ask *ask)
{
	u8 satype = pfkey_proto_to_satype(ask->ends->proto);
	struct sk_buff *skb, *fit;

	skb = build(PFKEY_ACQUIRE_MAX, SADB_ACQUIRE, satype, ask->seq, 0,
		    GFP_ATOMIC);
	if (!skb)
		return NULL;
	put_ends(skb, ask->ends);
	if (ask->sp)
		put_policy_head(skb, ask->sp, 0);
	pfkey_put_proposal(skb, ask);
	/* Most are much shorter, and readers have room for so many bytes only. */
	fit = pfkey_build_copy((struct sadb_msg *)skb->data, GFP_ATOMIC);
	kfree_skb(skb);
	return fit;
}

/**
 * pfkey_build_sp_acquire() - a policy has no requests yet
 * @sp: the policy
 *
 * Context: any. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_sp_acquire(const struct ipsec_sp *sp)
{
	struct sk_buff *skb = build(USUAL, SADB_X_SPDACQUIRE, 0, 0, 0,
				    GFP_ATOMIC);

	if (skb)
		put_policy_head(skb, sp, 0);
	return skb;
}

static void put_supported(struct sk_buff *skb, u16 exttype,
			  enum ipsec_alg_kind kind)
{
	const struct ipsec_alg_desc *have[IPSEC_ALG_MAX];
	struct sadb_supported *ext;
	struct sadb_alg *alg;
	unsigned int i, n = 0;

	for (i = 0; i < ipsec_alg_count; i++)
		if (ipsec_alg_table[i].kind == kind &&
		    !ipsec_alg_missing(&ipsec_alg_table[i]))
			have[n++] = &ipsec_alg_table[i];
	ext = pfkey_put(skb, exttype, sizeof(*ext) + n * sizeof(*alg));
	alg = (struct sadb_alg *)(ext + 1);
	for (i = 0; i < n; i++) {
		alg[i].sadb_alg_id = have[i]->id;
		alg[i].sadb_alg_ivlen = have[i]->iv;
		alg[i].sadb_alg_minbits = have[i]->key_min;
		alg[i].sadb_alg_maxbits = have[i]->key_max;
	}
}

/**
 * pfkey_build_register() - what algorithms there are
 * @hdr: the request's base header
 *
 * What this kernel has of the whole table, as ipsec_alg_ask_all() found, whatever the
 * SA type, as KAME does.
 *
 * Context: process. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_register(const struct sadb_msg *hdr)
{
	struct sk_buff *skb = build(REGISTER_MAX, hdr->sadb_msg_type,
				    hdr->sadb_msg_satype, hdr->sadb_msg_seq,
				    hdr->sadb_msg_pid, PFKEY_REPLY_GFP);

	if (skb) {
		put_supported(skb, SADB_EXT_SUPPORTED_AUTH, IPSEC_ALG_AUTH);
		put_supported(skb, SADB_EXT_SUPPORTED_ENCRYPT,
			      IPSEC_ALG_ENCRYPT);
	}
	return skb;
}

/**
 * pfkey_build_echo() - a reply that is a base header only
 * @hdr: the request's
 *
 * Context: process. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_echo(const struct sadb_msg *hdr)
{
	return build(USUAL, hdr->sadb_msg_type, hdr->sadb_msg_satype,
		     hdr->sadb_msg_seq, hdr->sadb_msg_pid, PFKEY_REPLY_GFP);
}

/**
 * pfkey_build_error() - a request failed (RFC 2367 section 2.2)
 * @hdr: the request's base header
 * @err: a positive errno
 *
 * Context: process. Return: the message or NULL.
 */
struct sk_buff *pfkey_build_error(const struct sadb_msg *hdr, int err)
{
	struct sk_buff *skb = pfkey_build_echo(hdr);

	if (skb)
		((struct sadb_msg *)skb->data)->sadb_msg_errno =
			pfkey_errno(err);
	return skb;
}

/**
 * pfkey_build_copy() - a message that somebody else made
 * @msg: the message; its length was checked
 * @gfp: how to allocate
 *
 * Return: the message or NULL.
 */
struct sk_buff *pfkey_build_copy(const struct sadb_msg *msg, gfp_t gfp)
{
	unsigned int len = msg->sadb_msg_len * PFKEY_WORD;
	struct sk_buff *skb = pfkey_skb_alloc(len, gfp);

	if (skb)
		skb_put_data(skb, msg, len);
	return skb;
}
