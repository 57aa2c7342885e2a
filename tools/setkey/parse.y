/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grammar of the setkey language. It only builds commands. Before each step
 * `want' says what comes next, in the user's words: an empty rule is reduced
 * without looking ahead, so the text is right when an error is found.
 */
%code top {
#include <stdio.h>
#include <string.h>
}

%code requires {
#include "setkey.h"
typedef void *yyscan_t;
}

%define api.pure full
%define api.prefix {setkey_yy}
%define parse.error custom
%locations
%param { yyscan_t scanner }
%parse-param { struct script *s }

%union {
	struct word word;
	struct endpoint endpoint;
	int kind;
}

%code {
#include "token.h"

static void setkey_yyerror(YYLTYPE *loc, yyscan_t scanner, struct script *s,
			   const char *msg);

static struct place at(const YYLTYPE *l)
{
	return (struct place){ l->first_line, l->first_column };
}

static const struct word none;
}

%token K_ADD K_UPDATE K_GETSPI K_DELETE K_DELETEALL K_GET K_FLUSH K_DUMP
%token K_SPDADD K_SPDUPDATE K_SPDDELETE K_SPDFLUSH K_SPDDUMP K_EXIT
%token O_MODE O_REPLAY O_SEQUENCE O_REQID O_PAD O_CTX O_ENC O_AUTH O_COMP O_RAWCPI
%token O_POLICY
%token <word> O_LIMIT ADDR_FLAGS NUMBER HEXNUM QUOTED WORD POLICY_TEXT

%type <word> spi number key key_opt upper port prefix misc
%type <endpoint> endpoint range_end
%type <kind> sa_new sa_old spd_cmd db_cmd spd_all

%%

script:
	  %empty
	| script { s->want = "a command"; } item
	;

item:
	  command ';' { cmd_end(s, 0); }
	| error ';' { cmd_end(s, 1); yyerrok; }
	| K_EXIT w_end ';' { s->quit = 1; YYACCEPT; }
	;

command:
	  sa_new begin_sa sa_head w_spi spi { cmd_spi(s, $5); } options
	| sa_old begin_sa sa_head w_spi spi { cmd_spi(s, $5); } options
	| K_DELETEALL { cmd_begin(s, CMD_DELETEALL, at(&@1)); } sa_head w_end
	| db_cmd { cmd_begin(s, $1, at(&@1)); } w_proto_opt proto_opt
	| spd_cmd { cmd_begin(s, $1, at(&@1)); } w_addr addr_flags spd_match
	  w_end
	| spd_all { cmd_begin(s, $1, at(&@1)); } w_end
	;

sa_new:
	  K_ADD { $$ = CMD_ADD; }
	| K_UPDATE { $$ = CMD_UPDATE; }
	;

sa_old:
	  K_GETSPI { $$ = CMD_GETSPI; }
	| K_DELETE { $$ = CMD_DELETE; }
	| K_GET { $$ = CMD_GET; }
	;

begin_sa:
	  %empty { cmd_begin(s, $<kind>0, at(&@0)); }
	;

db_cmd:
	  K_FLUSH { $$ = CMD_FLUSH; }
	| K_DUMP { $$ = CMD_DUMP; }
	;

spd_cmd:
	  K_SPDADD { $$ = CMD_SPDADD; }
	| K_SPDUPDATE { $$ = CMD_SPDUPDATE; }
	| K_SPDDELETE { $$ = CMD_SPDDELETE; }
	;

spd_all:
	  K_SPDFLUSH { $$ = CMD_SPDFLUSH; }
	| K_SPDDUMP { $$ = CMD_SPDDUMP; }
	;

w_addr: %empty { s->want = "an address"; } ;
w_proto: %empty {
		s->want = "a protocol: esp, esp-old, esp-udp, ah, ah-old, ipcomp or tcp";
	} ;
w_proto_opt: %empty { s->want = "a protocol or `;'"; } ;
w_spi: %empty { s->want = "an SPI"; } ;
w_options: %empty { s->want = "an option or `;'"; } ;
w_end: %empty { s->want = "`;'"; } ;
w_number: %empty { s->want = "a number"; } ;
w_mode: %empty { s->want = "transport, tunnel or any"; } ;
w_pad: %empty {
		s->want = "random-pad, seq-pad, zero-pad, nocyclic-seq or esn";
	} ;
w_alg: %empty { s->want = "the name of an algorithm"; } ;
w_key: %empty { s->want = "a key: \"text\" or 0x..."; } ;
w_port: %empty { s->want = "a port"; } ;
w_upper: %empty { s->want = "an upper layer protocol"; } ;
w_policy: %empty { s->want = "-P and a policy"; } ;
w_policy_text: %empty { s->want = "a policy"; } ;
w_ctx: %empty { s->want = "a security context in quotes"; } ;

addr_flags:
	  %empty
	| addr_flags ADDR_FLAGS { cmd_flags(s, $2); }
	;

sa_head:
	  w_addr addr_flags endpoint { s->cmd->src = $3; }
	  w_addr endpoint { s->cmd->dst = $6; }
	  w_proto proto
	;

endpoint:
	  WORD port {
		$$ = (struct endpoint){ .host = $1, .port = $2 };
	}
	;

