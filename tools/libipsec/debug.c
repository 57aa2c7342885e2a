// SPDX-License-Identifier: BSD-2-Clause
/*
 * Messages decoded field by field, as setkey -v and -x show them. Each
 * printer gets an extension of a length that has been checked to be in the
 * message and no shorter than the fixed part that it prints.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "local.h"

/**
 * ipsec_hexdump() - print bytes, four a group, eight groups a line
 * @buf: the bytes
 * @len: how many
 */
void ipsec_hexdump(const void *buf, int len)
{
	const unsigned char *p = buf;
	int i;

	for (i = 0; i < len; i++)
		printf("%s%s%02x", i && i % 32 == 0 ? "\n" : "",
		       i % 4 == 0 ? " " : "", p[i]);
}

/* One address at @p of at most @len bytes: its length, or 0. */
static size_t debug_sockaddr(const char *p, size_t len)
{
	struct sockaddr_in6 sin6;
	size_t salen = 0;
	unsigned int family;

	if (len >= sizeof(sa_family_t))
		salen = ipsec_sockaddr_len(ipsec_sockaddr_family(p));
	if (!salen || salen > len) {
		printf("sockaddr{ invalid }\n");
		return 0;
	}
	family = ipsec_sockaddr_family(p);
	printf("sockaddr{ len=%zu family=%u port=%u\n", salen, family,
	       ipsec_sockaddr_port(p));
	if (family == AF_INET6) {
		memcpy(&sin6, p, sizeof(sin6));
		printf("  flowinfo=0x%08x, scope_id=0x%08x\n",
		       ntohl(sin6.sin6_flowinfo), sin6.sin6_scope_id);
		ipsec_hexdump(&sin6.sin6_addr, sizeof(sin6.sin6_addr));
	} else {
		ipsec_hexdump(p + offsetof(struct sockaddr_in, sin_addr),
			      sizeof(struct in_addr));
	}
	printf("  }\n");
	return salen;
}

static void debug_sa(const char *p, size_t len)
{
	struct sadb_sa sa;

	(void)len;
	memcpy(&sa, p, sizeof(sa));
	printf("sadb_sa{ spi=%u replay=%u state=%u\n", ntohl(sa.sadb_sa_spi),
	       sa.sadb_sa_replay, sa.sadb_sa_state);
	printf("  auth=%u encrypt=%u flags=0x%08x }\n", sa.sadb_sa_auth,
	       sa.sadb_sa_encrypt, sa.sadb_sa_flags);
}

static void debug_lifetime(const char *p, size_t len)
{
	struct sadb_lifetime lt;

	(void)len;
	memcpy(&lt, p, sizeof(lt));
	printf("sadb_lifetime{ alloc=%u, bytes=%llu\n",
	       lt.sadb_lifetime_allocations,
	       (unsigned long long)lt.sadb_lifetime_bytes);
	printf("  addtime=%llu, usetime=%llu }\n",
	       (unsigned long long)lt.sadb_lifetime_addtime,
	       (unsigned long long)lt.sadb_lifetime_usetime);
}

static void debug_address(const char *p, size_t len)
{
	struct sadb_address a;

	memcpy(&a, p, sizeof(a));
	printf("sadb_address{ proto=%u prefixlen=%u reserved=0x%04x }\n",
	       a.sadb_address_proto, a.sadb_address_prefixlen,
	       a.sadb_address_reserved);
	debug_sockaddr(p + sizeof(a), len - sizeof(a));
}

static void debug_key(const char *p, size_t len)
{
	struct sadb_key key;
	size_t bytes;

	memcpy(&key, p, sizeof(key));
	bytes = (key.sadb_key_bits + 7U) / 8;
	if (bytes > len - sizeof(key))
		bytes = len - sizeof(key);
	printf("sadb_key{ bits=%u reserved=%u\n", key.sadb_key_bits,
	       key.sadb_key_reserved);
	printf("  key=");
	ipsec_hexdump(p + sizeof(key), bytes);
	printf(" }\n");
}

