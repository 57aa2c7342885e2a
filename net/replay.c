// SPDX-License-Identifier: GPL-2.0-only
/*
 * Anti-replay window: a ring of bits that is never shifted (RFC 6479), with
 * 64-bit sequence numbers where asked for (RFC 4303 section 2.2.1).
 *
 * Bit seq % bits of the ring is set when seq was received. The ring has at least
 * one word more than the window, so the word that the newest number enters
 * holds nothing that is still inside the window: it can be cleared whole.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/log2.h>
#include <linux/slab.h>
#include <ipsec/replay.h>

/**
 * ipsec_replay_init() - make an empty window
 * @r: the window
 * @window: packets; 0 = accept everything
 * @esn: 64-bit sequence numbers
 *
 * Context: process. Return: 0, -EINVAL above IPSEC_REPLAY_MAX, -ENOMEM.
 */
int ipsec_replay_init(struct ipsec_replay *r, u32 window, bool esn)
{
	*r = (struct ipsec_replay){ .window = window, .esn = esn };
	if (!window)
		return 0;
	if (window > IPSEC_REPLAY_MAX)
		return -EINVAL;
	r->words = roundup_pow_of_two(DIV_ROUND_UP(window, BITS_PER_LONG) + 1);
	r->bitmap = kvcalloc(r->words, sizeof(*r->bitmap), GFP_KERNEL_ACCOUNT);
	return r->bitmap ? 0 : -ENOMEM;
}

/**
 * ipsec_replay_start() - take a number and all before it as received
 * @r: an empty window
 * @seq: the number
 *
 * Context: before packets know the window.
 */
void ipsec_replay_start(struct ipsec_replay *r, u64 seq)
{
	u64 word = (seq / BITS_PER_LONG) & ((u64)r->words - 1);

	r->top = seq;
	if (!seq || !r->window)
		return;
	memset(r->bitmap, 0xff, r->words * sizeof(*r->bitmap));
	/* The word in work also has numbers that are yet to come. */
	r->bitmap[word] = GENMASK(seq % BITS_PER_LONG, 0);
}

/**
 * ipsec_replay_destroy() - free it
 * @r: the window; may be zeroed memory that was never initialised
 */
void ipsec_replay_destroy(struct ipsec_replay *r)
{
	kvfree(r->bitmap);
	r->bitmap = NULL;
}

/**
 * ipsec_replay_extend() - the full number of the 32 bits on the wire
 * @r: the window
 * @seq: sequence number of the packet, host order
 *
 * With ESN the high half is the one that puts the number closest to the window
 * (RFC 4303 appendix A2). Without a window half of all numbers count as late, so
 * that packets out of order still find theirs.
 *
 * Context: SA lock held. Return: the number; without ESN @seq itself.
 */
u64 ipsec_replay_extend(const struct ipsec_replay *r, u32 seq)
{
	u32 high = upper_32_bits(r->top), low = lower_32_bits(r->top);
	u32 window = r->window ?: BIT(31);
	u32 bottom = low - window + 1;

	if (!r->esn)
		return seq;
	if (low >= window - 1) {
		/* The window lies within one half: below it means next. */
		if (seq < bottom)
			high++;
	} else if (seq >= bottom && high) {
		/* The window reaches back into the half before. */
		high--;
	}
	return (u64)high << 32 | seq;
}

/**
 * ipsec_replay_check() - whether a number may still be accepted
 * @r: the window
 * @seq: from ipsec_replay_extend()
 *
 * Context: SA lock held. Return: the verdict. Zero is never valid: senders
 * start at one.
 */
enum ipsec_replay_verdict ipsec_replay_check(const struct ipsec_replay *r,
					     u64 seq)
{
	u64 bit;

	if (!r->window)
		return IPSEC_REPLAY_OK;
	if (!seq)
		return IPSEC_REPLAY_OLD;
	if (seq > r->top)
		return IPSEC_REPLAY_OK;
	if (r->top - seq >= r->window)
		return IPSEC_REPLAY_OLD;
	bit = seq & ((u64)r->words * BITS_PER_LONG - 1);
	return test_bit(bit, r->bitmap) ? IPSEC_REPLAY_DUP : IPSEC_REPLAY_OK;
}

/**
 * ipsec_replay_commit() - the packet with this number is genuine
 * @r: the window
 * @seq: a number that ipsec_replay_check() accepts
 *
 * Context: SA lock held, in the same section as the check.
 */
void ipsec_replay_commit(struct ipsec_replay *r, u64 seq)
{
	u64 mask = (u64)r->words - 1;
	u64 word, steps;

	if (!r->window) {
		r->top = max(r->top, seq);
		return;
	}
	if (seq > r->top) {
		word = r->top / BITS_PER_LONG;
		steps = min_t(u64, seq / BITS_PER_LONG - word, r->words);
		while (steps--)
			r->bitmap[++word & mask] = 0;
		r->top = seq;
	}
	__set_bit(seq & ((u64)r->words * BITS_PER_LONG - 1), r->bitmap);
}
