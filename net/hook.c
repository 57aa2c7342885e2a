// SPDX-License-Identifier: GPL-2.0-only
/*
 * How we are attached to the kernel; stack.c is the way back. Plaintext is met at
 * netfilter's LOCAL_OUT, FORWARD and LOCAL_IN; ESP, AH and IPComp at the handlers
 * that native IPsec uses, ahead of it: it still gets packets whose SPI is not
 * ours.
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
#include <net/xfrm.h>
#include <ipsec/compat.h>
#include <ipsec/netns.h>
#include "net.h"

/* Ahead of native ESP (0), xfrm interfaces (10) and vti (100). */
#define HANDLER_PRIORITY	1000

/* So long after the last policy the hooks go: who loads policies again and again
 * need not pay for them each time.
 */
#define UNHOOK_DELAY	HZ

static bool is_transformed(const struct sk_buff *skb, sa_family_t family)
{
	if (family == AF_INET)
		return IPCB(skb)->flags & IPSKB_XFRM_TRANSFORMED;
	return IP6CB(skb)->flags & IP6SKB_XFRM_TRANSFORMED;
}

/*
 * A frame that only passes through a bridge of this host is shown to FORWARD by
 * br_netfilter. It is not this host's traffic. Unlike a packet that is routed it is
 * with the device by which it leaves already, which is a port; its route may be a
 * stand-in without output, or after address translation a real one. Both are asked:
 * if another neighbour changed the device, policies hold.
 */
static bool is_bridged(const struct sk_buff *skb,
		       const struct nf_hook_state *state)
{
	return state->hook == NF_INET_FORWARD && skb->dev != state->in &&
	       netif_is_bridge_port(skb->dev);
}

/*
 * Not for us: what we made ourselves, what native IPsec will protect, and what the
 * device's disable_xfrm exempts from both.
 */
static bool leave_alone(const struct sk_buff *skb, sa_family_t family)
{
	const struct dst_entry *dst = skb_dst(skb);

	return is_transformed(skb, family) || !dst || dst->xfrm ||
	       dst->flags & DST_NOXFRM;
}

static unsigned int hook_output(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;

	if (leave_alone(skb, family) || is_bridged(skb, state))
		return NF_ACCEPT;
	return ipsec_output(skb, family, state);
}

static unsigned int hook_input(void *priv, struct sk_buff *skb,
			       const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	bool forward = state->hook == NF_INET_FORWARD;

	/* disable_policy of the device that it came by exempts from both, too. */
	if (is_bridged(skb, state) ||
	    __xfrm_check_dev_nopolicy(skb, forward ? XFRM_POLICY_FWD :
						     XFRM_POLICY_IN, family))
		return NF_ACCEPT;
	if (!ipsec_policy_check_input(state->net, skb, family, forward))
		return NF_STOLEN;
	return NF_ACCEPT;
}

/* Behind the firewall, which sees IP in IP as the wire did. */
static unsigned int hook_unwrap(void *priv, struct sk_buff *skb,
				const struct nf_hook_state *state)
{
	sa_family_t family = state->pf == NFPROTO_IPV4 ? AF_INET : AF_INET6;
	bool taken;

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

static const struct nf_hook_ops hooks[] = {
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_OUT, INT_MAX, hook_output),
	HOOK(NFPROTO_IPV4, NF_INET_FORWARD, INT_MAX, hook_output),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, NF_IP_PRI_FILTER - 1, hook_input),
	HOOK(NFPROTO_IPV4, NF_INET_FORWARD, NF_IP_PRI_FILTER - 1, hook_input),
	HOOK(NFPROTO_IPV4, NF_INET_LOCAL_IN, INT_MAX - 1, hook_unwrap),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_OUT, INT_MAX, hook_output),
	HOOK(NFPROTO_IPV6, NF_INET_FORWARD, INT_MAX, hook_output),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN, NF_IP6_PRI_FILTER - 1, hook_input),
	HOOK(NFPROTO_IPV6, NF_INET_FORWARD, NF_IP6_PRI_FILTER - 1, hook_input),
	HOOK(NFPROTO_IPV6, NF_INET_LOCAL_IN, INT_MAX - 1, hook_unwrap),
};

/* Whether nothing is said about any packet. */
static bool silent(struct net *net)
{
	const struct ipsec_net *in = ipsec_net(net);

	return !ipsec_spd_count(net) && !READ_ONCE(in->socks.count) &&
	       !ipsec_socks_any(net, IPSEC_IN) &&
	       !ipsec_socks_any(net, IPSEC_OUT) &&
	       READ_ONCE(in->knobs.v4.def_policy) &&
	       READ_ONCE(in->knobs.v6.def_policy);
}

