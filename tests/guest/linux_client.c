// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PF_KEY client that knows Linux's own header and nothing else of us. Does once what
 * a key manager does, and says "ok" or "not ok" of each answer. It believes none: each
 * message has the length that was read, each extension is one of that header, whole,
 * there once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ipsec.h>
#include <linux/pfkeyv2.h>

#define WORDS(bytes)	(((bytes) + 7) / 8)
#define LISTENS_MS	5000

/*
 * One message, and where its extensions are.
 * @words: how long it is
 * @bad: what is wrong with it, NULL if nothing
 */
struct message {
	uint64_t bytes[8192];
	unsigned int words;
	void *ext[SADB_EXT_MAX + 1];
	const char *bad;
};

static const char *own, *peer;
static struct message out, in;
static int sock;
static uint32_t number;

static const uint16_t smallest[SADB_EXT_MAX + 1] = {
	[SADB_EXT_SA] = sizeof(struct sadb_sa),
	[SADB_EXT_LIFETIME_CURRENT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_HARD] = sizeof(struct sadb_lifetime),
	[SADB_EXT_LIFETIME_SOFT] = sizeof(struct sadb_lifetime),
	[SADB_EXT_ADDRESS_SRC] = sizeof(struct sadb_address) + 16,
	[SADB_EXT_ADDRESS_DST] = sizeof(struct sadb_address) + 16,
	[SADB_EXT_KEY_AUTH] = sizeof(struct sadb_key) + 8,
	[SADB_EXT_KEY_ENCRYPT] = sizeof(struct sadb_key) + 8,
	[SADB_EXT_PROPOSAL] = sizeof(struct sadb_prop),
	[SADB_EXT_SUPPORTED_AUTH] = sizeof(struct sadb_supported),
	[SADB_EXT_SUPPORTED_ENCRYPT] = sizeof(struct sadb_supported),
	[SADB_EXT_SPIRANGE] = sizeof(struct sadb_spirange),
	[SADB_X_EXT_POLICY] = sizeof(struct sadb_x_policy),
	[SADB_X_EXT_SA2] = sizeof(struct sadb_x_sa2),
	[SADB_X_EXT_NAT_T_TYPE] = sizeof(struct sadb_x_nat_t_type),
	[SADB_X_EXT_NAT_T_SPORT] = sizeof(struct sadb_x_nat_t_port),
	[SADB_X_EXT_NAT_T_DPORT] = sizeof(struct sadb_x_nat_t_port),
};

static void says(bool good, const char *text)
{
	struct sadb_msg *msg = (void *)in.bytes;

	printf("%s linux_header: %s", good ? "ok" : "not ok", text);
	if (!good)
		printf(" - type %u, %s, %s", msg->sadb_msg_type,
		       strerror(msg->sadb_msg_errno), in.bad ? in.bad : "whole");
	putchar('\n');
}

/* Room for one more extension at the end of what is sent. */
static void *extend(uint16_t type, size_t size)
{
	struct sadb_ext *ext = (void *)(out.bytes + out.words);

	memset(ext, 0, WORDS(size) * 8);
	ext->sadb_ext_len = WORDS(size);
	ext->sadb_ext_type = type;
	out.words += WORDS(size);
	return ext;
}

static void begin(uint8_t type, uint8_t satype)
{
	struct sadb_msg *msg = (void *)out.bytes;

	memset(msg, 0, sizeof(*msg));
	msg->sadb_msg_version = PF_KEY_V2;
	msg->sadb_msg_type = type;
	msg->sadb_msg_satype = satype;
	msg->sadb_msg_seq = ++number;
	msg->sadb_msg_pid = getpid();
	out.words = WORDS(sizeof(*msg));
}

static void add_sa(uint32_t spi, uint8_t auth, uint8_t encrypt)
{
	struct sadb_sa *sa = extend(SADB_EXT_SA, sizeof(*sa));

	sa->sadb_sa_spi = htonl(spi);
	sa->sadb_sa_replay = 32;
	sa->sadb_sa_auth = auth;
	sa->sadb_sa_encrypt = encrypt;
}

