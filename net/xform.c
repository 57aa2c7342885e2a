// SPDX-License-Identifier: GPL-2.0-only
/* The table of transforms: a new one is a row here and a file xform_*.c. */
#include <linux/kernel.h>
#include <ipsec/xform.h>

static const struct ipsec_xform *const xforms[] = {
	&ipsec_xform_esp,
};

/**
 * ipsec_xform_find() - the transform of a protocol
 * @proto: IPPROTO_*
 *
 * Return: the transform, or NULL if there is none.
 */
const struct ipsec_xform *ipsec_xform_find(u8 proto)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(xforms); i++)
		if (xforms[i]->proto == proto)
			return xforms[i];
	return NULL;
}
