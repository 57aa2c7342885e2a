// SPDX-License-Identifier: GPL-2.0-only
/* Data only: a new algorithm is one row here. */
#include <linux/kernel.h>
#include <linux/pfkeyv2.h>
#include <ipsec/alg.h>

/* AES-GCM for ESP (RFC 4106); the three differ in their tag's length. */
#define AES_GCM(_name, _id, _icv)				\
	{							\
		.name		= _name,			\
		.driver		= "rfc4106(gcm(aes))",		\
		.kind		= IPSEC_ALG_ENCRYPT,		\
		.id		= _id,				\
		.aead		= true,				\
		.key_min	= 160,				\
		.key_max	= 288,				\
		.key_step	= 64,				\
		.salt		= 4,				\
		.icv		= _icv,				\
		.icv_kame	= _icv,				\
		.iv		= 8,				\
		.iv_kind	= IPSEC_IV_COUNTER,		\
		.block		= 4,				\
	}

/* HMAC with one key length, the digest's (RFC 2404, RFC 4868). */
#define HMAC(_name, _driver, _id, _bits, _icv)			\
	{							\
		.name		= _name,			\
		.driver		= _driver,			\
		.kind		= IPSEC_ALG_AUTH,		\
		.id		= _id,				\
		.key_min	= _bits,			\
		.key_max	= _bits,			\
		.icv		= _icv,				\
		.icv_kame	= 12,				\
	}

const struct ipsec_alg_desc ipsec_alg_table[] = {
	HMAC("hmac-sha1", "hmac(sha1)", SADB_AALG_SHA1HMAC, 160, 12),
	HMAC("hmac-sha2-256", "hmac(sha256)", SADB_X_AALG_SHA2_256HMAC,
	     256, 16),
	HMAC("hmac-sha2-384", "hmac(sha384)", SADB_X_AALG_SHA2_384HMAC,
	     384, 24),
	HMAC("hmac-sha2-512", "hmac(sha512)", SADB_X_AALG_SHA2_512HMAC,
	     512, 32),
	{
		.name		= "null",
		.driver		= "digest_null",
		.kind		= IPSEC_ALG_AUTH,
		.id		= SADB_X_AALG_NULL,
	},
	{
		.name		= "null",
		.driver		= "ecb(cipher_null)",
		.kind		= IPSEC_ALG_ENCRYPT,
		.id		= SADB_EALG_NULL,
		.iv_kind	= IPSEC_IV_NONE,
		.block		= 4,
	},
	{
		.name		= "aes-cbc",
		.driver		= "cbc(aes)",
		.kind		= IPSEC_ALG_ENCRYPT,
		.id		= SADB_X_EALG_AESCBC,
		.key_min	= 128,
		.key_max	= 256,
		.key_step	= 64,
		.iv		= 16,
		.iv_kind	= IPSEC_IV_RANDOM,
		.block		= 16,
	},
	AES_GCM("aes-gcm-8", SADB_X_EALG_AES_GCM_ICV8, 8),
	AES_GCM("aes-gcm-12", SADB_X_EALG_AES_GCM_ICV12, 12),
	AES_GCM("aes-gcm-16", SADB_X_EALG_AES_GCM_ICV16, 16),
};

const unsigned int ipsec_alg_count = ARRAY_SIZE(ipsec_alg_table);
