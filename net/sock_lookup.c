// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which socket a packet is for, where netfilter does not say: before it is
 * delivered, and when the kernel answers in place of a socket.
 */
#include <linux/in.h>
#include <net/inet_hashtables.h>
#include <net/inet6_hashtables.h>
#include <net/tcp.h>
#include <net/udp.h>
#include <ipsec/compat.h>
#include <ipsec/sockpolicy.h>
#include "net.h"

static struct sock *find4(struct net *net, const struct ipsec_flow *flow,
			  int ifindex)
{
	if (flow->proto == IPPROTO_UDP)
		return udp4_lib_lookup(net, flow->src.a4, flow->sport,
				       flow->dst.a4, flow->dport, ifindex);
	return ipsec_inet_lookup(net, flow->src.a4, flow->sport, flow->dst.a4,
				 flow->dport, ifindex);
}

static struct sock *find6(struct net *net, const struct ipsec_flow *flow,
			  int ifindex)
{
	if (flow->proto == IPPROTO_UDP)
		return udp6_lib_lookup(net, &flow->src.in6, flow->sport,
				       &flow->dst.in6, flow->dport, ifindex);
	return ipsec_inet6_lookup(net, &flow->src.in6, flow->sport, &flow->dst.in6,
				  flow->dport, ifindex);
}

/**
 * ipsec_sock_asked() - what the receiver of a flow's packets says
 * @net: the namespace
 * @flow: the flow as it is received, of TCP or UDP; others have no answer here
 * @ifindex: the device it comes from
 * @dir: about which direction the receiver is asked
 *
 * A connection that is being set up answers with its listener, one that waits for
 * its end with nothing.
 *
 * Context: RCU read side.
 */
struct ipsec_sock_says ipsec_sock_asked(struct net *net,
					const struct ipsec_flow *flow,
					int ifindex, enum ipsec_dir dir)
{
	struct ipsec_sock_says says = { .type = IPSEC_SP_ENTRUST };
	struct sock *sk;

	if (flow->proto != IPPROTO_TCP && flow->proto != IPPROTO_UDP)
		return says;
	sk = flow->family == AF_INET ? find4(net, flow, ifindex) :
				       find6(net, flow, ifindex);
	if (!sk)
		return says;
	says = ipsec_sock_says(sk, dir);
	sock_gen_put(sk);
	return says;
}
