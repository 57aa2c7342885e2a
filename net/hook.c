// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ways in; stack.c is the way back, attach.c the switch. Plaintext is met at
 * netfilter's LOCAL_OUT, FORWARD, POST_ROUTING and LOCAL_IN; ESP, AH and IPComp at the
 * handlers that native IPsec uses, ahead of it: it still gets packets whose SPI is not
 * ours. What was opened is met in PRE_ROUTING too, for the firewall's sake.
 */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/dst.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/ah.h>
#include <net/esp.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/xfrm.h>
#include <ipsec/compat.h>
#include <ipsec/netns.h>
#include "net.h"

/* Ahead of native ESP (0), xfrm interfaces (10) and vti (100). */
#define HANDLER_PRIORITY	1000

static bool is_transformed(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET)
		return IPCB(skb)->flags & IPSKB_XFRM_TRANSFORMED;
	return IP6CB(skb)->flags & IP6SKB_XFRM_TRANSFORMED;
}

/*
 * A frame that only passes through a bridge of this host is shown to FORWARD and
 * POST_ROUTING by br_netfilter. It is not this host's traffic. Unlike a packet that is
 * routed it is with the port by which it leaves already, not with the device that the
 * hook is told; its route may be a stand-in without output, or after address
 * translation a real one. Both are asked: if another neighbour changed the device,
 * policies hold.
 */
static bool is_bridged(const struct sk_buff *skb,
		       const struct nf_hook_state *state)
{
	const struct net_device *with;

	if (state->hook == NF_INET_FORWARD)
		with = state->in;
	else if (state->hook == NF_INET_POST_ROUTING)
		with = state->out;
	else
		return false;
	return skb->dev != with && netif_is_bridge_port(skb->dev);
}

/*
 * A copy that a rule sends to who watches (TEE, dup), as it is. Its connection is none;
 * what a tunnel device makes of it is a packet like others.
 */
static bool is_copy(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;

	return unlikely(ipsec_sends_copy()) && !nf_ct_get(skb, &ctinfo) &&
	       ctinfo == IP_CT_UNTRACKED;
}

/*
 * Not for us: what we made ourselves, what native IPsec will protect, what the device's
 * disable_xfrm exempts from both, and copies.
 */
static bool leave_alone(const struct sk_buff *skb, sa_family_t family)
{
	const struct dst_entry *dst = skb_dst(skb);

	if (is_transformed(skb, family) || !dst || dst->flags & DST_NOXFRM ||
	    is_copy(skb))
		return true;
	return dst->xfrm && !ipsec_route_of(dst);
}

/* Most packets that have a route of ours are as they were when they got it. */
static bool needs_nothing_else(const struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	const struct dst_entry *dst = skb_dst(skb);
	const struct ipsec_route *route;

	if (!dst || !dst->xfrm || state->hook != NF_INET_POST_ROUTING)
		return false;
	route = ipsec_route_of(dst);
	return route && ipsec_output_lasts(route, skb, state);
}

static unsigned int hook_output(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;

	/* What was shown in FORWARD, or taken from there or from LOCAL_IN. */
	if (unlikely(secpath_exists(skb)))
		ipsec_history_hide(skb);
	if (needs_nothing_else(skb, state) || leave_alone(skb, family) ||
	    is_bridged(skb, state))
		return NF_ACCEPT;
	return ipsec_output(skb, family, state);
}

/* To those who have hooks at the same point of the stack as our one or two. */
static noinline void show_tunnels(struct sk_buff *skb,
				  const struct nf_hook_state *state)
{
	const struct netns_nf *nf = &state->net->nf;
	unsigned int ours = state->hook == NF_INET_FORWARD ? 1 : 2;
	const struct nf_hook_entries *all;

	if (state->pf == NFPROTO_IPV4)
		all = rcu_dereference(nf->hooks_ipv4[state->hook]);
	else
		all = rcu_dereference(nf->hooks_ipv6[state->hook]);
	if (all && all->num_hook_entries > ours)
		ipsec_history_show(skb);
}

