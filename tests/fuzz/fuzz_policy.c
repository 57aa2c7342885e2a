// SPDX-License-Identifier: GPL-2.0-only
/* The policy language both ways: any text, and any bytes in place of a policy. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/pfkeyv2.h>

#include "libipsec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A policy that was made of a text says that text's meaning again; but for a priority of
 * 0, which a direction alone has, and no text names.
 */
static void there_and_back(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *policy, *said, *again;

	if (!text)
		abort();
	policy = ipsec_set_policy(text, strlen(text));
	free(text);
	if (!policy)
		return;
	said = ipsec_dump_policy_withports(policy, " ");
	if (!said)
		abort();
	again = ipsec_set_policy(said, strlen(said));
	if (again && !((struct sadb_x_policy *)policy)->sadb_x_policy_priority)
		((struct sadb_x_policy *)again)->sadb_x_policy_priority = 0;
	if (!again || ipsec_get_policylen(again) != ipsec_get_policylen(policy) ||
	    memcmp(again, policy, ipsec_get_policylen(policy)))
		abort();
	free(again);
	free(said);
	free(policy);
}

/* Whoever has the bytes has so many as they say. */
static void bytes(const uint8_t *data, size_t size)
{
	struct sadb_x_policy *policy;

	size -= size % 8;
	if (size < sizeof(*policy) || size / 8 > UINT16_MAX)
		return;
	policy = malloc(size);
	if (!policy)
		abort();
	memcpy(policy, data, size);
	policy->sadb_x_policy_len = size / 8;
	free(ipsec_dump_policy((char *)policy, NULL));
	free(ipsec_dump_policy_withports((char *)policy, "\n"));
	free(policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size && data[0] == 0)
		bytes(data + 1, size - 1);
	else
		there_and_back(data, size);
	return 0;
}
