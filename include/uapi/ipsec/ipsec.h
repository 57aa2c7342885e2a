/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IPsec policies: what the KAME interface knows and <linux/ipsec.h> does not.
 * Kernel code includes it as <uapi/ipsec/ipsec.h>, programs as
 * <ipsec/ipsec.h> with include/uapi on their path.
 */
#ifndef _UAPI_IPSEC_IPSEC_H
#define _UAPI_IPSEC_IPSEC_H

#include <linux/types.h>
#include <linux/ipsec.h>
#include "pfkeyv2.h"

/*
 * sadb_x_policy_priority: the smaller number is asked first. A policy text
 * without a priority gets DEFAULT; "prio N" counts down from there, so that
 * a larger N wins. KAME has no priority; with equal ones the order of
 * insertion decides, as there.
 */
#define IPSEC_PRIORITY_HIGH	0x40000000U
#define IPSEC_PRIORITY_DEFAULT	0x80000000U
#define IPSEC_PRIORITY_LOW	0xc0000000U

/*
 * The low three bits of sadb_x_policy_id tell setkey and racoon what the
 * policy is: direction - 1, plus 3 when it belongs to a socket.
 */
#define IPSEC_POLICY_ID_STEP		8
#define IPSEC_POLICY_ID_SOCKET		3
#define IPSEC_POLICY_ID_IS_SOCKET(id)	\
	((id) % IPSEC_POLICY_ID_STEP >= IPSEC_POLICY_ID_SOCKET)

/* Directions under which a dump may show the policies of a socket. */
#define IPSEC_DIR_SOCKET_IN	4
#define IPSEC_DIR_SOCKET_OUT	5

/* Socket options of <linux/in.h> and <linux/in6.h>, for the record. */
#define IPSEC_SOCKOPT_IPV4	16	/* IP_IPSEC_POLICY */
#define IPSEC_SOCKOPT_IPV6	34	/* IPV6_IPSEC_POLICY */

#endif /* _UAPI_IPSEC_IPSEC_H */
