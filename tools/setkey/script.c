// SPDX-License-Identifier: GPL-2.0-only
/* What a script owns, and how its errors are told. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

struct chunk {
	struct chunk *next;
	size_t len;
	max_align_t data[];
};

/* A script full of nonsense need not scroll the first error away. */
#define MAX_ERRORS	20

/**
 * script_init() - begin a script
 * @s: the script
 * @name: for messages
 * @line: number of its first line
 */
void script_init(struct script *s, const char *name, int line)
{
	memset(s, 0, sizeof(*s));
	s->name = name;
	s->tail = &s->head;
	s->want = "a command";
	s->line = line;
	s->col = 1;
}

/**
 * script_free() - wipe and free everything a script holds
 * @s: the script
 *
 * Its words may be keys, so all of them are wiped.
 */
void script_free(struct script *s)
{
	struct chunk *c, *next;

	for (c = s->chunks; c; c = next) {
		next = c->next;
		explicit_bzero(c->data, c->len);
		free(c);
	}
	s->chunks = NULL;
	s->head = NULL;
	s->tail = &s->head;
}

/**
 * script_alloc() - memory that lives as long as the script
 * @s: the script
 * @len: bytes
 *
 * Return: zeroed memory; without any the program ends.
 */
void *script_alloc(struct script *s, size_t len)
{
	struct chunk *c = calloc(1, sizeof(*c) + len);

	if (!c) {
		fail("out of memory");
		exit(EXIT_FAILURE);
	}
	c->len = len;
	c->next = s->chunks;
	s->chunks = c;
	return c->data;
}

/**
 * script_word() - keep a piece of text
 * @s: the script
 * @text: the text
 * @len: its bytes
 * @loc: where it was
 *
 * Return: the word, which lives as long as the script.
 */
struct word script_word(struct script *s, const char *text, size_t len,
			struct place loc)
{
	struct word w = { .len = len, .loc = loc };

	w.s = script_alloc(s, len + 1);
	memcpy(w.s, text, len);
	return w;
}

static void report(const struct script *s, struct place loc, const char *kind,
		   const char *fmt, va_list ap)
{
	fflush(stdout);
	fputs("setkey: ", stderr);
	ipsec_print_text(stderr, s->name, strlen(s->name));
	fprintf(stderr, ":%d:%d: %s", loc.line, loc.col, kind);
	print_escaped(stderr, fmt, ap);
	fputc('\n', stderr);
}

/**
 * script_error() - report an error and count it
 * @s: the script
 * @loc: where it is
 * @fmt: what it is
 */
void script_error(struct script *s, struct place loc, const char *fmt, ...)
{
	va_list ap;

	if (++s->errors > MAX_ERRORS)
		return;
	va_start(ap, fmt);
	report(s, loc, "", fmt, ap);
	va_end(ap);
}

/**
 * script_warning() - report what is odd but works
 * @s: the script
 * @loc: where it is
 * @fmt: what it is
 */
void script_warning(struct script *s, struct place loc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(s, loc, "warning: ", fmt, ap);
	va_end(ap);
}
