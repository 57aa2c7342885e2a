/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libipsec: policies as text, PF_KEY messages, and what they look like when
 * printed. The names are KAME's; every function is safe to call from several
 * threads, and each thread has its own last error.
 */
#ifndef _LIBIPSEC_H
#define _LIBIPSEC_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/socket.h>
#include <netinet/in.h>

#include <ipsec/ipsec.h>
#include <ipsec/pfkeyv2.h>

#ifndef PF_KEY
#define PF_KEY 15
#endif

/* Error codes; the numbers are KAME's and part of the interface. */
enum ipsec_errcode {
	EIPSEC_NO_ERROR = 0,
	EIPSEC_NOT_SUPPORTED = 1,
	EIPSEC_INVAL_ARGUMENT = 2,
	EIPSEC_INVAL_SADBMSG = 3,
	EIPSEC_INVAL_VERSION = 4,
	EIPSEC_INVAL_POLICY = 5,
	EIPSEC_INVAL_ADDRESS = 6,
	EIPSEC_INVAL_PROTO = 7,
	EIPSEC_INVAL_MODE = 8,
	EIPSEC_INVAL_LEVEL = 9,
	EIPSEC_INVAL_SATYPE = 10,
	EIPSEC_INVAL_MSGTYPE = 11,
	EIPSEC_INVAL_EXTTYPE = 12,
	EIPSEC_INVAL_ALGS = 13,
	EIPSEC_INVAL_KEYLEN = 14,
	EIPSEC_INVAL_FAMILY = 15,
	EIPSEC_INVAL_PREFIXLEN = 16,
	EIPSEC_INVAL_DIR = 17,
	EIPSEC_INVAL_SPI = 18,
	EIPSEC_NO_PROTO = 19,
	EIPSEC_NO_ALGS = 20,
	EIPSEC_NO_BUFS = 21,
	EIPSEC_DO_GET_SUPP_LIST = 22,
	EIPSEC_PROTO_MISMATCH = 23,
	EIPSEC_FAMILY_MISMATCH = 24,
	EIPSEC_FEW_ARGUMENTS = 25,
	EIPSEC_SYSTEM_ERROR = 26,
	EIPSEC_INVAL_PRIORITY_OFFSET = 27,
	EIPSEC_INVAL_PRIORITY_BASE_OFFSET = 28,
	EIPSEC_PRIORITY_NOT_COMPILED = 29,
	EIPSEC_MAX = 30,
};

/**
 * struct ipsec_error - the last error of the calling thread
 * @code: one of enum ipsec_errcode
 * @sys_errno: errno behind EIPSEC_SYSTEM_ERROR, else 0
 * @offset: for a policy text, the byte where the trouble starts; else -1
 * @detail: what was wrong there, in words; may be empty
 */
struct ipsec_error {
	int code;
	int sys_errno;
	int offset;
	char detail[128];
};

const char *ipsec_strerror(void);
const char *ipsec_errtext(int code);
const struct ipsec_error *ipsec_last_error(void);

/* policies: text to binary and back; results are for free() */
char *ipsec_set_policy(const char *text, int len);
int ipsec_get_policylen(const char *policy);
char *ipsec_dump_policy(const char *policy, const char *delimiter);
char *ipsec_dump_policy_withports(const char *policy, const char *delimiter);

/* the socket */
int pfkey_open(void);
void pfkey_close(int so);
int pfkey_send(int so, struct sadb_msg *msg, int len);
struct sadb_msg *pfkey_recv(int so);
struct sadb_msg *pfkey_recv_reply(int so, const struct sadb_msg *request);
int pfkey_align(struct sadb_msg *msg, char **mhp);
int pfkey_check(char **mhp);
int pfkey_get_replay(const struct sadb_msg *msg, struct sadb_x_sa_replay *to);

/* algorithms of the kernel */
int pfkey_send_register(int so, unsigned int satype);
int pfkey_recv_register(int so);
int pfkey_set_supported(struct sadb_msg *msg, int len);
void pfkey_set_supported_builtin(void);
int ipsec_check_keylen(unsigned int supported, unsigned int alg_id,
		       unsigned int keybits);
int ipsec_check_keylen2(unsigned int satype, unsigned int alg_id,
			unsigned int keybits);
int ipsec_get_keylen(unsigned int supported, unsigned int alg_id,
		     struct sadb_alg *alg);

