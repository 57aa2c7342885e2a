// SPDX-License-Identifier: BSD-2-Clause
/* The socket, and the check that a message from it holds what it says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local.h"

/* Wanted buffer sizes; the kernel cuts them to its limits. */
#define PFKEY_SNDBUF	(128 * 1024)
#define PFKEY_RCVBUF	(2 * 1024 * 1024)

/* Least bytes of each extension, its header included; 0 is not accepted. */
static const size_t ext_min[SADB_EXT_MAX + 1] = {
	[SADB_EXT_SA] = sizeof(struct sadb_sa),
	[SADB_EXT_LIFETIME_CURRENT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_HARD] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_SOFT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_ADDRESS_SRC] = sizeof(struct sadb_address),
	[SADB_EXT_ADDRESS_DST] = sizeof(struct sadb_address),
	[SADB_EXT_ADDRESS_PROXY] = sizeof(struct sadb_address),
	[SADB_EXT_KEY_AUTH] = sizeof(struct sadb_key),
	[SADB_EXT_KEY_ENCRYPT] = sizeof(struct sadb_key),
	[SADB_EXT_IDENTITY_SRC] = sizeof(struct sadb_ident),
	[SADB_EXT_IDENTITY_DST] = sizeof(struct sadb_ident),
	[SADB_EXT_SENSITIVITY] = sizeof(struct sadb_sens),
	[SADB_EXT_PROPOSAL] = sizeof(struct sadb_prop),
	[SADB_EXT_SUPPORTED_AUTH] = sizeof(struct sadb_supported),
	[SADB_EXT_SUPPORTED_ENCRYPT] = sizeof(struct sadb_supported),
	[SADB_EXT_SPIRANGE] = sizeof(struct sadb_spirange),
	[SADB_X_EXT_KMPRIVATE] = sizeof(struct sadb_x_kmprivate),
	[SADB_X_EXT_POLICY] = sizeof(struct sadb_x_policy),
	[SADB_X_EXT_SA2] = sizeof(struct sadb_x_sa2),
	[SADB_X_EXT_NAT_T_TYPE] = sizeof(struct sadb_x_nat_t_type),
	[SADB_X_EXT_NAT_T_SPORT] = sizeof(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_DPORT] = sizeof(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_OA] = sizeof(struct sadb_address),
	[SADB_X_EXT_SEC_CTX] = sizeof(struct sadb_x_sec_ctx),
	[SADB_X_EXT_KMADDRESS] = sizeof(struct sadb_x_kmaddress),
	[SADB_X_EXT_FILTER] = sizeof(struct sadb_x_filter),
};

/**
 * pfkey_open() - open a PF_KEY socket with large buffers
 *
 * Return: the socket or -1.
 */
