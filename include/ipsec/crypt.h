/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ciphers of ESP over the kernel crypto API. This is a leaf: it knows keys,
 * buffers and lengths, but no SA, policy or socket.
 */
#ifndef _IPSEC_CRYPT_H
#define _IPSEC_CRYPT_H

#include <crypto/aead.h>
#include <linux/scatterlist.h>
#include <linux/types.h>
#include <ipsec/alg.h>
#include <ipsec/key.h>

struct sk_buff;

/* SPI, high and low half of the sequence number (RFC 4106 section 5). */
#define IPSEC_AAD_ESN		12
#define IPSEC_IV_MAX		16

/* What an ESP packet has in front of the ciphertext. */
enum ipsec_esp_form {
	IPSEC_ESP_NEW,		/* SPI, sequence number, IV (RFC 4303) */
	IPSEC_ESP_ESN,		/* so too; 64-bit numbers enter the ICV */
	IPSEC_ESP_DERIV,	/* SPI, sequence number, whence the IV */
	IPSEC_ESP_OLD,		/* SPI, IV (RFC 1827); no ICV */
	IPSEC_ESP_OLD_IV32,	/* SPI, half an IV (RFC 1829); no ICV */
};

/**
 * struct ipsec_cipher - confidentiality and integrity of one ESP SA
 * @tfm: [I] one AEAD does both; combined algorithms are authenc() templates
 * @salt: [I] random; makes counter IVs differ between SAs with equal keys
 * @head: [I] bytes of the ESP header in front of the IV
 * @iv: [I] bytes of the IV in the packet
 * @icv: [I] ICV length in bytes
 * @block: [I] padding boundary, at least 4
 * @iv_kind: [I] how IVs are made
 * @half_iv: [I] the IV is the four bytes behind the SPI and their complement
 * @esn: [I] 64-bit sequence numbers enter the ICV
 * @auth: [I] the ICV is not empty
 * @async: [I] a request may complete after the call returned
 */
struct ipsec_cipher {
	struct crypto_aead	*tfm;
	u64			salt;
	u8			head;
	u8			iv;
	u8			icv;
	u8			block;
	enum ipsec_iv_kind	iv_kind;
	bool			half_iv;
	bool			esn;
	bool			auth;
	bool			async;
};

struct ipsec_crypt;

/**
 * typedef ipsec_crypt_done_t - continuation of a request that was asynchronous
 * @crypt: the request; the callee gives it back with ipsec_crypt_put()
 * @err: 0, -EBADMSG when the ICV is wrong, or another negative errno
 *
 * Context: BH disabled.
 */
typedef void (*ipsec_crypt_done_t)(struct ipsec_crypt *crypt, int err);

/**
 * struct ipsec_crypt - one request in flight
 * @skb: the packet, owned by whoever owns the request
 * @priv: the caller's, untouched here
 * @done: called only if the request returned -EINPROGRESS
 * @size: bytes of memory behind this request
 * @seq_hi: high half of the sequence number, with ESN
 * @aad: associated data when it is not the packet's own bytes (ESN)
 * @iv: initialization vector handed to the cipher
 * @sg: @aad, then the packet
 * @req: last, because the cipher's context follows it
 */
struct ipsec_crypt {
	struct sk_buff		*skb;
	void			*priv;
	ipsec_crypt_done_t	done;
	u32			size;
	__be32			seq_hi;
	u8			aad[IPSEC_AAD_ESN];
	u8			iv[IPSEC_IV_MAX];
	struct scatterlist	sg[2];
	struct aead_request	req;
};

int ipsec_cipher_init(struct ipsec_cipher *c, enum ipsec_esp_form form,
		      const struct ipsec_alg_desc *ealg,
		      const struct ipsec_key *ekey,
		      const struct ipsec_alg_desc *aalg,
		      const struct ipsec_key *akey);
void ipsec_cipher_destroy(struct ipsec_cipher *c);
void ipsec_cipher_make_iv(const struct ipsec_cipher *c, u8 *iv, u64 seq);

struct ipsec_crypt *ipsec_crypt_get(const struct ipsec_cipher *c);
void ipsec_crypt_put(struct ipsec_crypt *crypt);
int ipsec_crypt_encrypt(const struct ipsec_cipher *c,
			struct ipsec_crypt *crypt, u8 *esp, unsigned int len);
int ipsec_crypt_decrypt(const struct ipsec_cipher *c,
			struct ipsec_crypt *crypt, u8 *esp, unsigned int len);

int ipsec_crypt_init(void);
void ipsec_crypt_exit(void);

#endif /* _IPSEC_CRYPT_H */
