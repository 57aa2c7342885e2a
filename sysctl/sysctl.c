// SPDX-License-Identifier: GPL-2.0-only
/* The table of knobs: a new one is a row here and a field in knobs.h. */
#include <linux/capability.h>
#include <linux/slab.h>
#include <linux/sysctl.h>
#include <ipsec/compat.h>
#include <ipsec/log.h>
#include <ipsec/netns.h>

/* A knob is one of the int fields of struct ipsec_knobs. */
#define FIELD(name)	offsetof(struct ipsec_knobs, name)

/* What else there is to do when a knob's value changes. */
enum knob_act {
	ACT_NOTHING,
	ACT_HOOKS,	/* packets matter without a policy, or no longer */
	ACT_SOCKETS,	/* what the policies of sockets ask for */
	ACT_LOG,	/* the log is written to */
};

/**
 * struct knob - one row
 * @name: under its directory
 * @field: offset in struct ipsec_knobs
 * @value: default
 * @min: least value allowed; others are refused with EINVAL
 * @max: greatest value allowed
 * @act: what else a change does
 * @host: only the machine's administrator may change it, in any namespace
 */
struct knob {
	const char	*name;
	unsigned int	field;
	int		value;
	int		min;
	int		max;
	enum knob_act	act;
	bool		host;
};

/* Knobs that both families have. */
#define FAMILY_KNOBS(v)							\
	{ "def_policy",		FIELD(v.def_policy),	1, 0, 1, ACT_HOOKS }, \
	{ "esp_trans_deflev",	FIELD(v.esp_trans_deflev), 1, 1, 2, ACT_SOCKETS }, \
	{ "esp_net_deflev",	FIELD(v.esp_net_deflev), 1, 1, 2, ACT_SOCKETS }, \
	{ "ah_trans_deflev",	FIELD(v.ah_trans_deflev), 1, 1, 2, ACT_SOCKETS }, \
	{ "ah_net_deflev",	FIELD(v.ah_net_deflev),	1, 1, 2, ACT_SOCKETS }, \
	{ "ecn",		FIELD(v.ecn),		0, -1, 1 },		\
	{ "mss_clamp",		FIELD(v.mss_clamp),	0, 0, 0xffff },		\
	{ "debug",		FIELD(debug),		0, 0, INT_MAX, ACT_LOG }

static const struct knob knobs4[] = {
	FAMILY_KNOBS(v4),
	{ "ah_cleartos",	FIELD(ah_cleartos),	1, 0, INT_MAX },
	{ "ah_offsetmask",	FIELD(ah_offsetmask),	0, 0, 0xffff },
	{ "dfbit",		FIELD(dfbit),		0, 0, 2 },
	{ "check_policy_history", FIELD(check_policy_history), 0, 0, 1 },
	{ "natt_cksum_policy",	FIELD(natt_cksum_policy), 0, 0, 1 },
};

static const struct knob knobs6[] = {
	FAMILY_KNOBS(v6),
};

static const struct knob knobs_key[] = {
	{ "debug",		FIELD(key_debug),	0, 0, INT_MAX, ACT_LOG },
	{ "int_random",		FIELD(int_random),	60, 0, INT_MAX },
	{ "spi_trycnt",		FIELD(spi_trycnt),	1000, 1, 100000 },
	{ "spi_minval",		FIELD(spi_minval),	0x100, 0x100, INT_MAX },
	{ "spi_maxval",		FIELD(spi_maxval),	0x0fffffff, 0x100,
	  INT_MAX },
	{ "larval_lifetime",	FIELD(larval_lifetime),	30, 1, INT_MAX },
	{ "blockacq_count",	FIELD(blockacq_count),	10, 0, INT_MAX },
	{ "blockacq_lifetime",	FIELD(blockacq_lifetime), 20, 0, INT_MAX },
	{ "esp_keymin",		FIELD(esp_keymin),	256, 0, INT_MAX },
	{ "esp_auth",		FIELD(esp_auth),	0, 0, 1 },
	{ "ah_keymin",		FIELD(ah_keymin),	128, 0, INT_MAX },
	{ "preferred_oldsa",	FIELD(preferred_oldsa),	1, 0, 1 },
	{ "delete_grace",	FIELD(delete_grace),	0, 0, 3600 },
	{ "max_sa",		FIELD(max_sa),		INT_MAX, 0, INT_MAX,
	  .host = true },
	{ "max_sp",		FIELD(max_sp),		INT_MAX, 0, INT_MAX,
	  .host = true },
};

/*
 * SAs, and policies, in a namespace of another user namespace than the machine's: more
 * than gateways in containers were seen with, and what no cgroup is charged for stays
 * below 50 MB.
 */
#define GUEST_MAX	8192

static int *knob_value(struct ipsec_knobs *knobs, const struct knob *knob)
{
	return (int *)((char *)knobs + knob->field);
}

static void set_defaults(struct ipsec_knobs *knobs, const struct knob *table,
			 unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		*knob_value(knobs, &table[i]) = table[i].value;
}

/**
 * ipsec_knobs_init() - the values of a new namespace
 * @net: the namespace
 * @knobs: filled
 */
