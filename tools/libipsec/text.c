// SPDX-License-Identifier: BSD-2-Clause
/* Text that came from elsewhere, made fit for a terminal. */
#include <string.h>

#include "local.h"

/* Also what a terminal that does not know the encoding takes for a command. */
static int is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f;
}

/**
 * ipsec_escape() - bytes as text that no terminal obeys
 * @to: where the text goes, always with a NUL behind it
 * @room: its size, at least 1
 * @from: the bytes
 * @len: how many
 *
 * Control characters and what is not ASCII become \xNN. What has no room is cut off,
 * but never amidst of these four.
 *
 * Return: length of the text.
 */
size_t ipsec_escape(char *to, size_t room, const char *from, size_t len)
{
	size_t i, n, at = 0;

	for (i = 0; i < len; i++, at += n) {
		n = is_plain(from[i]) ? 1 : 4;
		if (at + n >= room)
			break;
		if (n == 1)
			to[at] = from[i];
		else
			snprintf(to + at, n + 1, "\\x%02x",
				 (unsigned char)from[i]);
	}
	to[at] = '\0';
	return at;
}

/**
 * ipsec_print_text() - print bytes as ipsec_escape() shows them
 * @f: where to
 * @text: the bytes
 * @len: how many
 */
void ipsec_print_text(FILE *f, const char *text, size_t len)
{
	char one[5];

	for (; len; len--, text++) {
		ipsec_escape(one, sizeof(one), text, 1);
		fputs(one, f);
	}
}
