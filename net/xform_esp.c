// SPDX-License-Identifier: GPL-2.0-only
/*
 * ESP (RFC 4303), for IPv4 and IPv6. Tunnels put their outer header on before
 * and take it off after; here every packet is one header and its payload.
 */
#include <linux/random.h>
#include <linux/skbuff.h>
#include <net/esp.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/crypt.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include <uapi/ipsec/pfkeyv2.h>
#include "net.h"

/* Pad length and next header. */
#define TRAILER		2

/* What the flags of an SA say of its packets, or -EINVAL (RFC 1827, 4303). */
static int esp_form(const struct ipsec_sa_params *p)
{
	switch (p->flags & (SADB_X_EXT_OLD | SADB_X_EXT_IV4B |
			    SADB_X_EXT_DERIV | SADB_X_SAFLAGS_ESN)) {
	case SADB_X_EXT_NONE:
		return IPSEC_ESP_NEW;
	case SADB_X_SAFLAGS_ESN:
		return IPSEC_ESP_ESN;
	case SADB_X_EXT_DERIV:
		return IPSEC_ESP_DERIV;
	case SADB_X_EXT_OLD:
		return IPSEC_ESP_OLD;
	case SADB_X_EXT_OLD | SADB_X_EXT_IV4B:
		return IPSEC_ESP_OLD_IV32;
	default:
		return -EINVAL;
	}
}

static int esp_init(struct ipsec_sa *sa, const struct ipsec_sa_params *p)
{
	const struct ipsec_alg_desc *ealg, *aalg = NULL;
	int form = esp_form(p);

	if (form < 0 || !ipsec_numbers_ok(p))
		return -EINVAL;
	ealg = ipsec_alg_find(IPSEC_ALG_ENCRYPT, p->ealg);
	if (!ealg)
		return -ENOSYS;
	if (p->aalg) {
		aalg = ipsec_alg_find(IPSEC_ALG_AUTH, p->aalg);
		if (!aalg)
			return -ENOSYS;
	}
	return ipsec_cipher_init(&sa->cipher, form, ealg, &p->ekey, aalg,
				 &p->akey);
}

static void esp_destroy(struct ipsec_sa *sa)
{
	ipsec_cipher_destroy(&sa->cipher);
}

/* Whether packets have sequence numbers. */
static bool esp_numbered(const struct ipsec_sa *sa)
{
	return sa->cipher.head >= sizeof(struct ip_esp_hdr);
}

/* Bytes in front of the payload: SPI, sequence number, IV. */
static unsigned int esp_headroom(const struct ipsec_sa *sa)
{
	return sa->cipher.head + sa->cipher.iv;
}

static unsigned int esp_room(const struct ipsec_sa *sa)
{
	return esp_headroom(sa) + ipsec_natt_overhead(&sa->natt);
}

static unsigned int esp_tailroom(const struct ipsec_sa *sa)
{
	return sa->cipher.block + TRAILER + sa->cipher.icv;
}

static unsigned int esp_payload(const struct ipsec_sa *sa, unsigned int space)
{
	unsigned int fixed = esp_room(sa) + sa->cipher.icv;

	space -= min(space, fixed);
	space = round_down(space, sa->cipher.block);
	return space - min_t(unsigned int, space, TRAILER);
}

/* 1, 2, 3, ... unless the SA's owner wants something else. */
static void esp_pad(const struct ipsec_sa *sa, u8 *pad, unsigned int len)
{
	unsigned int i;

	switch (sa->flags & SADB_X_EXT_PMASK) {
	case SADB_X_EXT_PRAND:
		get_random_bytes(pad, len);
		break;
	case SADB_X_EXT_PZERO:
		memset(pad, 0, len);
		break;
	default:
		for (i = 0; i < len; i++)
			pad[i] = i + 1;
	}
}

/* Padding, then its length and what the payload is. */
static void esp_put_trailer(const struct ipsec_sa *sa, struct sk_buff *skb,
			    unsigned int padlen, u8 nexthdr)
{
	u8 *tail = __skb_put(skb, padlen + TRAILER + sa->cipher.icv);

	esp_pad(sa, tail, padlen);
	tail[padlen] = padlen;
	tail[padlen + 1] = nexthdr;
}

static void esp_output_done(struct ipsec_crypt *crypt, int err)
{
	struct sk_buff *skb = crypt->skb;

	ipsec_crypt_put(crypt);
	ipsec_output_resume(skb, err);
}

