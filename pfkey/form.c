// SPDX-License-Identifier: GPL-2.0-only
/*
 * The buffers of messages, and the forms that one message has: with
 * SADB_X_EXT_SA_REPLAY for sockets that are extended (see ipsec/pfkeyv2.h), without
 * it for the others, and both of them bare or behind the base header that KAME
 * shows to promiscuous sockets. A form is made once, when the first socket wants
 * it; sockets get clones, which share its buffer.
 */
#include <net/sock.h>
#include "pfkey.h"

/*
 * Any message may have keys in it, or may have had them before it was cut. So every
 * buffer is wiped when the last skb that shares it goes: read, dropped, or purged
 * with its socket. The network core tells of each skb's end, not of the buffer's;
 * the skbs are counted in the buffer, in the word that the core leaves to its owner.
 */
static atomic_long_t *sharers(const struct sk_buff *skb)
{
	BUILD_BUG_ON(sizeof(atomic_long_t) >
		     sizeof(skb_shinfo(skb)->destructor_arg));
	return (atomic_long_t *)&skb_shinfo(skb)->destructor_arg;
}

static void skb_destruct(struct sk_buff *skb)
{
	if (skb->sk)
		sock_rfree(skb);
	if (atomic_long_dec_and_test(sharers(skb)))
		memzero_explicit(skb->head, skb_end_offset(skb));
}

static struct sk_buff *first_sharer(struct sk_buff *skb)
{
	if (!skb)
		return NULL;
	atomic_long_set(sharers(skb), 1);
	skb->destructor = skb_destruct;
	return skb;
}

/**
 * pfkey_skb_alloc() - a buffer for a message
 * @size: bytes there is room for
 * @gfp: how to allocate
 *
 * Return: the empty message or NULL. It is wiped when it is freed.
 */
struct sk_buff *pfkey_skb_alloc(unsigned int size, gfp_t gfp)
{
	return first_sharer(alloc_skb(size, gfp | __GFP_ACCOUNT));
}

/**
 * pfkey_skb_share() - one more skb with the same buffer
 * @skb: from here on nobody may write to its buffer
 * @gfp: how to allocate
 *
 * Return: the clone or NULL. The buffer is wiped when the last of them is freed.
 */
struct sk_buff *pfkey_skb_share(struct sk_buff *skb, gfp_t gfp)
{
	struct sk_buff *clone = skb_clone(skb, gfp);

	if (!clone)
		return NULL;
	atomic_long_inc(sharers(clone));
	clone->destructor = skb_destruct;
	return clone;
}

/**
 * pfkey_skb_own() - charge a message to the socket that will read it
 * @skb: the message, charged to nobody
 * @sk: the socket
 *
 * As skb_set_owner_r(), which would take its destructor away.
 */
void pfkey_skb_own(struct sk_buff *skb, struct sock *sk)
{
	skb->sk = sk;
	atomic_add(skb->truesize, &sk->sk_rmem_alloc);
	sk_mem_charge(sk, skb->truesize);
}

/*
 * Length of the extension at @off, or 0 where there is none. What userland sends is
 * shown before it was checked.
 */
static unsigned int ext_size(const struct sk_buff *skb, unsigned int off)
{
	const struct sadb_ext *ext = (const struct sadb_ext *)(skb->data + off);
	unsigned int size;

	if (off + sizeof(*ext) > skb->len)
		return 0;
	size = ext->sadb_ext_len * PFKEY_WORD;
	return size <= skb->len - off ? size : 0;
}

static bool is_replay(const struct sk_buff *skb, unsigned int off)
{
	const struct sadb_ext *ext = (const struct sadb_ext *)(skb->data + off);

	return ext->sadb_ext_type == SADB_X_EXT_SA_REPLAY;
}

static bool has_replay(const struct sk_buff *skb)
{
	unsigned int off = sizeof(struct sadb_msg), size;

	for (; (size = ext_size(skb, off)); off += size)
		if (is_replay(skb, off))
			return true;
	return false;
}

/**
 * pfkey_cut_replay() - take our own extension out of a message
 * @skb: the message, which nobody shares
 *
 * All of them, if there are several; each byte is moved once at most. What stands
 * behind an extension whose length cannot be is left alone.
 */
