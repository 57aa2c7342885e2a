// SPDX-License-Identifier: GPL-2.0-only
/*
 * One AEAD does all of ESP's cryptography: an algorithm that is an AEAD itself,
 * or a cipher and an integrity algorithm combined by the crypto API's authenc()
 * templates. So encryption is one call, whatever the algorithms are.
 */
#include <crypto/aead.h>
#include <crypto/authenc.h>
#include <linux/percpu.h>
#include <linux/random.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <ipsec/compat.h>
#include <ipsec/crypt.h>

/* SPI and sequence number as they are in the packet; RFC 1827 has the SPI. */
#define ESP_HEADER	8
#define ESP_HEADER_OLD	4
/* IVs that are not wholly in the packet are DES's, of which half is. */
#define HALF_IV		4

/*
 * Requests up to this size are recycled: one is kept on each CPU, so that no
 * packet whose crypto is synchronous allocates anything. Whoever exchanges it for
 * NULL owns it, so that a task which preempts another one (PREEMPT_RT) finds none.
 */
#define SPARE_SIZE	2048

static DEFINE_PER_CPU(struct ipsec_crypt *, spare);

static int cipher_name(char *name, const struct ipsec_alg_desc *ealg,
		       const struct ipsec_alg_desc *aalg, bool esn)
{
	int n;

	if (ealg->aead)
		n = snprintf(name, CRYPTO_MAX_ALG_NAME, "%s", ealg->driver);
	else
		n = snprintf(name, CRYPTO_MAX_ALG_NAME, "%s(%s,%s)",
			     esn ? "authencesn" : "authenc",
			     aalg ? aalg->driver : "digest_null",
			     ealg->driver);
	return n < CRYPTO_MAX_ALG_NAME ? 0 : -ENAMETOOLONG;
}

/*
 * authenc() takes both keys in one blob: an attribute with the length of the
 * encryption key, the authentication key, the encryption key.
 */
static int set_combined_key(struct crypto_aead *tfm,
			    const struct ipsec_key *ekey,
			    const struct ipsec_key *akey)
{
	unsigned int alen = ipsec_key_bytes(akey), elen = ipsec_key_bytes(ekey);
	struct crypto_authenc_key_param *param;
	unsigned int len = RTA_SPACE(sizeof(*param)) + alen + elen;
	struct rtattr *rta;
	u8 *blob, *p;
	int err;

	blob = kzalloc(len, GFP_KERNEL);
	if (!blob)
		return -ENOMEM;
	rta = (struct rtattr *)blob;
	rta->rta_type = CRYPTO_AUTHENC_KEYA_PARAM;
	rta->rta_len = RTA_LENGTH(sizeof(*param));
	param = RTA_DATA(rta);
	param->enckeylen = cpu_to_be32(elen);
	p = blob + RTA_SPACE(sizeof(*param));
	if (alen)
		memcpy(p, akey->data, alen);
	if (elen)
		memcpy(p + alen, ekey->data, elen);
	err = crypto_aead_setkey(tfm, blob, len);
	kfree_sensitive(blob);
	return err;
}

/* DES keys that must not be used (RFC 2405 section 2.1), wherever one is. */
static bool key_weak(const struct ipsec_alg_desc *ealg,
		     const struct ipsec_key *ekey)
{
	unsigned int i;

	for (i = 0; ealg->des && i < ipsec_key_bytes(ekey); i += 8)
		if (ipsec_des_key_weak(ekey->data + i))
			return true;
	return false;
}

/* Which algorithms each form of packets can have. */
static bool form_ok(enum ipsec_esp_form form, const struct ipsec_alg_desc *ealg,
		    const struct ipsec_alg_desc *aalg)
{
	switch (form) {
	case IPSEC_ESP_NEW:
		return true;
	case IPSEC_ESP_ESN:
		/* The high half is in the ICV only (RFC 4303 2.2.1). */
		return ealg->aead || (aalg && aalg->icv);
	case IPSEC_ESP_DERIV:
		return ealg->old && ealg->iv;
	case IPSEC_ESP_OLD:
		return ealg->old && !(aalg && aalg->icv);
	case IPSEC_ESP_OLD_IV32:
		return ealg->old && ealg->iv && !(aalg && aalg->icv);
	}
	return false;
}