/* From here on the firewall may look. */
static void show(struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (unlikely(secpath_exists(skb)))
		show_tunnels(skb, state);
}

static unsigned int hook_arrival(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	show(skb, state);
	return NF_ACCEPT;
}

static unsigned int hook_arrived(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	if (unlikely(secpath_exists(skb)))
		ipsec_history_hide(skb);
	return NF_ACCEPT;
}

static unsigned int hook_input(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;

	/* disable_policy of the device that it came by exempts from both, too. */
	if (!__xfrm_check_dev_nopolicy(skb, XFRM_POLICY_IN, family) &&
	    !ipsec_policy_check_local(state->net, skb, family))
		return NF_STOLEN;
	show(skb, state);
	return NF_ACCEPT;
}

/*
 * Decided already, but translation may have given it another destination. Others come
 * by without a second look.
 */
static unsigned int hook_translated(void *priv, struct sk_buff *skb,
				    const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	const struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (likely(!ct || !(READ_ONCE(ct->status) & IPS_NAT_MASK)))
		return NF_ACCEPT;
	return hook_output(priv, skb, state);
}

/* Whether somebody has hooks where packets arrive, as flow tables do. */
static bool flow_tables_any(void)
{
#ifdef CONFIG_JUMP_LABEL
	return static_key_false(&nf_hooks_needed[NFPROTO_NETDEV][NF_NETDEV_INGRESS]);
#else
	return IS_ENABLED(CONFIG_NETFILTER_INGRESS);
#endif
}

/* What came in, and what leaves: one look at the packet serves both. */
static unsigned int hook_forward(void *priv, struct sk_buff *skb,
				 const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	bool checked = !__xfrm_check_dev_nopolicy(skb, XFRM_POLICY_FWD, family);
	bool decided = !leave_alone(skb, family);
	struct ipsec_flow flow;

	if ((!checked && !decided) || is_bridged(skb, state))
		return NF_ACCEPT;
	if (!ipsec_flow_from_skb(&flow, skb, family, IPSEC_FWD)) {
		ipsec_drop(state->net, skb, checked ? IPSEC_STAT_in_inval :
						      IPSEC_STAT_out_inval,
			   NULL, NULL);
		return NF_STOLEN;
	}
	if (checked && !ipsec_policy_check_forward(state->net, skb, &flow))
		return NF_STOLEN;
	if (flow_tables_any())
		ipsec_flow_table_avoid(state->net, skb);
	if (unlikely(skb->ignore_df) && skb_has_frag_list(skb) &&
	    !ipsec_piece_size(skb, family))
		ipsec_fragment_size(skb, family);
	show(skb, state);
	if (!decided)
		return NF_ACCEPT;
	/* As IPv4 says of each packet that it forwards; asked when it is sent. */
	if (family == AF_INET6)
		IP6CB(skb)->flags |= IP6SKB_FORWARDED;
	flow.dir = IPSEC_OUT;
	return ipsec_output_flow(state->net, skb, &flow, false);
}

/* Behind the firewall, which sees IP in IP as the wire did, and tunnels as such. */
static unsigned int hook_unwrap(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	bool taken;

	if (secpath_exists(skb))
		ipsec_history_hide(skb);
	if (likely(!ipsec_proto_is_ip(ipsec_first_proto(skb, family))))
		return NF_ACCEPT;
	local_bh_disable();
	taken = ipsec_ipcomp_unwrap(state->net, skb, family);
	local_bh_enable();
	return taken ? NF_STOLEN : NF_ACCEPT;
}

#define HOOK(_pf, _num, _priority, _fn)		\
	{					\
		.hook		= _fn,		\
		.pf		= _pf,		\
		.hooknum	= _num,		\
		.priority	= _priority,	\
	}

