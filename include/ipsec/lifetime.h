/* SPDX-License-Identifier: GPL-2.0-only */
/* Lifetimes of an SA (RFC 2367 section 2.3.2, RFC 4301 section 4.4.2.1). */
#ifndef _IPSEC_LIFETIME_H
#define _IPSEC_LIFETIME_H

#include <linux/time64.h>
#include <linux/types.h>

/**
 * struct ipsec_limits - one soft or hard lifetime; 0 = no limit
 * @allocations: packets
 * @bytes: bytes, counted as they are on the wire
 * @addtime: seconds since the SA was created
 * @usetime: seconds since the SA was first used
 */
struct ipsec_limits {
	u64	allocations;
	u64	bytes;
	u64	addtime;
	u64	usetime;
};

/**
 * struct ipsec_lifetime - limits and current use of an SA
 * @hard: [I] after this the SA is dead
 * @soft: [I] after this it is dying: still usable, its key manager is told
 * @packets: [s] packets sent or accepted
 * @bytes: [s] their bytes
 * @add_time: [I] wall clock when created, seconds
 * @use_time: [s] wall clock of the last use, seconds; 0 = never used
 * @add_boot: [I] boot-time clock when created, seconds; what limits use
 * @use_boot: [s] boot-time clock of the first use, seconds; 0 = never used
 */
struct ipsec_lifetime {
	struct ipsec_limits	hard;
	struct ipsec_limits	soft;
	u64			packets;
	u64			bytes;
	time64_t		add_time;
	time64_t		use_time;
	time64_t		add_boot;
	time64_t		use_boot;
};

/* What a look at the lifetime asks for. */
enum ipsec_lifetime_event {
	IPSEC_LIFE_OK,
	IPSEC_LIFE_SOFT,
	IPSEC_LIFE_HARD,
};

void ipsec_lifetime_init(struct ipsec_lifetime *lt,
			 const struct ipsec_limits *hard,
			 const struct ipsec_limits *soft);
void ipsec_lifetime_charge(struct ipsec_lifetime *lt, u32 packets, u64 bytes);
enum ipsec_lifetime_event ipsec_lifetime_check(const struct ipsec_lifetime *lt,
					       time64_t now);
time64_t ipsec_lifetime_next(const struct ipsec_lifetime *lt, time64_t now);

#endif /* _IPSEC_LIFETIME_H */