/*
 * The hooks go if still nothing is said. Who is about to say something either sees
 * that they are going, and enables them once more, or is seen here.
 */
static void unhook(struct work_struct *work)
{
	struct ipsec_net *in = container_of(to_delayed_work(work),
					    struct ipsec_net, unhook);
	struct net *net = in->socks.net;

	mutex_lock(&in->hook_mutex);
	if (in->hooked && silent(net)) {
		WRITE_ONCE(in->hooked, false);
		/* Pairs with ipsec_hooks_hold() and ipsec_carrier_fill(). */
		smp_mb();
		if (atomic_read_acquire(&in->hook_holders) || !silent(net))
			WRITE_ONCE(in->hooked, true);
		else
			nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
	}
	mutex_unlock(&in->hook_mutex);
}

/**
 * ipsec_hooks_init() - no hooks yet
 * @in: the namespace
 */
void ipsec_hooks_init(struct ipsec_net *in)
{
	mutex_init(&in->hook_mutex);
	INIT_DELAYED_WORK(&in->unhook, unhook);
}

/**
 * ipsec_hooks_idle() - let a namespace's packets alone soon, if nothing is said
 * @net: the namespace, where something went that was said
 *
 * Context: any but hard interrupts.
 */
void ipsec_hooks_idle(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	if (READ_ONCE(in->hooked) && silent(net))
		queue_delayed_work(ipsec_wq, &in->unhook, UNHOOK_DELAY);
}

/**
 * ipsec_hooks_hold() - look at a namespace's packets, from now to the release
 * @net: the namespace
 *
 * Done before the first policy comes, so that a namespace without policies pays
 * nothing. What needs the hooks after the release has to be in place by then.
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM, and then nothing to release.
 */
int ipsec_hooks_hold(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);
	int err = 0;

	atomic_inc(&in->hook_holders);
	/* Pairs with unhook(). */
	smp_mb__after_atomic();
	if (READ_ONCE(in->hooked))
		return 0;
	mutex_lock(&in->hook_mutex);
	if (!in->hooked) {
		err = ipsec_flow_cache_alloc();
		if (!err)
			err = nf_register_net_hooks(net, hooks,
						    ARRAY_SIZE(hooks));
		if (!err)
			WRITE_ONCE(in->hooked, true);
	}
	mutex_unlock(&in->hook_mutex);
	if (err)
		atomic_dec(&in->hook_holders);
	return err;
}

/**
 * ipsec_hooks_release() - what needs the hooks is in place, or nothing is
 * @net: the namespace
 */
void ipsec_hooks_release(struct net *net)
{
	/* Who sees that we are gone sees what was put in place. */
	smp_mb__before_atomic();
	atomic_dec(&ipsec_net(net)->hook_holders);
	/* Nothing, if that failed: then the hooks came for nothing. */
	ipsec_hooks_idle(net);
}

/**
 * ipsec_hooks_enable() - look at a namespace's packets
 * @net: the namespace, where something is said about packets already
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM.
 */
int ipsec_hooks_enable(struct net *net)
{
	int err = ipsec_hooks_hold(net);

	if (!err)
		ipsec_hooks_release(net);
	return err;
}

/**
 * ipsec_hooks_disable() - stop to look at a namespace's packets
 * @net: the namespace, which is about to end
 *
 * Packets that are in a hook go on until the next grace period has passed. The core
 * waits for one between the first and the last step of all namespaces that end
 * together; a wait of our own would be one for each.
 *
 * Context: process.
 */
void ipsec_hooks_disable(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	mutex_lock(&in->hook_mutex);
	if (in->hooked) {
		nf_unregister_net_hooks(net, hooks, ARRAY_SIZE(hooks));
		WRITE_ONCE(in->hooked, false);
	}
	mutex_unlock(&in->hook_mutex);
}

/**
 * ipsec_hooks_exit() - no work of the hooks is left
 * @in: the namespace, a grace period after ipsec_hooks_disable()
 *
 * Only now: a timer of the SPD that found the hooks registered may have queued the
 * work after they were gone, but not after the grace period.
 *
 * Context: process, may sleep.
 */
void ipsec_hooks_exit(struct ipsec_net *in)
{
	cancel_delayed_work_sync(&in->unhook);
	mutex_destroy(&in->hook_mutex);
}

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
		ipsec_pmtu_learn(sa, &quote);
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
		ipsec_pmtu_learn(sa, &quote);
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
 * ipsec_hook_init() - receive ESP, AH and IPComp, in all namespaces
 *
 * The last step of loading. Return: 0 or an errno.
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
 * ipsec_hook_exit() - the reverse, and the first step of unloading
 *
 * When it returns no handler runs.
 */
void ipsec_hook_exit(void)
{
	deregister(ARRAY_SIZE(protocols));
}
