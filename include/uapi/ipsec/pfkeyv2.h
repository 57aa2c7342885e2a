/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PF_KEY version 2: what the KAME interface knows and <linux/pfkeyv2.h>
 * does not. All structures and all numbers that both have are Linux's; this
 * file only adds names.
 *
 * Kernel code includes it as <uapi/ipsec/pfkeyv2.h>, programs as
 * <ipsec/pfkeyv2.h> with include/uapi on their path.
 */
#ifndef _UAPI_IPSEC_PFKEYV2_H
#define _UAPI_IPSEC_PFKEYV2_H

#include <linux/types.h>
#include <linux/pfkeyv2.h>

/*
 * sadb_sa_flags, low half. Linux calls bit 0 SADB_SAFLAGS_PFS and never acts
 * on it; here it is KAME's OLD. Linux's own three bits at the top
 * (NOPMTUDISC, DECAP_DSCP, NOECN) keep their meaning.
 */
#define SADB_X_EXT_NONE		0x0000	/* RFC 240x transform */
#define SADB_X_EXT_OLD		0x0001	/* RFC 182x transform, no sequence */
#define SADB_X_EXT_IV4B		0x0010	/* 4 byte IV, DES with OLD only */
#define SADB_X_EXT_DERIV	0x0020	/* IV derived from the sequence */
#define SADB_X_EXT_CYCSEQ	0x0040	/* sequence number may wrap */
#define SADB_X_EXT_RAWCPI	0x0080	/* the SPI is the CPI on the wire */

/* How ESP fills its padding: a two bit field, value 3 is not defined. */
#define SADB_X_EXT_PSEQ		0x0000	/* 1, 2, 3, ... */
#define SADB_X_EXT_PRAND	0x0100	/* random bytes */
#define SADB_X_EXT_PZERO	0x0200	/* zeroes */
#define SADB_X_EXT_PMASK	0x0300	/* the field itself */

/* Extended, 64-bit sequence numbers (RFC 4304); the bit is FreeBSD's. */
#define SADB_X_SAFLAGS_ESN	0x0400

/* Every bit that a KAME SA may carry, for checks. */
#define SADB_X_EXT_KAME_MASK						\
	(SADB_X_EXT_OLD | SADB_X_EXT_IV4B | SADB_X_EXT_DERIV |		\
	 SADB_X_EXT_CYCSEQ | SADB_X_EXT_RAWCPI | SADB_X_EXT_PMASK)

/*
 * An extension of our own: what sadb_sa_replay and sadb_x_sa2_sequence have no
 * room for. Its number is above Linux's last one, 26, and above KAME's, 27.
 *
 * Kernels that do not know it skip it. We send it only to a socket that has
 * itself sent a message with it, a DUMP for example, and then as the last
 * extension of everything about an SA; other sockets never see it, because
 * KAME's libipsec throws away messages with extensions that it does not know.
 *
 * In ADD, UPDATE and GETSPI:
 *   window    replay window in packets, at most 2^20; counts instead of
 *             sadb_sa_replay, which has bytes of eight packets and ends at 255
 *   sequence  number that was used last, 0 in a new SA; the sender goes on behind
 *             it, the receiver takes it and all before it as received
 * In replies both are the present state; sadb_sa_replay is then the window
 * rounded up to bytes, or 255. In other requests both are ignored.
 */
#define SADB_X_EXT_SA_REPLAY	29
struct sadb_x_sa_replay {
	__u16	sadb_x_sa_replay_len;
	__u16	sadb_x_sa_replay_exttype;
	__u32	sadb_x_sa_replay_window;
	__u64	sadb_x_sa_replay_sequence;
};

#define SADB_X_SA_REPLAY_MAX	(1U << 20)

/* sadb_msg_satype of X_PROMISC: on; 0 is off. */
#define SADB_X_PROMISC_OFF	0
#define SADB_X_PROMISC_ON	1

/* Authentication algorithms */
#define SADB_X_AALG_MD5		249	/* keyed MD5, RFC 1828 */
#define SADB_X_AALG_SHA		250	/* keyed SHA-1, RFC 1852 */
#define SADB_X_AALG_AES_CMAC	248	/* RFC 4494; a number of our own */
#define SADB_X_AALG_TCP_MD5	252	/* RFC 2385; above SADB_AALG_MAX */

/* Encryption algorithms */
#define SADB_X_EALG_CHACHA20POLY1305	31	/* RFC 7634; FreeBSD's number */

/* KAME's spelling of numbers that Linux spells otherwise. */
#define SADB_X_AALG_SHA2_256	SADB_X_AALG_SHA2_256HMAC
#define SADB_X_AALG_SHA2_384	SADB_X_AALG_SHA2_384HMAC
#define SADB_X_AALG_SHA2_512	SADB_X_AALG_SHA2_512HMAC
#define SADB_X_AALG_RIPEMD160	SADB_X_AALG_RIPEMD160HMAC
#define SADB_X_AALG_AES_XCBC	SADB_X_AALG_AES_XCBC_MAC
#define SADB_X_EALG_CAST128CBC	SADB_X_EALG_CASTCBC
#define SADB_X_EALG_RIJNDAELCBC	SADB_X_EALG_AESCBC
#define SADB_X_EALG_AES		SADB_X_EALG_AESCBC

/* SATYPE_TCPSIGNATURE of KAME; above SADB_SATYPE_MAX, refused by us. */
#define SADB_X_SATYPE_TCPSIGNATURE	11

/* sadb_ident_type ADDR of KAME: a sockaddr follows. */
#define SADB_X_IDENTTYPE_ADDR	4

/* NAT-T: values of sadb_x_nat_t_type_type */
#define SADB_X_NAT_T_NONE	0
#define SADB_X_NAT_T_NON_IKE	1	/* draft-ietf-ipsec-udp-encaps-00 */
#define SADB_X_NAT_T_ESPINUDP	2	/* RFC 3948 */

/* Messages and extensions are counted in 64 bit words. */
#define PFKEY_ALIGN8(len)	(((len) + 7) & ~7)
#define PFKEY_UNIT64(len)	((len) >> 3)
#define PFKEY_UNUNIT64(words)	((words) << 3)

#endif /* _UAPI_IPSEC_PFKEYV2_H */
