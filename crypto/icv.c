// SPDX-License-Identifier: GPL-2.0-only
/* Integrity check values of AH: a MAC, fed piece by piece. */
#include <linux/err.h>
#include <linux/string.h>
#include <ipsec/compat.h>
#include <ipsec/icv.h>

static const u8 zeros[256];

/*
 * key | 0x80 | 0 ... | length of the key in bits, so that the hash has eaten
 * whole blocks before it comes to the message (RFC 1828 section 2). The length
 * is little-endian with SHA-1 too, as KAME has it.
 */
static void keyed_prefix(struct ipsec_mac *m, const struct ipsec_key *key)
{
	unsigned int len = ipsec_key_bytes(key);

	memset(m->prefix, 0, sizeof(m->prefix));
	memcpy(m->prefix, key->data, len);
	m->prefix[len] = 0x80;
	put_unaligned_le32(key->bits, m->prefix + IPSEC_KEYED_BLOCK - 8);
	m->keyed = len;
}

/**
 * ipsec_mac_init() - make the MAC of an AH SA
 * @m: filled
 * @aalg: integrity, not "null"
 * @key: its key
 * @old: for AH of RFC 1826, whose ICVs are longer
 *
 * Loads crypto modules if it must.
 *
 * Context: process, may sleep long. Return: 0; -EINVAL for a key length that
 * cannot be or an empty ICV; -ENOSYS when this kernel lacks the algorithm;
 * -ENOMEM. After a failure ipsec_mac_destroy() need not be called.
 */
int ipsec_mac_init(struct ipsec_mac *m, const struct ipsec_alg_desc *aalg,
		   const struct ipsec_key *key, bool old)
{
	int err = 0;

	*m = (struct ipsec_mac){ .icv = old ? IPSEC_ICV_OLD : aalg->icv };
	if (!aalg->icv || !ipsec_alg_key_ok(aalg, key->bits))
		return -EINVAL;
	if (ipsec_alg_lately_missing(aalg))
		return -ENOSYS;
	m->tfm = crypto_alloc_shash(aalg->driver, 0, 0);
	if (IS_ERR(m->tfm)) {
		err = PTR_ERR(m->tfm);
		m->tfm = NULL;
		return ipsec_alg_error(err, aalg, NULL);
	}
	if (crypto_shash_descsize(m->tfm) > HASH_MAX_DESCSIZE ||
	    crypto_shash_digestsize(m->tfm) < m->icv)
		err = -EINVAL;
	else if (aalg->keyed)
		keyed_prefix(m, key);
	else
		err = crypto_shash_setkey(m->tfm, key->data,
					  ipsec_key_bytes(key));
	if (err)
		ipsec_mac_destroy(m);
	return err;
}

/**
 * ipsec_mac_destroy() - free it
 * @m: the MAC
 *
 * Context: process.
 */
void ipsec_mac_destroy(struct ipsec_mac *m)
{
	if (m->tfm)
		crypto_free_shash(m->tfm);
	memzero_explicit(m, sizeof(*m));
}

/**
 * ipsec_icv_begin() - start an ICV
 * @icv: its state
 * @m: the MAC
 */
void ipsec_icv_begin(struct ipsec_icv *icv, const struct ipsec_mac *m)
{
	struct shash_desc *desc = (struct shash_desc *)icv->desc;

	icv->mac = m;
	desc->tfm = m->tfm;
	icv->err = crypto_shash_init(desc);
	if (m->keyed)
		ipsec_icv_add(icv, m->prefix, sizeof(m->prefix));
}

/**
 * ipsec_icv_add() - the next bytes that it covers
 * @icv: its state
 * @data: the bytes
 * @len: how many
 */
void ipsec_icv_add(struct ipsec_icv *icv, const void *data, unsigned int len)
{
	if (!icv->err)
		icv->err = crypto_shash_update((struct shash_desc *)icv->desc,
					       data, len);
}

/**
 * ipsec_icv_add_zeros() - bytes that it covers as if they were zero
 * @icv: its state
 * @len: how many
 */
void ipsec_icv_add_zeros(struct ipsec_icv *icv, unsigned int len)
{
	unsigned int n;

	for (; len; len -= n) {
		n = min_t(unsigned int, len, sizeof(zeros));
		ipsec_icv_add(icv, zeros, n);
	}
}

/**
 * ipsec_icv_end() - the ICV
 * @icv: its state, wiped
 * @digest: room for HASH_MAX_DIGESTSIZE bytes; the ICV are the first of them
 *
 * Return: 0 or the first error of the crypto API.
 */
int ipsec_icv_end(struct ipsec_icv *icv, u8 *digest)
{
	struct shash_desc *desc = (struct shash_desc *)icv->desc;
	int err;

	if (icv->mac->keyed)
		ipsec_icv_add(icv, icv->mac->prefix, icv->mac->keyed);
	if (!icv->err)
		icv->err = crypto_shash_final(desc, digest);
	err = icv->err;
	memzero_explicit(icv, sizeof(*icv));
	return err;
}
