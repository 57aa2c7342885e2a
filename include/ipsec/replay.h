/* SPDX-License-Identifier: GPL-2.0-only */
/* Anti-replay window (RFC 4303 section 3.4.3, RFC 6479). */
#ifndef _IPSEC_REPLAY_H
#define _IPSEC_REPLAY_H

#include <linux/bits.h>
#include <linux/types.h>

/* Largest window in packets. */
#define IPSEC_REPLAY_MAX	BIT(20)

/* Why a sequence number is refused. */
enum ipsec_replay_verdict {
	IPSEC_REPLAY_OK,
	IPSEC_REPLAY_OLD,	/* left of the window, or zero */
	IPSEC_REPLAY_DUP,	/* seen before */
};

/**
 * struct ipsec_replay - the receiver's window of one SA
 * @top: [s] highest sequence number received, 64 bits with ESN
 * @window: [I] packets that may arrive late; 0 = no check at all
 * @words: [I] length of @bitmap in unsigned longs, a power of two
 * @esn: [I] extended (64-bit) sequence numbers
 * @bitmap: [s] ring of bits, one a sequence number; NULL without a window
 *
 * The ring is one word longer than the window, so that moving the window
 * clears whole words and never shifts (RFC 6479).
 */
struct ipsec_replay {
	u64		top;
	u32		window;
	u32		words;
	bool		esn;
	unsigned long	*bitmap;
};

int ipsec_replay_init(struct ipsec_replay *r, u32 window, bool esn);
void ipsec_replay_start(struct ipsec_replay *r, u64 seq);
void ipsec_replay_destroy(struct ipsec_replay *r);
u64 ipsec_replay_extend(const struct ipsec_replay *r, u32 seq);
enum ipsec_replay_verdict ipsec_replay_check(const struct ipsec_replay *r,
					     u64 seq);
void ipsec_replay_commit(struct ipsec_replay *r, u64 seq);

#endif /* _IPSEC_REPLAY_H */
