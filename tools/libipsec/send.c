// SPDX-License-Identifier: BSD-2-Clause
/* KAME's pfkey_send_*(): each builds one message and sends it. */
#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"

/* Soft limits in percent of the hard ones, by what they count. */
enum { RATE_ALLOC, RATE_BYTES, RATE_ADDTIME, RATE_USETIME, RATE_N };

static atomic_uint softrate[RATE_N] = { 80, 80, 80, 80 };

static int send_and_free(int so, struct sadb_msg *msg)
{
	int n;

	if (!msg)
		return -1;
	n = pfkey_send(so, msg, PFKEY_UNUNIT64(msg->sadb_msg_len));
	pfkey_msg_free(msg);
	return n;
}

/**
 * pfkey_send_sa() - build and send a message about an SA
 * @so: the socket
 * @args: what it shall carry
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_sa(int so, const struct pfkey_sa_args *args)
{
	return send_and_free(so, pfkey_build_sa(args));
}

/**
 * pfkey_send_sp() - build and send a message about a policy
 * @so: the socket
 * @args: what it shall carry
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_sp(int so, const struct pfkey_sp_args *args)
{
	return send_and_free(so, pfkey_build_sp(args));
}

static int send_base(int so, unsigned int type, unsigned int satype)
{
	return send_and_free(so, pfkey_build_base(type, satype, 0, getpid()));
}

/**
 * pfkey_set_softrate() - choose where soft limits lie
 * @type: SADB_X_LIFETIME_*: 0 allocations, 1 bytes, 2 addtime, 3 usetime
 * @rate: percent of the hard limit, at most 100
 *
 * Return: the old rate, or ~0 for an unknown @type.
 */
unsigned int pfkey_set_softrate(unsigned int type, unsigned int rate)
{
	if (type >= RATE_N)
		return ~0U;
	return atomic_exchange(&softrate[type], rate > 100 ? 100 : rate);
}

/**
 * pfkey_get_softrate() - where soft limits lie
 * @type: as for pfkey_set_softrate()
 *
 * Return: percent of the hard limit, or ~0 for an unknown @type.
 */
unsigned int pfkey_get_softrate(unsigned int type)
{
	return type < RATE_N ? atomic_load(&softrate[type]) : ~0U;
}

static uint64_t soft(unsigned int type, uint64_t hard)
{
	unsigned int rate = atomic_load(&softrate[type]);

	/* divided first: the product could wrap */
	return hard / 100 * rate + hard % 100 * rate / 100;
}

/* The key material is the cipher's key followed by the hash's. */
static int send_add(int so, struct pfkey_sa_args *a, char *keymat,
		    unsigned int e_keylen, unsigned int a_keylen)
{
	const uint8_t *key = (const uint8_t *)keymat;

	a->pid = getpid();
	a->with_sa = 1;
	a->key_enc = key;
	a->key_enc_len = e_keylen;
	a->with_enc_key = a->encrypt == SADB_EALG_NULL &&
		a->satype == SADB_SATYPE_ESP;
	a->key_auth = key ? key + e_keylen : NULL;
	a->key_auth_len = a_keylen;
	a->soft.sadb_lifetime_allocations =
		soft(RATE_ALLOC, a->hard.sadb_lifetime_allocations);
	a->soft.sadb_lifetime_bytes =
		soft(RATE_BYTES, a->hard.sadb_lifetime_bytes);
	a->soft.sadb_lifetime_addtime =
		soft(RATE_ADDTIME, a->hard.sadb_lifetime_addtime);
	a->soft.sadb_lifetime_usetime =
		soft(RATE_USETIME, a->hard.sadb_lifetime_usetime);
	return pfkey_send_sa(so, a);
}