range_end:
	  WORD prefix port {
		$$ = (struct endpoint){ .host = $1, .prefix = $2, .port = $3 };
	}
	;

prefix:
	  %empty { $$ = none; }
	| '/' w_number number { $$ = $3; }
	;

port:
	  %empty { $$ = none; }
	| '[' w_port NUMBER { s->want = "`]'"; } ']' { $$ = $3; }
	| '[' w_port WORD { s->want = "`]'"; } ']' { $$ = $3; }
	;

proto:
	  WORD { cmd_proto(s, $1, none); }
	| WORD WORD { cmd_proto(s, $1, $2); }
	;

proto_opt:
	  %empty
	| WORD w_end { cmd_proto(s, $1, none); }
	;

spi: NUMBER | HEXNUM ;
number: NUMBER ;
key: QUOTED | HEXNUM { $$ = cmd_hex_key(s, $1); } ;
key_opt: %empty { $$ = none; } | key ;

options:
	  w_options
	| options option w_options
	;

option:
	  O_MODE w_mode WORD { cmd_mode(s, $3); }
	| O_REPLAY w_number number { cmd_replay(s, $3); }
	| O_SEQUENCE w_number spi { cmd_sequence(s, $3); }
	| O_REQID w_number number { cmd_reqid(s, $3); }
	| O_PAD w_pad WORD { cmd_pad(s, $3); }
	| O_LIMIT w_number number { cmd_limit(s, $1.s, $3); }
	| ctx
	| O_ENC w_alg WORD w_key key_opt { cmd_ealg(s, $3, $5); }
	| O_AUTH w_alg WORD w_key key_opt { cmd_aalg(s, $3, $5); }
	| O_COMP w_alg WORD { cmd_calg(s, $3); }
	| O_RAWCPI { cmd_rawcpi(s, at(&@1)); }
	;

ctx:
	  O_CTX w_number number w_number number w_ctx QUOTED {
		cmd_ctx(s, $3, $5, $7);
	}
	;

spd_match:
	  range_end { s->cmd->src = $1; }
	  w_addr range_end { s->cmd->dst = $4; }
	  w_upper upper { s->cmd->upper = $7; }
	  w_policy misc { s->cmd->misc = $10; }
	  spd_ctx policy
	| WORD QUOTED w_policy policy {
		if (!strcmp($1.s, "tagged"))
			script_error(s, $1.loc,
				     "packet tags are not supported on Linux");
		else
			script_error(s, $2.loc,
				     "unexpected quoted text, expected an address");
	}
	;

upper: NUMBER | WORD ;

misc:
	  %empty { $$ = none; }
	| NUMBER
	| WORD
	;

spd_ctx: %empty | ctx w_policy ;

policy:
	  O_POLICY w_policy_text POLICY_TEXT { s->cmd->policy = $3; }
	;

%%

/* The token that was not wanted, as it may be shown: no keys. */
static void found(yyscan_t scanner, yysymbol_kind_t kind, char *buf,
		  size_t len)
{
	int n = setkey_yyget_leng(scanner);

	switch (kind) {
	case YYSYMBOL_YYEOF:
		snprintf(buf, len, "end of file");
		break;
	case YYSYMBOL_QUOTED:
		snprintf(buf, len, "quoted text");
		break;
	case YYSYMBOL_HEXNUM:
		snprintf(buf, len, "hexadecimal number");
		break;
	default:
		snprintf(buf, len, "`%.*s'", n > 40 ? 40 : n,
			 setkey_yyget_text(scanner));
	}
}

static int yyreport_syntax_error(const yypcontext_t *ctx, yyscan_t scanner,
				 struct script *s)
{
	yysymbol_kind_t kind = yypcontext_token(ctx);
	char buf[64];

	/* token names would mean nothing to the user; `want' does */
	(void)yypcontext_expected_tokens;
	found(scanner, kind, buf, sizeof(buf));
	script_error(s, at(yypcontext_location(ctx)),
		     "unexpected %s, expected %s", buf, s->want);
	return 0;
}

static void setkey_yyerror(YYLTYPE *loc, yyscan_t scanner, struct script *s,
			   const char *msg)
{
	(void)scanner;
	script_error(s, at(loc), "%s", msg);
}

/**
 * script_parse() - turn a text into the commands of a script
 * @s: the script; errors are reported and counted in it
 * @text: the text
 * @len: its length
 *
 * Return: 0, or -1 if there is no memory to try.
 */
int script_parse(struct script *s, const char *text, size_t len)
{
	YY_BUFFER_STATE b;
	yyscan_t scanner;
	char *copy;

	if (setkey_yylex_init_extra(s, &scanner))
		return -1;
	/* our copy ends in the two NULs that flex wants, and can be wiped */
	copy = script_alloc(s, len + 2);
	memcpy(copy, text, len);
	b = setkey_yy_scan_buffer(copy, len + 2, scanner);
	if (b && setkey_yyparse(scanner, s) == 2)
		script_error(s, (struct place){ s->line, s->col },
			     "out of memory");
	setkey_yylex_destroy(scanner);
	return b ? 0 : -1;
}