static int check_algs(enum ipsec_esp_form form,
		      const struct ipsec_alg_desc *ealg,
		      const struct ipsec_key *ekey,
		      const struct ipsec_alg_desc *aalg,
		      const struct ipsec_key *akey)
{
	if (!form_ok(form, ealg, aalg))
		return -EINVAL;
	if (!ipsec_alg_key_ok(ealg, ekey->bits) || key_weak(ealg, ekey))
		return -EINVAL;
	if (!aalg)
		return akey->bits ? -EINVAL : 0;
	/*
	 * An AEAD brings its own integrity: beside it only "null". The crypto
	 * API combines ciphers with MACs, not with keyed hashes.
	 */
	if ((ealg->aead && aalg->icv) || aalg->keyed)
		return -EINVAL;
	return ipsec_alg_key_ok(aalg, akey->bits) ? 0 : -EINVAL;
}

static void cipher_form(struct ipsec_cipher *c, enum ipsec_esp_form form,
			const struct ipsec_alg_desc *ealg)
{
	c->head = ESP_HEADER;
	c->iv = ealg->iv;
	c->iv_kind = ealg->iv_kind;
	c->esn = form == IPSEC_ESP_ESN;
	if (form == IPSEC_ESP_DERIV) {
		c->half_iv = true;
		c->iv = 0;
		c->iv_kind = IPSEC_IV_NONE;
	} else if (form == IPSEC_ESP_OLD_IV32) {
		c->half_iv = true;
		c->iv = HALF_IV;
	}
	if (form == IPSEC_ESP_OLD || form == IPSEC_ESP_OLD_IV32)
		c->head = ESP_HEADER_OLD;
}

static int cipher_setup(struct ipsec_cipher *c,
			const struct ipsec_alg_desc *ealg,
			const struct ipsec_key *ekey,
			const struct ipsec_alg_desc *aalg,
			const struct ipsec_key *akey)
{
	int err;

	c->icv = ealg->aead ? ealg->icv : aalg ? aalg->icv : 0;
	/* 3DES that is DES; others have none that key_weak() does not know. */
	crypto_aead_set_flags(c->tfm, CRYPTO_TFM_REQ_FORBID_WEAK_KEYS);
	err = crypto_aead_setauthsize(c->tfm, c->icv);
	if (err)
		return err;
	if (ealg->aead)
		err = crypto_aead_setkey(c->tfm, ekey->data,
					 ipsec_key_bytes(ekey));
	else
		err = set_combined_key(c->tfm, ekey, akey);
	if (err)
		return err;
	c->block = ealg->block;
	c->auth = c->icv;
	c->async = crypto_aead_alg(c->tfm)->base.cra_flags & CRYPTO_ALG_ASYNC;
	get_random_bytes(&c->salt, sizeof(c->salt));
	return 0;
}

/**
 * ipsec_cipher_init() - make the cipher of an ESP SA
 * @c: filled
 * @form: what its packets look like
 * @ealg: encryption
 * @ekey: its key, salt last
 * @aalg: integrity, or NULL for none
 * @akey: its key
 *
 * Loads crypto modules if it must.
 *
 * Context: process, may sleep long. Return: 0; -EINVAL for a key length, a weak
 * key or a combination that cannot be; -ENOSYS when this kernel lacks an algorithm;
 * -ENOMEM. After a failure ipsec_cipher_destroy() need not be called.
 */