static int esp_output_drop(struct ipsec_sa *sa, struct sk_buff *skb,
			   enum ipsec_stat reason)
{
	ipsec_drop(sa->net, skb, reason, sa, NULL);
	return -EINPROGRESS;
}

static int esp_output_crypt(struct ipsec_sa *sa, struct sk_buff *skb, u64 seq,
			    u8 *esp, unsigned int len)
{
	struct ipsec_crypt *crypt = ipsec_crypt_get(&sa->cipher);
	struct ipsec_skb_cb held;
	int err;

	if (unlikely(!crypt))
		return esp_output_drop(sa, skb, IPSEC_STAT_out_nomem);
	crypt->skb = skb;
	crypt->seq_hi = htonl(seq >> 32);
	crypt->done = esp_output_done;
	if (sa->cipher.async) {
		if (unlikely(!ipsec_output_hold(skb))) {
			ipsec_crypt_put(crypt);
			return esp_output_drop(sa, skb, IPSEC_STAT_out_noroute);
		}
		held = *ipsec_cb(skb);
	}
	err = ipsec_crypt_encrypt(&sa->cipher, crypt, esp, len);
	if (err == -EINPROGRESS)
		return err;
	ipsec_crypt_put(crypt);
	if (sa->cipher.async)
		ipsec_output_release(&held);
	return unlikely(err) ? esp_output_drop(sa, skb, IPSEC_STAT_out_crypto) :
			       0;
}

/*
 *	before: | IP header |                | payload |
 *	after:  | IP header | SPI | seq | IV | payload | pad | len | next | ICV |
 *	                    |                |---- encrypted -------------|
 *	                    |---------- authenticated --------------------|
 *
 * RFC 1827 has neither seq nor ICV.
 */
static int esp_output(struct ipsec_sa *sa, struct sk_buff *skb)
{
	const struct ipsec_cipher *c = &sa->cipher;
	unsigned int headroom = esp_headroom(sa);
	unsigned int nexthdr, payload, padlen;
	struct ip_esp_hdr *esph;
	u64 seq = 0;
	int hlen;

	hlen = ipsec_header_place(skb, &nexthdr);
	if (unlikely(hlen < 0))
		return esp_output_drop(sa, skb, IPSEC_STAT_out_inval);
	payload = skb->len - hlen;
	padlen = ALIGN(payload + TRAILER, c->block) - payload - TRAILER;
	if (unlikely(skb->len + esp_room(sa) + padlen + TRAILER + c->icv >
		     IP_MAX_MTU))
		return esp_output_drop(sa, skb, IPSEC_STAT_out_toobig);
	if (unlikely(esp_numbered(sa) && ipsec_seq_next(sa, &seq)))
		return esp_output_drop(sa, skb, IPSEC_STAT_out_wrap);

	esp_put_trailer(sa, skb, padlen, skb->data[nexthdr]);
	esph = ipsec_header_insert(skb, hlen, nexthdr, headroom, IPPROTO_ESP);
	esph->spi = sa->key.spi;
	if (esp_numbered(sa))
		esph->seq_no = htonl((u32)seq);
	ipsec_cipher_make_iv(c, (u8 *)esph + c->head, seq);
	return esp_output_crypt(sa, skb, seq, (u8 *)esph,
				payload + padlen + TRAILER);
}

/* The counter of a sequence number that is refused. */
static enum ipsec_stat replay_reason(enum ipsec_replay_verdict verdict)
{
	return verdict == IPSEC_REPLAY_OLD ? IPSEC_STAT_in_espold :
					     IPSEC_STAT_in_espreplay;
}

static int esp_input_drop(struct ipsec_sa *sa, struct sk_buff *skb,
			  enum ipsec_stat reason)
{
	ipsec_drop(sa->net, skb, reason, sa, NULL);
	return -EINPROGRESS;
}

