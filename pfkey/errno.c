// SPDX-License-Identifier: GPL-2.0-only
/* Errnos on the wire: sadb_msg_errno has eight bits, and its readers are programs. */
#include <linux/errno.h>
#include "pfkey.h"

/* The last errno that programs know; from 512 on they are the kernel's own. */
#define ERRNO_LAST	133
#define ERRNO_KERNEL	512

static_assert(ERRNO_LAST <= U8_MAX);

/* What the kernel's own mean to a program, from ERRNO_KERNEL on. */
static const u8 own[] = {
	[ERESTARTSYS		- ERRNO_KERNEL] = EINTR,
	[ERESTARTNOINTR		- ERRNO_KERNEL] = EINTR,
	[ERESTARTNOHAND		- ERRNO_KERNEL] = EINTR,
	[ENOIOCTLCMD		- ERRNO_KERNEL] = ENOTTY,
	[ERESTART_RESTARTBLOCK	- ERRNO_KERNEL] = EINTR,
	[EPROBE_DEFER		- ERRNO_KERNEL] = EAGAIN,
	[EOPENSTALE		- ERRNO_KERNEL] = ESTALE,
	[ENOPARAM		- ERRNO_KERNEL] = EINVAL,
	[EBADHANDLE		- ERRNO_KERNEL] = ESTALE,
	[ENOTSYNC		- ERRNO_KERNEL] = EIO,
	[EBADCOOKIE		- ERRNO_KERNEL] = EINVAL,
	[ENOTSUPP		- ERRNO_KERNEL] = EOPNOTSUPP,
	[ETOOSMALL		- ERRNO_KERNEL] = EMSGSIZE,
	[ESERVERFAULT		- ERRNO_KERNEL] = EIO,
	[EBADTYPE		- ERRNO_KERNEL] = EINVAL,
	[EJUKEBOX		- ERRNO_KERNEL] = EAGAIN,
	[EIOCBQUEUED		- ERRNO_KERNEL] = EAGAIN,
	[ERECALLCONFLICT	- ERRNO_KERNEL] = EAGAIN,
};

/**
 * pfkey_errno() - what a program is told of an error
 * @err: a positive errno of the kernel
 *
 * What has no name in userland is EIO, never another one's number and never 0: that
 * would say that the request was carried out.
 *
 * Return: 1 to 133.
 */
u8 pfkey_errno(int err)
{
	u8 told = 0;

	if (err > 0 && err <= ERRNO_LAST)
		told = err;
	else if (err >= ERRNO_KERNEL && err - ERRNO_KERNEL < ARRAY_SIZE(own))
		told = own[err - ERRNO_KERNEL];
	return told ?: EIO;
}
