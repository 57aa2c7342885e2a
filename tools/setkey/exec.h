/* SPDX-License-Identifier: GPL-2.0-only */
/* What exec.c lends to the files beside it. */
#ifndef _SETKEY_EXEC_H
#define _SETKEY_EXEC_H

#include <arpa/inet.h>

#include "setkey.h"

int exec_register(void);
int exec_socket(void);
int exec_message(struct sadb_msg *req,
		 void (*each)(struct sadb_msg *msg, void *arg), void *arg);
int exec_run(struct sadb_msg *req);
void exec_error_text(int type, int err, char *buf, size_t len);
void hex_lines(const void *buf, size_t len);

#endif /* _SETKEY_EXEC_H */
