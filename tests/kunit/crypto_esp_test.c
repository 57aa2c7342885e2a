// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ciphers: whole ESP packets with known answers, the algorithm table, and that
 * no changed bit goes unnoticed.
 */
#include <kunit/test.h>
#include <linux/bottom_half.h>
#include <linux/kernel.h>
#include <linux/wait.h>
#include <ipsec/alg.h>
#include <ipsec/crypt.h>
#include "kunit.h"

#define ESP_HEADER	8
#define ROOM		512

/**
 * struct esp_vector - one packet with a known answer, in hexadecimal
 * @name: where it is from
 * @form: what is in front of the ciphertext
 * @cipher: setkey's name
 * @auth: setkey's name of the MAC; empty for none
 * @key: key, salt last
 * @auth_key: key of the MAC
 * @seq_hi: high half of the sequence number
 * @head: SPI, sequence number, IV
 * @plain: payload, padding, pad length, next header
 * @body: ciphertext and ICV
 */
struct esp_vector {
	const char		*name;
	enum ipsec_esp_form	form;
	const char		*cipher;
	const char		*auth;
	const char		*key;
	const char		*auth_key;
	const char		*seq_hi;
	const char		*head;
	const char		*plain;
	const char		*body;
};

#include "../vectors/esp_vectors.h"
#include "../vectors/mac_vectors.h"

/* A request that waits, whichever way the crypto completes. */
static int done_err;
static bool done;
static DECLARE_WAIT_QUEUE_HEAD(done_wait);

static void crypt_done(struct ipsec_crypt *crypt, int err)
{
	done_err = err;
	ipsec_crypt_put(crypt);
	WRITE_ONCE(done, true);
	wake_up(&done_wait);
}

static int crypt(const struct ipsec_cipher *c, bool encrypt, u8 *esp,
		 unsigned int len, __be32 seq_hi)
{
	struct ipsec_crypt *crypt;
	int err;

	local_bh_disable();
	crypt = ipsec_crypt_get(c);
	if (!crypt) {
		local_bh_enable();
		return -ENOMEM;
	}
	WRITE_ONCE(done, false);
	crypt->done = crypt_done;
	crypt->seq_hi = seq_hi;
	err = encrypt ? ipsec_crypt_encrypt(c, crypt, esp, len) :
			ipsec_crypt_decrypt(c, crypt, esp, len);
	if (err != -EINPROGRESS)
		ipsec_crypt_put(crypt);
	local_bh_enable();
	if (err == -EINPROGRESS) {
		wait_event(done_wait, READ_ONCE(done));
		err = done_err;
	}
	return err;
}

static int vector_cipher(const struct esp_vector *v, struct ipsec_cipher *c)
{
	struct ipsec_key key, auth_key;
	u8 data[64], auth_data[64];

	key.bits = unhex(data, v->key) * 8;
	key.data = data;
	auth_key.bits = unhex(auth_data, v->auth_key) * 8;
	auth_key.data = auth_data;
	return ipsec_cipher_init(c, v->form,
				 alg_named(IPSEC_ALG_ENCRYPT, v->cipher), &key,
				 *v->auth ? alg_named(IPSEC_ALG_AUTH, v->auth) :
					    NULL, &auth_key);
}

