/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * setkey: a script becomes a list of commands (token.l, parse.y, command.c),
 * the commands become messages (check.c, resolve.c, build.c), the messages
 * are sent (exec.c). Only exec.c knows the socket.
 */
#ifndef _SETKEY_H
#define _SETKEY_H

#include <stdarg.h>

#include <libipsec.h>

#ifndef __printf
#define __printf(a, b)	/* the Makefile lets the compiler check */
#endif

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct place - a place in a script
 * @line: from 1
 * @col: from 1, in bytes
 */
struct place {
	int line;
	int col;
};

/**
 * struct word - a piece of a script
 * @s: the text with a NUL behind it, NULL if the word is absent
 * @len: bytes; quoted text may contain any
 * @loc: where it begins
 */
struct word {
	char *s;
	size_t len;
	struct place loc;
};

enum cmd_kind {
	CMD_ADD, CMD_UPDATE, CMD_GETSPI, CMD_DELETE, CMD_DELETEALL, CMD_GET,
	CMD_FLUSH, CMD_DUMP,
	CMD_SPDADD, CMD_SPDUPDATE, CMD_SPDDELETE, CMD_SPDFLUSH, CMD_SPDDUMP,
};

/**
 * struct endpoint - an address with what may be written around it
 * @host: name or number
 * @prefix: digits behind the slash
 * @port: number or service between the brackets
 */
struct endpoint {
	struct word host;
	struct word prefix;
	struct word port;
};

/**
 * struct context - a security context
 * @text: as written between the quotes
 * @doi: domain of interpretation
 * @alg: algorithm
 */
struct context {
	struct word text;
	unsigned char doi;
	unsigned char alg;
};

/**
 * struct command - one command of a script
 * @next: the following one
 * @kind: which
 * @loc: where its first word is
 * @family: AF_* of -4 and -6
 * @numeric: -n, no names
 * @src: source
 * @dst: destination
 * @proto: esp, ah, ...; empty text for all
 * @satype: what @proto means
 * @natt: @proto is esp-udp
 * @natt_oa: original address behind esp-udp
 * @spi: host order
 * @mode: -m
 * @reqid: -u
 * @replay: -r, in bytes
 * @sequence: -seq
 * @flags: SADB_X_EXT_*, from the protocol, -f, -R and the algorithm
 * @pad_set: a -f pad kind was given
 * @replay_word: where -r is
 * @hard: -lh and -bh
 * @soft: -ls and -bs
 * @ctx: -ctx
 * @ealg_word: name behind -E
 * @aalg_word: name behind -A
 * @calg_word: name behind -C
 * @ealg: its number
 * @aalg: its number
 * @ekey: key of the cipher, in bytes
 * @akey: key of the hash, in bytes
 * @upper: upper layer protocol
 * @misc: type,code or GRE key
 * @policy: text behind -P
 */
struct command {
	struct command *next;
	enum cmd_kind kind;
	struct place loc;
	int family;
	int numeric;
	struct endpoint src;
	struct endpoint dst;
	struct word proto;
	unsigned char satype;
	int natt;
	struct word natt_oa;
	uint32_t spi;
	unsigned char mode;
	uint32_t reqid;
	uint32_t replay;
	uint64_t sequence;
	uint32_t flags;
	int pad_set;
	struct word replay_word;
	struct sadb_lifetime hard;
	struct sadb_lifetime soft;
	struct context ctx;
	struct word ealg_word;
	struct word aalg_word;
	struct word calg_word;
	unsigned char ealg;
	unsigned char aalg;
	struct word ekey;
	struct word akey;
	struct word upper;
	struct word misc;
	struct word policy;
};

struct chunk;

/**
 * struct script - a text being read
 * @name: for messages
 * @head: its commands
 * @tail: where the next one is linked in
 * @cmd: the one being parsed
 * @errors: how many were reported
 * @want: what the parser would have liked to see next
 * @line: of the scanner
 * @col: of the scanner
 * @quit: "exit" was read
 * @chunks: memory of words and commands, wiped and freed as a whole
 */
