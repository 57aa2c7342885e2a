// SPDX-License-Identifier: GPL-2.0-only
/* Text that others wrote, on its way to a terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "setkey.h"

/**
 * print_escaped() - vfprintf() whose text is made of what others wrote
 * @f: where to
 * @fmt: the text, without control characters of its own
 * @ap: what is put into it
 */
void print_escaped(FILE *f, const char *fmt, va_list ap)
{
	char *text;
	int len = vasprintf(&text, fmt, ap);

	if (len < 0)
		return;
	ipsec_print_text(f, text, len);
	/* a key may have been quoted */
	explicit_bzero(text, len);
	free(text);
}
