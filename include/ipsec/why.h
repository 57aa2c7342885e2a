/* SPDX-License-Identifier: GPL-2.0-only */
/* What would happen to a packet, and why: /proc/net/ipsec_why. */
#ifndef _IPSEC_WHY_H
#define _IPSEC_WHY_H

struct ipsec_flow;
struct net;
struct seq_file;

void ipsec_why(struct net *net, const struct ipsec_flow *flow,
	       struct seq_file *seq);
int ipsec_why_init(struct net *net);
void ipsec_why_exit(struct net *net);

#endif /* _IPSEC_WHY_H */