/*
 * What leaves is decided before the firewall mangles and filters, so that it sees the
 * decision; what is forwarded right after it was found that it may be here. And once
 * more behind translation of the destination and of the source, but before connection
 * tracking takes it for sent.
 */
static const struct nf_hook_ops hooks[] = {
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, NF_IP_PRI_MANGLE - 1, hook_output),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST + 1,
	     hook_translated),
	HOOK(NFPROTO_IPV4, NF_INET_FORWARD, NF_IP_PRI_MANGLE - 1, hook_forward),
	HOOK(NFPROTO_IPV4, NF_INET_POST_ROUTING, INT_MAX - 1, hook_output),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, NF_IP_PRI_MANGLE - 1, hook_input),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, INT_MAX - 1, hook_unwrap),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, NF_IP6_PRI_MANGLE - 1, hook_output),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, NF_IP6_PRI_NAT_DST + 1,
	     hook_translated),
	HOOK(NFPROTO_IPV6, NF_INET_FORWARD, NF_IP6_PRI_MANGLE - 1, hook_forward),
	HOOK(NFPROTO_IPV6, NF_INET_POST_ROUTING, INT_MAX - 1, hook_output),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN, NF_IP6_PRI_MANGLE - 1, hook_input),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN, INT_MAX - 1, hook_unwrap),
};

/* At both ends of the chain: all others see what became of a packet, the core does not. */
static const struct nf_hook_ops early_hooks[] = {
	HOOK(NFPROTO_IPV4, NF_INET_PRE_ROUTING, INT_MIN, hook_arrival),
	HOOK(NFPROTO_IPV4, NF_INET_PRE_ROUTING, INT_MAX, hook_arrived),
	HOOK(NFPROTO_IPV6, NF_INET_PRE_ROUTING, INT_MIN, hook_arrival),
	HOOK(NFPROTO_IPV6, NF_INET_PRE_ROUTING, INT_MAX, hook_arrived),
};

static unsigned int header_min(u8 proto)
{
	switch (proto) {
	case IPPROTO_AH:
		return sizeof(struct ip_auth_hdr);
	case IPPROTO_COMP:
		return sizeof(struct ip_comp_hdr);
	default:
		return sizeof(struct ip_esp_hdr);
	}
}

/*
 * The SA of a packet, received or quoted by an ICMP error, or NULL. @key has its
 * protocol and destination and gets the SPI.
 */
static struct ipsec_sa *find_by_header(struct net *net, const void *ip,
				       const void *header,
				       struct ipsec_sad_key *key)
{
	unsigned int spi = offsetof(struct ip_esp_hdr, spi);

	if (key->proto == IPPROTO_COMP)
		return ipsec_ipcomp_find(net, key, header, ip);
	if (key->proto == IPPROTO_AH)
		spi = offsetof(struct ip_auth_hdr, spi);
	key->spi = get_unaligned((__be32 *)(header + spi));
	return ipsec_sad_lookup_spi(net, key);
}

/* The SA of a packet whose protocol and destination @key has, or NULL. */
static struct ipsec_sa *find_sa(struct net *net, struct sk_buff *skb,
				struct ipsec_sad_key *key)
{
	/* No SAs, no work: the packet is somebody else's. */
	if (!READ_ONCE(ipsec_net(net)->sad.count))
		return NULL;
	if (!pskb_may_pull(skb, header_min(key->proto)))
		return NULL;
	return find_by_header(net, skb_network_header(skb), skb->data, key);
}

/*
 * -EINVAL hands the packet to the next handler, in the end to native IPsec, if it
 * has any SA here; nothing but a pull may have been done to the packet then. If
 * it has none, nobody is left to know the SPI, and the core would answer with an
 * ICMP error. Our policies would protect that error, the other host would not
 * know that SPI either, and the two would go on for ever: so it ends here.
 */