static void add_sa2(uint8_t mode, uint32_t reqid)
{
	struct sadb_x_sa2 *sa2 = extend(SADB_X_EXT_SA2, sizeof(*sa2));

	sa2->sadb_x_sa2_mode = mode;
	sa2->sadb_x_sa2_reqid = reqid;
}

static void add_address(uint16_t type, const char *text)
{
	struct sadb_address *addr;
	struct sockaddr_in *sin;

	addr = extend(type, sizeof(*addr) + sizeof(*sin));
	addr->sadb_address_prefixlen = 32;
	addr->sadb_address_proto = 255;
	sin = (void *)(addr + 1);
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, text, &sin->sin_addr);
}

static void add_ends(const char *src, const char *dst)
{
	add_address(SADB_EXT_ADDRESS_SRC, src);
	add_address(SADB_EXT_ADDRESS_DST, dst);
}

static void add_key(uint16_t type, unsigned int bytes)
{
	struct sadb_key *key = extend(type, sizeof(*key) + bytes);

	key->sadb_key_bits = bytes * 8;
	memset(key + 1, 0x5a, bytes);
}

static void add_lifetime(uint16_t type, uint64_t seconds)
{
	struct sadb_lifetime *life = extend(type, sizeof(*life));

	life->sadb_lifetime_addtime = seconds;
}

/* "out ipsec esp/transport//require" */
static void add_policy(void)
{
	struct sadb_x_ipsecrequest *request;
	struct sadb_x_policy *policy;

	policy = extend(SADB_X_EXT_POLICY, sizeof(*policy) + sizeof(*request));
	policy->sadb_x_policy_type = IPSEC_POLICY_IPSEC;
	policy->sadb_x_policy_dir = IPSEC_DIR_OUTBOUND;
	request = (void *)(policy + 1);
	request->sadb_x_ipsecrequest_len = sizeof(*request);
	request->sadb_x_ipsecrequest_proto = IPPROTO_ESP;
	request->sadb_x_ipsecrequest_mode = IPSEC_MODE_TRANSPORT;
	request->sadb_x_ipsecrequest_level = IPSEC_LEVEL_REQUIRE;
}

static const char *what_is_wrong(ssize_t length)
{
	struct sadb_msg *msg = (void *)in.bytes;
	unsigned int at = WORDS(sizeof(*msg));

	memset(in.ext, 0, sizeof(in.ext));
	if (length < (ssize_t)sizeof(*msg) || msg->sadb_msg_version != PF_KEY_V2 ||
	    msg->sadb_msg_len * 8 != length)
		return "length or version";
	while (at < msg->sadb_msg_len) {
		struct sadb_ext *ext = (void *)(in.bytes + at);

		if (!ext->sadb_ext_len || ext->sadb_ext_len > msg->sadb_msg_len - at)
			return "length of an extension";
		if (!ext->sadb_ext_type || ext->sadb_ext_type > SADB_EXT_MAX)
			return "an extension that the header does not have";
		if (in.ext[ext->sadb_ext_type])
			return "an extension twice";
		if (ext->sadb_ext_len * 8 < smallest[ext->sadb_ext_type])
			return "an extension shorter than its structure";
		in.ext[ext->sadb_ext_type] = ext;
		at += ext->sadb_ext_len;
	}
	return NULL;
}

/* The next message; false when none comes for so long. */
static bool hear(int ms)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };

	if (poll(&fd, 1, ms) <= 0)
		return false;
	in.bad = what_is_wrong(recv(sock, in.bytes, sizeof(in.bytes), 0));
	return true;
}

/* Waits for a message of that type; what else is said must be whole as well. */
static bool hear_of(uint8_t type)
{
	struct sadb_msg *msg = (void *)in.bytes;

	do {
		if (!hear(LISTENS_MS) || in.bad)
			return false;
	} while (msg->sadb_msg_type != type);
	return true;
}

/* Sends what was made. */
static bool tell(void)
{
	struct sadb_msg *msg = (void *)out.bytes;

	msg->sadb_msg_len = out.words;
	return send(sock, msg, out.words * 8, 0) == (ssize_t)out.words * 8;
}