static void debug_ident(const char *p, size_t len)
{
	struct sadb_ident id;

	memcpy(&id, p, sizeof(id));
	printf("sadb_ident{ type=%u id=%llu\n", id.sadb_ident_type,
	       (unsigned long long)id.sadb_ident_id);
	ipsec_hexdump(p + sizeof(id), len - sizeof(id));
	printf(" }\n");
}

static void debug_comb(const struct sadb_comb *c)
{
	printf("sadb_comb{ auth=%u encrypt=%u flags=0x%04x reserved=0x%08x\n",
	       c->sadb_comb_auth, c->sadb_comb_encrypt, c->sadb_comb_flags,
	       c->sadb_comb_reserved);
	printf("  auth_minbits=%u auth_maxbits=%u encrypt_minbits=%u encrypt_maxbits=%u\n",
	       c->sadb_comb_auth_minbits, c->sadb_comb_auth_maxbits,
	       c->sadb_comb_encrypt_minbits, c->sadb_comb_encrypt_maxbits);
	printf("  soft_alloc=%u hard_alloc=%u soft_bytes=%llu hard_bytes=%llu\n",
	       c->sadb_comb_soft_allocations, c->sadb_comb_hard_allocations,
	       (unsigned long long)c->sadb_comb_soft_bytes,
	       (unsigned long long)c->sadb_comb_hard_bytes);
	printf("  soft_addtime=%llu hard_addtime=%llu soft_usetime=%llu hard_usetime=%llu }\n",
	       (unsigned long long)c->sadb_comb_soft_addtime,
	       (unsigned long long)c->sadb_comb_hard_addtime,
	       (unsigned long long)c->sadb_comb_soft_usetime,
	       (unsigned long long)c->sadb_comb_hard_usetime);
}

static void debug_prop(const char *p, size_t len)
{
	struct sadb_prop prop;
	struct sadb_comb comb;
	size_t off;

	memcpy(&prop, p, sizeof(prop));
	printf("sadb_prop{ replay=%u\n", prop.sadb_prop_replay);
	for (off = sizeof(prop); off + sizeof(comb) <= len;
	     off += sizeof(comb)) {
		memcpy(&comb, p + off, sizeof(comb));
		debug_comb(&comb);
	}
	printf("}\n");
}

static void debug_supported(const char *p, size_t len)
{
	struct sadb_alg alg;
	size_t off;

	printf("sadb_sup{\n");
	for (off = sizeof(struct sadb_supported); off + sizeof(alg) <= len;
	     off += sizeof(alg)) {
		memcpy(&alg, p + off, sizeof(alg));
		printf("  { id=%u ivlen=%u min=%u max=%u }\n",
		       alg.sadb_alg_id, alg.sadb_alg_ivlen,
		       alg.sadb_alg_minbits, alg.sadb_alg_maxbits);
	}
	printf("}\n");
}

static void debug_spirange(const char *p, size_t len)
{
	struct sadb_spirange r;

	(void)len;
	memcpy(&r, p, sizeof(r));
	printf("sadb_spirange{ min=0x%08x max=0x%08x }\n",
	       r.sadb_spirange_min, r.sadb_spirange_max);
}

static void debug_sa2(const char *p, size_t len)
{
	struct sadb_x_sa2 sa2;

	(void)len;
	memcpy(&sa2, p, sizeof(sa2));
	printf("sadb_x_sa2{ mode=%u reqid=%u\n", sa2.sadb_x_sa2_mode,
	       sa2.sadb_x_sa2_reqid);
	printf("  reserved1=%u reserved2=%u sequence=%u }\n",
	       sa2.sadb_x_sa2_reserved1, sa2.sadb_x_sa2_reserved2,
	       sa2.sadb_x_sa2_sequence);
}

