// SPDX-License-Identifier: BSD-2-Clause
/* Which algorithms the kernel has, and which key lengths they take. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"

/*
 * One word for each algorithm number, so that threads can read while another
 * one registers: KNOWN, IV length, least bits, most bits.
 */
#define KNOWN		0x8000000000000000ULL
#define PACK(iv, min, max)						\
	(KNOWN | (uint64_t)(iv) << 32 | (uint64_t)(min) << 16 | (max))

static atomic_uint_least64_t table[2][256];
static atomic_int have_table;

struct builtin {
	unsigned char id;
	unsigned char ivlen;
	unsigned short min;
	unsigned short max;
};

/* What a kernel with everything would advertise; for checks without one. */
static const struct builtin builtin_auth[] = {
	{ SADB_AALG_MD5HMAC, 0, 128, 128 },
	{ SADB_AALG_SHA1HMAC, 0, 160, 160 },
	{ SADB_X_AALG_SHA2_256HMAC, 0, 256, 256 },
	{ SADB_X_AALG_SHA2_384HMAC, 0, 384, 384 },
	{ SADB_X_AALG_SHA2_512HMAC, 0, 512, 512 },
	{ SADB_X_AALG_RIPEMD160HMAC, 0, 160, 160 },
	{ SADB_X_AALG_AES_XCBC_MAC, 0, 128, 128 },
	{ SADB_X_AALG_AES_CMAC, 0, 128, 128 },
	{ SADB_X_AALG_MD5, 0, 128, 128 },
	{ SADB_X_AALG_SHA, 0, 160, 160 },
	{ SADB_X_AALG_NULL, 0, 0, 0 },
	{ SADB_X_AALG_TCP_MD5, 0, 8, 640 },
};

static const struct builtin builtin_enc[] = {
	{ SADB_EALG_DESCBC, 8, 64, 64 },
	{ SADB_EALG_3DESCBC, 8, 192, 192 },
	{ SADB_X_EALG_CASTCBC, 8, 40, 128 },
	{ SADB_X_EALG_BLOWFISHCBC, 8, 40, 448 },
	{ SADB_EALG_NULL, 0, 0, 0 },
	{ SADB_X_EALG_AESCBC, 16, 128, 256 },
	{ SADB_X_EALG_AESCTR, 8, 160, 288 },
	{ SADB_X_EALG_AES_GCM_ICV8, 8, 160, 288 },
	{ SADB_X_EALG_AES_GCM_ICV12, 8, 160, 288 },
	{ SADB_X_EALG_AES_GCM_ICV16, 8, 160, 288 },
	{ SADB_X_EALG_AES_CCM_ICV8, 8, 152, 280 },
	{ SADB_X_EALG_AES_CCM_ICV12, 8, 152, 280 },
	{ SADB_X_EALG_AES_CCM_ICV16, 8, 152, 280 },
	{ SADB_X_EALG_NULL_AES_GMAC, 8, 160, 288 },
	{ SADB_X_EALG_CHACHA20POLY1305, 8, 288, 288 },
	{ SADB_X_EALG_CAMELLIACBC, 16, 128, 256 },
	{ SADB_X_EALG_TWOFISHCBC, 16, 128, 256 },
	{ SADB_X_EALG_SERPENTCBC, 16, 128, 256 },
};

static atomic_uint_least64_t *row(unsigned int supported)
{
	switch (supported) {
	case SADB_EXT_SUPPORTED_AUTH:
		return table[0];
	case SADB_EXT_SUPPORTED_ENCRYPT:
		return table[1];
	default:
		return NULL;
	}
}

static void load_builtin(unsigned int supported, const struct builtin *b,
			 size_t n)
{
	atomic_uint_least64_t *t = row(supported);

	for (; n; n--, b++)
		atomic_store(&t[b->id], PACK(b->ivlen, b->min, b->max));
}

/**
 * pfkey_set_supported_builtin() - check key lengths without asking a kernel
 */
void pfkey_set_supported_builtin(void)
{
	load_builtin(SADB_EXT_SUPPORTED_AUTH, builtin_auth,
		     ARRAY_SIZE(builtin_auth));
	load_builtin(SADB_EXT_SUPPORTED_ENCRYPT, builtin_enc,
		     ARRAY_SIZE(builtin_enc));
	atomic_store(&have_table, 1);
}

static void load_list(unsigned int supported, const char *ext)
{
	atomic_uint_least64_t *t = row(supported);
	struct sadb_supported head;
	struct sadb_alg alg;
	size_t len, off;
	int i;

	for (i = 0; i < 256; i++)
		atomic_store(&t[i], 0);
	memcpy(&head, ext, sizeof(head));
	len = PFKEY_UNUNIT64(head.sadb_supported_len);
	for (off = sizeof(head); off + sizeof(alg) <= len;
	     off += sizeof(alg)) {
		memcpy(&alg, ext + off, sizeof(alg));
		atomic_store(&t[alg.sadb_alg_id],
			     PACK(alg.sadb_alg_ivlen, alg.sadb_alg_minbits,
				  alg.sadb_alg_maxbits));
	}
}

