// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages, built without a socket. The order of the extensions is the one
 * that setkey has always sent; no kernel may depend on it.
 */
#include <stdlib.h>
#include <string.h>

#include "local.h"

/* Room for most messages, and for the largest: all extensions, two 64 Kbit keys. */
#define MSG_USUAL	512
#define MSG_MAX		65536

struct builder {
	char *data;
	size_t len;
	size_t cap;
	int failed;
};

/* Room for @len more bytes. Not realloc(): it would leave keys behind. */
static int enlarge(struct builder *b, size_t len)
{
	size_t cap = b->cap ? b->cap : MSG_USUAL;
	char *bigger;

	while (cap < b->len + len)
		cap *= 2;
	bigger = cap > MSG_MAX ? NULL : calloc(1, cap);
	if (!bigger)
		return -1;
	if (b->data) {
		memcpy(bigger, b->data, b->len);
		explicit_bzero(b->data, b->len);
		free(b->data);
	}
	b->data = bigger;
	b->cap = cap;
	return 0;
}

/*
 * @len zeroed bytes at the end of the message, rounded up to 8; or NULL. Where the
 * message lies may change.
 */
static void *grow(struct builder *b, size_t len)
{
	void *p;

	len = PFKEY_ALIGN8(len);
	if (b->failed || (len > b->cap - b->len && enlarge(b, len))) {
		b->failed = 1;
		return NULL;
	}
	p = b->data + b->len;
	b->len += len;
	return p;
}

static void *add_ext(struct builder *b, unsigned int type, size_t len)
{
	struct sadb_ext *ext = grow(b, len);

	if (ext) {
		ext->sadb_ext_len = PFKEY_UNIT64(PFKEY_ALIGN8(len));
		ext->sadb_ext_type = type;
	}
	return ext;
}

static void begin(struct builder *b, unsigned int type, unsigned int satype,
		  uint32_t seq, uint32_t pid)
{
	struct sadb_msg *msg;

	memset(b, 0, sizeof(*b));
	msg = grow(b, sizeof(*msg));
	if (!msg)
		return;
	msg->sadb_msg_version = PF_KEY_V2;
	msg->sadb_msg_type = type;
	msg->sadb_msg_satype = satype;
	msg->sadb_msg_seq = seq;
	msg->sadb_msg_pid = pid;
}

static struct sadb_msg *finish(struct builder *b)
{
	struct sadb_msg *msg = (struct sadb_msg *)b->data;

	if (b->failed) {
		if (b->data)
			explicit_bzero(b->data, b->len);
		free(b->data);
		ipsec_fail(EIPSEC_NO_BUFS);
		return NULL;
	}
	msg->sadb_msg_len = PFKEY_UNIT64(b->len);
	ipsec_clear_error();
	return msg;
}

static void add_key(struct builder *b, unsigned int type, const uint8_t *key,
		    size_t len)
{
	struct sadb_key *k;

	/* sadb_key_bits has 16 bits */
	if (len > 0xffff / 8) {
		b->failed = 1;
		return;
	}
	k = add_ext(b, type, sizeof(*k) + len);
	if (!k)
		return;
	k->sadb_key_bits = len * 8;
	if (len)
		memcpy(k + 1, key, len);
}

static void add_lifetime(struct builder *b, unsigned int type,
			 const struct sadb_lifetime *lt)
{
	struct sadb_lifetime *l;

	if (!lt->sadb_lifetime_allocations && !lt->sadb_lifetime_bytes &&
	    !lt->sadb_lifetime_addtime && !lt->sadb_lifetime_usetime)
		return;
	l = add_ext(b, type, sizeof(*l));
	if (!l)
		return;
	l->sadb_lifetime_allocations = lt->sadb_lifetime_allocations;
	l->sadb_lifetime_bytes = lt->sadb_lifetime_bytes;
	l->sadb_lifetime_addtime = lt->sadb_lifetime_addtime;
	l->sadb_lifetime_usetime = lt->sadb_lifetime_usetime;
}