/* One request at @p with @rest bytes: its length, or 0 to stop. */
static size_t debug_request(const char *p, size_t rest)
{
	struct sadb_x_ipsecrequest x;
	size_t off, n;

	if (rest < sizeof(x))
		return 0;
	memcpy(&x, p, sizeof(x));
	if (x.sadb_x_ipsecrequest_len < sizeof(x) ||
	    x.sadb_x_ipsecrequest_len > rest)
		return 0;
	printf(" { len=%u proto=%u mode=%u level=%u reqid=%u\n",
	       x.sadb_x_ipsecrequest_len, x.sadb_x_ipsecrequest_proto,
	       x.sadb_x_ipsecrequest_mode, x.sadb_x_ipsecrequest_level,
	       x.sadb_x_ipsecrequest_reqid);
	for (off = sizeof(x); off < x.sadb_x_ipsecrequest_len; off += n) {
		n = debug_sockaddr(p + off, x.sadb_x_ipsecrequest_len - off);
		if (!n)
			break;
	}
	printf(" }\n");
	return x.sadb_x_ipsecrequest_len;
}

static void debug_policy(const char *p, size_t len)
{
	struct sadb_x_policy xpl;
	size_t off, n;

	memcpy(&xpl, p, sizeof(xpl));
	printf("sadb_x_policy{ type=%u dir=%u id=%x priority=%u }\n",
	       xpl.sadb_x_policy_type, xpl.sadb_x_policy_dir,
	       xpl.sadb_x_policy_id, xpl.sadb_x_policy_priority);
	for (off = sizeof(xpl); off < len; off += n) {
		n = debug_request(p + off, len - off);
		if (!n) {
			printf(" { invalid request }\n");
			return;
		}
	}
}

static void debug_natt_type(const char *p, size_t len)
{
	struct sadb_x_nat_t_type t;

	(void)len;
	memcpy(&t, p, sizeof(t));
	printf("sadb_x_nat_t_type{ type=%u }\n", t.sadb_x_nat_t_type_type);
}

static void debug_natt_port(const char *p, size_t len)
{
	struct sadb_x_nat_t_port port;

	(void)len;
	memcpy(&port, p, sizeof(port));
	printf("sadb_x_nat_t_port{ port=%u }\n",
	       ntohs(port.sadb_x_nat_t_port_port));
}

static void debug_ctx(const char *p, size_t len)
{
	struct sadb_x_sec_ctx c;
	size_t n;

	memcpy(&c, p, sizeof(c));
	n = c.sadb_x_ctx_len;
	if (n > len - sizeof(c))
		n = len - sizeof(c);
	printf("sadb_x_sec_ctx{ doi=%u alg=%u len=%u\n  ctx=",
	       c.sadb_x_ctx_doi, c.sadb_x_ctx_alg, c.sadb_x_ctx_len);
	ipsec_print_text(stdout, p + sizeof(c), strnlen(p + sizeof(c), n));
	printf(" }\n");
}

static void debug_replay(const char *p, size_t len)
{
	struct sadb_x_sa_replay r;

	(void)len;
	memcpy(&r, p, sizeof(r));
	printf("sadb_x_sa_replay{ window=%u sequence=%llu }\n",
	       r.sadb_x_sa_replay_window,
	       (unsigned long long)r.sadb_x_sa_replay_sequence);
}

static void debug_head_only(const char *p, size_t len)
{
	(void)p;
	(void)len;
}

struct printer {
	size_t min;
	void (*print)(const char *p, size_t len);
};

