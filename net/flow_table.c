// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flow tables hand the packets of a connection on as soon as they arrive, past all
 * hooks: nobody would ask whether they had to be protected on their way here. So what a
 * policy is about stays out of them; the core takes no connection that it marked as
 * having lost to another one, which else only says that it is not assured.
 */
#include <net/netfilter/nf_conntrack.h>
#include "net.h"

/* What will arrive, before it is translated. */
static void flow_of_tuple(struct ipsec_flow *flow,
			  const struct nf_conntrack_tuple *tuple)
{
	*flow = (struct ipsec_flow){
		.proto	= tuple->dst.protonum,
		.family	= tuple->src.l3num,
		.dir	= IPSEC_FWD,
	};
	if (flow->family == AF_INET) {
		ipsec_addr_set4(&flow->src, tuple->src.u3.ip);
		ipsec_addr_set4(&flow->dst, tuple->dst.u3.ip);
	} else {
		flow->src.in6 = tuple->src.u3.in6;
		flow->dst.in6 = tuple->dst.u3.in6;
	}
	if (ipsec_proto_has_ports(flow->proto)) {
		flow->sport = tuple->src.u.all;
		flow->dport = tuple->dst.u.all;
	}
}

/**
 * ipsec_flow_table_avoid() - keep a connection out of them if need be
 * @net: the namespace
 * @skb: a packet of it that is forwarded, before the firewall may put it into a table
 *
 * Of both directions that of the packet is asked by others: none in which packets were
 * opened is put there. What was in a table before the policy came leaves it then, see
 * ipsec_routes_renew(). A connection stays out until it ends, whatever becomes of the
 * policy.
 *
 * Context: RCU read side.
 */
void ipsec_flow_table_avoid(struct net *net, const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct ipsec_flow flow;

	if (!ct || test_bit(IPS_NAT_CLASH_BIT, &ct->status))
		return;
	flow_of_tuple(&flow, &ct->tuplehash[!CTINFO2DIR(ctinfo)].tuple);
	/* Of these, which no table takes, a tuple does not tell all. */
	if (flow.proto == IPPROTO_ICMP || flow.proto == IPPROTO_ICMPV6)
		return;
	if (ipsec_policy_wants_protected(net, &flow))
		set_bit(IPS_NAT_CLASH_BIT, &ct->status);
}