/**
 * pfkey_set_supported() - keep the lists of a REGISTER reply
 * @msg: the reply
 * @len: bytes that were received
 *
 * Return: 0, or -1 with the error set.
 */
int pfkey_set_supported(struct sadb_msg *msg, int len)
{
	char *mhp[SADB_EXT_MAX + 1];

	if (len < (int)sizeof(*msg) ||
	    len != PFKEY_UNUNIT64(msg->sadb_msg_len))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	if (pfkey_align(msg, mhp))
		return -1;
	if (mhp[SADB_EXT_SUPPORTED_AUTH])
		load_list(SADB_EXT_SUPPORTED_AUTH,
			  mhp[SADB_EXT_SUPPORTED_AUTH]);
	if (mhp[SADB_EXT_SUPPORTED_ENCRYPT])
		load_list(SADB_EXT_SUPPORTED_ENCRYPT,
			  mhp[SADB_EXT_SUPPORTED_ENCRYPT]);
	atomic_store(&have_table, 1);
	ipsec_clear_error();
	return 0;
}

/**
 * pfkey_send_register() - ask for the lists and for ACQUIRE messages
 * @so: the socket
 * @satype: SADB_SATYPE_*; UNSPEC only asks for the lists
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_register(int so, unsigned int satype)
{
	struct sadb_msg *msg;
	int n;

	msg = pfkey_build_base(SADB_REGISTER, satype, 0, getpid());
	if (!msg)
		return -1;
	n = pfkey_send(so, msg, sizeof(*msg));
	pfkey_msg_free(msg);
	return n;
}

/**
 * pfkey_recv_register() - wait for our REGISTER reply and keep its lists
 * @so: the socket
 *
 * Return: 0, or -1 with the error set.
 */
int pfkey_recv_register(int so)
{
	const struct sadb_msg request = {
		.sadb_msg_version = PF_KEY_V2,
		.sadb_msg_type = SADB_REGISTER,
		.sadb_msg_pid = getpid(),
	};
	struct sadb_msg *msg = pfkey_recv_reply(so, &request);
	int ret;

	if (!msg)
		return -1;
	if (msg->sadb_msg_errno)
		ret = ipsec_fail_errno(msg->sadb_msg_errno);
	else
		ret = pfkey_set_supported(msg,
					  PFKEY_UNUNIT64(msg->sadb_msg_len));
	free(msg);
	return ret;
}

/**
 * ipsec_get_keylen() - what the lists say about an algorithm
 * @supported: SADB_EXT_SUPPORTED_AUTH or SADB_EXT_SUPPORTED_ENCRYPT
 * @alg_id: its number
 * @alg: filled in
 *
 * Return: 0, or -1 with the error set.
 */
int ipsec_get_keylen(unsigned int supported, unsigned int alg_id,
		     struct sadb_alg *alg)
{
	atomic_uint_least64_t *t = row(supported);
	uint64_t word;

	if (!t || !alg)
		return ipsec_fail(EIPSEC_INVAL_ARGUMENT);
	if (!atomic_load(&have_table))
		return ipsec_fail(EIPSEC_DO_GET_SUPP_LIST);
	word = alg_id < 256 ? atomic_load(&t[alg_id]) : 0;
	if (!word)
		return ipsec_fail(EIPSEC_NOT_SUPPORTED);
	memset(alg, 0, sizeof(*alg));
	alg->sadb_alg_id = alg_id;
	alg->sadb_alg_ivlen = word >> 32;
	alg->sadb_alg_minbits = word >> 16;
	alg->sadb_alg_maxbits = word;
	ipsec_clear_error();
	return 0;
}

/**
 * ipsec_check_keylen() - does an algorithm take a key of this length?
 * @supported: SADB_EXT_SUPPORTED_AUTH or SADB_EXT_SUPPORTED_ENCRYPT
 * @alg_id: its number
 * @keybits: bits of the key
 *
 * Return: 0, or -1 with the error set.
 */
int ipsec_check_keylen(unsigned int supported, unsigned int alg_id,
		       unsigned int keybits)
{
	struct sadb_alg alg;

	if (ipsec_get_keylen(supported, alg_id, &alg))
		return -1;
	if (keybits < alg.sadb_alg_minbits || keybits > alg.sadb_alg_maxbits)
		return ipsec_fail(EIPSEC_INVAL_KEYLEN);
	return 0;
}

/**
 * ipsec_check_keylen2() - the same, asked by SA type
 * @satype: SADB_SATYPE_AH: authentication; SADB_SATYPE_ESP: encryption
 * @alg_id: number of the algorithm
 * @keybits: bits of the key
 *
 * Return: 0, or -1 with the error set.
 */
int ipsec_check_keylen2(unsigned int satype, unsigned int alg_id,
			unsigned int keybits)
{
	switch (satype) {
	case SADB_SATYPE_AH:
		return ipsec_check_keylen(SADB_EXT_SUPPORTED_AUTH, alg_id,
					  keybits);
	case SADB_SATYPE_ESP:
		return ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, alg_id,
					  keybits);
	default:
		return ipsec_fail(EIPSEC_INVAL_SATYPE);
	}
}
