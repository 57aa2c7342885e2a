/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two dump formats share. */
#ifndef _LIBIPSEC_DUMP_H
#define _LIBIPSEC_DUMP_H

#include <stdint.h>
#include <time.h>

/* 20 characters; a year beyond 9999 needs more */
#define TIMESTR_LEN	32

time_t ipsec_now(void);
const char *ipsec_time_text(uint64_t when, char *buf);
void ipsec_dump_ctx(const char *ext);

#endif /* _LIBIPSEC_DUMP_H */