int ipsec_cipher_init(struct ipsec_cipher *c, enum ipsec_esp_form form,
		      const struct ipsec_alg_desc *ealg,
		      const struct ipsec_key *ekey,
		      const struct ipsec_alg_desc *aalg,
		      const struct ipsec_key *akey)
{
	char name[CRYPTO_MAX_ALG_NAME];
	int err;

	*c = (struct ipsec_cipher){};
	err = check_algs(form, ealg, ekey, aalg, akey);
	if (err)
		return err;
	cipher_form(c, form, ealg);
	err = cipher_name(name, ealg, aalg, c->esn);
	if (err)
		return err;
	if (ipsec_alg_lately_missing(ealg) || ipsec_alg_lately_missing(aalg))
		return -ENOSYS;
	/* Mask 0: the fastest drivers are asynchronous in name. */
	c->tfm = crypto_alloc_aead(name, 0, 0);
	if (IS_ERR(c->tfm)) {
		err = PTR_ERR(c->tfm);
		c->tfm = NULL;
		return ipsec_alg_error(err, ealg, aalg);
	}
	err = cipher_setup(c, ealg, ekey, aalg, akey);
	if (err)
		ipsec_cipher_destroy(c);
	return err;
}

/**
 * ipsec_cipher_destroy() - free it; no request is in flight
 * @c: the cipher
 *
 * Context: process, may sleep.
 */
void ipsec_cipher_destroy(struct ipsec_cipher *c)
{
	if (c->tfm)
		crypto_free_aead(c->tfm);
	c->tfm = NULL;
}

/**
 * ipsec_cipher_make_iv() - make the IV of a packet
 * @c: the cipher
 * @iv: where it goes: @c->iv bytes
 * @seq: sequence number, all 64 bits, never used twice with one SA
 *
 * CBC needs an IV that nobody can predict (RFC 3602 section 3), counter modes
 * one that never comes again (RFC 4106 section 3.1).
 */
void ipsec_cipher_make_iv(const struct ipsec_cipher *c, u8 *iv, u64 seq)
{
	switch (c->iv_kind) {
	case IPSEC_IV_RANDOM:
		get_random_bytes(iv, c->iv);
		break;
	case IPSEC_IV_COUNTER:
		put_unaligned_be64(seq ^ c->salt, iv);
		break;
	case IPSEC_IV_NONE:
		break;
	}
}

/**
 * ipsec_crypt_get() - obtain a request
 * @c: the cipher that will work on it
 *
 * Context: any but hard interrupts. Return: the request, or NULL without memory.
 */
struct ipsec_crypt *ipsec_crypt_get(const struct ipsec_cipher *c)
{
	u32 size = sizeof(struct ipsec_crypt) + crypto_aead_reqsize(c->tfm);
	struct ipsec_crypt *crypt;

	if (likely(size <= SPARE_SIZE)) {
		crypt = this_cpu_xchg(spare, NULL);
		if (likely(crypt))
			return crypt;
		size = SPARE_SIZE;
	}
	crypt = kmalloc(size, GFP_ATOMIC);
	if (crypt)
		crypt->size = size;
	return crypt;
}

/**
 * ipsec_crypt_put() - give a request back
 * @crypt: the request, not in flight
 *
 * Context: any but hard interrupts.
 */
void ipsec_crypt_put(struct ipsec_crypt *crypt)
{
	if (unlikely(crypt->size != SPARE_SIZE ||
		     this_cpu_cmpxchg(spare, NULL, crypt)))
		kfree(crypt);
}

IPSEC_CRYPTO_DONE(crypt_done, arg, err)
{
	struct ipsec_crypt *crypt = ipsec_crypto_done_data(arg);

	/* A queued request was started; its end is yet to come. */
	if (err == -EINPROGRESS)
		return;
	local_bh_disable();
	crypt->done(crypt, err);
	local_bh_enable();
}

/*
 * What the cipher is given as IV. Of half an IV the other half is the
 * complement (RFC 1829 section 2): of what stands behind the SPI, be it the half
 * itself or, where the IV is derived, the sequence number.
 */