/* names: NULL or -1 when there is none */
const char *ipsec_alg_name(unsigned int supported, unsigned int alg_id);
const char *ipsec_calg_name(unsigned int alg_id);
int ipsec_alg_lookup(unsigned int supported, const char *name);
int ipsec_calg_lookup(const char *name);
int ipsec_ulproto_lookup(const char *name);
const char *ipsec_ulproto_name(unsigned int proto);
const char *ipsec_msgtype_name(unsigned int type);

/**
 * struct pfkey_sa_args - everything a message about an SA may carry
 * @msg_type: SADB_ADD, _UPDATE, _GETSPI, _DELETE, _GET
 * @satype: SADB_SATYPE_*
 * @seq: copied into the header
 * @pid: copied into the header
 * @with_sa: an SA and an X_SA2 extension are wanted
 * @spi: network order, as in struct sadb_sa
 * @mode: IPSEC_MODE_*
 * @reqid: of X_SA2
 * @replay: window in bytes; more than 255, or @sequence, is only understood by
 *	    kernels that know SADB_X_EXT_SA_REPLAY, and at most 131072
 * @sequence: number that was used last, 0 in a new SA
 * @want_replay: ask for SADB_X_EXT_SA_REPLAY in the reply
 * @flags: SADB_X_EXT_*
 * @auth: authentication algorithm
 * @encrypt: encryption or compression algorithm
 * @with_enc_key: send KEY_ENCRYPT even if it is empty
 * @key_auth: KEY_AUTH is sent if @key_auth_len is not 0
 * @key_auth_len: bytes
 * @key_enc: key of the cipher, with its salt or nonce at the end
 * @key_enc_len: bytes
 * @hard: sent if any member is not 0; the other fields are filled in here
 * @soft: likewise
 * @spi_min: SPIRANGE for GETSPI, host order; none if @spi_max is 0
 * @spi_max: likewise
 * @src: with port; the length is known from the family
 * @dst: likewise
 * @natt_type: X_NAT_T_TYPE and the ports are sent if not 0
 * @natt_sport: network order
 * @natt_dport: network order
 * @natt_oa: original address or NULL
 * @ctx: security context or NULL
 * @ctx_len: bytes
 * @ctx_doi: domain of interpretation
 * @ctx_alg: its algorithm
 */
struct pfkey_sa_args {
	uint8_t msg_type;
	uint8_t satype;
	uint32_t seq;
	uint32_t pid;
	int with_sa;
	uint32_t spi;
	uint8_t mode;
	uint32_t reqid;
	uint32_t replay;
	uint64_t sequence;
	int want_replay;
	uint32_t flags;
	uint8_t auth;
	uint8_t encrypt;
	int with_enc_key;
	const uint8_t *key_auth;
	size_t key_auth_len;
	const uint8_t *key_enc;
	size_t key_enc_len;
	struct sadb_lifetime hard;
	struct sadb_lifetime soft;
	uint32_t spi_min;
	uint32_t spi_max;
	const struct sockaddr *src;
	const struct sockaddr *dst;
	uint8_t natt_type;
	uint16_t natt_sport;
	uint16_t natt_dport;
	const struct sockaddr *natt_oa;
	const char *ctx;
	size_t ctx_len;
	uint8_t ctx_doi;
	uint8_t ctx_alg;
};

/**
 * struct pfkey_sp_args - everything a message about a policy may carry
 * @msg_type: SADB_X_SPD*
 * @seq: copied into the header
 * @pid: copied into the header
 * @src: with port, or NULL for messages that name the policy by its id
 * @dst: likewise
 * @src_prefix: bits
 * @dst_prefix: bits
 * @proto: upper layer protocol, 255 is any
 * @policy: an X_POLICY extension as ipsec_set_policy() makes it
 * @policy_len: its length in bytes
 * @lifetime: seconds since the policy was made, 0 for none
 * @validtime: seconds since it was last used, 0 for none
 * @ctx: security context or NULL
 * @ctx_len: bytes
 * @ctx_doi: domain of interpretation
 * @ctx_alg: its algorithm
 */
struct pfkey_sp_args {
	uint8_t msg_type;
	uint32_t seq;
	uint32_t pid;
	const struct sockaddr *src;
	const struct sockaddr *dst;
	uint8_t src_prefix;
	uint8_t dst_prefix;
	uint8_t proto;
	const char *policy;
	size_t policy_len;
	uint64_t lifetime;
	uint64_t validtime;
	const char *ctx;
	size_t ctx_len;
	uint8_t ctx_doi;
	uint8_t ctx_alg;
};

