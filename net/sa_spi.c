// SPDX-License-Identifier: GPL-2.0-only
/* An SPI that nobody has: GETSPI (RFC 2367 section 3.1.1). */
#include <linux/random.h>
#include <linux/sched/signal.h>
#include <ipsec/netns.h>
#include <ipsec/sa.h>
#include "net.h"

/**
 * struct spi_range - SPIs to choose from, in host order
 * @min: lowest
 * @max: highest
 */
struct spi_range {
	u32	min;
	u32	max;
};

/* What was asked for, else what the knobs say. */
static struct spi_range spi_range_of(const struct ipsec_knobs *knobs, u8 proto,
				     u32 min, u32 max)
{
	struct spi_range range = { .min = min, .max = max };

	if (!min) {
		range.min = READ_ONCE(knobs->spi_minval);
		range.max = READ_ONCE(knobs->spi_maxval);
	}
	if (proto == IPPROTO_COMP) {
		/* The knobs are about SPIs and may leave no CPI. */
		if (!min && range.min > IPSEC_CPI_MAX)
			range.min = IPSEC_CPI_WELL_KNOWN + 1;
		range.max = min_t(u32, range.max, IPSEC_CPI_MAX);
	}
	return range;
}

static u32 spi_draw(const struct spi_range *range)
{
	u64 size = (u64)range->max - range->min + 1;

	return range->min + (u32)((get_random_u32() * size) >> 32);
}

/*
 * Tries SPIs until one is free. A range of no more than @tries is gone through from a
 * random place on, so that its last free SPI is found; in a longer one each try is
 * random.
 */
static int spi_take(struct ipsec_sa *sa, const struct spi_range *range,
		    unsigned int tries)
{
	bool scan = range->max - range->min < tries;
	u32 spi = spi_draw(range);
	int err = -EEXIST;

	if (scan)
		tries = range->max - range->min + 1;
	for (; tries; tries--) {
		sa->key.spi = htonl(spi);
		ipsec_sa_hold(sa);
		err = ipsec_sad_add(sa);
		if (!err)
			return 0;
		ipsec_sa_put(sa);
		if (err != -EEXIST)
			return err;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		if (!scan)
			spi = spi_draw(range);
		else
			spi = spi < range->max ? spi + 1 : range->min;
	}
	return err;
}

/**
 * ipsec_sad_alloc_spi() - reserve an SPI
 * @net: the namespace
 * @params: ends, mode, reqid and creator; its spi is ignored
 * @min: lowest SPI, host order; 0 = the knobs' range
 * @max: highest SPI, host order
 *
 * The cost does not grow with the number of SAs.
 *
 * Context: process. Return: a larval SA in the SAD, with a reference for the
 * caller; -EINVAL for an empty range, -EEXIST if net.key.spi_trycnt tries found
 * nothing free, -EINTR if the caller is being killed, -ENOMEM.
 */
struct ipsec_sa *ipsec_sad_alloc_spi(struct net *net,
				     const struct ipsec_sa_params *params,
				     u32 min, u32 max)
{
	const struct ipsec_knobs *knobs = &ipsec_net(net)->knobs;
	struct spi_range range = spi_range_of(knobs, params->ends.proto, min,
					      max);
	struct ipsec_sa *sa;
	int err;

	if (range.min > range.max)
		return ERR_PTR(-EINVAL);
	sa = ipsec_sa_larval(net, params);
	if (IS_ERR(sa))
		return sa;
	err = spi_take(sa, &range, READ_ONCE(knobs->spi_trycnt));
	if (!err)
		return sa;
	ipsec_sa_put(sa);
	return ERR_PTR(err);
}
