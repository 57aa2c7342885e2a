// SPDX-License-Identifier: GPL-2.0-only
/* /proc/net/ipsec_stat: a line for each counter, and how many socket policies. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <net/net_namespace.h>
#include <ipsec/knobs.h>
#include <ipsec/netns.h>
#include <ipsec/stats.h>

#define STAT_FILE	"ipsec_stat"

static int stat_show(struct seq_file *seq, void *v)
{
	struct net *net = seq_file_single_net(seq);
	unsigned int i;

	for (i = 0; i < IPSEC_STAT_MAX; i++)
		seq_printf(seq, "%-24s\t%lu\n", ipsec_stat_names[i],
			   ipsec_stat_read(net, i));
	seq_printf(seq, "%-24s\t%u\n", "sock_policies",
		   READ_ONCE(ipsec_net(net)->socks.count));
	return 0;
}

/**
 * ipsec_proc_init() - create /proc/net/ipsec_stat
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_proc_init(struct net *net)
{
	return proc_create_net_single(STAT_FILE, 0444, net->proc_net, stat_show,
				      NULL) ? 0 : -ENOMEM;
}

/**
 * ipsec_proc_exit() - remove it
 * @net: the namespace
 */
void ipsec_proc_exit(struct net *net)
{
	remove_proc_entry(STAT_FILE, net->proc_net);
}