/* After decryption: believe the ICV, then the number, then the trailer. */
static int esp_input_finish(struct ipsec_sa *sa, struct sk_buff *skb, u64 seq,
			    int err)
{
	const struct ipsec_cipher *c = &sa->cipher;
	enum ipsec_replay_verdict verdict = IPSEC_REPLAY_OK;
	unsigned int cut, padlen;
	const u8 *tail;
	u8 nexthdr;

	if (err == -EBADMSG)
		return esp_input_drop(sa, skb, IPSEC_STAT_in_espauthfail);
	if (unlikely(err))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_crypto);
	/* Only now that the ICV is good may the window move. */
	if (c->auth) {
		ipsec_count(sa->net, IPSEC_STAT_in_espauthsucc);
		verdict = ipsec_window_accept(sa, seq);
	}
	if (unlikely(verdict != IPSEC_REPLAY_OK))
		return esp_input_drop(sa, skb, replay_reason(verdict));
	/* As long as it was on the wire, IP header included. */
	ipsec_sa_charge(sa, 1, skb->len - skb_network_offset(skb));

	tail = skb_tail_pointer(skb) - c->icv - TRAILER;
	padlen = tail[0];
	nexthdr = tail[1];
	cut = padlen + TRAILER + c->icv;
	if (unlikely(esp_headroom(sa) + cut > skb->len))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_badenc);
	__skb_trim(skb, skb->len - cut);
	__skb_pull(skb, esp_headroom(sa));
	skb->ip_summed = CHECKSUM_NONE;
	return nexthdr;
}

static void esp_input_done(struct ipsec_crypt *crypt, int err)
{
	struct sk_buff *skb = crypt->skb;
	struct ipsec_sa *sa = crypt->priv;
	struct net_device *dev = skb->dev;
	u64 seq;

	seq = (u64)ntohl(crypt->seq_hi) << 32 |
	      ntohl(ip_esp_hdr(skb)->seq_no);
	ipsec_crypt_put(crypt);
	rcu_read_lock();
	ipsec_input_resume(skb, sa, esp_input_finish(sa, skb, seq, err));
	rcu_read_unlock();
	dev_put(dev);
	ipsec_sa_put(sa);
}

/*
 * What is kept while the crypto may outlive our RCU section. If the route goes
 * meanwhile, what was opened is received anew, see ipsec_stack_deliver().
 */
static void esp_input_hold(struct ipsec_sa *sa, struct sk_buff *skb)
{
	ipsec_sa_hold(sa);
	dev_hold(skb->dev);
	skb_dst_force(skb);
}

static void esp_input_release(struct ipsec_sa *sa, struct net_device *dev)
{
	dev_put(dev);
	ipsec_sa_put(sa);
}

static int esp_input_crypt(struct ipsec_sa *sa, struct sk_buff *skb, u64 seq)
{
	struct ipsec_crypt *crypt = ipsec_crypt_get(&sa->cipher);
	int err;

	if (unlikely(!crypt))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_nomem);
	crypt->skb = skb;
	crypt->priv = sa;
	crypt->seq_hi = htonl(seq >> 32);
	crypt->done = esp_input_done;
	if (sa->cipher.async)
		esp_input_hold(sa, skb);
	err = ipsec_crypt_decrypt(&sa->cipher, crypt, skb->data,
				  skb->len - esp_headroom(sa));
	if (err == -EINPROGRESS)
		return err;
	ipsec_crypt_put(crypt);
	if (sa->cipher.async)
		esp_input_release(sa, skb->dev);
	return esp_input_finish(sa, skb, seq, err);
}

/*
 * Refuse what is cheap to refuse, then make the packet our own: it may share
 * its bytes with a socket, a file or another packet, and we decrypt in place.
 */
static int esp_input(struct ipsec_sa *sa, struct sk_buff *skb)
{
	const struct ipsec_cipher *c = &sa->cipher;
	unsigned int fixed = esp_headroom(sa) + c->icv;
	enum ipsec_replay_verdict verdict;
	u64 seq = 0;

	if (unlikely(skb->len < fixed + TRAILER ||
		     !pskb_may_pull(skb, esp_headroom(sa))))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_hdrops);
	if (unlikely((skb->len - fixed) % c->block))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_badilen);

	/* Numbers that nobody vouches for are not believed. */
	if (c->auth) {
		verdict = ipsec_window_check(sa, ip_esp_hdr(skb)->seq_no, &seq);
		if (unlikely(verdict != IPSEC_REPLAY_OK))
			return esp_input_drop(sa, skb, replay_reason(verdict));
	}
	if (unlikely(skb_linearize_cow(skb)))
		return esp_input_drop(sa, skb, IPSEC_STAT_in_nomem);
	return esp_input_crypt(sa, skb, seq);
}

const struct ipsec_xform ipsec_xform_esp = {
	.proto		= IPPROTO_ESP,
	.init		= esp_init,
	.destroy	= esp_destroy,
	.output		= esp_output,
	.input		= esp_input,
	.headroom	= esp_room,
	.tailroom	= esp_tailroom,
	.payload	= esp_payload,
};
