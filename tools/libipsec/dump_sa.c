// SPDX-License-Identifier: BSD-2-Clause
/* SAs as setkey -D shows them. Scripts read this: not a byte may change. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "local.h"
#include "dump.h"

static const char *const satype_names[] = {
	"unspec", "unknown", "ah", "esp", "unknown", "rsvp", "ospfv2",
	"ripv2", "mip", "ipcomp", "policy", "tcp",
};

static const char *const mode_names[] = { "any", "transport", "tunnel" };

static const char *const state_names[] = {
	"larval", "mature", "dying", "dead",
};

/**
 * ipsec_now() - the time that dumps call current
 *
 * SOURCE_DATE_EPOCH replaces it, so that a dump can be compared.
 *
 * Return: seconds since 1970.
 */
time_t ipsec_now(void)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");

	return epoch ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
}

/**
 * ipsec_time_text() - a time in 20 characters
 * @when: seconds since 1970, 0 is blank
 * @buf: at least TIMESTR_LEN bytes
 *
 * Return: @buf.
 */
const char *ipsec_time_text(uint64_t when, char *buf)
{
	time_t t = when;
	struct tm tm;

	if (!t || !localtime_r(&t, &tm) ||
	    !strftime(buf, TIMESTR_LEN, "%b %e %H:%M:%S %Y", &tm))
		snprintf(buf, TIMESTR_LEN, "%20s", "");
	return buf;
}

/**
 * ipsec_dump_ctx() - the four lines of a security context
 * @ext: an aligned message's SEC_CTX extension, or NULL
 */
void ipsec_dump_ctx(const char *ext)
{
	struct sadb_x_sec_ctx ctx;

	if (!ext)
		return;
	memcpy(&ctx, ext, sizeof(ctx));
	printf("\tsecurity context doi: %u\n", ctx.sadb_x_ctx_doi);
	printf("\tsecurity context algorithm: %u\n", ctx.sadb_x_ctx_alg);
	printf("\tsecurity context length: %u\n", ctx.sadb_x_ctx_len);
	printf("\tsecurity context: ");
	ext += sizeof(ctx);
	/* as far as text goes: it may end before its length */
	ipsec_print_text(stdout, ext, strnlen(ext, ctx.sadb_x_ctx_len));
	printf("\n");
}

static void print_address(const char *addr, const char *natt, int ports)
{
	struct sadb_x_nat_t_port np;
	char buf[ADDRSTR_LEN];

	addr += sizeof(struct sadb_address);
	printf("%s", ipsec_sockaddr_text(addr, buf, sizeof(buf)));
	if (ports)
		printf("[%u]", ipsec_sockaddr_port(addr));
	if (natt) {
		memcpy(&np, natt, sizeof(np));
		printf("[%u]", ntohs(np.sadb_x_nat_t_port_port));
	}
	printf(" ");
}

/* Four bytes a group, eight groups a line. */
static void print_key(const char *ext)
{
	struct sadb_key key;
	unsigned int i;

	memcpy(&key, ext, sizeof(key));
	ext += sizeof(key);
	for (i = 0; i < key.sadb_key_bits / 8U; i++)
		printf("%s%s%02x", i && i % 32 == 0 ? "\n" : "",
		       i % 4 == 0 ? " " : "", (unsigned char)ext[i]);
	printf("\n");
}

static void print_alg(const char *label, const char *name, unsigned int id)
{
	if (name)
		printf("\t%s: %s ", label, name);
	else
		printf("\t%s: %u ", label, id);
}