/* messages without a socket; give them back to pfkey_msg_free() */
struct sadb_msg *pfkey_build_sa(const struct pfkey_sa_args *args);
struct sadb_msg *pfkey_build_sp(const struct pfkey_sp_args *args);
struct sadb_msg *pfkey_build_base(unsigned int type, unsigned int satype,
				  uint32_t seq, uint32_t pid);
struct sadb_msg *pfkey_build_dump(unsigned int satype, uint32_t pid);
void pfkey_msg_free(struct sadb_msg *msg);
int pfkey_send_sa(int so, const struct pfkey_sa_args *args);
int pfkey_send_sp(int so, const struct pfkey_sp_args *args);

/* KAME's calls: bytes sent or -1; @spi is in network order */
unsigned int pfkey_set_softrate(unsigned int type, unsigned int rate);
unsigned int pfkey_get_softrate(unsigned int type);
int pfkey_send_getspi(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t min, uint32_t max, uint32_t reqid,
		      uint32_t seq);
int pfkey_send_update(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t spi, uint32_t reqid, unsigned int wsize,
		      char *keymat, unsigned int e_type,
		      unsigned int e_keylen, unsigned int a_type,
		      unsigned int a_keylen, unsigned int flags,
		      uint32_t l_alloc, uint64_t l_bytes, uint64_t l_addtime,
		      uint64_t l_usetime, uint32_t seq);
int pfkey_send_add(int so, unsigned int satype, unsigned int mode,
		   struct sockaddr *src, struct sockaddr *dst, uint32_t spi,
		   uint32_t reqid, unsigned int wsize, char *keymat,
		   unsigned int e_type, unsigned int e_keylen,
		   unsigned int a_type, unsigned int a_keylen,
		   unsigned int flags, uint32_t l_alloc, uint64_t l_bytes,
		   uint64_t l_addtime, uint64_t l_usetime, uint32_t seq);
int pfkey_send_delete(int so, unsigned int satype, unsigned int mode,
		      struct sockaddr *src, struct sockaddr *dst,
		      uint32_t spi);
int pfkey_send_delete_all(int so, unsigned int satype, unsigned int mode,
			  struct sockaddr *src, struct sockaddr *dst);
int pfkey_send_get(int so, unsigned int satype, unsigned int mode,
		   struct sockaddr *src, struct sockaddr *dst, uint32_t spi);
int pfkey_send_flush(int so, unsigned int satype);
int pfkey_send_dump(int so, unsigned int satype);
int pfkey_send_promisc_toggle(int so, int flag);
int pfkey_send_spdadd(int so, struct sockaddr *src, unsigned int prefs,
		      struct sockaddr *dst, unsigned int prefd,
		      unsigned int proto, char *policy, int policylen,
		      uint32_t seq);
int pfkey_send_spdadd2(int so, struct sockaddr *src, unsigned int prefs,
		       struct sockaddr *dst, unsigned int prefd,
		       unsigned int proto, uint64_t ltime, uint64_t vtime,
		       char *policy, int policylen, uint32_t seq);
int pfkey_send_spdupdate(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq);
int pfkey_send_spdupdate2(int so, struct sockaddr *src, unsigned int prefs,
			  struct sockaddr *dst, unsigned int prefd,
			  unsigned int proto, uint64_t ltime, uint64_t vtime,
			  char *policy, int policylen, uint32_t seq);
int pfkey_send_spddelete(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq);
int pfkey_send_spdsetidx(int so, struct sockaddr *src, unsigned int prefs,
			 struct sockaddr *dst, unsigned int prefd,
			 unsigned int proto, char *policy, int policylen,
			 uint32_t seq);
int pfkey_send_spddelete2(int so, uint32_t spid);
int pfkey_send_spdget(int so, uint32_t spid);
int pfkey_send_spdflush(int so);
int pfkey_send_spddump(int so);

/* printing, all to standard output */
void pfkey_sadump(struct sadb_msg *msg);
void pfkey_sadump_withports(struct sadb_msg *msg);
void pfkey_sadump_short_header(void);
void pfkey_sadump_short(struct sadb_msg *msg);
void pfkey_spdump(struct sadb_msg *msg);
void kdebug_sadb(struct sadb_msg *msg);
void ipsec_hexdump(const void *buf, int len);

/* for a terminal: control characters and what is not ASCII as \xNN */
size_t ipsec_escape(char *to, size_t room, const char *from, size_t len);
void ipsec_print_text(FILE *f, const char *text, size_t len);

#endif /* _LIBIPSEC_H */
