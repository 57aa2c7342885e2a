// SPDX-License-Identifier: BSD-2-Clause
/* Names of algorithms, protocols and messages, both ways. */
#include <netdb.h>
#include <string.h>
#include <strings.h>
#include <threads.h>

#include "local.h"

struct name {
	const char *text;
	unsigned int number;
};

/* The first name of a number is the one that dumps show. */
static const struct name auth_names[] = {
	{ "hmac-md5", SADB_AALG_MD5HMAC },
	{ "hmac-sha1", SADB_AALG_SHA1HMAC },
	{ "hmac-sha256", SADB_X_AALG_SHA2_256HMAC },
	{ "hmac-sha2-256", SADB_X_AALG_SHA2_256HMAC },
	{ "hmac-sha384", SADB_X_AALG_SHA2_384HMAC },
	{ "hmac-sha2-384", SADB_X_AALG_SHA2_384HMAC },
	{ "hmac-sha512", SADB_X_AALG_SHA2_512HMAC },
	{ "hmac-sha2-512", SADB_X_AALG_SHA2_512HMAC },
	{ "hmac-ripemd160", SADB_X_AALG_RIPEMD160HMAC },
	{ "aes-xcbc-mac", SADB_X_AALG_AES_XCBC_MAC },
	{ "aes-cmac", SADB_X_AALG_AES_CMAC },
	{ "md5", SADB_X_AALG_MD5 },
	{ "keyed-md5", SADB_X_AALG_MD5 },
	{ "sha", SADB_X_AALG_SHA },
	{ "keyed-sha1", SADB_X_AALG_SHA },
	{ "tcp-md5", SADB_X_AALG_TCP_MD5 },
	{ "null", SADB_X_AALG_NULL },
	{ NULL, 0 }
};

static const struct name enc_names[] = {
	{ "des-cbc", SADB_EALG_DESCBC },
	{ "des-deriv", SADB_EALG_DESCBC },
	{ "des-32iv", SADB_EALG_DESCBC },
	{ "3des-cbc", SADB_EALG_3DESCBC },
	{ "cast128-cbc", SADB_X_EALG_CASTCBC },
	{ "blowfish-cbc", SADB_X_EALG_BLOWFISHCBC },
	{ "null", SADB_EALG_NULL },
	{ "simple", SADB_EALG_NULL },
	{ "aes-cbc", SADB_X_EALG_AESCBC },
	{ "rijndael-cbc", SADB_X_EALG_AESCBC },
	{ "aes-ctr", SADB_X_EALG_AESCTR },
	{ "aes-gcm-8", SADB_X_EALG_AES_GCM_ICV8 },
	{ "aes-gcm-12", SADB_X_EALG_AES_GCM_ICV12 },
	{ "aes-gcm-16", SADB_X_EALG_AES_GCM_ICV16 },
	{ "aes-ccm-8", SADB_X_EALG_AES_CCM_ICV8 },
	{ "aes-ccm-12", SADB_X_EALG_AES_CCM_ICV12 },
	{ "aes-ccm-16", SADB_X_EALG_AES_CCM_ICV16 },
	{ "aes-gmac", SADB_X_EALG_NULL_AES_GMAC },
	{ "chacha20-poly1305", SADB_X_EALG_CHACHA20POLY1305 },
	{ "camellia-cbc", SADB_X_EALG_CAMELLIACBC },
	{ "twofish-cbc", SADB_X_EALG_TWOFISHCBC },
	{ "serpent-cbc", SADB_X_EALG_SERPENTCBC },
	{ NULL, 0 }
};

static const struct name comp_names[] = {
	{ "oui", SADB_X_CALG_OUI },
	{ "deflate", SADB_X_CALG_DEFLATE },
	{ "lzs", SADB_X_CALG_LZS },
	{ NULL, 0 }
};

/*
 * Known without /etc/protocols. KAME's words for 4, 58 and 255 win over that
 * file's, since scripts compare them.
 */
static const struct name proto_names[] = {
	{ "icmp", 1 },
	{ "igmp", 2 },
	{ "ip4", 4 },
	{ "tcp", 6 },
	{ "udp", 17 },
	{ "ip6", 41 },
	{ "gre", 47 },
	{ "esp", 50 },
	{ "ah", 51 },
	{ "icmp6", 58 },
	{ "ipv6-icmp", 58 },
	{ "ipcomp", 108 },
	{ "sctp", 132 },
	{ "mh", 135 },
	{ "any", IPSEC_ULPROTO_ANY },
	{ NULL, 0 }
};

