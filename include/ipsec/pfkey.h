/* SPDX-License-Identifier: GPL-2.0-only */
/* What the rest of the module knows of PF_KEY. */
#ifndef _IPSEC_PFKEY_H
#define _IPSEC_PFKEY_H

int ipsec_pfkey_init(void);
void ipsec_pfkey_exit(void);
int ipsec_pfkey_open(void);
void ipsec_pfkey_close(void);

#endif /* _IPSEC_PFKEY_H */
