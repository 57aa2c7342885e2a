// SPDX-License-Identifier: BSD-2-Clause
/* The last error of each thread. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>

#include "local.h"

static const char *const texts[] = {
	[EIPSEC_NO_ERROR] = "Success",
	[EIPSEC_NOT_SUPPORTED] = "Not supported",
	[EIPSEC_INVAL_ARGUMENT] = "Invalid argument",
	[EIPSEC_INVAL_SADBMSG] = "Invalid sadb message",
	[EIPSEC_INVAL_VERSION] = "Invalid version",
	[EIPSEC_INVAL_POLICY] = "Invalid security policy",
	[EIPSEC_INVAL_ADDRESS] = "Invalid address specification",
	[EIPSEC_INVAL_PROTO] = "Invalid ipsec protocol",
	[EIPSEC_INVAL_MODE] = "Invalid ipsec mode",
	[EIPSEC_INVAL_LEVEL] = "Invalid ipsec level",
	[EIPSEC_INVAL_SATYPE] = "Invalid SA type",
	[EIPSEC_INVAL_MSGTYPE] = "Invalid message type",
	[EIPSEC_INVAL_EXTTYPE] = "Invalid extension type",
	[EIPSEC_INVAL_ALGS] = "Invalid algorithm type",
	[EIPSEC_INVAL_KEYLEN] = "Invalid key length",
	[EIPSEC_INVAL_FAMILY] = "Invalid address family",
	[EIPSEC_INVAL_PREFIXLEN] = "Invalid prefix length",
	[EIPSEC_INVAL_DIR] = "Invalid direction",
	[EIPSEC_INVAL_SPI] = "SPI range violation",
	[EIPSEC_NO_PROTO] = "No protocol specified",
	[EIPSEC_NO_ALGS] = "No algorithm specified",
	[EIPSEC_NO_BUFS] = "No buffers available",
	[EIPSEC_DO_GET_SUPP_LIST] = "Must get supported algorithms list first",
	[EIPSEC_PROTO_MISMATCH] = "Protocol mismatch",
	[EIPSEC_FAMILY_MISMATCH] = "Family mismatch",
	[EIPSEC_FEW_ARGUMENTS] = "Too few arguments",
	[EIPSEC_SYSTEM_ERROR] = "System error",
	[EIPSEC_INVAL_PRIORITY_OFFSET] = "Priority out of range",
	[EIPSEC_INVAL_PRIORITY_BASE_OFFSET] = "Priority offset out of range",
	[EIPSEC_PRIORITY_NOT_COMPILED] = "Policy priority not compiled in",
};

static thread_local struct ipsec_error last = { .offset = -1 };
static thread_local char composed[320];

/**
 * ipsec_errtext() - text of an error code
 * @code: one of enum ipsec_errcode
 *
 * Return: a constant string, "Unknown error" for a number out of range.
 */
const char *ipsec_errtext(int code)
{
	if (code < 0 || (size_t)code >= ARRAY_SIZE(texts))
		return "Unknown error";
	return texts[code];
}

/**
 * ipsec_last_error() - the last error of this thread, in parts
 *
 * Return: never NULL; valid until the thread's next call into the library.
 */
const struct ipsec_error *ipsec_last_error(void)
{
	return &last;
}

/**
 * ipsec_strerror() - the last error of this thread as one line of text
 *
 * For a policy text the place is named too, counted from 1.
 *
 * Return: never NULL; overwritten by the thread's next ipsec_strerror().
 */
const char *ipsec_strerror(void)
{
	const char *text = ipsec_errtext(last.code);

	if (last.code == EIPSEC_SYSTEM_ERROR && last.sys_errno)
		text = strerror(last.sys_errno);

	if (last.detail[0] && last.offset >= 0)
		snprintf(composed, sizeof(composed), "%s: %s at character %d",
			 text, last.detail, last.offset + 1);
	else if (last.detail[0])
		snprintf(composed, sizeof(composed), "%s: %s",
			 text, last.detail);
	else
		snprintf(composed, sizeof(composed), "%s", text);
	return composed;
}

/**
 * ipsec_clear_error() - note that the call succeeded
 */
void ipsec_clear_error(void)
{
	memset(&last, 0, sizeof(last));
	last.offset = -1;
}

/**
 * ipsec_fail() - note an error that needs no explanation
 * @code: one of enum ipsec_errcode
 *
 * Return: -1, so that callers can return it.
 */
int ipsec_fail(int code)
{
	ipsec_clear_error();
	last.code = code;
	return -1;
}

/**
 * ipsec_fail_errno() - note an error of the system
 * @err: the errno
 *
 * Return: -1.
 */
int ipsec_fail_errno(int err)
{
	ipsec_fail(EIPSEC_SYSTEM_ERROR);
	last.sys_errno = err;
	return -1;
}

/**
 * ipsec_fail_at() - note an error, where it is and what it is
 * @code: one of enum ipsec_errcode
 * @offset: byte in the text being parsed, or -1
 * @fmt: the explanation
 *
 * Return: -1.
 */
int ipsec_fail_at(int code, int offset, const char *fmt, ...)
{
	char text[sizeof(last.detail)];
	va_list ap;

	ipsec_fail(code);
	last.offset = offset;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* it may quote what was written */
	ipsec_escape(last.detail, sizeof(last.detail), text, strlen(text));
	return -1;
}
