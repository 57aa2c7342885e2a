// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way of a received packet, from its ESP header to the stack (RFC 4301
 * section 5.2). hook.c has found the SA; inpolicy.c judges what comes out.
 */
#include <linux/netdevice.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <ipsec/sa.h>
#include <ipsec/xform.h>
#include "net.h"

/* How the payload of an opened packet goes on. */
enum payload {
	PAYLOAD_TRANSPORT,
	PAYLOAD_TUNNEL,
	PAYLOAD_WRONG,
};

/*
 * An SA of mode tunnel carries IP packets only, one of mode transport none that
 * we would unpack; mode "any" takes what comes (RFC 4301 section 5.2, step 4).
 */
static enum payload payload_of(const struct ipsec_sa *sa, int nexthdr)
{
	bool ip = nexthdr == IPPROTO_IPIP || nexthdr == IPPROTO_IPV6;

	switch (sa->mode) {
	case IPSEC_MODE_KIND_TUNNEL:
		return ip ? PAYLOAD_TUNNEL : PAYLOAD_WRONG;
	case IPSEC_MODE_KIND_TRANSPORT:
		return PAYLOAD_TRANSPORT;
	default:
		return ip ? PAYLOAD_TUNNEL : PAYLOAD_TRANSPORT;
	}
}

/*
 * Close the gap that the ESP header left:
 *
 *	| IP header | ... | payload |
 *	            |  IP header | payload |
 *
 * The byte that named ESP, or UDP around it, in the IP header or in the last
 * extension header, now names the payload.
 */
static void transport_finish(struct sk_buff *skb, const struct ipsec_sa *sa,
			     int nexthdr)
{
	unsigned int hlen = skb_transport_header(skb) - skb_network_header(skb);
	unsigned char *header = skb_network_header(skb);

	if (ip_hdr(skb)->version == 4)
		ip_hdr(skb)->protocol = nexthdr;
	else
		header[IP6CB(skb)->nhoff] = nexthdr;
	__skb_push(skb, hlen);
	memmove(skb->data, header, hlen);
	skb_reset_network_header(skb);
	skb_set_transport_header(skb, hlen);
	ipsec_set_length(skb);
	skb_mac_header_rebuild(skb);
	if (sa->natt.type)
		ipsec_natt_checksum(skb, &sa->natt, nexthdr,
				    READ_ONCE(ipsec_net(sa->net)->knobs.natt_cksum_policy));
}

/**
 * ipsec_input_resume() - the transform has opened the packet
 * @skb: the packet: data at the payload, network and transport header as they
 *       were when ESP was found
 * @sa: its SA
 * @nexthdr: what the payload is, or a negative number: the packet is gone
 *
 * Context: RCU read side, BH disabled.
 */
void ipsec_input_resume(struct sk_buff *skb, struct ipsec_sa *sa, int nexthdr)
{
	enum payload payload = payload_of(sa, nexthdr);
	struct net *net = sa->net;

	if (nexthdr < 0)
		return;
	if (sa->natt.type)
		ipsec_natt_received(skb, sa);
	if (nexthdr == IPPROTO_NONE) {
		/* A dummy, sent to hide the traffic (RFC 4303 2.6). */
		ipsec_count(net, IPSEC_STAT_in_dummy);
		consume_skb(skb);
		return;
	}
	if (payload == PAYLOAD_WRONG) {
		ipsec_drop(net, skb, IPSEC_STAT_in_mode, sa, NULL);
		return;
	}
	/* Without policies nobody would ask whether it may come out. */
	if (payload == PAYLOAD_TUNNEL &&
	    unlikely(!READ_ONCE(ipsec_net(net)->hooked))) {
		ipsec_drop(net, skb, IPSEC_STAT_in_tunnel, sa, NULL);
		return;
	}
	if (!ipsec_history_push(skb, sa, payload == PAYLOAD_TUNNEL)) {
		ipsec_drop(net, skb, IPSEC_STAT_in_depth, sa, NULL);
		return;
	}
	if (payload == PAYLOAD_TRANSPORT)
		transport_finish(skb, sa, nexthdr);
	else if (!ipsec_tunnel_decap(skb, sa, nexthdr))
		return;
	ipsec_count(net, IPSEC_STAT_in_success);
	ipsec_deliver(net, skb);
}

/**
 * ipsec_input() - open a received packet
 * @skb: the packet, data at its ESP header; taken over
 * @sa: the SA that its destination and SPI name
 * @encap_type: 0, or what the core took ESP out of, UDP_ENCAP_*
 *
 * Context: RCU read side, BH disabled. Return: 0.
 */
int ipsec_input(struct sk_buff *skb, struct ipsec_sa *sa, int encap_type)
{
	if (unlikely(!ipsec_sa_opens(sa))) {
		if (!ipsec_early_keep(sa, skb, encap_type))
			ipsec_drop(sa->net, skb, IPSEC_STAT_in_badspi, sa,
				   NULL);
		return 0;
	}
	if (unlikely(sa->natt.type != encap_type)) {
		ipsec_drop(sa->net, skb, IPSEC_STAT_in_natt, sa, NULL);
		return 0;
	}
	ipsec_input_resume(skb, sa, sa->xform->input(sa, skb));
	return 0;
}