static int rcv(struct sk_buff *skb, struct ipsec_sad_key *key, int encap_type)
{
	struct net *net = dev_net(skb->dev);
	struct ipsec_sa *sa = find_sa(net, skb, key);

	if (sa)
		return ipsec_input(skb, sa, encap_type);
	if (!READ_ONCE(ipsec_net(net)->sad.count) || net->xfrm.state_num)
		return -EINVAL;
	ipsec_drop(net, skb, skb->len < header_min(key->proto) ?
			     IPSEC_STAT_in_hdrops : IPSEC_STAT_in_nosa,
		   NULL, NULL);
	return 0;
}

static int rcv4(struct sk_buff *skb)
{
	struct ipsec_sad_key key = {
		.proto = ip_hdr(skb)->protocol, .family = AF_INET,
	};

	key.daddr.a4 = ip_hdr(skb)->daddr;
	return rcv(skb, &key, 0);
}

static int rcv6(struct sk_buff *skb)
{
	struct ipsec_sad_key key = {
		.proto = skb_network_header(skb)[IP6CB(skb)->nhoff],
		.family = AF_INET6,
	};

	key.daddr.in6 = ipv6_hdr(skb)->daddr;
	return rcv(skb, &key, 0);
}

/* ESP that the core took out of UDP; the UDP header is still in front of it. */
static int rcv_encap(struct sk_buff *skb, int nexthdr, __be32 spi,
		     int encap_type)
{
	struct ipsec_sad_key key = { .proto = nexthdr };

	if (ip_hdr(skb)->version == 4) {
		key.family = AF_INET;
		ipsec_addr_set4(&key.daddr, ip_hdr(skb)->daddr);
	} else {
		key.family = AF_INET6;
		key.daddr.in6 = ipv6_hdr(skb)->daddr;
	}
	return rcv(skb, &key, encap_type);
}

/* Native IPsec asks everyone about each of its packets: not ours. */
static int rcv_cb(struct sk_buff *skb, int err)
{
	return 1;
}

/*
 * What is quoted of our header at @off: its first eight bytes at least. The
 * number follows the SPI; of AH it may be cut off, IPComp has none.
 */
static void quote_seq(struct ipsec_quote *quote, const struct sk_buff *skb,
		      unsigned int off)
{
	const __be32 *seq;
	__be32 buf;

	if (quote->key.proto == IPPROTO_COMP)
		return;
	off += quote->key.proto == IPPROTO_AH ?
	       offsetof(struct ip_auth_hdr, seq_no) :
	       offsetof(struct ip_esp_hdr, seq_no);
	seq = skb_header_pointer(skb, off, sizeof(*seq), &buf);
	quote->has_seq = seq;
	quote->seq = seq ? ntohl(get_unaligned(seq)) : 0;
}

/* An ICMP error that quotes our packet: data at the quoted IP header. */
static int err4(struct sk_buff *skb, u32 info)
{
	const struct iphdr *iph = (const struct iphdr *)skb->data;
	struct ipsec_quote quote = {
		.key = { .proto = iph->protocol, .family = AF_INET },
		.mtu = info,
	};
	struct net *net = dev_net(skb->dev);
	struct ipsec_sa *sa;

	/* Of a later fragment, what follows the IP header is no header. */
	if (iph->frag_off & htons(IP_OFFSET))
		return -ENOENT;
	quote.key.daddr.a4 = iph->daddr;
	quote.saddr.a4 = iph->saddr;
	sa = find_by_header(net, iph, skb->data + iph->ihl * 4, &quote.key);
	if (!sa)
		return -ENOENT;
	quote_seq(&quote, skb, iph->ihl * 4);
	if (icmp_hdr(skb)->type == ICMP_DEST_UNREACH &&
	    icmp_hdr(skb)->code == ICMP_FRAG_NEEDED)
		ipsec_pmtu_learn(sa, skb, &quote);
	return 0;
}