static void add_address(struct builder *b, unsigned int type,
			const struct sockaddr *sa, unsigned int prefix,
			unsigned int proto)
{
	size_t len = ipsec_sockaddr_len(sa->sa_family);
	struct sadb_address *a;

	if (!len) {
		b->failed = 1;
		return;
	}
	a = add_ext(b, type, sizeof(*a) + len);
	if (!a)
		return;
	a->sadb_address_proto = proto;
	a->sadb_address_prefixlen = prefix;
	memcpy(a + 1, sa, len);
}

static void add_ctx(struct builder *b, const char *ctx, size_t len,
		    unsigned int doi, unsigned int alg)
{
	struct sadb_x_sec_ctx *c;

	if (!ctx)
		return;
	c = add_ext(b, SADB_X_EXT_SEC_CTX, sizeof(*c) + len);
	if (!c)
		return;
	c->sadb_x_ctx_alg = alg;
	c->sadb_x_ctx_doi = doi;
	c->sadb_x_ctx_len = len;
	memcpy(c + 1, ctx, len);
}

static void add_natt_port(struct builder *b, unsigned int type, uint16_t port)
{
	struct sadb_x_nat_t_port *p = add_ext(b, type, sizeof(*p));

	if (p)
		p->sadb_x_nat_t_port_port = port;
}

static void add_spirange(struct builder *b, uint32_t min, uint32_t max)
{
	struct sadb_spirange *r;

	r = add_ext(b, SADB_EXT_SPIRANGE, sizeof(*r));
	if (!r)
		return;
	r->sadb_spirange_min = min;
	r->sadb_spirange_max = max;
}

static void add_sa2(struct builder *b, unsigned int mode, uint32_t reqid)
{
	struct sadb_x_sa2 *sa2 = add_ext(b, SADB_X_EXT_SA2, sizeof(*sa2));

	if (!sa2)
		return;
	sa2->sadb_x_sa2_mode = mode;
	sa2->sadb_x_sa2_reqid = reqid;
}

/* What is too big for sadb_sa; an empty one asks the kernel for its own. */
static void add_replay(struct builder *b, uint32_t bytes, uint64_t sequence)
{
	struct sadb_x_sa_replay *r;

	if (bytes > SADB_X_SA_REPLAY_MAX / 8) {
		b->failed = 1;
		return;
	}
	r = add_ext(b, SADB_X_EXT_SA_REPLAY, sizeof(*r));
	if (!r)
		return;
	r->sadb_x_sa_replay_window = bytes * 8;
	r->sadb_x_sa_replay_sequence = sequence;
}

static void add_sa(struct builder *b, const struct pfkey_sa_args *a)
{
	struct sadb_sa *sa = add_ext(b, SADB_EXT_SA, sizeof(*sa));

	if (!sa)
		return;
	sa->sadb_sa_spi = a->spi;
	sa->sadb_sa_replay = a->replay > 255 ? 255 : a->replay;
	sa->sadb_sa_state = SADB_SASTATE_LARVAL;
	sa->sadb_sa_auth = a->auth;
	sa->sadb_sa_encrypt = a->encrypt;
	sa->sadb_sa_flags = a->flags;
}

static void add_addresses(struct builder *b, const struct pfkey_sa_args *a)
{
	struct sadb_x_nat_t_type *t;

	if (a->natt_type) {
		t = add_ext(b, SADB_X_EXT_NAT_T_TYPE, sizeof(*t));
		if (t)
			t->sadb_x_nat_t_type_type = a->natt_type;
	}
	if (a->natt_oa)
		add_address(b, SADB_X_EXT_NAT_T_OA, a->natt_oa,
			    ipsec_sockaddr_prefix(a->natt_oa->sa_family), 0);
	add_address(b, SADB_EXT_ADDRESS_SRC, a->src,
		    ipsec_sockaddr_prefix(a->src->sa_family),
		    IPSEC_ULPROTO_ANY);
	add_address(b, SADB_EXT_ADDRESS_DST, a->dst,
		    ipsec_sockaddr_prefix(a->dst->sa_family),
		    IPSEC_ULPROTO_ANY);
	if (a->natt_type) {
		add_natt_port(b, SADB_X_EXT_NAT_T_SPORT, a->natt_sport);
		add_natt_port(b, SADB_X_EXT_NAT_T_DPORT, a->natt_dport);
	}
}

/**
 * pfkey_build_sa() - build a message about an SA
 * @args: what it shall carry
 *
 * Return: the message, to be given to pfkey_msg_free(), or NULL.
 */