static void vector_desc(const struct esp_vector *v, char *desc)
{
	strscpy(desc, v->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(vector, esp_vectors, vector_desc);

static void esp_known_answer(struct kunit *test)
{
	const struct esp_vector *v = test->param_value;
	unsigned int head, plain, body;
	u8 *buf, *want;
	struct ipsec_cipher c;
	__be32 seq_hi;

	buf = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	want = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_NOT_NULL(test, want);
	KUNIT_ASSERT_EQ(test, 0, vector_cipher(v, &c));
	unhex((u8 *)&seq_hi, v->seq_hi);
	head = unhex(buf, v->head);
	KUNIT_EXPECT_EQ(test, head, (unsigned int)c.head + c.iv);
	plain = unhex(buf + head, v->plain);
	body = unhex(want, v->body);
	KUNIT_EXPECT_EQ(test, body, plain + c.icv);

	KUNIT_EXPECT_EQ(test, 0, crypt(&c, true, buf, plain, seq_hi));
	KUNIT_EXPECT_EQ_MSG(test, 0, memcmp(buf + head, want, body),
			    "got %*phN", (int)min(body, 64U), buf + head);

	KUNIT_EXPECT_EQ(test, 0, crypt(&c, false, buf, body, seq_hi));
	unhex(want, v->plain);
	KUNIT_EXPECT_EQ(test, 0, memcmp(buf + head, want, plain));
	ipsec_cipher_destroy(&c);
}

/*
 * A changed byte of header, IV or ICV is noticed, and of the ciphertext, of which
 * every eighth is tried.
 */
static void esp_changed_byte(struct kunit *test)
{
	const struct esp_vector *v = test->param_value;
	unsigned int head, body, i;
	struct ipsec_cipher c;
	__be32 seq_hi;
	u8 *buf;

	buf = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	KUNIT_ASSERT_EQ(test, 0, vector_cipher(v, &c));
	if (!c.auth) {
		ipsec_cipher_destroy(&c);
		return;
	}
	unhex((u8 *)&seq_hi, v->seq_hi);
	head = unhex(buf, v->head);
	body = unhex(buf + head, v->body);
	for (i = 0; i < head + body; i += i < head || i + 24 > head + body ? 1 : 8) {
		unhex(buf, v->head);
		unhex(buf + head, v->body);
		buf[i] ^= 0x40;
		KUNIT_EXPECT_EQ_MSG(test, -EBADMSG,
				    crypt(&c, false, buf, body, seq_hi),
				    "byte %u", i);
	}
	if (c.esn) {
		unhex(buf, v->head);
		unhex(buf + head, v->body);
		seq_hi ^= htonl(1);
		KUNIT_EXPECT_EQ(test, -EBADMSG,
				crypt(&c, false, buf, body, seq_hi));
	}
	ipsec_cipher_destroy(&c);
}

static void mac_desc(const struct mac_vector *v, char *desc)
{
	strscpy(desc, v->name, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mac, mac_vectors, mac_desc);

/* The message is taken for all that ESP authenticates. */
static void esp_mac(struct kunit *test)
{
	const struct mac_vector *v = test->param_value;
	unsigned int len = strlen(v->message) / 2;
	struct ipsec_key none = {}, key;
	struct ipsec_alg_desc alg;
	struct ipsec_cipher c;
	u8 data[136], mac[64];
	u8 *buf;

	if (len < ESP_HEADER)
		return;
	/* Not on the stack, which scatterlists do not reach. */
	buf = kunit_kzalloc(test, len + sizeof(mac), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buf);
	/* The same algorithm for a key of any length. */
	alg = *alg_named(IPSEC_ALG_AUTH, v->algorithm);
	key.bits = unhex(data, v->key) * 8;
	key.data = data;
	alg.key_min = key.bits;
	alg.key_max = key.bits;
	KUNIT_ASSERT_EQ(test, 0,
			ipsec_cipher_init(&c, IPSEC_ESP_NEW,
					  alg_named(IPSEC_ALG_ENCRYPT, "null"),
					  &none, &alg, &key));
	unhex(buf, v->message);
	KUNIT_EXPECT_EQ(test, 0, crypt(&c, true, buf, len - ESP_HEADER, 0));
	KUNIT_EXPECT_EQ_MSG(test, 0,
			    memcmp(buf + len, mac,
				   min_t(u32, unhex(mac, v->mac), c.icv)),
			    "got %*phN", c.icv, buf + len);
	ipsec_cipher_destroy(&c);
}

/* Key lengths, accepted and refused. */
struct keylen_case {
	enum ipsec_alg_kind	kind;
	u8			id;
	u16			bits;
	bool			ok;
};

static const struct keylen_case keylens[] = {
	{ IPSEC_ALG_ENCRYPT, 11, 0, true },
	{ IPSEC_ALG_ENCRYPT, 11, 8, false },
	{ IPSEC_ALG_ENCRYPT, 2, 56, false },
	{ IPSEC_ALG_ENCRYPT, 2, 64, true },
	{ IPSEC_ALG_ENCRYPT, 2, 72, false },
	{ IPSEC_ALG_ENCRYPT, 3, 184, false },
	{ IPSEC_ALG_ENCRYPT, 3, 192, true },
	{ IPSEC_ALG_ENCRYPT, 3, 200, false },
	{ IPSEC_ALG_ENCRYPT, 7, 32, false },
	{ IPSEC_ALG_ENCRYPT, 7, 40, true },
	{ IPSEC_ALG_ENCRYPT, 7, 448, true },
	{ IPSEC_ALG_ENCRYPT, 7, 456, false },
	{ IPSEC_ALG_ENCRYPT, 6, 32, false },
	{ IPSEC_ALG_ENCRYPT, 6, 40, true },
	{ IPSEC_ALG_ENCRYPT, 6, 128, true },
	{ IPSEC_ALG_ENCRYPT, 6, 136, false },
	{ IPSEC_ALG_ENCRYPT, 12, 120, false },
	{ IPSEC_ALG_ENCRYPT, 12, 128, true },
	{ IPSEC_ALG_ENCRYPT, 12, 136, false },
	{ IPSEC_ALG_ENCRYPT, 12, 184, false },
	{ IPSEC_ALG_ENCRYPT, 12, 192, true },
	{ IPSEC_ALG_ENCRYPT, 12, 200, false },
	{ IPSEC_ALG_ENCRYPT, 12, 248, false },
	{ IPSEC_ALG_ENCRYPT, 12, 256, true },
	{ IPSEC_ALG_ENCRYPT, 12, 264, false },
	{ IPSEC_ALG_ENCRYPT, 22, 120, false },
	{ IPSEC_ALG_ENCRYPT, 22, 128, true },
	{ IPSEC_ALG_ENCRYPT, 22, 136, false },
	{ IPSEC_ALG_ENCRYPT, 22, 184, false },
	{ IPSEC_ALG_ENCRYPT, 22, 192, true },
	{ IPSEC_ALG_ENCRYPT, 22, 200, false },
	{ IPSEC_ALG_ENCRYPT, 22, 248, false },
	{ IPSEC_ALG_ENCRYPT, 22, 256, true },
	{ IPSEC_ALG_ENCRYPT, 22, 264, false },
	{ IPSEC_ALG_ENCRYPT, 253, 120, false },
	{ IPSEC_ALG_ENCRYPT, 253, 128, true },
	{ IPSEC_ALG_ENCRYPT, 253, 136, false },
	{ IPSEC_ALG_ENCRYPT, 253, 184, false },
	{ IPSEC_ALG_ENCRYPT, 253, 192, true },
	{ IPSEC_ALG_ENCRYPT, 253, 200, false },
	{ IPSEC_ALG_ENCRYPT, 253, 248, false },
	{ IPSEC_ALG_ENCRYPT, 253, 256, true },
	{ IPSEC_ALG_ENCRYPT, 253, 264, false },
	{ IPSEC_ALG_ENCRYPT, 252, 120, false },
	{ IPSEC_ALG_ENCRYPT, 252, 128, true },
	{ IPSEC_ALG_ENCRYPT, 252, 136, false },
	{ IPSEC_ALG_ENCRYPT, 252, 184, false },
	{ IPSEC_ALG_ENCRYPT, 252, 192, true },
	{ IPSEC_ALG_ENCRYPT, 252, 200, false },
	{ IPSEC_ALG_ENCRYPT, 252, 248, false },
	{ IPSEC_ALG_ENCRYPT, 252, 256, true },
	{ IPSEC_ALG_ENCRYPT, 252, 264, false },
	{ IPSEC_ALG_ENCRYPT, 13, 152, false },
	{ IPSEC_ALG_ENCRYPT, 13, 160, true },
	{ IPSEC_ALG_ENCRYPT, 13, 168, false },
	{ IPSEC_ALG_ENCRYPT, 13, 216, false },
	{ IPSEC_ALG_ENCRYPT, 13, 224, true },
	{ IPSEC_ALG_ENCRYPT, 13, 232, false },
	{ IPSEC_ALG_ENCRYPT, 13, 280, false },
	{ IPSEC_ALG_ENCRYPT, 13, 288, true },
	{ IPSEC_ALG_ENCRYPT, 13, 296, false },
	{ IPSEC_ALG_ENCRYPT, 18, 152, false },
	{ IPSEC_ALG_ENCRYPT, 18, 160, true },
	{ IPSEC_ALG_ENCRYPT, 18, 168, false },
	{ IPSEC_ALG_ENCRYPT, 18, 216, false },
	{ IPSEC_ALG_ENCRYPT, 18, 224, true },
	{ IPSEC_ALG_ENCRYPT, 18, 232, false },
	{ IPSEC_ALG_ENCRYPT, 18, 280, false },
	{ IPSEC_ALG_ENCRYPT, 18, 288, true },
	{ IPSEC_ALG_ENCRYPT, 18, 296, false },
	{ IPSEC_ALG_ENCRYPT, 19, 152, false },
	{ IPSEC_ALG_ENCRYPT, 19, 160, true },
	{ IPSEC_ALG_ENCRYPT, 19, 168, false },
	{ IPSEC_ALG_ENCRYPT, 19, 216, false },
	{ IPSEC_ALG_ENCRYPT, 19, 224, true },
	{ IPSEC_ALG_ENCRYPT, 19, 232, false },
	{ IPSEC_ALG_ENCRYPT, 19, 280, false },
	{ IPSEC_ALG_ENCRYPT, 19, 288, true },
	{ IPSEC_ALG_ENCRYPT, 19, 296, false },
	{ IPSEC_ALG_ENCRYPT, 20, 152, false },
	{ IPSEC_ALG_ENCRYPT, 20, 160, true },
	{ IPSEC_ALG_ENCRYPT, 20, 168, false },
	{ IPSEC_ALG_ENCRYPT, 20, 216, false },
	{ IPSEC_ALG_ENCRYPT, 20, 224, true },
	{ IPSEC_ALG_ENCRYPT, 20, 232, false },
	{ IPSEC_ALG_ENCRYPT, 20, 280, false },
	{ IPSEC_ALG_ENCRYPT, 20, 288, true },
	{ IPSEC_ALG_ENCRYPT, 20, 296, false },
	{ IPSEC_ALG_ENCRYPT, 23, 152, false },
	{ IPSEC_ALG_ENCRYPT, 23, 160, true },
	{ IPSEC_ALG_ENCRYPT, 23, 168, false },
	{ IPSEC_ALG_ENCRYPT, 23, 216, false },
	{ IPSEC_ALG_ENCRYPT, 23, 224, true },
	{ IPSEC_ALG_ENCRYPT, 23, 232, false },
	{ IPSEC_ALG_ENCRYPT, 23, 280, false },
	{ IPSEC_ALG_ENCRYPT, 23, 288, true },
	{ IPSEC_ALG_ENCRYPT, 23, 296, false },
	{ IPSEC_ALG_ENCRYPT, 14, 144, false },
	{ IPSEC_ALG_ENCRYPT, 14, 152, true },
	{ IPSEC_ALG_ENCRYPT, 14, 160, false },
	{ IPSEC_ALG_ENCRYPT, 14, 208, false },
	{ IPSEC_ALG_ENCRYPT, 14, 216, true },
	{ IPSEC_ALG_ENCRYPT, 14, 224, false },
	{ IPSEC_ALG_ENCRYPT, 14, 272, false },
	{ IPSEC_ALG_ENCRYPT, 14, 280, true },
	{ IPSEC_ALG_ENCRYPT, 14, 288, false },
	{ IPSEC_ALG_ENCRYPT, 15, 144, false },
	{ IPSEC_ALG_ENCRYPT, 15, 152, true },
	{ IPSEC_ALG_ENCRYPT, 15, 160, false },
	{ IPSEC_ALG_ENCRYPT, 15, 208, false },
	{ IPSEC_ALG_ENCRYPT, 15, 216, true },
	{ IPSEC_ALG_ENCRYPT, 15, 224, false },
	{ IPSEC_ALG_ENCRYPT, 15, 272, false },
	{ IPSEC_ALG_ENCRYPT, 15, 280, true },
	{ IPSEC_ALG_ENCRYPT, 15, 288, false },
	{ IPSEC_ALG_ENCRYPT, 16, 144, false },
	{ IPSEC_ALG_ENCRYPT, 16, 152, true },
	{ IPSEC_ALG_ENCRYPT, 16, 160, false },
	{ IPSEC_ALG_ENCRYPT, 16, 208, false },
	{ IPSEC_ALG_ENCRYPT, 16, 216, true },
	{ IPSEC_ALG_ENCRYPT, 16, 224, false },
	{ IPSEC_ALG_ENCRYPT, 16, 272, false },
	{ IPSEC_ALG_ENCRYPT, 16, 280, true },
	{ IPSEC_ALG_ENCRYPT, 16, 288, false },
	{ IPSEC_ALG_ENCRYPT, 31, 256, false },
	{ IPSEC_ALG_ENCRYPT, 31, 280, false },
	{ IPSEC_ALG_ENCRYPT, 31, 288, true },
	{ IPSEC_ALG_ENCRYPT, 31, 296, false },
	{ IPSEC_ALG_AUTH, 2, 120, false },
	{ IPSEC_ALG_AUTH, 2, 128, true },
	{ IPSEC_ALG_AUTH, 2, 136, false },
	{ IPSEC_ALG_AUTH, 3, 152, false },
	{ IPSEC_ALG_AUTH, 3, 160, true },
	{ IPSEC_ALG_AUTH, 3, 168, false },
	{ IPSEC_ALG_AUTH, 8, 152, false },
	{ IPSEC_ALG_AUTH, 8, 160, true },
	{ IPSEC_ALG_AUTH, 8, 168, false },
	{ IPSEC_ALG_AUTH, 5, 248, false },
	{ IPSEC_ALG_AUTH, 5, 256, true },
	{ IPSEC_ALG_AUTH, 5, 264, false },
	{ IPSEC_ALG_AUTH, 6, 376, false },
	{ IPSEC_ALG_AUTH, 6, 384, true },
	{ IPSEC_ALG_AUTH, 6, 392, false },
	{ IPSEC_ALG_AUTH, 7, 504, false },
	{ IPSEC_ALG_AUTH, 7, 512, true },
	{ IPSEC_ALG_AUTH, 7, 520, false },
	{ IPSEC_ALG_AUTH, 9, 120, false },
	{ IPSEC_ALG_AUTH, 9, 128, true },
	{ IPSEC_ALG_AUTH, 9, 136, false },
	{ IPSEC_ALG_AUTH, 248, 120, false },
	{ IPSEC_ALG_AUTH, 248, 128, true },
	{ IPSEC_ALG_AUTH, 248, 136, false },
	{ IPSEC_ALG_AUTH, 251, 0, true },
};

static void keylen_desc(const struct keylen_case *k, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %u: %u bits",
		 k->kind == IPSEC_ALG_AUTH ? "auth" : "encrypt", k->id,
		 k->bits);
}

KUNIT_ARRAY_PARAM(keylen, keylens, keylen_desc);

static void alg_key_length(struct kunit *test)
{
	const struct keylen_case *k = test->param_value;
	const struct ipsec_alg_desc *alg = ipsec_alg_find(k->kind, k->id);

	KUNIT_ASSERT_NOT_NULL(test, alg);
	KUNIT_EXPECT_EQ(test, k->ok, ipsec_alg_key_ok(alg, k->bits));
}

static void alg_table_sane(struct kunit *test)
{
	unsigned int i, j;

	for (i = 0; i < ipsec_alg_count; i++) {
		const struct ipsec_alg_desc *a = &ipsec_alg_table[i];

		KUNIT_EXPECT_PTR_EQ(test, a, ipsec_alg_find(a->kind, a->id));
		KUNIT_EXPECT_LE(test, a->iv, IPSEC_IV_MAX);
		KUNIT_EXPECT_TRUE(test, ipsec_alg_key_ok(a, a->key_min));
		KUNIT_EXPECT_TRUE(test, ipsec_alg_key_ok(a, a->key_max));
		if (a->kind == IPSEC_ALG_ENCRYPT) {
			KUNIT_EXPECT_GE(test, a->block, 4);
			KUNIT_EXPECT_EQ(test, 0, a->block & (a->block - 1));
		}
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_FALSE(test,
					   a->kind == ipsec_alg_table[j].kind &&
					   a->id == ipsec_alg_table[j].id);
	}
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(IPSEC_ALG_ENCRYPT, 0));
	KUNIT_EXPECT_NULL(test, ipsec_alg_find(IPSEC_ALG_AUTH, 12));
	for (i = 0; i < ipsec_alg_count; i++)
		KUNIT_EXPECT_EQ_MSG(test, 0, ipsec_alg_ask(&ipsec_alg_table[i]),
				    "%s", ipsec_alg_table[i].name);
}

/* Every cipher with every integrity algorithm, both kinds of numbers. */
static void alg_round_trip(struct kunit *test)
{
	static const u8 header[] = { 0, 0, 1, 1, 0, 0, 0, 9 };
	u8 keydata[64];
	u8 *buf = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	unsigned int i, j, pairs = 0;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < sizeof(keydata); i++)
		keydata[i] = i * 37 + 1;
	for (i = 0; i < ipsec_alg_count; i++) {
		for (j = 0; j < ipsec_alg_count * 2; j++) {
			const struct ipsec_alg_desc *e = &ipsec_alg_table[i];
			const struct ipsec_alg_desc *a = &ipsec_alg_table[j / 2];
			struct ipsec_key ekey = { keydata, e->key_max };
			struct ipsec_key akey = { keydata, a->key_max };
			struct ipsec_cipher c;
			unsigned int body;
			int err;

			if (e->kind != IPSEC_ALG_ENCRYPT ||
			    a->kind != IPSEC_ALG_AUTH)
				continue;
			bool esn = j & 1;

			err = ipsec_cipher_init(&c, esn ? IPSEC_ESP_ESN :
						IPSEC_ESP_NEW, e, &ekey, a,
						&akey);
			if ((e->aead && a->icv) || a->keyed ||
			    (esn && !e->aead && !a->icv)) {
				KUNIT_EXPECT_EQ(test, -EINVAL, err);
				continue;
			}
			KUNIT_ASSERT_EQ_MSG(test, 0, err, "%s %s", e->name,
					    a->name);
			memset(buf, 0, ROOM);
			memcpy(buf, header, sizeof(header));
			memset(buf + ESP_HEADER + c.iv, 0xab, 96);
			ipsec_cipher_make_iv(&c, buf + ESP_HEADER, 9);
			KUNIT_EXPECT_EQ(test, 0, crypt(&c, true, buf, 96, 0));
			KUNIT_EXPECT_EQ(test, 0,
					crypt(&c, false, buf, 96 + c.icv, 0));
			body = ESP_HEADER + c.iv;
			KUNIT_EXPECT_NULL(test,
					  memchr_inv(buf + body, 0xab, 96));
			ipsec_cipher_destroy(&c);
			pairs++;
		}
	}
	/*
	 * Ten ciphers with nine MACs, eight AEADs with "null", twice; not a
	 * cipher alone with 64-bit numbers.
	 */
	KUNIT_EXPECT_EQ(test, 2 * (10 * 9 + 8) - 10, pairs);
}