static void print_algs(char **mhp, unsigned int satype,
		       const struct sadb_sa *sa)
{
	unsigned int e = sa->sadb_sa_encrypt, a = sa->sadb_sa_auth;

	/* the seq= of the next line has always followed on this one */
	if (satype == SADB_X_SATYPE_IPCOMP) {
		print_alg("C", ipsec_calg_name(e), e);
	} else if (satype == SADB_SATYPE_ESP && mhp[SADB_EXT_KEY_ENCRYPT]) {
		print_alg("E", ipsec_alg_name(SADB_EXT_SUPPORTED_ENCRYPT, e),
			  e);
		print_key(mhp[SADB_EXT_KEY_ENCRYPT]);
	}
	if (mhp[SADB_EXT_KEY_AUTH]) {
		print_alg("A", ipsec_alg_name(SADB_EXT_SUPPORTED_AUTH, a), a);
		print_key(mhp[SADB_EXT_KEY_AUTH]);
	}
}

static struct sadb_lifetime get_lifetime(const char *ext)
{
	struct sadb_lifetime lt = { .sadb_lifetime_len = 0 };

	if (ext)
		memcpy(&lt, ext, sizeof(lt));
	return lt;
}

static void print_lifetimes(char **mhp)
{
	struct sadb_lifetime c, h, s;
	char created[TIMESTR_LEN], current[TIMESTR_LEN], used[TIMESTR_LEN];
	uint64_t now = ipsec_now();
	uint64_t diff = 0;

	if (!mhp[SADB_EXT_LIFETIME_CURRENT])
		return;
	c = get_lifetime(mhp[SADB_EXT_LIFETIME_CURRENT]);
	h = get_lifetime(mhp[SADB_EXT_LIFETIME_HARD]);
	s = get_lifetime(mhp[SADB_EXT_LIFETIME_SOFT]);
	if (c.sadb_lifetime_addtime)
		diff = now - c.sadb_lifetime_addtime;

	printf("\tcreated: %s\tcurrent: %s\n",
	       ipsec_time_text(c.sadb_lifetime_addtime, created),
	       ipsec_time_text(now, current));
	printf("\tdiff: %llu(s)\thard: %llu(s)\tsoft: %llu(s)\n",
	       (unsigned long long)diff,
	       (unsigned long long)h.sadb_lifetime_addtime,
	       (unsigned long long)s.sadb_lifetime_addtime);
	printf("\tlast: %s\thard: %llu(s)\tsoft: %llu(s)\n",
	       ipsec_time_text(c.sadb_lifetime_usetime, used),
	       (unsigned long long)h.sadb_lifetime_usetime,
	       (unsigned long long)s.sadb_lifetime_usetime);
	printf("\tcurrent: %llu(bytes)\thard: %llu(bytes)\tsoft: %llu(bytes)\n",
	       (unsigned long long)c.sadb_lifetime_bytes,
	       (unsigned long long)h.sadb_lifetime_bytes,
	       (unsigned long long)s.sadb_lifetime_bytes);
	printf("\tallocated: %u\thard: %u\tsoft: %u\n",
	       c.sadb_lifetime_allocations, h.sadb_lifetime_allocations,
	       s.sadb_lifetime_allocations);
}

/* "esp", "esp-udp", "natt+ah" */
static void print_satype(char **mhp, unsigned int satype)
{
	struct sadb_x_nat_t_type t = { .sadb_x_nat_t_type_type = 0 };
	const char *name = satype < ARRAY_SIZE(satype_names) ?
		satype_names[satype] : "unknown";

	if (mhp[SADB_X_EXT_NAT_T_TYPE])
		memcpy(&t, mhp[SADB_X_EXT_NAT_T_TYPE], sizeof(t));
	if (t.sadb_x_nat_t_type_type && satype == SADB_SATYPE_ESP)
		printf("\tesp-udp ");
	else
		printf("\t%s%s ", t.sadb_x_nat_t_type_type ? "natt+" : "",
		       name);
}

