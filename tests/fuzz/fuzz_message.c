// SPDX-License-Identifier: GPL-2.0-only
/* PF_KEY messages as a kernel, or somebody in its place, may send them: all that reads
 * and prints one. The first byte says what is done, so that one does not hide another.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "setkey.h"

struct options opt = { .dry = 1 };

void fail(const char *fmt, ...)
{
	(void)fmt;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("TZ", "UTC", 1);
	return 0;
}

static void take_apart(struct sadb_msg *msg)
{
	char *mhp[64];		/* more than SADB_EXT_MAX of any header */
	struct sadb_x_sa_replay replay;

	if (pfkey_align(msg, mhp))
		return;
	pfkey_get_replay(msg, &replay);
	pfkey_check(mhp);
}

static void learn(struct sadb_msg *msg)
{
	pfkey_set_supported(msg, msg->sadb_msg_len * 8);
	ipsec_check_keylen(SADB_EXT_SUPPORTED_ENCRYPT, 12, 128);
	pfkey_set_supported_builtin();
}

static void (*const readers[])(struct sadb_msg *msg) = {
	take_apart, learn, pfkey_sadump, pfkey_sadump_withports,
	pfkey_sadump_short, pfkey_spdump, kdebug_sadb, show_message,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sadb_msg *msg;
	size_t len;

	if (!size)
		return 0;
	len = (size - 1) & ~(size_t)7;
	if (len < sizeof(*msg) || len / 8 > UINT16_MAX)
		return 0;
	msg = malloc(len);
	if (!msg)
		abort();
	memcpy(msg, data + 1, len);
	/* pfkey_recv() hands out none that is shorter than it says. */
	msg->sadb_msg_len = len / 8;
	readers[data[0] % (sizeof(readers) / sizeof(readers[0]))](msg);
	free(msg);
	return 0;
}
