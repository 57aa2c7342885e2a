// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/ipsec_why: write a flow, read what would happen to its packets and
 * why. ipsecwhy(8) is the command for it. A flow is one line of numbers:
 *
 *	out|in|fwd SOURCE PORT DESTINATION PORT PROTOCOL
 */
#include <linux/capability.h>
#include <linux/inet.h>
#include <linux/kstrtox.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <net/net_namespace.h>
#include <ipsec/selector.h>
#include <ipsec/why.h>

#define WHY_FILE	"ipsec_why"

/* Keeps nobody away: neither uid 0 nor ownership is a capability, see why_open(). */
#define WHY_MODE	0666

/* Two IPv6 addresses and the numbers. */
#define LINE_LONGEST	160

/**
 * struct question - what an open file was asked
 * @net: the namespace; the file is closed before the namespace goes
 * @flow: the flow; its family is 0 until something was asked
 */
struct question {
	struct net		*net;
	struct ipsec_flow	flow;
};

static int parse_direction(const char *word, u8 *dir)
{
	static const char *const names[IPSEC_DIRS] = {
		[IPSEC_IN] = "in", [IPSEC_OUT] = "out", [IPSEC_FWD] = "fwd",
	};
	u8 i;

	for (i = IPSEC_IN; i < IPSEC_DIRS; i++) {
		if (!strcmp(word, names[i])) {
			*dir = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_address(const char *word, union ipsec_addr *addr, u8 *family)
{
	u8 seen = strchr(word, ':') ? AF_INET6 : AF_INET;
	int good;

	if (*family && *family != seen)
		return -EINVAL;
	*family = seen;
	memset(addr, 0, sizeof(*addr));
	good = seen == AF_INET ?
	       in4_pton(word, -1, (u8 *)&addr->a4, -1, NULL) :
	       in6_pton(word, -1, (u8 *)&addr->in6, -1, NULL);
	return good ? 0 : -EINVAL;
}

static int parse_port(const char *word, __be16 *port)
{
	u16 value;
	int err = kstrtou16(word, 10, &value);

	*port = htons(value);
	return err;
}

static int parse_flow(char *line, struct ipsec_flow *flow)
{
	char *words[6], *word;
	unsigned int n = 0;

	line = strim(line);
	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (n == ARRAY_SIZE(words))
			return -EINVAL;
		words[n++] = word;
	}
	if (n < ARRAY_SIZE(words))
		return -EINVAL;
	memset(flow, 0, sizeof(*flow));
	if (parse_direction(words[0], &flow->dir) ||
	    parse_address(words[1], &flow->src, &flow->family) ||
	    parse_port(words[2], &flow->sport) ||
	    parse_address(words[3], &flow->dst, &flow->family) ||
	    parse_port(words[4], &flow->dport) ||
	    kstrtou8(words[5], 10, &flow->proto))
		return -EINVAL;
	return 0;
}

static int why_show(struct seq_file *seq, void *v)
{
	const struct question *q = seq->private;

	if (q->flow.family)
		ipsec_why(q->net, &q->flow, seq);
	return 0;
}

/*
 * It tells SPIs and policies, so it asks for what PF_KEY asks for, and like a PF_KEY
 * socket once: whoever opened it may hand it to a child without privileges. Nobody can
 * be made to open it for another, and written to it is nothing but a question.
 */
static int why_open(struct inode *inode, struct file *file)
{
	struct net *net = pde_data(inode);
	struct question *q;
	int err;

	if (!ns_capable(net->user_ns, CAP_NET_ADMIN))
		return -EPERM;
	q = kzalloc(sizeof(*q), GFP_KERNEL_ACCOUNT);
	if (!q)
		return -ENOMEM;
	q->net = net;
	err = single_open(file, why_show, q);
	if (err)
		kfree(q);
	return err;
}

static int why_release(struct inode *inode, struct file *file)
{
	struct seq_file *seq = file->private_data;

	kfree(seq->private);
	return single_release(inode, file);
}

static ssize_t why_write(struct file *file, const char __user *from, size_t len,
			 loff_t *pos)
{
	struct seq_file *seq = file->private_data;
	struct question *q = seq->private;
	struct ipsec_flow flow;
	char line[LINE_LONGEST];
	int err;

	if (len >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, len))
		return -EFAULT;
	line[len] = '\0';
	err = parse_flow(line, &flow);
	if (err)
		return err;
	/* Readers of the same open file see one question or the other. */
	mutex_lock(&seq->lock);
	q->flow = flow;
	mutex_unlock(&seq->lock);
	return len;
}

static const struct proc_ops why_ops = {
	.proc_open	= why_open,
	.proc_read	= seq_read,
	.proc_write	= why_write,
	.proc_lseek	= seq_lseek,
	.proc_release	= why_release,
};

/**
 * ipsec_why_init() - create /proc/net/ipsec_why
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_why_init(struct net *net)
{
	return proc_create_data(WHY_FILE, WHY_MODE, net->proc_net, &why_ops,
				net) ? 0 : -ENOMEM;
}

/**
 * ipsec_why_exit() - remove it; when it returns nobody reads it
 * @net: the namespace
 */
void ipsec_why_exit(struct net *net)
{
	remove_proc_entry(WHY_FILE, net->proc_net);
}
