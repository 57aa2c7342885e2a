// SPDX-License-Identifier: GPL-2.0-only
/* setkey reads any file: scanner, parser, checks, and what becomes of each command. */
#include <netdb.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "setkey.h"

/* What main.c has for the other files. */
struct options opt = { .dry = 1 };

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
}

/* Nobody is asked for the names of hosts. */
int __real_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **res);
int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **res);

int __wrap_getaddrinfo(const char *host, const char *service,
		       const struct addrinfo *hints, struct addrinfo **res)
{
	struct addrinfo numeric = hints ? *hints : (struct addrinfo){ 0 };

	numeric.ai_flags |= AI_NUMERICHOST;
	return __real_getaddrinfo(host, service, &numeric, res);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	pfkey_set_supported_builtin();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct script s;

	script_init(&s, "input", 1);
	if (!script_parse(&s, (const char *)data, size) && !s.errors)
		exec_script(&s);
	script_free(&s);
	return 0;
}
