// SPDX-License-Identifier: GPL-2.0-only
/* Copies of keys, and their end. */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <ipsec/key.h>

/**
 * ipsec_key_dup() - copy a key
 * @to: the copy, to be freed with ipsec_key_free()
 * @from: the key, may be empty
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int ipsec_key_dup(struct ipsec_key *to, const struct ipsec_key *from)
{
	to->bits = from->bits;
	to->data = NULL;
	if (!from->bits)
		return 0;
	to->data = kmemdup(from->data, ipsec_key_bytes(from),
			   GFP_KERNEL_ACCOUNT);
	return to->data ? 0 : -ENOMEM;
}

/**
 * ipsec_key_free() - wipe and free a copy
 * @key: from ipsec_key_dup(), or zeroed
 */
void ipsec_key_free(struct ipsec_key *key)
{
	kfree_sensitive(key->data);
	key->data = NULL;
	key->bits = 0;
}