/* The same; true when the answer is a good one. */
static bool ask(void)
{
	struct sadb_msg *msg = (void *)out.bytes, *answer = (void *)in.bytes;

	if (!tell())
		return false;
	while (hear_of(msg->sadb_msg_type))
		if (answer->sadb_msg_seq == number &&
		    answer->sadb_msg_pid == (uint32_t)getpid())
			return !answer->sadb_msg_errno;
	return false;
}

/* Records of a dump with that extension, which count down to 0; -1 if one is bad. */
static int dump(uint8_t type, uint16_t extension)
{
	struct sadb_msg *msg = (void *)in.bytes;
	int records = 0;

	begin(type, SADB_SATYPE_UNSPEC);
	if (!tell())
		return -1;
	do {
		if (!hear_of(type) || msg->sadb_msg_errno || !in.ext[extension])
			return -1;
		records++;
	} while (msg->sadb_msg_seq);
	return records;
}

static bool offers(uint16_t extension, uint8_t alg)
{
	struct sadb_supported *list = in.ext[extension];
	struct sadb_alg *a = (void *)(list + 1);

	for (; list && (uint64_t *)a < (uint64_t *)list + list->sadb_supported_len; a++)
		if (a->sadb_alg_id == alg)
			return true;
	return false;
}

static void register_esp(void)
{
	begin(SADB_REGISTER, SADB_SATYPE_ESP);
	says(ask() && offers(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AESCBC) &&
	     offers(SADB_EXT_SUPPORTED_ENCRYPT, SADB_X_EALG_AES_GCM_ICV16) &&
	     offers(SADB_EXT_SUPPORTED_AUTH, SADB_X_AALG_SHA2_256HMAC),
	     "REGISTER offers AES-CBC, AES-GCM and HMAC-SHA2-256");
}

/* A pair of SAs: the one that is received in by GETSPI and UPDATE. */
static void negotiate(void)
{
	struct sadb_spirange *range;
	struct sadb_sa *sa;
	uint32_t spi = 0;

	begin(SADB_GETSPI, SADB_SATYPE_ESP);
	add_ends(peer, own);
	range = extend(SADB_EXT_SPIRANGE, sizeof(*range));
	range->sadb_spirange_min = 0x1000;
	range->sadb_spirange_max = 0x1fff;
	if (ask()) {
		sa = in.ext[SADB_EXT_SA];
		spi = sa ? ntohl(sa->sadb_sa_spi) : 0;
	}
	says(spi >= 0x1000 && spi <= 0x1fff, "GETSPI gives an SPI of the range");

	begin(SADB_UPDATE, SADB_SATYPE_ESP);
	add_sa(spi, SADB_X_AALG_SHA2_256HMAC, SADB_X_EALG_AESCBC);
	add_sa2(IPSEC_MODE_TRANSPORT, 0);
	add_ends(peer, own);
	add_key(SADB_EXT_KEY_AUTH, 32);
	add_key(SADB_EXT_KEY_ENCRYPT, 16);
	says(ask(), "UPDATE: AES-CBC with HMAC-SHA2-256");

	begin(SADB_ADD, SADB_SATYPE_ESP);
	add_sa(0x2000, SADB_AALG_NONE, SADB_X_EALG_AES_GCM_ICV16);
	add_sa2(IPSEC_MODE_TRANSPORT, 0);
	add_ends(own, peer);
	add_key(SADB_EXT_KEY_ENCRYPT, 20);
	says(ask(), "ADD: AES-GCM");
}

static void behind_a_nat(void)
{
	struct sadb_x_nat_t_type *type;
	struct sadb_x_nat_t_port *port;

	begin(SADB_ADD, SADB_SATYPE_ESP);
	add_sa(0x2001, SADB_AALG_SHA1HMAC, SADB_X_EALG_AESCBC);
	add_ends(own, peer);
	add_key(SADB_EXT_KEY_AUTH, 20);
	add_key(SADB_EXT_KEY_ENCRYPT, 16);
	type = extend(SADB_X_EXT_NAT_T_TYPE, sizeof(*type));
	type->sadb_x_nat_t_type_type = 2;
	port = extend(SADB_X_EXT_NAT_T_SPORT, sizeof(*port));
	port->sadb_x_nat_t_port_port = htons(4500);
	port = extend(SADB_X_EXT_NAT_T_DPORT, sizeof(*port));
	port->sadb_x_nat_t_port_port = htons(4501);
	says(ask(), "ADD: ESP in UDP");

	begin(SADB_GET, SADB_SATYPE_ESP);
	add_sa(0x2001, 0, 0);
	add_ends(own, peer);
	port = ask() ? in.ext[SADB_X_EXT_NAT_T_DPORT] : NULL;
	says(port && port->sadb_x_nat_t_port_port == htons(4501), "GET: its port comes back");
}