static int err6(struct sk_buff *skb, u8 proto, u8 type, int offset, __be32 info)
{
	const struct ipv6hdr *iph = (const struct ipv6hdr *)skb->data;
	struct ipsec_quote quote = {
		.key = { .proto = proto, .family = AF_INET6 },
		.mtu = ntohl(info),
	};
	struct net *net = dev_net(skb->dev);
	struct ipsec_sa *sa;

	quote.key.daddr.in6 = iph->daddr;
	quote.saddr.in6 = iph->saddr;
	sa = find_by_header(net, iph, skb->data + offset, &quote.key);
	if (!sa)
		return -ENOENT;
	quote_seq(&quote, skb, offset);
	if (type == ICMPV6_PKT_TOOBIG)
		ipsec_pmtu_learn(sa, skb, &quote);
	return 0;
}

static int err6_esp(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		    u8 code, int offset, __be32 info)
{
	return err6(skb, IPPROTO_ESP, type, offset, info);
}

static int err6_ah(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		   u8 code, int offset, __be32 info)
{
	return err6(skb, IPPROTO_AH, type, offset, info);
}

static int err6_comp(struct sk_buff *skb, struct inet6_skb_parm *opt, u8 type,
		     u8 code, int offset, __be32 info)
{
	return err6(skb, IPPROTO_COMP, type, offset, info);
}

#define HANDLER(_handler, _err)				\
	{							\
		.handler	= _handler,			\
		.input_handler	= rcv_encap,			\
		.cb_handler	= rcv_cb,			\
		.err_handler	= _err,				\
		.priority	= HANDLER_PRIORITY,		\
	}

/* One each, because the core links them into a list for each protocol. */
static struct xfrm4_protocol handlers4[] = {
	HANDLER(rcv4, err4),
	HANDLER(rcv4, err4),
	HANDLER(rcv4, err4),
};

static struct xfrm6_protocol handlers6[] = {
	HANDLER(rcv6, err6_esp),
	HANDLER(rcv6, err6_ah),
	HANDLER(rcv6, err6_comp),
};

static const u8 protocols[] = { IPPROTO_ESP, IPPROTO_AH, IPPROTO_COMP };

static void deregister(unsigned int n)
{
	while (n--) {
		xfrm6_protocol_deregister(&handlers6[n], protocols[n]);
		xfrm4_protocol_deregister(&handlers4[n], protocols[n]);
	}
}

/**
 * ipsec_hook_table() - what looks at the packets of a namespace, for attach.c
 * @n: set to how many there are
 *
 * Return: the hooks.
 */
const struct nf_hook_ops *ipsec_hook_table(unsigned int *n)
{
	*n = ARRAY_SIZE(hooks);
	return hooks;
}

/**
 * ipsec_hook_table_early() - and at opened packets that arrive, for arrival.c
 * @n: set to how many there are
 *
 * Return: the hooks.
 */
const struct nf_hook_ops *ipsec_hook_table_early(unsigned int *n)
{
	*n = ARRAY_SIZE(early_hooks);
	return early_hooks;
}

/**
 * ipsec_hook_init() - receive ESP, AH and IPComp, in all namespaces
 *
 * The last step of loading before PF_KEY's sockets. Return: 0 or an errno.
 */
int ipsec_hook_init(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(protocols); i++) {
		err = xfrm4_protocol_register(&handlers4[i], protocols[i]);
		if (err)
			goto err;
		err = xfrm6_protocol_register(&handlers6[i], protocols[i]);
		if (err) {
			xfrm4_protocol_deregister(&handlers4[i], protocols[i]);
			goto err;
		}
	}
	return 0;

err:
	deregister(i);
	return err;
}

/**
 * ipsec_hook_exit() - the reverse, as soon as there are no PF_KEY sockets
 *
 * When it returns no handler runs.
 */
void ipsec_hook_exit(void)
{
	deregister(ARRAY_SIZE(protocols));
}
