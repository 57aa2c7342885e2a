// SPDX-License-Identifier: BSD-2-Clause
/* KAME's pfkey_send_spd*(). */
#include <unistd.h>

#include "local.h"

static int send_spd(int so, struct pfkey_sp_args *a, unsigned int prefs,
		    unsigned int prefd, int policylen)
{
	if (!a->src || !a->dst || !a->policy)
		return ipsec_fail(EIPSEC_INVAL_ARGUMENT);
	if (policylen != ipsec_get_policylen(a->policy))
		return ipsec_fail(EIPSEC_INVAL_POLICY);
	if (prefs > ipsec_sockaddr_prefix(a->src->sa_family) ||
	    prefd > ipsec_sockaddr_prefix(a->dst->sa_family))
		return ipsec_fail(EIPSEC_INVAL_PREFIXLEN);
	a->pid = getpid();
	a->src_prefix = prefs;
	a->dst_prefix = prefd;
	a->policy_len = policylen;
	return pfkey_send_sp(so, a);
}

/**
 * pfkey_send_spdadd() - SADB_X_SPDADD
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @policy: from ipsec_set_policy()
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdadd(int so, struct sockaddr *src, unsigned int prefs,
		      struct sockaddr *dst, unsigned int prefd,
		      unsigned int proto, char *policy, int policylen,
		      uint32_t seq)
{
	return pfkey_send_spdadd2(so, src, prefs, dst, prefd, proto, 0, 0,
				  policy, policylen, seq);
}

/**
 * pfkey_send_spdadd2() - SADB_X_SPDADD with limits
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @ltime: seconds the policy lives
 * @vtime: seconds it lives unused
 * @policy: from ipsec_set_policy()
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdadd2(int so, struct sockaddr *src, unsigned int prefs,
		       struct sockaddr *dst, unsigned int prefd,
		       unsigned int proto, uint64_t ltime, uint64_t vtime,
		       char *policy, int policylen, uint32_t seq)
{
	struct pfkey_sp_args a = {
		.msg_type = SADB_X_SPDADD, .seq = seq, .src = src, .dst = dst,
		.proto = proto, .lifetime = ltime, .validtime = vtime,
		.policy = policy,
	};

	return send_spd(so, &a, prefs, prefd, policylen);
}

/**
 * pfkey_send_spdupdate() - SADB_X_SPDUPDATE
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @policy: from ipsec_set_policy()
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdupdate(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq)
{
	return pfkey_send_spdupdate2(so, src, prefs, dst, prefd, proto, 0, 0,
				     policy, policylen, seq);
}

/**
 * pfkey_send_spdupdate2() - SADB_X_SPDUPDATE with limits
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @ltime: seconds the policy lives
 * @vtime: seconds it lives unused
 * @policy: from ipsec_set_policy()
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdupdate2(int so, struct sockaddr *src, unsigned int prefs,
			  struct sockaddr *dst, unsigned int prefd,
			  unsigned int proto, uint64_t ltime, uint64_t vtime,
			  char *policy, int policylen, uint32_t seq)
{
	struct pfkey_sp_args a = {
		.msg_type = SADB_X_SPDUPDATE, .seq = seq, .src = src,
		.dst = dst, .proto = proto, .lifetime = ltime,
		.validtime = vtime, .policy = policy,
	};

	return send_spd(so, &a, prefs, prefd, policylen);
}

/**
 * pfkey_send_spddelete() - SADB_X_SPDDELETE
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @policy: only its direction counts
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spddelete(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq)
{
	struct pfkey_sp_args a = {
		.msg_type = SADB_X_SPDDELETE, .seq = seq, .src = src,
		.dst = dst, .proto = proto, .policy = policy,
	};

	return send_spd(so, &a, prefs, prefd, policylen);
}

/**
 * pfkey_send_spdsetidx() - SADB_X_SPDSETIDX
 * @so: the socket
 * @src: source with port
 * @prefs: its prefix length
 * @dst: destination with port
 * @prefd: its prefix length
 * @proto: upper layer protocol, 255 is any
 * @policy: a policy without requests
 * @policylen: from ipsec_get_policylen()
 * @seq: sequence number
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdsetidx(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq)
{
	struct pfkey_sp_args a = {
		.msg_type = SADB_X_SPDSETIDX, .seq = seq, .src = src,
		.dst = dst, .proto = proto, .policy = policy,
	};

	return send_spd(so, &a, prefs, prefd, policylen);
}

static int send_spid(int so, unsigned int type, uint32_t spid)
{
	struct sadb_x_policy xpl = {
		.sadb_x_policy_len = PFKEY_UNIT64(sizeof(xpl)),
		.sadb_x_policy_exttype = SADB_X_EXT_POLICY,
		.sadb_x_policy_id = spid,
	};
	struct pfkey_sp_args a = {
		.msg_type = type, .pid = getpid(),
		.policy = (const char *)&xpl, .policy_len = sizeof(xpl),
	};

	return pfkey_send_sp(so, &a);
}

/**
 * pfkey_send_spddelete2() - SADB_X_SPDDELETE2
 * @so: the socket
 * @spid: id of the policy
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spddelete2(int so, uint32_t spid)
{
	return send_spid(so, SADB_X_SPDDELETE2, spid);
}

/**
 * pfkey_send_spdget() - SADB_X_SPDGET
 * @so: the socket
 * @spid: id of the policy
 *
 * Return: bytes sent or -1.
 */
int pfkey_send_spdget(int so, uint32_t spid)
{
	return send_spid(so, SADB_X_SPDGET, spid);
}