static void send_datagram(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, peer, &to.sin_addr);
	sendto(s, "who", 3, MSG_DONTWAIT, (void *)&to, sizeof(to));
	close(s);
}

/* A policy, which a packet then asks for SAs that are not there. */
static void acquire(void)
{
	struct sadb_x_policy *policy;
	uint32_t id;

	begin(SADB_X_SPDADD, SADB_SATYPE_UNSPEC);
	add_ends(own, peer);
	add_policy();
	policy = ask() ? in.ext[SADB_X_EXT_POLICY] : NULL;
	id = policy ? policy->sadb_x_policy_id : 0;
	says(id, "SPDADD: the policy gets an id");
	says(dump(SADB_X_SPDDUMP, SADB_X_EXT_POLICY) == 1, "SPDDUMP: it is the only one");

	send_datagram();
	policy = hear_of(SADB_ACQUIRE) ? in.ext[SADB_X_EXT_POLICY] : NULL;
	says(policy && policy->sadb_x_policy_id == id && in.ext[SADB_EXT_PROPOSAL],
	     "ACQUIRE: names the policy, and a proposal");

	begin(SADB_X_SPDDELETE2, SADB_SATYPE_UNSPEC);
	policy = extend(SADB_X_EXT_POLICY, sizeof(*policy));
	policy->sadb_x_policy_id = id;
	says(ask(), "SPDDELETE2");
}

/* Only of an SA that was used one hears when its soft lifetime has passed. */
static void expire(void)
{
	uint16_t kinds[] = { SADB_EXT_LIFETIME_SOFT, SADB_EXT_LIFETIME_HARD };
	struct sadb_sa *sa;
	unsigned int i;

	begin(SADB_X_SPDADD, SADB_SATYPE_UNSPEC);
	add_ends(own, peer);
	add_policy();
	says(ask(), "SPDADD: again");
	begin(SADB_ADD, SADB_SATYPE_ESP);
	add_sa(0x2002, SADB_X_AALG_SHA2_256HMAC, SADB_EALG_NULL);
	add_ends(own, peer);
	add_key(SADB_EXT_KEY_AUTH, 32);
	add_lifetime(SADB_EXT_LIFETIME_SOFT, 1);
	add_lifetime(SADB_EXT_LIFETIME_HARD, 3);
	says(ask(), "ADD: lifetimes");
	send_datagram();
	for (i = 0; i < 2; i++) {
		sa = hear_of(SADB_EXPIRE) ? in.ext[SADB_EXT_SA] : NULL;
		says(sa && ntohl(sa->sadb_sa_spi) == 0x2002 &&
		     in.ext[kinds[i]] && in.ext[SADB_EXT_LIFETIME_CURRENT],
		     i ? "EXPIRE: the hard lifetime" : "EXPIRE: the soft lifetime");
	}
}

/* usage: linux_client OWN PEER, two addresses of IPv4; there are no SAs nor policies. */
int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	own = argv[1];
	peer = argv[2];
	sock = socket(AF_KEY, SOCK_RAW, PF_KEY_V2);
	if (sock < 0) {
		printf("not ok linux_header: a socket - %s\n", strerror(errno));
		return 1;
	}
	register_esp();
	acquire();
	negotiate();
	behind_a_nat();
	says(dump(SADB_DUMP, SADB_EXT_SA) == 3, "DUMP: all three SAs");
	begin(SADB_DELETE, SADB_SATYPE_ESP);
	add_sa(0x2000, 0, 0);
	add_ends(own, peer);
	says(ask(), "DELETE");
	begin(SADB_FLUSH, SADB_SATYPE_UNSPEC);
	says(ask(), "FLUSH");
	expire();
	return 0;
}