int pfkey_open(void)
{
	int so = socket(PF_KEY, SOCK_RAW | SOCK_CLOEXEC, PF_KEY_V2);
	int size;

	if (so < 0)
		return ipsec_fail_errno(errno);

	/* smaller buffers still work, so a refusal is not an error */
	size = PFKEY_SNDBUF;
	setsockopt(so, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	size = PFKEY_RCVBUF;
	setsockopt(so, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	ipsec_clear_error();
	return so;
}

/**
 * pfkey_close() - close a PF_KEY socket
 * @so: the socket
 */
void pfkey_close(int so)
{
	close(so);
	ipsec_clear_error();
}

/**
 * pfkey_send() - send one message
 * @so: the socket
 * @msg: the message
 * @len: its length in bytes
 *
 * Return: bytes sent or -1.
 */
int pfkey_send(int so, struct sadb_msg *msg, int len)
{
	ssize_t n = send(so, msg, len, 0);

	if (n < 0)
		return ipsec_fail_errno(errno);
	ipsec_clear_error();
	return n;
}

/**
 * pfkey_recv() - receive one message
 * @so: the socket
 *
 * A message whose length field disagrees with what arrived is thrown away.
 *
 * Return: the message, to be given to free(), or NULL; on a time-out the
 * error is EIPSEC_SYSTEM_ERROR with EAGAIN.
 */
struct sadb_msg *pfkey_recv(int so)
{
	struct sadb_msg head, *msg = NULL;
	ssize_t n, want;

	do {
		n = recv(so, &head, sizeof(head), MSG_PEEK);
	} while (n < 0 && errno == EINTR);
	if (n <= 0) {
		ipsec_fail_errno(n ? errno : ECONNRESET);
		return NULL;
	}
	want = n == sizeof(head) ? PFKEY_UNUNIT64(head.sadb_msg_len) : 0;
	if (want >= (ssize_t)sizeof(head))
		msg = malloc(want);

	/* take it off the queue in any case, or it would be met again */
	n = recv(so, msg ? (void *)msg : &head, msg ? want : (ssize_t)n,
		 MSG_TRUNC);
	if (n < 0) {
		ipsec_fail_errno(errno);
		free(msg);
		return NULL;
	}
	if (!msg || n != want) {
		ipsec_fail(EIPSEC_INVAL_SADBMSG);
		free(msg);
		return NULL;
	}
	ipsec_clear_error();
	return msg;
}

/*
 * Whether @msg answers @req. Records of a dump count down in sadb_msg_seq. What a
 * promiscuous socket overhears is of another type, and what other processes asked for
 * has their pid, or another number.
 */
static int is_reply(const struct sadb_msg *msg, const struct sadb_msg *req)
{
	int dump = req->sadb_msg_type == SADB_DUMP ||
		req->sadb_msg_type == SADB_X_SPDDUMP;

	return msg->sadb_msg_version == req->sadb_msg_version &&
	       msg->sadb_msg_type == req->sadb_msg_type &&
	       msg->sadb_msg_pid == req->sadb_msg_pid &&
	       (dump || msg->sadb_msg_seq == req->sadb_msg_seq);
}

/**
 * pfkey_recv_reply() - receive the message that answers a request
 * @so: the socket
 * @request: its base header
 *
 * All other messages are thrown away.
 *
 * Return: as pfkey_recv(); its sadb_msg_errno tells whether the request was refused.
 */
struct sadb_msg *pfkey_recv_reply(int so, const struct sadb_msg *request)
{
	struct sadb_msg *msg;

	while ((msg = pfkey_recv(so)) && !is_reply(msg, request))
		pfkey_msg_free(msg);
	return msg;
}

static int check_address(const char *p, size_t len)
{
	size_t salen;

	p += sizeof(struct sadb_address);
	len -= sizeof(struct sadb_address);
	if (len < sizeof(sa_family_t))
		return ipsec_fail(EIPSEC_INVAL_ADDRESS);
	salen = ipsec_sockaddr_len(ipsec_sockaddr_family(p));
	if (!salen)
		return ipsec_fail(EIPSEC_INVAL_FAMILY);
	if (len != (size_t)PFKEY_ALIGN8(salen))
		return ipsec_fail(EIPSEC_INVAL_ADDRESS);
	return 0;
}

static int check_key(const char *p, size_t len)
{
	struct sadb_key key;

	memcpy(&key, p, sizeof(key));
	if ((key.sadb_key_bits + 7U) / 8 > len - sizeof(key))
		return ipsec_fail(EIPSEC_INVAL_KEYLEN);
	return 0;
}

static int check_ctx(const char *p, size_t len)
{
	struct sadb_x_sec_ctx ctx;

	memcpy(&ctx, p, sizeof(ctx));
	if (ctx.sadb_x_ctx_len > len - sizeof(ctx))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	return 0;
}

/* What is inside an extension of @len bytes at @p, which has its minimum. */
static int check_ext(unsigned int type, const char *p, size_t len)
{
	switch (type) {
	case SADB_EXT_ADDRESS_SRC:
	case SADB_EXT_ADDRESS_DST:
	case SADB_EXT_ADDRESS_PROXY:
	case SADB_X_EXT_NAT_T_OA:
		return check_address(p, len);
	case SADB_EXT_KEY_AUTH:
	case SADB_EXT_KEY_ENCRYPT:
		return check_key(p, len);
	case SADB_X_EXT_SEC_CTX:
		return check_ctx(p, len);
	case SADB_X_EXT_POLICY:
		return ipsec_policy_check(p, len);
	default:
		return 0;
	}
}

/**
 * pfkey_align() - find the extensions of a message
 * @msg: the message; sadb_msg_len * 8 bytes are readable
 * @mhp: SADB_EXT_MAX + 1 pointers; [0] becomes the message, the others the
 *	 extension of that number or NULL
 *
 * Lengths are checked before anything behind them is believed: afterwards
 * each extension holds its fixed part, its address, its key or its requests.
 *
 * Return: 0, or -1 with the error set.
 */
int pfkey_align(struct sadb_msg *msg, char **mhp)
{
	struct sadb_ext ext;
	size_t len, left;
	char *p;

	if (!msg || !mhp)
		return ipsec_fail(EIPSEC_INVAL_ARGUMENT);
	memset(mhp, 0, sizeof(*mhp) * (SADB_EXT_MAX + 1));
	mhp[0] = (char *)msg;
	left = PFKEY_UNUNIT64(msg->sadb_msg_len);
	if (left < sizeof(*msg))
		return ipsec_fail(EIPSEC_INVAL_SADBMSG);
	left -= sizeof(*msg);

	for (p = (char *)(msg + 1); left; p += len, left -= len) {
		memcpy(&ext, p, sizeof(ext));
		len = PFKEY_UNUNIT64(ext.sadb_ext_len);
		if (!len || len > left)
			return ipsec_fail(EIPSEC_INVAL_SADBMSG);
		/* not for @mhp, see pfkey_get_replay() */
		if (ext.sadb_ext_type == SADB_X_EXT_SA_REPLAY)
			continue;
		if (ext.sadb_ext_type > SADB_EXT_MAX ||
		    !ext_min[ext.sadb_ext_type])
			return ipsec_fail(EIPSEC_INVAL_EXTTYPE);
		if (mhp[ext.sadb_ext_type])
			return ipsec_fail(EIPSEC_INVAL_EXTTYPE);
		if (len < ext_min[ext.sadb_ext_type])
			return ipsec_fail(EIPSEC_INVAL_SADBMSG);
		if (check_ext(ext.sadb_ext_type, p, len))
			return -1;
		mhp[ext.sadb_ext_type] = p;
	}
	ipsec_clear_error();
	return 0;
}

/**
 * pfkey_get_replay() - find what sadb_sa has no room for
 * @msg: a message that pfkey_align() accepts
 * @to: filled
 *
 * pfkey_align() cannot tell of this extension, whose number is beyond its array.
 *
 * Return: 0, or -1 if there is none.
 */
int pfkey_get_replay(const struct sadb_msg *msg, struct sadb_x_sa_replay *to)
{
	const char *p = (const char *)(msg + 1);
	const char *end = (const char *)msg +
		PFKEY_UNUNIT64(msg->sadb_msg_len);
	struct sadb_ext ext;

	for (; p < end; p += PFKEY_UNUNIT64(ext.sadb_ext_len)) {
		memcpy(&ext, p, sizeof(ext));
		if (!ext.sadb_ext_len)
			break;
		if (ext.sadb_ext_type != SADB_X_EXT_SA_REPLAY ||
		    PFKEY_UNUNIT64(ext.sadb_ext_len) < (int)sizeof(*to))
			continue;
		memcpy(to, p, sizeof(*to));
		return 0;
	}
	return ipsec_fail(EIPSEC_INVAL_EXTTYPE);
}

static int is_spd_type(unsigned int type)
{
	switch (type) {
	case SADB_X_SPDUPDATE:
	case SADB_X_SPDADD:
	case SADB_X_SPDDELETE:
	case SADB_X_SPDGET:
	case SADB_X_SPDACQUIRE:
	case SADB_X_SPDDUMP:
	case SADB_X_SPDFLUSH:
	case SADB_X_SPDSETIDX:
	case SADB_X_SPDEXPIRE:
	case SADB_X_SPDDELETE2:
		return 1;
	default:
		return 0;
	}
}

static int check_satype(const struct sadb_msg *msg)
{
	switch (msg->sadb_msg_satype) {
	case SADB_SATYPE_UNSPEC:
		switch (msg->sadb_msg_type) {
		case SADB_GETSPI:
		case SADB_UPDATE:
		case SADB_ADD:
		case SADB_DELETE:
		case SADB_GET:
		case SADB_ACQUIRE:
		case SADB_EXPIRE:
			return ipsec_fail(EIPSEC_INVAL_SATYPE);
		}
		return 0;
	case SADB_SATYPE_AH:
	case SADB_SATYPE_ESP:
	case SADB_X_SATYPE_IPCOMP:
		if (is_spd_type(msg->sadb_msg_type))
			return ipsec_fail(EIPSEC_INVAL_SATYPE);
		return 0;
	case SADB_X_PROMISC_ON:
		if (msg->sadb_msg_type == SADB_X_PROMISC)
			return 0;
		break;
	}
	return ipsec_fail(EIPSEC_INVAL_SATYPE);
}

/**
 * pfkey_check() - do the parts of a message fit together?
 * @mhp: filled in by pfkey_align()
 *
 * Return: 0, or -1 with the error set.
 */
int pfkey_check(char **mhp)
{
	const struct sadb_msg *msg;
	struct sadb_address src, dst;

	if (!mhp || !mhp[0])
		return ipsec_fail(EIPSEC_INVAL_ARGUMENT);
	msg = (const struct sadb_msg *)mhp[0];
	if (msg->sadb_msg_version != PF_KEY_V2)
		return ipsec_fail(EIPSEC_INVAL_VERSION);
	if (!msg->sadb_msg_type || msg->sadb_msg_type > SADB_MAX)
		return ipsec_fail(EIPSEC_INVAL_MSGTYPE);
	if (check_satype(msg))
		return -1;

	if (mhp[SADB_EXT_ADDRESS_SRC] && mhp[SADB_EXT_ADDRESS_DST]) {
		memcpy(&src, mhp[SADB_EXT_ADDRESS_SRC], sizeof(src));
		memcpy(&dst, mhp[SADB_EXT_ADDRESS_DST], sizeof(dst));
		if (src.sadb_address_proto != dst.sadb_address_proto)
			return ipsec_fail(EIPSEC_PROTO_MISMATCH);
		if (ipsec_sockaddr_family(mhp[SADB_EXT_ADDRESS_SRC] +
					  sizeof(src)) !=
		    ipsec_sockaddr_family(mhp[SADB_EXT_ADDRESS_DST] +
					  sizeof(dst)))
			return ipsec_fail(EIPSEC_FAMILY_MISMATCH);
	}
	ipsec_clear_error();
	return 0;
}
