/* SPDX-License-Identifier: GPL-2.0-only */
/* Transforms: how one protocol changes a packet. One const struct a protocol. */
#ifndef _IPSEC_XFORM_H
#define _IPSEC_XFORM_H

#include <linux/types.h>

struct ipsec_sa;
struct ipsec_sa_params;
struct sk_buff;

/**
 * struct ipsec_xform - a protocol that protects packets
 * @proto: IPPROTO_*
 * @init: check @params and set up the SA's crypto. Returns 0, -EINVAL for a
 *        key or algorithm that does not fit, -ENOSYS for one that the kernel
 *        lacks, -ENOMEM. Context: process.
 * @destroy: free what @init made. Context: process.
 * @output: protect @skb, whose data is the IP header to keep in front; it is
 *          linear, unshared, and has @headroom and @tailroom. Returns 0,
 *          IPSEC_UNCHANGED when the packet needs nothing, or
 *          -EINPROGRESS when the packet is no longer the caller's: its crypto
 *          runs and ipsec_output_resume() follows, or it was dropped.
 * @input: open @skb, whose data points at the protocol's header. Returns the
 *         next header with that header and the trailer removed, or
 *         -EINPROGRESS when the packet is no longer the caller's: its crypto
 *         runs and ipsec_input_resume() follows, or it was dropped.
 * @counts_payload: lifetimes count a packet sent as it was before @output
 * @headroom: bytes that @output needs in front of the payload
 * @tailroom: bytes that @output may need behind it
 * @payload: longest payload that still fits in @space bytes of @output, where
 *           @space counts this transform's header and trailer
 */
struct ipsec_xform {
	u8		proto;
	int		(*init)(struct ipsec_sa *sa,
				const struct ipsec_sa_params *params);
	void		(*destroy)(struct ipsec_sa *sa);
	int		(*output)(struct ipsec_sa *sa, struct sk_buff *skb);
	int		(*input)(struct ipsec_sa *sa, struct sk_buff *skb);
	bool		counts_payload;
	unsigned int	(*headroom)(const struct ipsec_sa *sa);
	unsigned int	(*tailroom)(const struct ipsec_sa *sa);
	unsigned int	(*payload)(const struct ipsec_sa *sa,
				   unsigned int space);
};

/* Returned by an output function that left the packet as it was. */
#define IPSEC_UNCHANGED		1

extern const struct ipsec_xform ipsec_xform_esp, ipsec_xform_ah;
extern const struct ipsec_xform ipsec_xform_ipcomp;

const struct ipsec_xform *ipsec_xform_find(u8 proto);

#endif /* _IPSEC_XFORM_H */