void ipsec_knobs_init(const struct net *net, struct ipsec_knobs *knobs)
{
	set_defaults(knobs, knobs4, ARRAY_SIZE(knobs4));
	set_defaults(knobs, knobs6, ARRAY_SIZE(knobs6));
	set_defaults(knobs, knobs_key, ARRAY_SIZE(knobs_key));
	if (net->user_ns != &init_user_ns) {
		knobs->max_sa = GUEST_MAX;
		knobs->max_sp = GUEST_MAX;
	}
}

/* What else a change does. An errno refuses the new value. */
static int act_on(struct net *net, const struct knob *knob)
{
	struct ipsec_net *in = ipsec_net(net);
	int err = 0;

	switch (knob->act) {
	case ACT_NOTHING:
		break;
	case ACT_HOOKS:
		if (in->knobs.v4.def_policy && in->knobs.v6.def_policy)
			ipsec_hooks_idle(net);
		else
			err = ipsec_hooks_enable(net);
		if (err)
			break;
		fallthrough;
	case ACT_SOCKETS:
		ipsec_carriers_obey(net);
		break;
	case ACT_LOG:
		err = ipsec_log_start(in);
		break;
	}
	return err;
}

static int read_or_write(const struct ctl_table *table, int write, void *buffer,
			 size_t *lenp, loff_t *ppos)
{
	const struct knob *knob = table->extra1;
	struct ctl_table bounded = {
		.procname	= table->procname,
		.data		= table->data,
		.maxlen		= table->maxlen,
		.mode		= table->mode,
		.extra1		= (void *)&knob->min,
		.extra2		= (void *)&knob->max,
	};

	return proc_dointvec_minmax(&bounded, write, buffer, lenp, ppos);
}

/*
 * A knob acts on the next packet, so what was decided before is forgotten. Whoever
 * writes the value that is there already changes nothing: that must not cost the
 * namespace its cached decisions, nor a walk over its sockets' policies.
 */
static int do_knob(IPSEC_CTL_TABLE *table, int write, void *buffer,
		   size_t *lenp, loff_t *ppos)
{
	struct net *net = (struct net *)table->extra2;
	const struct knob *knob = table->extra1;
	struct ipsec_net *in = ipsec_net(net);
	int old, err, *value = table->data;

	if (!write)
		return read_or_write(table, write, buffer, lenp, ppos);
	/* The file's mode lets the owner of the namespace pass. */
	if (knob->host && !capable(CAP_NET_ADMIN))
		return -EPERM;
	mutex_lock(&in->knob_mutex);
	old = *value;
	err = read_or_write(table, write, buffer, lenp, ppos);
	if (!err && *value != old) {
		err = act_on(net, knob);
		if (err)
			WRITE_ONCE(*value, old);
		ipsec_generation_bump(net);
		ipsec_routes_renew(net);
	}
	mutex_unlock(&in->knob_mutex);
	return err;
}

static struct ctl_table_header *register_table(struct net *net,
					       const char *path,
					       const struct knob *knobs,
					       unsigned int n)
{
	struct ctl_table_header *header;
	struct ctl_table *table;
	unsigned int i;

	/* One more, empty: older kernels look for it. */
	table = kcalloc(n + 1, sizeof(*table), GFP_KERNEL_ACCOUNT);
	if (!table)
		return NULL;
	for (i = 0; i < n; i++) {
		table[i].procname = knobs[i].name;
		table[i].data = knob_value(&ipsec_net(net)->knobs, &knobs[i]);
		table[i].maxlen = sizeof(int);
		table[i].mode = 0644;
		table[i].proc_handler = do_knob;
		table[i].extra1 = (void *)&knobs[i];
		table[i].extra2 = net;
	}
	header = ipsec_register_sysctl(net, path, table, n);
	if (!header)
		kfree(table);
	return header;
}

static void unregister_table(struct ctl_table_header *header)
{
	const struct ctl_table *table;

	if (!header)
		return;
	table = header->ctl_table_arg;
	unregister_net_sysctl_table(header);
	kfree(table);
}

/**
 * ipsec_sysctl_init() - net.inet.ipsec, net.inet6.ipsec6 and net.key
 * @net: the namespace
 *
 * Return: 0 or -ENOMEM.
 */
int ipsec_sysctl_init(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	in->sysctl4 = register_table(net, "net/inet/ipsec", knobs4,
				     ARRAY_SIZE(knobs4));
	in->sysctl6 = register_table(net, "net/inet6/ipsec6", knobs6,
				     ARRAY_SIZE(knobs6));
	in->sysctl_key = register_table(net, "net/key", knobs_key,
					ARRAY_SIZE(knobs_key));
	if (in->sysctl4 && in->sysctl6 && in->sysctl_key)
		return 0;
	ipsec_sysctl_exit(net);
	return -ENOMEM;
}

/**
 * ipsec_sysctl_exit() - remove them
 * @net: the namespace
 */
void ipsec_sysctl_exit(struct net *net)
{
	struct ipsec_net *in = ipsec_net(net);

	unregister_table(in->sysctl_key);
	unregister_table(in->sysctl6);
	unregister_table(in->sysctl4);
}