static void print_sa2(const struct sadb_sa *sa, const struct sadb_x_sa2 *sa2)
{
	uint32_t spi = ntohl(sa->sadb_sa_spi);

	if (sa2->sadb_x_sa2_mode < ARRAY_SIZE(mode_names))
		printf("mode=%s ", mode_names[sa2->sadb_x_sa2_mode]);
	else
		printf("mode=%u ", sa2->sadb_x_sa2_mode);
	printf("spi=%u(0x%08x) reqid=%u(0x%08x)\n", spi, spi,
	       sa2->sadb_x_sa2_reqid, sa2->sadb_x_sa2_reqid);
}

static void print_state(const struct sadb_sa *sa, const struct sadb_x_sa2 *sa2)
{
	printf("\tseq=0x%08x replay=%u flags=0x%08x state=",
	       sa2->sadb_x_sa2_sequence, sa->sadb_sa_replay,
	       sa->sadb_sa_flags);
	if (sa->sadb_sa_state < ARRAY_SIZE(state_names))
		printf("%s ", state_names[sa->sadb_sa_state]);
	else
		printf("%u ", sa->sadb_sa_state);
	printf("\n");
}

/* Only where it says more than the line above: scripts know the lines. */
static void print_replay(const struct sadb_msg *msg, const struct sadb_sa *sa)
{
	int esn = sa->sadb_sa_flags & SADB_X_SAFLAGS_ESN;
	struct sadb_x_sa_replay r;

	if (pfkey_get_replay(msg, &r) ||
	    (!esn && r.sadb_x_sa_replay_window == sa->sadb_sa_replay * 8U))
		return;
	printf("\twindow: %u(packets)\tesn: %s\tsequence: %llu\n",
	       r.sadb_x_sa_replay_window, esn ? "yes" : "no",
	       (unsigned long long)r.sadb_x_sa_replay_sequence);
}

static void sadump(struct sadb_msg *msg, int ports)
{
	char *mhp[SADB_EXT_MAX + 1];
	struct sadb_sa sa;
	struct sadb_x_sa2 sa2;
	const char *missing = NULL;

	if (pfkey_align(msg, mhp) || pfkey_check(mhp)) {
		printf("%s\n", ipsec_strerror());
		return;
	}
	if (!mhp[SADB_EXT_ADDRESS_SRC]) {
		printf("no ADDRESS_SRC extension.\n");
		return;
	}
	print_address(mhp[SADB_EXT_ADDRESS_SRC], mhp[SADB_X_EXT_NAT_T_SPORT],
		      ports);
	if (!mhp[SADB_EXT_ADDRESS_DST])
		missing = " no ADDRESS_DST extension.";
	else
		print_address(mhp[SADB_EXT_ADDRESS_DST],
			      mhp[SADB_X_EXT_NAT_T_DPORT], ports);
	if (!missing && !mhp[SADB_EXT_SA])
		missing = "no SA extension.";
	if (!missing && !mhp[SADB_X_EXT_SA2])
		missing = "no SA2 extension.";
	printf("%s\n", missing ? missing : "");
	if (missing)
		return;

	if (mhp[SADB_X_EXT_NAT_T_OA]) {
		printf("\tNAT OA=");
		print_address(mhp[SADB_X_EXT_NAT_T_OA], NULL, 0);
		printf("\n");
	}
	memcpy(&sa, mhp[SADB_EXT_SA], sizeof(sa));
	memcpy(&sa2, mhp[SADB_X_EXT_SA2], sizeof(sa2));
	print_satype(mhp, msg->sadb_msg_satype);
	print_sa2(&sa, &sa2);
	print_algs(mhp, msg->sadb_msg_satype, &sa);
	print_state(&sa, &sa2);
	print_replay(msg, &sa);
	print_lifetimes(mhp);
	ipsec_dump_ctx(mhp[SADB_X_EXT_SEC_CTX]);
	printf("\tsadb_seq=%u pid=%u refcnt=%u\n", msg->sadb_msg_seq,
	       msg->sadb_msg_pid, msg->sadb_msg_reserved);
}

/**
 * pfkey_sadump() - print an SA
 * @msg: reply to SADB_DUMP or SADB_GET
 */
