/* SPDX-License-Identifier: GPL-2.0-only */
/* What the KUnit suites share. */
#ifndef _IPSEC_TESTS_KUNIT_H
#define _IPSEC_TESTS_KUNIT_H

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>
#include <ipsec/alg.h>

/* On Linux 6.1 suites run before the module's own init, on 6.12 after it. */
static inline bool module_is_initialized(void)
{
	return THIS_MODULE->state == MODULE_STATE_LIVE;
}

/**
 * struct mac_vector - a MAC with a known answer, in hexadecimal
 * @name: where it is from
 * @algorithm: setkey's name
 * @key: key, of any length
 * @message: what is authenticated
 * @mac: the MAC, or as much of it as is known
 */
struct mac_vector {
	const char	*name;
	const char	*algorithm;
	const char	*key;
	const char	*message;
	const char	*mac;
};

/* Bytes written to @to; 0 for what is not hexadecimal. */
static inline unsigned int unhex(u8 *to, const char *hex)
{
	unsigned int n = strlen(hex) / 2;

	return hex2bin(to, hex, n) ? 0 : n;
}

static inline const struct ipsec_alg_desc *
alg_named(enum ipsec_alg_kind kind, const char *name)
{
	unsigned int i;

	for (i = 0; i < ipsec_alg_count; i++)
		if (ipsec_alg_table[i].kind == kind &&
		    !strcmp(ipsec_alg_table[i].name, name))
			return &ipsec_alg_table[i];
	return NULL;
}

#endif