void pfkey_cut_replay(struct sk_buff *skb)
{
	struct sadb_msg *hdr = (struct sadb_msg *)skb->data;
	unsigned int from = sizeof(*hdr), to = from, size;

	for (; (size = ext_size(skb, from)); from += size) {
		if (is_replay(skb, from))
			continue;
		if (from != to)
			memmove(skb->data + to, skb->data + from, size);
		to += size;
	}
	if (from == to)
		return;
	memmove(skb->data + to, skb->data + from, skb->len - from);
	hdr->sadb_msg_len -= (from - to) / PFKEY_WORD;
	skb_trim(skb, skb->len - (from - to));
}

static void put_wrapper(struct sk_buff *skb)
{
	struct sadb_msg *hdr = skb_push(skb, sizeof(*hdr));

	memset(hdr, 0, sizeof(*hdr));
	hdr->sadb_msg_version = PF_KEY_V2;
	hdr->sadb_msg_type = SADB_X_PROMISC;
	hdr->sadb_msg_len = skb->len / PFKEY_WORD;
}

/**
 * pfkey_forms_init() - a message that is about to be delivered
 * @f: its forms
 * @skb: the message, which nobody shares; consumed
 * @extended: whether any socket may want the extended forms
 */
void pfkey_forms_init(struct pfkey_forms *f, struct sk_buff *skb, bool extended)
{
	memset(f, 0, sizeof(*f));
	if (!extended)
		pfkey_cut_replay(skb);
	f->one = !extended || !has_replay(skb);
	f->form[true][false] = skb;
}

static struct sk_buff *make_form(const struct sk_buff *skb, bool extended,
				 bool wrapped, gfp_t gfp)
{
	unsigned int head = wrapped ? sizeof(struct sadb_msg) : 0;
	struct sk_buff *form;

	form = first_sharer(skb_copy_expand(skb, head, 0, gfp));
	if (!form)
		return ERR_PTR(-ENOMEM);
	if (!extended)
		pfkey_cut_replay(form);
	if (wrapped)
		put_wrapper(form);
	return form;
}

/**
 * pfkey_form() - the form that a socket wants
 * @f: the forms of a message
 * @extended: the socket is
 * @wrapped: it is promiscuous, and overhears the message
 * @gfp: how to allocate
 *
 * Memory that was missing once is not asked for again.
 *
 * Return: the form, for pfkey_skb_share(), or NULL.
 */
struct sk_buff *pfkey_form(struct pfkey_forms *f, bool extended, bool wrapped,
			   gfp_t gfp)
{
	struct sk_buff **form;

	extended |= f->one;
	form = &f->form[extended][wrapped];
	if (!*form)
		*form = make_form(f->form[true][false], extended, wrapped, gfp);
	return IS_ERR(*form) ? NULL : *form;
}

/**
 * pfkey_form_last() - the form for the last socket, for which no memory is missing
 * @f: the forms of a message; all others that are wanted were made
 * @extended: the socket is
 *
 * Return: the bare form, the caller's own, or NULL.
 */
struct sk_buff *pfkey_form_last(struct pfkey_forms *f, bool extended)
{
	struct sk_buff *whole = f->form[true][false], *skb;
	gfp_t gfp = pfkey_reply_gfp(skb_end_offset(whole));

	extended |= f->one;
	if (!extended && !f->form[false][false] &&
	    atomic_long_read(sharers(whole)) == 1) {
		pfkey_cut_replay(whole);
		extended = true;
	}
	/* Others did without, where memory was short. */
	if (IS_ERR(f->form[extended][false]))
		f->form[extended][false] = NULL;
	skb = pfkey_form(f, extended, false, gfp);
	if (skb)
		f->form[extended][false] = NULL;
	return skb;
}

/**
 * pfkey_forms_free() - the message is delivered
 * @f: its forms; what clones share stays
 */
void pfkey_forms_free(struct pfkey_forms *f)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (!IS_ERR(f->form[i / 2][i % 2]))
			consume_skb(f->form[i / 2][i % 2]);
}