void pfkey_sadump(struct sadb_msg *msg)
{
	sadump(msg, 0);
}

/**
 * pfkey_sadump_withports() - print an SA, addresses with their ports
 * @msg: reply to SADB_DUMP or SADB_GET
 */
void pfkey_sadump_withports(struct sadb_msg *msg)
{
	sadump(msg, 1);
}

/**
 * pfkey_sadump_short_header() - print the head of the short form
 */
void pfkey_sadump_short_header(void)
{
	printf("time p   s spi      ltime   src -> dst\n");
}

static void print_short_address(const char *ext)
{
	struct sadb_address a;
	char buf[ADDRSTR_LEN];
	const char *name;

	memcpy(&a, ext, sizeof(a));
	ext += sizeof(a);
	name = ipsec_ulproto_name(a.sadb_address_proto);
	if (a.sadb_address_proto == IPSEC_ULPROTO_ANY)
		printf("#255 ");
	else if (a.sadb_address_proto && name)
		printf("%s ", name);
	else if (a.sadb_address_proto)
		printf("#%u ", a.sadb_address_proto);
	printf("%s", ipsec_sockaddr_text(ext, buf, sizeof(buf)));
	if (ipsec_sockaddr_port(ext))
		printf("[%u]", ipsec_sockaddr_port(ext));
}

static void print_short_times(char **mhp, uint64_t now)
{
	struct sadb_lifetime c, h;
	uint64_t age;

	if (!mhp[SADB_EXT_LIFETIME_CURRENT] || !mhp[SADB_EXT_LIFETIME_HARD]) {
		printf("%4s/%s ", "??", "???");
		return;
	}
	c = get_lifetime(mhp[SADB_EXT_LIFETIME_CURRENT]);
	h = get_lifetime(mhp[SADB_EXT_LIFETIME_HARD]);
	age = now - c.sadb_lifetime_addtime;
	if (age >= 1000)
		printf("  big/");
	else
		printf("  %3u/", (unsigned int)age);
	if (h.sadb_lifetime_addtime >= 1000)
		printf("big ");
	else
		printf("%3u ", (unsigned int)h.sadb_lifetime_addtime);
}

/**
 * pfkey_sadump_short() - print an SA on one line
 * @msg: reply to SADB_DUMP
 */
void pfkey_sadump_short(struct sadb_msg *msg)
{
	char *mhp[SADB_EXT_MAX + 1];
	time_t now = ipsec_now();
	struct tm tm = { 0 };
	struct sadb_sa sa;
	char number[8];
	const char *type = number;

	if (pfkey_align(msg, mhp) || pfkey_check(mhp)) {
		printf("%s\n", ipsec_strerror());
		return;
	}
	if (!mhp[SADB_EXT_SA] || !mhp[SADB_EXT_ADDRESS_SRC] ||
	    !mhp[SADB_EXT_ADDRESS_DST]) {
		printf("no SA extension.\n");
		return;
	}
	memcpy(&sa, mhp[SADB_EXT_SA], sizeof(sa));
	localtime_r(&now, &tm);
	snprintf(number, sizeof(number), "#%u", msg->sadb_msg_satype);
	if (msg->sadb_msg_satype == SADB_SATYPE_AH)
		type = "ah";
	else if (msg->sadb_msg_satype == SADB_SATYPE_ESP)
		type = "esp";
	printf("%02d%02d %-3s %c %08x", tm.tm_min, tm.tm_sec, type,
	       sa.sadb_sa_state < 4 ? "LMDd"[sa.sadb_sa_state] : '?',
	       ntohl(sa.sadb_sa_spi));
	print_short_times(mhp, now);
	print_short_address(mhp[SADB_EXT_ADDRESS_SRC]);
	printf(" -> ");
	print_short_address(mhp[SADB_EXT_ADDRESS_DST]);
	printf("\n");
}