static void crypt_iv(const struct ipsec_cipher *c, u8 *iv, const u8 *esp)
{
	unsigned int i;

	if (likely(!c->half_iv)) {
		memcpy(iv, esp + c->head, c->iv);
		return;
	}
	for (i = 0; i < HALF_IV; i++) {
		iv[i] = esp[ESP_HEADER_OLD + i];
		iv[HALF_IV + i] = ~iv[i];
	}
}

/*
 *	| SPI | seq | IV | ciphertext | ICV |	associated: SPI, seq, IV
 *
 * With ESN the associated data are SPI, high and low half of the sequence
 * number, IV; the high half is not in the packet, so the first piece is ours.
 */
static void crypt_prepare(const struct ipsec_cipher *c,
			  struct ipsec_crypt *crypt, u8 *esp, unsigned int len,
			  unsigned int icv)
{
	struct aead_request *req = &crypt->req;
	unsigned int aad;

	if (likely(!c->esn)) {
		aad = c->head + c->iv;
		sg_init_one(crypt->sg, esp, aad + len + icv);
	} else {
		aad = IPSEC_AAD_ESN + c->iv;
		memcpy(crypt->aad, esp, 4);
		memcpy(crypt->aad + 4, &crypt->seq_hi, 4);
		memcpy(crypt->aad + 8, esp + 4, 4);
		sg_init_table(crypt->sg, 2);
		sg_set_buf(&crypt->sg[0], crypt->aad, IPSEC_AAD_ESN);
		sg_set_buf(&crypt->sg[1], esp + ESP_HEADER,
			   c->iv + len + icv);
	}
	crypt_iv(c, crypt->iv, esp);
	aead_request_set_tfm(req, c->tfm);
	aead_request_set_callback(req, 0, crypt_done, crypt);
	aead_request_set_ad(req, aad);
	aead_request_set_crypt(req, crypt->sg, crypt->sg, len, crypt->iv);
}

/**
 * ipsec_crypt_encrypt() - encrypt a packet in place and put its ICV behind it
 * @c: the cipher
 * @crypt: the request; seq_hi and done are set
 * @esp: the ESP header, the IV behind it filled in, all linear memory
 * @len: bytes behind the IV, trailer included, a multiple of @c->block; room for
 *       the ICV follows
 *
 * Context: BH disabled. Return: 0, -EINPROGRESS when @crypt->done will be
 * called, or an errno of the crypto API.
 */
int ipsec_crypt_encrypt(const struct ipsec_cipher *c,
			struct ipsec_crypt *crypt, u8 *esp, unsigned int len)
{
	crypt_prepare(c, crypt, esp, len, c->icv);
	return crypto_aead_encrypt(&crypt->req);
}

/**
 * ipsec_crypt_decrypt() - verify the ICV of a packet and decrypt it in place
 * @c: the cipher
 * @crypt: the request; seq_hi and done are set
 * @esp: the ESP header, all linear memory that nobody else has
 * @len: bytes behind the IV, ICV included
 *
 * Context: BH disabled. Return: 0, -EINPROGRESS when @crypt->done will be
 * called, -EBADMSG when the ICV is wrong, or an errno of the crypto API.
 */
int ipsec_crypt_decrypt(const struct ipsec_cipher *c,
			struct ipsec_crypt *crypt, u8 *esp, unsigned int len)
{
	crypt_prepare(c, crypt, esp, len, 0);
	return crypto_aead_decrypt(&crypt->req);
}

/**
 * ipsec_crypt_init() - make the spare requests, once for the module
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_crypt_init(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct ipsec_crypt *crypt = kmalloc(SPARE_SIZE, GFP_KERNEL);

		if (!crypt) {
			ipsec_crypt_exit();
			return -ENOMEM;
		}
		crypt->size = SPARE_SIZE;
		per_cpu(spare, cpu) = crypt;
	}
	return 0;
}

/**
 * ipsec_crypt_exit() - free them; no request is in flight
 */
void ipsec_crypt_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		kfree(per_cpu(spare, cpu));
		per_cpu(spare, cpu) = NULL;
	}
}
