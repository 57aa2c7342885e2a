// SPDX-License-Identifier: BSD-2-Clause
/* Policies as setkey -DP shows them. Scripts read this too. */
#include <stdlib.h>
#include <string.h>

#include "local.h"
#include "dump.h"

/* Protocols whose ports are something else. */
static int has_type_code(unsigned int proto)
{
	return proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6 ||
	       proto == IPPROTO_MH;
}

static int has_ports(unsigned int proto)
{
	return !has_type_code(proto) && proto != IPPROTO_GRE;
}

static void print_selector(const char *ext)
{
	struct sadb_address a;
	char buf[ADDRSTR_LEN];
	unsigned int port;

	memcpy(&a, ext, sizeof(a));
	ext += sizeof(a);
	printf("%s", ipsec_sockaddr_text(ext, buf, sizeof(buf)));
	if (a.sadb_address_prefixlen !=
	    ipsec_sockaddr_prefix(ipsec_sockaddr_family(ext)))
		printf("/%u", a.sadb_address_prefixlen);
	if (has_ports(a.sadb_address_proto)) {
		port = ipsec_sockaddr_port(ext);
		if (port)
			printf("[%u]", port);
		else
			printf("[any]");
	}
	printf(" ");
}

static void print_proto(char **mhp, unsigned int proto)
{
	const char *name = ipsec_ulproto_name(proto);
	const size_t skip = sizeof(struct sadb_address);
	unsigned int s = ipsec_sockaddr_port(mhp[SADB_EXT_ADDRESS_SRC] + skip);
	unsigned int d = ipsec_sockaddr_port(mhp[SADB_EXT_ADDRESS_DST] + skip);

	if (name)
		ipsec_print_text(stdout, name, strlen(name));
	else
		printf("%u", proto);
	if (!s && !d)
		return;
	if (has_type_code(proto))
		printf(" %u,%u", s, d);
	else if (proto == IPPROTO_GRE)
		printf(" %u", s << 16 | d);
}

/* 0, or -1 when the record is not worth going on. */
static int print_match(char **mhp, uint32_t id)
{
	struct sadb_address src, dst;

	if (IPSEC_POLICY_ID_IS_SOCKET(id) ||
	    (!mhp[SADB_EXT_ADDRESS_SRC] && !mhp[SADB_EXT_ADDRESS_DST])) {
		printf("(per-socket policy) ");
		return 0;
	}
	if (!mhp[SADB_EXT_ADDRESS_SRC]) {
		printf("no ADDRESS_SRC extension.\n");
		return -1;
	}
	print_selector(mhp[SADB_EXT_ADDRESS_SRC]);
	if (!mhp[SADB_EXT_ADDRESS_DST]) {
		printf(" no ADDRESS_DST extension.\n");
		return -1;
	}
	print_selector(mhp[SADB_EXT_ADDRESS_DST]);
	memcpy(&src, mhp[SADB_EXT_ADDRESS_SRC], sizeof(src));
	memcpy(&dst, mhp[SADB_EXT_ADDRESS_DST], sizeof(dst));
	if (src.sadb_address_proto != dst.sadb_address_proto) {
		printf("upper layer protocol mismatched.\n");
		return -1;
	}
	print_proto(mhp, src.sadb_address_proto);
	return 0;
}

static void print_times(char **mhp)
{
	char created[TIMESTR_LEN], used[TIMESTR_LEN];
	struct sadb_lifetime lt;

	if (mhp[SADB_EXT_LIFETIME_CURRENT]) {
		memcpy(&lt, mhp[SADB_EXT_LIFETIME_CURRENT], sizeof(lt));
		printf("\tcreated: %s  lastused: %s\n",
		       ipsec_time_text(lt.sadb_lifetime_addtime, created),
		       ipsec_time_text(lt.sadb_lifetime_usetime, used));
	}
	if (mhp[SADB_EXT_LIFETIME_HARD]) {
		memcpy(&lt, mhp[SADB_EXT_LIFETIME_HARD], sizeof(lt));
		printf("\tlifetime: %llu(s) validtime: %llu(s)\n",
		       (unsigned long long)lt.sadb_lifetime_addtime,
		       (unsigned long long)lt.sadb_lifetime_usetime);
	}
}

/**
 * pfkey_spdump() - print a policy
 * @msg: reply to SADB_X_SPDDUMP or SADB_X_SPDGET
 */
void pfkey_spdump(struct sadb_msg *msg)
{
	char *mhp[SADB_EXT_MAX + 1];
	struct sadb_x_policy xpl;
	char *text;

	/* a protocol mismatch has a text of its own below */
	if (pfkey_align(msg, mhp) ||
	    (pfkey_check(mhp) &&
	     ipsec_last_error()->code != EIPSEC_PROTO_MISMATCH)) {
		printf("%s\n", ipsec_strerror());
		return;
	}
	if (!mhp[SADB_X_EXT_POLICY]) {
		printf("no X_POLICY extension.\n");
		return;
	}
	memcpy(&xpl, mhp[SADB_X_EXT_POLICY], sizeof(xpl));
	if (print_match(mhp, xpl.sadb_x_policy_id))
		return;

	text = ipsec_dump_policy(mhp[SADB_X_EXT_POLICY], "\n\t");
	if (text)
		printf("\n\t%s\n", text);
	else
		printf("\n\tPolicy:[%s]\n", ipsec_strerror());
	free(text);
	print_times(mhp);
	ipsec_dump_ctx(mhp[SADB_X_EXT_SEC_CTX]);
	printf("\tspid=%u seq=%u pid=%u\n", xpl.sadb_x_policy_id,
	       msg->sadb_msg_seq, msg->sadb_msg_pid);
	printf("\trefcnt=%u\n", msg->sadb_msg_reserved);
}
