/* SPDX-License-Identifier: GPL-2.0-only */
/* Keys: copied once, checked, wiped when freed; never printed. */
#ifndef _IPSEC_KEY_H
#define _IPSEC_KEY_H

#include <linux/types.h>

/**
 * struct ipsec_key - a key, or a borrowed view of one in a request
 * @data: (@bits + 7) / 8 bytes; NULL when @bits is 0
 * @bits: length in bits
 */
struct ipsec_key {
	const u8	*data;
	u16		bits;
};

static inline unsigned int ipsec_key_bytes(const struct ipsec_key *key)
{
	return (key->bits + 7) / 8;
}

int ipsec_key_dup(struct ipsec_key *to, const struct ipsec_key *from);
void ipsec_key_free(struct ipsec_key *key);

#endif /* _IPSEC_KEY_H */
