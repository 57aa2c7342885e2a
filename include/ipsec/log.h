/* SPDX-License-Identifier: GPL-2.0-only */
/* What the debug knobs of a network namespace tell the kernel log. */
#ifndef _IPSEC_LOG_H
#define _IPSEC_LOG_H

#include <linux/compiler.h>
#include <linux/types.h>
#include <ipsec/stats.h>

struct ipsec_net;
struct net;
struct net_device;

/* A reason to drop a packet, enum ipsec_stat, or: */
enum {
	IPSEC_LOG_REQUEST = IPSEC_STAT_MAX,	/* a request of PF_KEY */
	IPSEC_LOG_REASONS
};

int ipsec_log_start(struct ipsec_net *in);
void ipsec_log_free(struct ipsec_net *in);
bool ipsec_log_take(struct net *net, unsigned int reason, u32 *hidden);
__printf(4, 5)
void ipsec_log_line(const struct net *net, const struct net_device *dev,
		    u32 hidden, const char *format, ...);

#endif /* _IPSEC_LOG_H */