struct sadb_msg *pfkey_build_sa(const struct pfkey_sa_args *args)
{
	struct builder b;

	if (!args->src || !args->dst) {
		ipsec_fail(EIPSEC_INVAL_ARGUMENT);
		return NULL;
	}
	if (args->src->sa_family != args->dst->sa_family) {
		ipsec_fail(EIPSEC_FAMILY_MISMATCH);
		return NULL;
	}
	begin(&b, args->msg_type, args->satype, args->seq, args->pid);
	if (args->key_enc_len || args->with_enc_key)
		add_key(&b, SADB_EXT_KEY_ENCRYPT, args->key_enc,
			args->key_enc_len);
	if (args->key_auth_len)
		add_key(&b, SADB_EXT_KEY_AUTH, args->key_auth,
			args->key_auth_len);
	add_lifetime(&b, SADB_EXT_LIFETIME_HARD, &args->hard);
	add_lifetime(&b, SADB_EXT_LIFETIME_SOFT, &args->soft);
	add_ctx(&b, args->ctx, args->ctx_len, args->ctx_doi, args->ctx_alg);
	if (args->spi_max)
		add_spirange(&b, args->spi_min, args->spi_max);
	if (args->with_sa) {
		add_sa(&b, args);
		add_sa2(&b, args->mode, args->reqid);
	}
	add_addresses(&b, args);
	if (args->replay > 255 || args->sequence || args->want_replay)
		add_replay(&b, args->replay, args->sequence);
	return finish(&b);
}

/**
 * pfkey_build_sp() - build a message about a policy
 * @args: what it shall carry
 *
 * Return: the message, to be given to pfkey_msg_free(), or NULL.
 */
struct sadb_msg *pfkey_build_sp(const struct pfkey_sp_args *args)
{
	struct sadb_lifetime lt = { .sadb_lifetime_len = 0 };
	struct builder b;
	void *p;

	begin(&b, args->msg_type, SADB_SATYPE_UNSPEC, args->seq, args->pid);
	if (args->policy) {
		p = grow(&b, args->policy_len);
		if (p)
			memcpy(p, args->policy, args->policy_len);
	}
	lt.sadb_lifetime_addtime = args->lifetime;
	lt.sadb_lifetime_usetime = args->validtime;
	add_lifetime(&b, SADB_EXT_LIFETIME_HARD, &lt);
	if (args->src && args->dst) {
		add_address(&b, SADB_EXT_ADDRESS_SRC, args->src,
			    args->src_prefix, args->proto);
		add_address(&b, SADB_EXT_ADDRESS_DST, args->dst,
			    args->dst_prefix, args->proto);
	}
	add_ctx(&b, args->ctx, args->ctx_len, args->ctx_doi, args->ctx_alg);
	return finish(&b);
}

/**
 * pfkey_build_base() - build a message that is only a header
 * @type: SADB_*
 * @satype: SADB_SATYPE_*
 * @seq: sequence number
 * @pid: sender
 *
 * Return: the message, to be given to pfkey_msg_free(), or NULL.
 */
struct sadb_msg *pfkey_build_base(unsigned int type, unsigned int satype,
				  uint32_t seq, uint32_t pid)
{
	struct builder b;

	begin(&b, type, satype, seq, pid);
	return finish(&b);
}

/**
 * pfkey_build_dump() - build a DUMP that asks for SADB_X_EXT_SA_REPLAY
 * @satype: SADB_SATYPE_*
 * @pid: sender
 *
 * Kernels without that extension skip it.
 *
 * Return: the message, to be given to pfkey_msg_free(), or NULL.
 */
struct sadb_msg *pfkey_build_dump(unsigned int satype, uint32_t pid)
{
	struct builder b;

	begin(&b, SADB_DUMP, satype, 0, pid);
	add_replay(&b, 0, 0);
	return finish(&b);
}

/**
 * pfkey_msg_free() - forget a message, keys and all
 * @msg: from pfkey_build_*() or pfkey_recv(), or NULL
 */
void pfkey_msg_free(struct sadb_msg *msg)
{
	if (!msg)
		return;
	explicit_bzero(msg, PFKEY_UNUNIT64(msg->sadb_msg_len));
	free(msg);
}