static const struct printer printers[] = {
	[SADB_EXT_SA] = { sizeof(struct sadb_sa), debug_sa },
	[SADB_EXT_LIFETIME_CURRENT] = {
		sizeof(struct sadb_lifetime), debug_lifetime },
	[SADB_EXT_LIFETIME_HARD] = {
		sizeof(struct sadb_lifetime), debug_lifetime },
	[SADB_EXT_LIFETIME_SOFT] = {
		sizeof(struct sadb_lifetime), debug_lifetime },
	[SADB_EXT_ADDRESS_SRC] = {
		sizeof(struct sadb_address), debug_address },
	[SADB_EXT_ADDRESS_DST] = {
		sizeof(struct sadb_address), debug_address },
	[SADB_EXT_ADDRESS_PROXY] = {
		sizeof(struct sadb_address), debug_address },
	[SADB_EXT_KEY_AUTH] = { sizeof(struct sadb_key), debug_key },
	[SADB_EXT_KEY_ENCRYPT] = { sizeof(struct sadb_key), debug_key },
	[SADB_EXT_IDENTITY_SRC] = { sizeof(struct sadb_ident), debug_ident },
	[SADB_EXT_IDENTITY_DST] = { sizeof(struct sadb_ident), debug_ident },
	[SADB_EXT_SENSITIVITY] = {
		sizeof(struct sadb_sens), debug_head_only },
	[SADB_EXT_PROPOSAL] = { sizeof(struct sadb_prop), debug_prop },
	[SADB_EXT_SUPPORTED_AUTH] = {
		sizeof(struct sadb_supported), debug_supported },
	[SADB_EXT_SUPPORTED_ENCRYPT] = {
		sizeof(struct sadb_supported), debug_supported },
	[SADB_EXT_SPIRANGE] = {
		sizeof(struct sadb_spirange), debug_spirange },
	[SADB_X_EXT_KMPRIVATE] = {
		sizeof(struct sadb_x_kmprivate), debug_head_only },
	[SADB_X_EXT_POLICY] = { sizeof(struct sadb_x_policy), debug_policy },
	[SADB_X_EXT_SA2] = { sizeof(struct sadb_x_sa2), debug_sa2 },
	[SADB_X_EXT_NAT_T_TYPE] = {
		sizeof(struct sadb_x_nat_t_type), debug_natt_type },
	[SADB_X_EXT_NAT_T_SPORT] = {
		sizeof(struct sadb_x_nat_t_port), debug_natt_port },
	[SADB_X_EXT_NAT_T_DPORT] = {
		sizeof(struct sadb_x_nat_t_port), debug_natt_port },
	[SADB_X_EXT_NAT_T_OA] = {
		sizeof(struct sadb_address), debug_address },
	[SADB_X_EXT_SEC_CTX] = { sizeof(struct sadb_x_sec_ctx), debug_ctx },
	[SADB_X_EXT_KMADDRESS] = {
		sizeof(struct sadb_x_kmaddress), debug_head_only },
	[SADB_X_EXT_FILTER] = {
		sizeof(struct sadb_x_filter), debug_head_only },
	[SADB_X_EXT_SA_REPLAY] = {
		sizeof(struct sadb_x_sa_replay), debug_replay },
};

/**
 * kdebug_sadb() - print every field of a message
 * @msg: the message; sadb_msg_len * 8 bytes are readable
 *
 * Bad lengths end the output with a line that says so.
 */
void kdebug_sadb(struct sadb_msg *msg)
{
	const char *p = (const char *)(msg + 1);
	struct sadb_ext ext;
	size_t left, len;

	printf("sadb_msg{ version=%u type=%u errno=%u satype=%u\n",
	       msg->sadb_msg_version, msg->sadb_msg_type,
	       msg->sadb_msg_errno, msg->sadb_msg_satype);
	printf("  len=%u reserved=%u seq=%u pid=%u\n", msg->sadb_msg_len,
	       msg->sadb_msg_reserved, msg->sadb_msg_seq, msg->sadb_msg_pid);

	left = PFKEY_UNUNIT64(msg->sadb_msg_len);
	left -= left < sizeof(*msg) ? left : sizeof(*msg);
	for (; left; p += len, left -= len) {
		memcpy(&ext, p, sizeof(ext));
		len = PFKEY_UNUNIT64(ext.sadb_ext_len);
		printf("sadb_ext{ len=%u type=%u }\n", ext.sadb_ext_len,
		       ext.sadb_ext_type);
		if (ext.sadb_ext_type >= ARRAY_SIZE(printers) ||
		    !printers[ext.sadb_ext_type].print) {
			printf("%s: invalid ext_type %u was passed.\n", __func__,
			       ext.sadb_ext_type);
			return;
		}
		if (len > left || len < printers[ext.sadb_ext_type].min) {
			printf("%s: invalid ext_len %u was passed.\n", __func__,
			       ext.sadb_ext_len);
			return;
		}
		printers[ext.sadb_ext_type].print(p, len);
	}
}