/* Keys that DES must refuse (RFC 2405 section 2.1), 3DES as well. */
static void alg_weak_keys(struct kunit *test)
{
	static const struct {
		u8	id, bits;
		u8	key[24];
		int	err;
	} keys[] = {
		{ 2, 64, { 1, 1, 1, 1, 1, 1, 1, 1 }, -EINVAL },
		{ 2, 64, { 0xfe, 1, 0xfe, 1, 0xfe, 1, 0xfe, 1 }, -EINVAL },
		{ 2, 64, { 0, 0, 0, 0, 0, 0, 0, 0 }, -EINVAL },
		{ 2, 64, { 0x1f, 0x1f, 0x1f, 0x1f, 0x0e, 0x0e, 0x0e, 0x0e },
		  -EINVAL },
		{ 2, 64, { 0xe0, 0xe0, 0xe0, 0xe0, 0xf1, 0xf1, 0xf1, 0xf1 },
		  -EINVAL },
		{ 2, 64, { 0xe0, 0xfe, 0xe0, 0xfe, 0xf1, 0xfe, 0xf1, 0xfe },
		  -EINVAL },
		{ 2, 64, { 1, 2, 3, 4, 5, 6, 7, 8 }, 0 },
		{ 3, 192, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8,
			    9, 9, 9, 9, 9, 9, 9, 7 }, -EINVAL },
		{ 3, 192, { 1, 2, 3, 4, 5, 6, 7, 8, 0xfe, 0xfe, 0xfe, 0xfe,
			    0xfe, 0xfe, 0xfe, 0xfe, 9, 9, 9, 9, 9, 9, 9, 7 },
		  -EINVAL },
		{ 3, 192, { 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 7,
			    1, 0x1f, 1, 0x1f, 1, 0x0e, 1, 0x0e }, -EINVAL },
		{ 3, 192, { 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8,
			    9, 9, 9, 9, 9, 9, 9, 7 }, -EINVAL },
		{ 3, 192, { 1, 2, 3, 4, 5, 6, 7, 8, 8, 7, 6, 5, 4, 3, 2, 1,
			    9, 9, 9, 9, 9, 9, 9, 7 }, 0 },
	};
	const struct ipsec_alg_desc *cipher, *mac;
	struct ipsec_cipher c;
	unsigned int i;
	int err;

	mac = ipsec_alg_find(IPSEC_ALG_AUTH, 251);
	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		struct ipsec_key none = {}, key = { keys[i].key, keys[i].bits };

		cipher = ipsec_alg_find(IPSEC_ALG_ENCRYPT, keys[i].id);
		err = ipsec_cipher_init(&c, IPSEC_ESP_NEW, cipher, &key, mac,
					&none);
		KUNIT_EXPECT_EQ_MSG(test, keys[i].err, err, "row %u", i);
		if (!keys[i].err)
			ipsec_cipher_destroy(&c);
	}
}

