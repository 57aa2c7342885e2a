// SPDX-License-Identifier: GPL-2.0-only
/* When an SA is due to be renewed, and when to be gone (RFC 4301 4.4.2.1). */
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <ipsec/lifetime.h>

/**
 * ipsec_lifetime_init() - start to count
 * @lt: the lifetime
 * @hard: hard limits, copied
 * @soft: soft limits, copied
 */
void ipsec_lifetime_init(struct ipsec_lifetime *lt,
			 const struct ipsec_limits *hard,
			 const struct ipsec_limits *soft)
{
	*lt = (struct ipsec_lifetime){
		.hard		= *hard,
		.soft		= *soft,
		.add_time	= ktime_get_real_seconds(),
		.add_boot	= ktime_get_boottime_seconds(),
	};
}

/**
 * ipsec_lifetime_charge() - packets were carried
 * @lt: the lifetime
 * @packets: how many
 * @bytes: their bytes
 *
 * Context: SA lock held.
 */
void ipsec_lifetime_charge(struct ipsec_lifetime *lt, u32 packets, u64 bytes)
{
	lt->packets += packets;
	lt->bytes += bytes;
	lt->use_time = ktime_get_real_seconds();
	if (unlikely(!lt->use_boot))
		lt->use_boot = max_t(time64_t, ktime_get_boottime_seconds(), 1);
}

static bool passed(u64 limit, u64 value)
{
	return limit && value > limit;
}

static bool limits_passed(const struct ipsec_limits *l,
			  const struct ipsec_lifetime *lt, time64_t now)
{
	return passed(l->allocations, lt->packets) ||
	       passed(l->bytes, lt->bytes) ||
	       passed(l->addtime, now - lt->add_boot) ||
	       (lt->use_boot && passed(l->usetime, now - lt->use_boot));
}

/**
 * ipsec_lifetime_check() - whether a limit was passed
 * @lt: the lifetime
 * @now: boot-time clock, seconds: it goes on while the machine sleeps
 *
 * A limit of n seconds, bytes or packets still allows the nth.
 *
 * Context: SA lock held. Return: the gravest event that is due.
 */
enum ipsec_lifetime_event ipsec_lifetime_check(const struct ipsec_lifetime *lt,
					       time64_t now)
{
	if (limits_passed(&lt->hard, lt, now))
		return IPSEC_LIFE_HARD;
	if (limits_passed(&lt->soft, lt, now))
		return IPSEC_LIFE_SOFT;
	return IPSEC_LIFE_OK;
}

/* The nearer of @next and the moment after @start + @limit, if it is to come. */
static time64_t nearer(time64_t next, u64 limit, time64_t start, time64_t now)
{
	time64_t left;

	/* Limits beyond the clock's range never end. */
	if (!limit || limit > S64_MAX / 2)
		return next;
	left = start + (time64_t)limit + 1 - now;
	if (left <= 0)
		return next;
	return next ? min(next, left) : left;
}

/**
 * ipsec_lifetime_next() - how long until time alone passes a limit
 * @lt: the lifetime
 * @now: boot-time clock, seconds
 *
 * Context: SA lock held. Return: seconds until the next check is due, at least
 * 1, or 0 when none is.
 */
time64_t ipsec_lifetime_next(const struct ipsec_lifetime *lt, time64_t now)
{
	time64_t next = 0;

	next = nearer(next, lt->hard.addtime, lt->add_boot, now);
	next = nearer(next, lt->soft.addtime, lt->add_boot, now);
	if (lt->use_boot) {
		next = nearer(next, lt->hard.usetime, lt->use_boot, now);
		next = nearer(next, lt->soft.usetime, lt->use_boot, now);
	}
	return next;
}
