/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libipsec share among themselves. */
#ifndef _LIBIPSEC_LOCAL_H
#define _LIBIPSEC_LOCAL_H

#include "libipsec.h"

#ifndef __printf
#define __printf(a, b)	/* the Makefile lets the compiler check */
#endif

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* "[addr]%zone[port]" with room to spare */
#define ADDRSTR_LEN	128

int ipsec_fail(int code);
int ipsec_fail_errno(int err);
__printf(3, 4)
int ipsec_fail_at(int code, int offset, const char *fmt, ...);
void ipsec_clear_error(void);

/* sockaddrs inside messages: not aligned, length only known by family */
size_t ipsec_sockaddr_len(unsigned int family);
unsigned int ipsec_sockaddr_family(const void *sa);
unsigned int ipsec_sockaddr_prefix(unsigned int family);
unsigned int ipsec_sockaddr_port(const void *sa);
const char *ipsec_sockaddr_text(const void *sa, char *buf, size_t len);

int ipsec_policy_check(const void *policy, size_t len);

#endif /* _LIBIPSEC_LOCAL_H */
