// SPDX-License-Identifier: GPL-2.0-only
/* Data only: a new algorithm is one row here. */
#include <linux/kernel.h>
#include <linux/pfkeyv2.h>
#include <ipsec/alg.h>
#include <uapi/ipsec/pfkeyv2.h>

/* Block ciphers in CBC mode, with a random IV of one block (RFC 2451). */
#define CBC(_name, _driver, _id, _min, _max, _step, _block, ...) \
	{							\
		.name		= _name,			\
		.driver		= _driver,			\
		.kind		= IPSEC_ALG_ENCRYPT,		\
		.id		= _id,				\
		.key_min	= _min,				\
		.key_max	= _max,				\
		.key_step	= _step,			\
		.iv		= _block,			\
		.iv_kind	= IPSEC_IV_RANDOM,		\
		.block		= _block,			\
		__VA_ARGS__					\
	}

/* AEADs (RFC 4106, 4309, 4543, 7634); key lengths include the salt's. */
#define AEAD(_name, _driver, _id, _min, _max, _icv)	\
	{							\
		.name		= _name,			\
		.driver		= _driver,			\
		.kind		= IPSEC_ALG_ENCRYPT,		\
		.id		= _id,				\
		.aead		= true,				\
		.key_min	= _min,				\
		.key_max	= _max,				\
		.key_step	= 64,				\
		.icv		= _icv,				\
		.iv		= 8,				\
		.iv_kind	= IPSEC_IV_COUNTER,		\
		.block		= 4,				\
	}

#define AES_GCM(_name, _id, _icv)				\
	AEAD(_name, "rfc4106(gcm(aes))", _id, 160, 288, _icv)
#define AES_CCM(_name, _id, _icv)				\
	AEAD(_name, "rfc4309(ccm(aes))", _id, 152, 280, _icv)

/* A MAC with one key length (RFC 2403, 2404, 2857, 3566, 4494, 4868). */
#define MAC(_name, _driver, _id, _bits, _icv)			\
	{							\
		.name		= _name,			\
		.driver		= _driver,			\
		.kind		= IPSEC_ALG_AUTH,		\
		.id		= _id,				\
		.key_min	= _bits,			\
		.key_max	= _bits,			\
		.icv		= _icv,				\
	}

/* H(key, padding, message, key), what AH had before HMAC (RFC 1828, 1852). */
#define KEYED(_name, _driver, _id, _bits)			\
	{							\
		.name		= _name,			\
		.driver		= _driver,			\
		.kind		= IPSEC_ALG_AUTH,		\
		.id		= _id,				\
		.keyed		= true,				\
		.key_min	= _bits,			\
		.key_max	= _bits,			\
		.icv		= 12,				\
	}

const struct ipsec_alg_desc ipsec_alg_table[] = {
	MAC("hmac-md5", "hmac(md5)", SADB_AALG_MD5HMAC, 128, 12),
	MAC("hmac-sha1", "hmac(sha1)", SADB_AALG_SHA1HMAC, 160, 12),
	MAC("hmac-sha2-256", "hmac(sha256)", SADB_X_AALG_SHA2_256HMAC,
	    256, 16),
	MAC("hmac-sha2-384", "hmac(sha384)", SADB_X_AALG_SHA2_384HMAC,
	    384, 24),
	MAC("hmac-sha2-512", "hmac(sha512)", SADB_X_AALG_SHA2_512HMAC,
	    512, 32),
	MAC("hmac-ripemd160", "hmac(rmd160)", SADB_X_AALG_RIPEMD160HMAC,
	    160, 12),
	MAC("aes-xcbc-mac", "xcbc(aes)", SADB_X_AALG_AES_XCBC_MAC, 128, 12),
	MAC("aes-cmac", "cmac(aes)", SADB_X_AALG_AES_CMAC, 128, 12),
	KEYED("keyed-md5", "md5", SADB_X_AALG_MD5, 128),
	KEYED("keyed-sha1", "sha1", SADB_X_AALG_SHA, 160),
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
		.old		= true,
		.iv_kind	= IPSEC_IV_NONE,
		.block		= 4,
	},
	CBC("des-cbc", "cbc(des)", SADB_EALG_DESCBC, 64, 64, 0, 8,
	    .old = true, .des = true),
	CBC("3des-cbc", "cbc(des3_ede)", SADB_EALG_3DESCBC, 192, 192, 0, 8,
	    .des = true),
	CBC("cast128-cbc", "cbc(cast5)", SADB_X_EALG_CASTCBC, 40, 128, 8, 8),
	CBC("blowfish-cbc", "cbc(blowfish)", SADB_X_EALG_BLOWFISHCBC,
	    40, 448, 8, 8),
	CBC("aes-cbc", "cbc(aes)", SADB_X_EALG_AESCBC, 128, 256, 64, 16),
	CBC("camellia-cbc", "cbc(camellia)", SADB_X_EALG_CAMELLIACBC,
	    128, 256, 64, 16),
	CBC("twofish-cbc", "cbc(twofish)", SADB_X_EALG_TWOFISHCBC,
	    128, 256, 64, 16),
	CBC("serpent-cbc", "cbc(serpent)", SADB_X_EALG_SERPENTCBC,
	    128, 256, 64, 16),
	{
		.name		= "aes-ctr",
		.driver		= "rfc3686(ctr(aes))",
		.kind		= IPSEC_ALG_ENCRYPT,
		.id		= SADB_X_EALG_AESCTR,
		.key_min	= 160,
		.key_max	= 288,
		.key_step	= 64,
		.iv		= 8,
		.iv_kind	= IPSEC_IV_COUNTER,
		.block		= 4,
	},
	AES_GCM("aes-gcm-8", SADB_X_EALG_AES_GCM_ICV8, 8),
	AES_GCM("aes-gcm-12", SADB_X_EALG_AES_GCM_ICV12, 12),
	AES_GCM("aes-gcm-16", SADB_X_EALG_AES_GCM_ICV16, 16),
	AES_CCM("aes-ccm-8", SADB_X_EALG_AES_CCM_ICV8, 8),
	AES_CCM("aes-ccm-12", SADB_X_EALG_AES_CCM_ICV12, 12),
	AES_CCM("aes-ccm-16", SADB_X_EALG_AES_CCM_ICV16, 16),
	AEAD("aes-gmac", "rfc4543(gcm(aes))", SADB_X_EALG_NULL_AES_GMAC,
	     160, 288, 16),
	AEAD("chacha20-poly1305", "rfc7539esp(chacha20,poly1305)",
	     SADB_X_EALG_CHACHA20POLY1305, 288, 288, 16),
	{
		.name		= "deflate",
		.kind		= IPSEC_ALG_COMP,
		.id		= SADB_X_CALG_DEFLATE,
		.threshold	= 90,
	},
};

const unsigned int ipsec_alg_count = ARRAY_SIZE(ipsec_alg_table);
static_assert(ARRAY_SIZE(ipsec_alg_table) <= IPSEC_ALG_MAX);