/* Counter IVs never repeat; random ones are not all the same. */
static void esp_ivs(struct kunit *test)
{
	struct ipsec_cipher c = {
		.iv = 8, .iv_kind = IPSEC_IV_COUNTER, .salt = 0x123456789abcdefULL,
	};
	u8 a[16] = {}, b[16] = {};

	ipsec_cipher_make_iv(&c, a, 1);
	ipsec_cipher_make_iv(&c, b, 1);
	KUNIT_EXPECT_EQ(test, 0, memcmp(a, b, 8));
	ipsec_cipher_make_iv(&c, b, 2);
	KUNIT_EXPECT_NE(test, 0, memcmp(a, b, 8));
	ipsec_cipher_make_iv(&c, b, 1ULL << 32 | 1);
	KUNIT_EXPECT_NE(test, 0, memcmp(a, b, 8));
	c.iv = 16;
	c.iv_kind = IPSEC_IV_RANDOM;
	ipsec_cipher_make_iv(&c, a, 1);
	ipsec_cipher_make_iv(&c, b, 1);
	KUNIT_EXPECT_NE(test, 0, memcmp(a, b, 16));
}

static int esp_suite_init(struct kunit_suite *suite)
{
	return module_is_initialized() ? 0 : ipsec_crypt_init();
}

static void esp_suite_exit(struct kunit_suite *suite)
{
	if (!module_is_initialized())
		ipsec_crypt_exit();
}

static struct kunit_case esp_test_cases[] = {
	KUNIT_CASE_PARAM(esp_known_answer, vector_gen_params),
	KUNIT_CASE_PARAM(esp_changed_byte, vector_gen_params),
	KUNIT_CASE_PARAM(esp_mac, mac_gen_params),
	KUNIT_CASE_PARAM(alg_key_length, keylen_gen_params),
	KUNIT_CASE(alg_table_sane),
	KUNIT_CASE(alg_round_trip),
	KUNIT_CASE(alg_weak_keys),
	KUNIT_CASE(esp_ivs),
	{}
};

static struct kunit_suite esp_suite = {
	.name		= "ipsec_crypto",
	.suite_init	= esp_suite_init,
	.suite_exit	= esp_suite_exit,
	.test_cases	= esp_test_cases,
};

kunit_test_suite(esp_suite);