static const struct name msg_names[] = {
	{ "GETSPI", SADB_GETSPI },
	{ "UPDATE", SADB_UPDATE },
	{ "ADD", SADB_ADD },
	{ "DELETE", SADB_DELETE },
	{ "GET", SADB_GET },
	{ "ACQUIRE", SADB_ACQUIRE },
	{ "REGISTER", SADB_REGISTER },
	{ "EXPIRE", SADB_EXPIRE },
	{ "FLUSH", SADB_FLUSH },
	{ "DUMP", SADB_DUMP },
	{ "X_PROMISC", SADB_X_PROMISC },
	{ "X_SPDUPDATE", SADB_X_SPDUPDATE },
	{ "X_SPDADD", SADB_X_SPDADD },
	{ "X_SPDDELETE", SADB_X_SPDDELETE },
	{ "X_SPDGET", SADB_X_SPDGET },
	{ "X_SPDDUMP", SADB_X_SPDDUMP },
	{ "X_SPDFLUSH", SADB_X_SPDFLUSH },
	{ NULL, 0 }
};

static const char *name_of(const struct name *n, unsigned int number)
{
	for (; n->text; n++)
		if (n->number == number)
			return n->text;
	return NULL;
}

static int number_of(const struct name *n, const char *text)
{
	for (; n->text; n++)
		if (!strcasecmp(n->text, text))
			return n->number;
	return -1;
}

static const struct name *alg_names(unsigned int supported)
{
	return supported == SADB_EXT_SUPPORTED_AUTH ? auth_names : enc_names;
}

/**
 * ipsec_alg_name() - name of an algorithm as dumps show it
 * @supported: SADB_EXT_SUPPORTED_AUTH or SADB_EXT_SUPPORTED_ENCRYPT
 * @alg_id: its number
 *
 * Return: the name or NULL.
 */
const char *ipsec_alg_name(unsigned int supported, unsigned int alg_id)
{
	return name_of(alg_names(supported), alg_id);
}

/**
 * ipsec_alg_lookup() - number of an algorithm
 * @supported: SADB_EXT_SUPPORTED_AUTH or SADB_EXT_SUPPORTED_ENCRYPT
 * @name: any of its names
 *
 * Return: the number or -1.
 */
int ipsec_alg_lookup(unsigned int supported, const char *name)
{
	return number_of(alg_names(supported), name);
}

/**
 * ipsec_calg_name() - name of a compression algorithm
 * @alg_id: its number
 *
 * Return: the name or NULL.
 */
const char *ipsec_calg_name(unsigned int alg_id)
{
	return name_of(comp_names, alg_id);
}

/**
 * ipsec_calg_lookup() - number of a compression algorithm
 * @name: its name
 *
 * Return: the number or -1.
 */
int ipsec_calg_lookup(const char *name)
{
	return number_of(comp_names, name);
}

/**
 * ipsec_ulproto_name() - name of an upper layer protocol
 * @proto: its number
 *
 * Return: the name or NULL; the string may be overwritten by the next call.
 */
const char *ipsec_ulproto_name(unsigned int proto)
{
	static thread_local char store[1024];
	static thread_local struct protoent pe;
	const char *name = name_of(proto_names, proto);
	struct protoent *found = NULL;

	if (name)
		return name;
	if (getprotobynumber_r(proto, &pe, store, sizeof(store), &found) ||
	    !found)
		return NULL;
	return found->p_name;
}

/**
 * ipsec_ulproto_lookup() - number of an upper layer protocol
 * @name: built-in name or one of /etc/protocols
 *
 * Return: the number or -1.
 */
int ipsec_ulproto_lookup(const char *name)
{
	char store[1024];
	struct protoent pe, *found = NULL;
	int number = number_of(proto_names, name);

	if (number >= 0)
		return number;
	if (getprotobyname_r(name, &pe, store, sizeof(store), &found) ||
	    !found)
		return -1;
	return found->p_proto;
}

/**
 * ipsec_msgtype_name() - name of a message type
 * @type: SADB_*
 *
 * Return: the name without its prefix, or NULL.
 */
const char *ipsec_msgtype_name(unsigned int type)
{
	return name_of(msg_names, type);
}