/**
 * pfkey_send_update() - SADB_UPDATE
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 * @spi: network order
 * @reqid: for policies of level unique
 * @wsize: replay window in bytes
 * @keymat: the cipher's key and the hash's, back to back
 * @e_type: cipher or compression algorithm
 * @e_keylen: bytes
 * @a_type: authentication algorithm
 * @a_keylen: bytes
 * @flags: SADB_X_EXT_*
 * @l_alloc: hard limit of allocations
 * @l_bytes: of bytes
 * @l_addtime: of seconds since creation
 * @l_usetime: of seconds since first use
 * @seq: of the ACQUIRE or GETSPI that it answers
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_update(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t spi, uint32_t reqid, unsigned int wsize,
		      char *keymat, unsigned int e_type,
		      unsigned int e_keylen, unsigned int a_type,
		      unsigned int a_keylen, unsigned int flags,
		      uint32_t l_alloc, uint64_t l_bytes, uint64_t l_addtime,
		      uint64_t l_usetime, uint32_t seq)
{
	struct pfkey_sa_args a = {
		.msg_type = SADB_UPDATE, .satype = satype, .seq = seq,
		.spi = spi, .mode = mode, .reqid = reqid, .replay = wsize,
		.flags = flags, .auth = a_type, .encrypt = e_type,
		.src = src, .dst = dst,
		.hard = {
			.sadb_lifetime_allocations = l_alloc,
			.sadb_lifetime_bytes = l_bytes,
			.sadb_lifetime_addtime = l_addtime,
			.sadb_lifetime_usetime = l_usetime,
		},
	};

	return send_add(so, &a, keymat, e_keylen, a_keylen);
}

/**
 * pfkey_send_add() - SADB_ADD; parameters as for pfkey_send_update()
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 * @spi: network order
 * @reqid: for policies of level unique
 * @wsize: replay window in bytes
 * @keymat: the cipher's key and the hash's, back to back
 * @e_type: cipher or compression algorithm
 * @e_keylen: bytes
 * @a_type: authentication algorithm
 * @a_keylen: bytes
 * @flags: SADB_X_EXT_*
 * @l_alloc: hard limit of allocations
 * @l_bytes: of bytes
 * @l_addtime: of seconds since creation
 * @l_usetime: of seconds since first use
 * @seq: of the ACQUIRE that it answers
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_add(int so, unsigned int satype, unsigned int mode,
		   struct sockaddr *src, struct sockaddr *dst, uint32_t spi,
		   uint32_t reqid, unsigned int wsize, char *keymat,
		   unsigned int e_type, unsigned int e_keylen,
		   unsigned int a_type, unsigned int a_keylen,
		   unsigned int flags, uint32_t l_alloc, uint64_t l_bytes,
		   uint64_t l_addtime, uint64_t l_usetime, uint32_t seq)
{
	struct pfkey_sa_args a = {
		.msg_type = SADB_ADD, .satype = satype, .seq = seq,
		.spi = spi, .mode = mode, .reqid = reqid, .replay = wsize,
		.flags = flags, .auth = a_type, .encrypt = e_type,
		.src = src, .dst = dst,
		.hard = {
			.sadb_lifetime_allocations = l_alloc,
			.sadb_lifetime_bytes = l_bytes,
			.sadb_lifetime_addtime = l_addtime,
			.sadb_lifetime_usetime = l_usetime,
		},
	};

	return send_add(so, &a, keymat, e_keylen, a_keylen);
}

/**
 * pfkey_send_getspi() - SADB_GETSPI
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 * @min: least SPI, host order; both 0: the kernel's own range
 * @max: largest SPI
 * @reqid: for policies of level unique
 * @seq: of the ACQUIRE that it answers
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_getspi(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t min, uint32_t max, uint32_t reqid,
		      uint32_t seq)
{
	struct pfkey_sa_args a = {
		.msg_type = SADB_GETSPI, .satype = satype, .seq = seq,
		.pid = getpid(), .with_sa = 1, .mode = mode, .reqid = reqid,
		.spi_min = min, .spi_max = max, .src = src, .dst = dst,
	};

	if (min > max || (min && min <= 255))
		return ipsec_fail(EIPSEC_INVAL_SPI);
	return pfkey_send_sa(so, &a);
}

static int send_lookup(int so, unsigned int type, unsigned int satype,
		       unsigned int mode, struct sockaddr *src,
		       struct sockaddr *dst, const uint32_t *spi)
{
	struct pfkey_sa_args a = {
		.msg_type = type, .satype = satype, .pid = getpid(),
		.with_sa = !!spi, .spi = spi ? *spi : 0, .mode = mode,
		.src = src, .dst = dst,
	};

	return pfkey_send_sa(so, &a);
}

/**
 * pfkey_send_delete() - SADB_DELETE of one SA
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 * @spi: network order
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_delete(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t spi)
{
	return send_lookup(so, SADB_DELETE, satype, mode, src, dst, &spi);
}

/**
 * pfkey_send_delete_all() - SADB_DELETE of every SA between two addresses
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_delete_all(int so, unsigned int satype, unsigned int mode,
			  struct sockaddr *src, struct sockaddr *dst)
{
	return send_lookup(so, SADB_DELETE, satype, mode, src, dst, NULL);
}

/**
 * pfkey_send_get() - SADB_GET
 * @so: the socket
 * @satype: SADB_SATYPE_*
 * @mode: IPSEC_MODE_*
 * @src: source
 * @dst: destination
 * @spi: network order
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_get(int so, unsigned int satype, unsigned int mode,
		   struct sockaddr *src, struct sockaddr *dst, uint32_t spi)
{
	return send_lookup(so, SADB_GET, satype, mode, src, dst, &spi);
}

/**
 * pfkey_send_flush() - SADB_FLUSH
 * @so: the socket
 * @satype: which SAs, UNSPEC is all
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_flush(int so, unsigned int satype)
{
	return send_base(so, SADB_FLUSH, satype);
}

/**
 * pfkey_send_dump() - SADB_DUMP
 * @so: the socket
 * @satype: which SAs, UNSPEC is all
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_dump(int so, unsigned int satype)
{
	return send_base(so, SADB_DUMP, satype);
}

/**
 * pfkey_send_promisc_toggle() - SADB_X_PROMISC
 * @so: the socket
 * @flag: 1 shows every message to this socket, 0 ends that
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_promisc_toggle(int so, int flag)
{
	return send_base(so, SADB_X_PROMISC,
			 flag ? SADB_X_PROMISC_ON : SADB_X_PROMISC_OFF);
}

/**
 * pfkey_send_spdflush() - SADB_X_SPDFLUSH
 * @so: the socket
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdflush(int so)
{
	return send_base(so, SADB_X_SPDFLUSH, SADB_SATYPE_UNSPEC);
}

/**
 * pfkey_send_spddump() - SADB_X_SPDDUMP
 * @so: the socket
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spddump(int so)
{
	return send_base(so, SADB_X_SPDDUMP, SADB_SATYPE_UNSPEC);
}
