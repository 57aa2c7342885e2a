// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines in the kernel log, for the administrator who set a debug knob. The log is the
 * machine's, the knobs are a namespace's: so each namespace has a budget of its own for
 * each reason, and what the namespaces of all other user namespaces may say together is
 * limited too. The kernel's own limit, net_ratelimit(), is one for everybody, and
 * whoever spends it silences all the network code of the machine.
 */
#include <linux/jiffies.h>
#include <linux/netdevice.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>
#include <ipsec/log.h>
#include <ipsec/netns.h>

/* Lines in so much time: of one reason in a namespace ... */
#define WINDOW		(5 * HZ)
#define REASON_LINES	10
/* ... of all reasons, where the namespace is not the machine's administrator's ... */
#define GUEST_LINES	20
/* ... and of all such namespaces, which takes five of them to use up. */
#define GUESTS_LINES	100

/**
 * struct limit - lines in a window of time
 * @since: when the window began, in jiffies
 * @lines: how many there were in it
 */
struct limit {
	unsigned long	since;
	unsigned int	lines;
};

/**
 * struct ipsec_log - what a namespace has said
 * @lock: protects the others; guests_lock is taken inside it
 * @all: of all reasons
 * @reason: of each
 * @hidden: lines of each that were not shown since the last one that was
 */
struct ipsec_log {
	spinlock_t	lock;
	struct limit	all;
	struct limit	reason[IPSEC_LOG_REASONS];
	u32		hidden[IPSEC_LOG_REASONS];
};

/*
 * Of all namespaces that belong to other user namespaces than the machine's. Global,
 * but only debugging namespaces whose own budget is not yet spent come here, and it is
 * held for a few instructions.
 */
static DEFINE_SPINLOCK(guests_lock);
static struct limit guests;

/* Whether one more line is within the limit. */
static bool within(struct limit *limit, unsigned int most)
{
	if (!limit->lines ||
	    !time_in_range(jiffies, limit->since, limit->since + WINDOW)) {
		limit->since = jiffies;
		limit->lines = 0;
	}
	if (limit->lines >= most)
		return false;
	limit->lines++;
	return true;
}

static bool guest_within(struct ipsec_log *log)
{
	bool good;

	if (!within(&log->all, GUEST_LINES))
		return false;
	spin_lock(&guests_lock);
	good = within(&guests, GUESTS_LINES);
	spin_unlock(&guests_lock);
	return good;
}

/**
 * ipsec_log_start() - a namespace is about to say something
 * @in: the namespace
 *
 * What counts its lines is there from the first debug knob that is set to the end.
 *
 * Context: process. Return: 0 or -ENOMEM.
 */
int ipsec_log_start(struct ipsec_net *in)
{
	struct ipsec_log *log;

	if (READ_ONCE(in->log))
		return 0;
	log = kzalloc(sizeof(*log), GFP_KERNEL_ACCOUNT);
	if (!log)
		return -ENOMEM;
	spin_lock_init(&log->lock);
	if (cmpxchg(&in->log, NULL, log))
		kfree(log);
	return 0;
}

/**
 * ipsec_log_free() - the namespace has nothing to say any more
 * @in: the namespace, no packet of which is left
 */
void ipsec_log_free(struct ipsec_net *in)
{
	kfree(in->log);
}

/**
 * ipsec_log_take() - whether a line may be logged now
 * @net: the namespace, whose debug knob wants it
 * @reason: enum ipsec_stat or IPSEC_LOG_REQUEST
 * @hidden: gets how many of this reason were refused before
 *
 * Context: any but hard interrupts. Return: true if the caller shall say it, with
 * ipsec_log_line().
 */
bool ipsec_log_take(struct net *net, unsigned int reason, u32 *hidden)
{
	struct ipsec_log *log = READ_ONCE(ipsec_net(net)->log);
	bool good;

	if (!log)
		return false;
	spin_lock_bh(&log->lock);
	good = within(&log->reason[reason], REASON_LINES) &&
	       (net->user_ns == &init_user_ns || guest_within(log));
	*hidden = log->hidden[reason];
	log->hidden[reason] = good ? 0 : *hidden + 1;
	spin_unlock_bh(&log->lock);
	return good;
}

/**
 * ipsec_log_line() - say it
 * @net: the namespace, which the line names by its inode's number
 * @dev: the device, or NULL; its name is its owner's choice, so what cannot be printed
 *       is escaped
 * @hidden: from ipsec_log_take()
 * @format: the rest of the line, without a newline
 *
 * Context: any; the caller keeps @dev.
 */
void ipsec_log_line(const struct net *net, const struct net_device *dev,
		    u32 hidden, const char *format, ...)
{
	const char *name = dev ? dev->name : "";
	struct va_format text = { .fmt = format };
	char more[32] = "";
	va_list args;

	if (hidden)
		scnprintf(more, sizeof(more), ", %u more not shown", hidden);
	va_start(args, format);
	text.va = &args;
	pr_info("ipsec: netns %u%s%*pE: %pV%s\n", net->ns.inum, dev ? " " : "",
		(int)strlen(name), name, &text, more);
	va_end(args);
}