struct script {
	const char *name;
	struct command *head;
	struct command **tail;
	struct command *cmd;
	int errors;
	const char *want;
	int line;
	int col;
	int quit;
	struct chunk *chunks;
};

/**
 * struct options - the command line
 * @dry: -n, no socket
 * @verbose: -v
 * @hex: -H
 * @all: -a, dead SAs too
 * @ports: -p
 * @brief: -l
 * @no_socket_policies: -N
 * @mirror: -r, inbound policies also as fwd
 * @timestamp: number of -x
 * @interactive: run each command when it is complete
 */
struct options {
	int dry;
	int verbose;
	int hex;
	int all;
	int ports;
	int brief;
	int no_socket_policies;
	int mirror;
	int timestamp;
	int interactive;
};

/**
 * struct messages - what a command becomes
 * @msg: the messages, in the order of sending
 * @n: how many
 */
struct messages {
	struct sadb_msg **msg;
	size_t n;
};

extern struct options opt;

/* main.c */
__printf(1, 2)
void fail(const char *fmt, ...);
__printf(2, 0)
void print_escaped(FILE *f, const char *fmt, va_list ap);

/* script.c */
void script_init(struct script *s, const char *name, int line);
void script_free(struct script *s);
__printf(3, 4)
void script_error(struct script *s, struct place loc, const char *fmt, ...);
__printf(3, 4)
void script_warning(struct script *s, struct place loc, const char *fmt, ...);
void *script_alloc(struct script *s, size_t len);
struct word script_word(struct script *s, const char *text, size_t len,
			struct place loc);
int script_parse(struct script *s, const char *text, size_t len);

/* command.c: called by the parser; each reports its own errors */
void cmd_begin(struct script *s, enum cmd_kind kind, struct place loc);
void cmd_end(struct script *s, int failed);
const char *cmd_name(enum cmd_kind kind);
void cmd_flags(struct script *s, struct word w);
void cmd_proto(struct script *s, struct word w, struct word oa);
void cmd_spi(struct script *s, struct word w);
void cmd_mode(struct script *s, struct word w);
void cmd_replay(struct script *s, struct word w);
void cmd_sequence(struct script *s, struct word w);
void cmd_reqid(struct script *s, struct word w);
void cmd_pad(struct script *s, struct word w);
void cmd_limit(struct script *s, const char *option, struct word w);
void cmd_ctx(struct script *s, struct word doi, struct word alg,
	     struct word text);
void cmd_ealg(struct script *s, struct word name, struct word key);
void cmd_aalg(struct script *s, struct word name, struct word key);
struct word cmd_hex_key(struct script *s, struct word w);
void cmd_calg(struct script *s, struct word name);
void cmd_rawcpi(struct script *s, struct place loc);
int word_number(struct script *s, struct word w, uint64_t max,
		const char *what, uint64_t *out);

/* check.c */
void check_command(struct script *s, const struct command *c);
int check_keys(struct script *s, const struct command *c);

/* resolve.c */
struct addrinfo *resolve_host(struct script *s, const struct command *c,
			      const struct word *host,
			      const struct word *port);
int resolve_one(struct script *s, const struct command *c,
		const struct endpoint *e, struct sockaddr_storage *ss,
		unsigned char *prefix);
int resolve_upper(struct script *s, const struct command *c,
		  struct sockaddr_storage *src, struct sockaddr_storage *dst);

/* build.c */
int build_messages(struct script *s, const struct command *c,
		   struct messages *m);
void free_messages(struct messages *m);

/* exec.c */
int exec_open(void);
int exec_script(struct script *s);
int exec_simple(int type, unsigned int satype);
int exec_promisc(void);
int exec_files(char **names);
void show_message(struct sadb_msg *msg);

#endif /* _SETKEY_H */
