// SPDX-License-Identifier: GPL-2.0-only
/* The command line. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"

#ifndef VERSION
#define VERSION "1.0"
#endif

/* A script is read as a whole; nobody writes one of this size. */
#define SCRIPT_MAX	(16 * 1024 * 1024)

struct options opt;

static const char usage_text[] =
"usage: setkey [-knrv] -c            commands from standard input\n"
"       setkey [-knrv] -f FILE       commands from FILE, - is standard input\n"
"       setkey [-alpv] -D            show the SAs\n"
"       setkey [-Nv] -DP             show the policies\n"
"       setkey [-v] -F               remove all SAs\n"
"       setkey [-v] -FP              remove all policies\n"
"       setkey [-H] -x               show all PF_KEY messages\n"
"       setkey [-lpv] FILE ...       show the PF_KEY messages in files\n"
"       setkey -V | -h               version, this text\n"
"  -a  show dead SAs too       -n  check only, open no socket\n"
"  -l  short form, for ever    -r  inbound policies also as fwd\n"
"  -p  show ports of SAs       -k  not so (this is the default)\n"
"  -v  decode messages         -H  print messages in hexadecimal\n"
"  -N  without the policies of sockets\n";

/**
 * fail() - an error that has no place in a script
 * @fmt: what it is
 */
void fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("setkey: ", stderr);
	va_start(ap, fmt);
	print_escaped(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static int run_text(const char *name, const char *text, size_t len, int *line,
		    int *quit)
{
	struct script s;
	int status;

	script_init(&s, name, *line);
	/* lengths are first checked without a kernel, so that no error of
	 * the text is found after something was sent
	 */
	if (script_parse(&s, text, len)) {
		fail("%s: out of memory", name);
		s.errors++;
	}
	if (!s.errors && exec_open())
		s.errors++;
	else if (!s.errors && !opt.interactive && exec_register())
		s.errors++;
	else
		exec_script(&s);
	*line = s.line;
	*quit = s.quit;
	status = s.errors ? EXIT_FAILURE : EXIT_SUCCESS;
	script_free(&s);
	return status;
}

/* Everything in @f; wiped by the caller, for there may be keys in it. */
static char *read_all(FILE *f, size_t *len)
{
	char *buf = NULL, *bigger;
	size_t cap = 0, n;

	*len = 0;
	do {
		if (*len == cap) {
			/* not realloc(): it would leave a copy behind */
			cap = cap ? cap * 2 : 65536;
			bigger = cap > SCRIPT_MAX ? NULL : malloc(cap);
			if (bigger && *len)
				memcpy(bigger, buf, *len);
			if (buf)
				explicit_bzero(buf, *len);
			free(buf);
			buf = bigger;
			if (!buf) {
				errno = EFBIG;
				return NULL;
			}
		}
		n = fread(buf + *len, 1, cap - *len, f);
		*len += n;
	} while (n);
	if (!ferror(f))
		return buf;
	explicit_bzero(buf, *len);
	free(buf);
	return NULL;
}

static int run_stream(FILE *f, const char *name)
{
	int status, quit, line = 1;
	size_t len;
	char *text;

	setvbuf(f, NULL, _IONBF, 0);
	text = read_all(f, &len);
	if (!text) {
		fail("%s: %s", name, strerror(errno));
		return EXIT_FAILURE;
	}
	status = run_text(name, text, len, &line, &quit);
	explicit_bzero(text, len);
	free(text);
	return status;
}

/* Does the text end in a `;' that is no part of a comment or a quote? */
static int is_complete(const char *text)
{
	char last = ';';
	int quote = 0;

	for (; *text; text++) {
		if (*text == '#' && !quote) {
			text += strcspn(text, "\n") - 1;
			continue;
		}
		if (*text == '"')
			quote = !quote;
		if (!strchr(" \t\r\n", *text))
			last = *text;
	}
	return !quote && last == ';';
}

/* A person at a terminal: commands run as they are completed. */
static int run_terminal(void)
{
	char *line = NULL, *text = NULL;
	size_t cap = 0, len = 0;
	int status = EXIT_SUCCESS, quit = 0, number = 1;
	ssize_t n;
	char *bigger;

	opt.interactive = 1;
	if (exec_open() || exec_register())
		return EXIT_FAILURE;
	while (!quit && (n = getline(&line, &cap, stdin)) > 0) {
		bigger = realloc(text, len + n + 1);
		if (!bigger)
			break;
		text = bigger;
		memcpy(text + len, line, n + 1);
		len += n;
		if (!is_complete(text))
			continue;
		if (run_text("<stdin>", text, len, &number, &quit))
			status = EXIT_FAILURE;
		explicit_bzero(text, len);
		len = 0;
	}
	if (!quit && len && run_text("<stdin>", text, len, &number, &quit))
		status = EXIT_FAILURE;
	if (line)
		explicit_bzero(line, cap);
	if (text)
		explicit_bzero(text, len);
	free(line);
	free(text);
	return status;
}

static int run_file(const char *name)
{
	int status;
	FILE *f;

	if (!strcmp(name, "-"))
		return run_stream(stdin, "<stdin>");
	f = fopen(name, "r");
	if (!f) {
		fail("Can't open `%s': %s", name, strerror(errno));
		return EXIT_FAILURE;
	}
	status = run_stream(f, name);
	fclose(f);
	return status;
}

struct choice {
	int mode;		/* D, F, f, c, x, h, V or 0 */
	int spd;
	int bad;
	const char *file;
};

static void set_option(int c, struct choice *ch)
{
	switch (c) {
	case 'a':
		opt.all = 1;
		break;
	case 'l':
		opt.brief = 1;
		break;
	case 'p':
		opt.ports = 1;
		break;
	case 'n':
		opt.dry = 1;
		break;
	case 'v':
		opt.verbose = 1;
		break;
	case 'H':
		opt.hex = 1;
		break;
	case 'N':
		opt.no_socket_policies = 1;
		break;
	case 'r':
		opt.mirror = 1;
		break;
	case 'k':
		opt.mirror = 0;
		break;
	case 'P':
		ch->spd = 1;
		break;
	default:
		fail(optopt == 'f' ? "-%c needs a file" :
		     "unknown option -%c", optopt);
		ch->bad = 1;
	}
}

static void parse_options(int argc, char **argv, struct choice *ch)
{
	int c;

	opterr = 0;	/* the words below */
	while ((c = getopt(argc, argv, "acDf:FhHklnNpPrvVx")) != -1) {
		switch (c) {
		case 'f':
			ch->file = optarg;
			ch->mode = c;
			break;
		case 'x':
			opt.timestamp++;
			ch->mode = c;
			break;
		case 'h':
			/* KAME: hexadecimal with -x; else the usage */
			opt.hex |= ch->mode == 'x';
			if (ch->mode != 'x')
				ch->mode = c;
			break;
		case 'c':
		case 'D':
		case 'F':
		case 'V':
			ch->mode = c;
			break;
		default:
			set_option(c, ch);
		}
	}
}

int main(int argc, char **argv)
{
	struct choice ch = { 0 };

	parse_options(argc, argv, &ch);
	pfkey_set_supported_builtin();
	if (ch.bad || (!ch.mode && !argv[optind])) {
		fputs(usage_text, stderr);
		return EXIT_FAILURE;
	}
	switch (ch.mode) {
	case 'h':
		fputs(usage_text, stdout);
		return EXIT_SUCCESS;
	case 'V':
		printf("setkey %s (ipsec.ko)\n", VERSION);
		return EXIT_SUCCESS;
	}
	if (argv[optind])
		return exec_files(argv + optind);
	switch (ch.mode) {
	case 'D':
		return exec_simple(ch.spd ? SADB_X_SPDDUMP : SADB_DUMP, 0);
	case 'F':
		return exec_simple(ch.spd ? SADB_X_SPDFLUSH : SADB_FLUSH, 0);
	case 'x':
		return exec_promisc();
	case 'c':
		if (isatty(STDIN_FILENO))
			return run_terminal();
		return run_stream(stdin, "<stdin>");
	default:
		return run_file(ch.file);
	}
}
