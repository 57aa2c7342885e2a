// SPDX-License-Identifier: GPL-2.0-only
/*
 * setsockopt and getsockopt: IP_IPSEC_POLICY and IPV6_IPSEC_POLICY.
 *
 * The core offers what setsockopt was given to all key managers in turn, and
 * hands what it does not know of getsockopt to netfilter.
 */
#include <linux/capability.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <net/sock.h>
#include <net/xfrm.h>
#include <ipsec/sockpolicy.h>
#include "pfkey.h"

/* The option that is about @sk; the other family's would be ambiguous. */
static bool option_fits(const struct sock *sk, int opt)
{
	return opt == (sk->sk_family == AF_INET6 ? IPV6_IPSEC_POLICY :
						   IP_IPSEC_POLICY);
}

/*
 * As in KAME: exactly one extension, of a type that means something for a
 * socket. Its own type is not looked at, because OpenIKED sends another.
 */
static int check(const struct sadb_x_policy *policy, int len)
{
	if (len < sizeof(*policy) || len > IPSEC_SOCK_WIRE_MAX ||
	    policy->sadb_x_policy_len * PFKEY_WORD != len)
		return -EINVAL;
	if (policy->sadb_x_policy_dir != IPSEC_DIR_INBOUND &&
	    policy->sadb_x_policy_dir != IPSEC_DIR_OUTBOUND)
		return -EINVAL;
	switch (policy->sadb_x_policy_type) {
	case IPSEC_POLICY_IPSEC:
		return len > sizeof(*policy) ? 0 : -EINVAL;
	case IPSEC_POLICY_ENTRUST:
	case IPSEC_POLICY_BYPASS:
		return len == sizeof(*policy) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/*
 * Whether nobody sees how what a socket receives came. Of an ICMP socket that is so
 * for replies. Packets of IPv4 come to sockets of IPv6 as well, where the core does
 * not ask the socket's policy, and we do for TCP and UDP only, see
 * ipsec_sock_asked().
 */
static bool receives_unseen(const struct sock *sk)
{
	if (sk->sk_type == SOCK_RAW)
		return false;
	switch (sk->sk_protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		return false;
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return true;
	default:
		/* What is not bound yet may still come to receive IPv4. */
		return sk->sk_family == AF_INET6 &&
		       !(ipv6_only_sock(sk) && inet_sk(sk)->inet_num);
	}
}

/* What would never find an SA, or never be asked. */
static int check_requests(const struct sock *sk, const struct ipsec_sp *sp)
{
	unsigned int i;

	for (i = 0; i < sp->n_requests; i++)
		if (sp->requests[i].mode == IPSEC_MODE_KIND_TRANSPORT &&
		    sp->requests[i].family == AF_INET6 &&
		    sk->sk_family == AF_INET)
			return -EINVAL;
	if (sp->n_requests && sp->dir == IPSEC_IN && receives_unseen(sk))
		return -EOPNOTSUPP;
	return 0;
}

static struct ipsec_sp *create(const struct sock *sk,
			       const struct sadb_x_policy *policy)
{
	struct ipsec_sp *sp;
	int n, err;

	n = pfkey_count_requests(policy);
	if (n < 0)
		return ERR_PTR(-EINVAL);
	sp = ipsec_sp_alloc(sock_net(sk), n, GFP_ATOMIC);
	if (!sp)
		return ERR_PTR(-ENOMEM);
	pfkey_get_requests(policy, sp->requests);
	sp->dir = policy->sadb_x_policy_dir;
	sp->type = policy->sadb_x_policy_type;
	sp->priority = policy->sadb_x_policy_priority;
	sp->add_time = ktime_get_real_seconds();
	err = check_requests(sk, sp);
	if (err) {
		ipsec_sp_put(sp);
		return ERR_PTR(err);
	}
	return sp;
}

/* The reqids that requests of level "unique" got are shown to who asks. */
static void show_reqids(struct sadb_x_policy *policy, const struct ipsec_sp *sp)
{
	u8 *p = (u8 *)(policy + 1);
	unsigned int i;

	for (i = 0; i < sp->n_requests; i++) {
		struct sadb_x_ipsecrequest *wire = (void *)p;

		if (sp->requests[i].level == IPSEC_LEVEL_UNIQUE)
			wire->sadb_x_ipsecrequest_reqid = sp->requests[i].reqid;
		p += wire->sadb_x_ipsecrequest_len;
	}
}

static struct xfrm_policy *compile(struct sock *sk, u8 *data, int len)
{
	struct sadb_x_policy *policy = (void *)data;
	struct ipsec_sp *sp;
	bool shared = true;
	int err;

	err = check(policy, len);
	if (err)
		return ERR_PTR(err);
	sp = create(sk, policy);
	if (IS_ERR(sp))
		return ERR_CAST(sp);
	if (ipsec_spd_number(sp)) {
		shared = false;
		show_reqids(policy, sp);
	}
	policy->sadb_x_policy_id = 0;
	return ipsec_sock_policy_make(sk, sp, data, len, shared);
}

/*
 * Called by setsockopt, which has checked CAP_NET_ADMIN of the namespace's owner; the
 * buffer is ours to change.
 */
static struct xfrm_policy *compile_policy(struct sock *sk, int opt, u8 *data,
					  int len, int *dir)
{
	struct xfrm_policy *pol;

	if (!option_fits(sk, opt)) {
		*dir = -EOPNOTSUPP;
		return NULL;
	}
	if (!pfkey_may(sock_net(sk))) {
		*dir = -EPERM;
		return NULL;
	}
	pol = compile(sk, data, len);
	if (IS_ERR(pol)) {
		*dir = PTR_ERR(pol);
		return NULL;
	}
	*dir = ((struct sadb_x_policy *)data)->sadb_x_policy_dir ==
	       IPSEC_DIR_OUTBOUND ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
	return pol;
}

/* An SA that native IPsec misses: not ours to provide. */
static int acquire(struct xfrm_state *x, struct xfrm_tmpl *tmpl,
		   struct xfrm_policy *pol)
{
	return -ENOSYS;
}

/*
 * Of two, one is registered. The last manager that refuses a request gives the
 * errno, and xfrm_user, which knows no such request, may be loaded after us.
 */
static struct xfrm_mgr managers[] = {
	{ .compile_policy = compile_policy, .acquire = acquire },
	{ .compile_policy = compile_policy, .acquire = acquire },
};

static unsigned int current_manager;

static int module_event(struct notifier_block *nb, unsigned long event,
			void *data)
{
	const struct module *module = data;
	unsigned int old = current_manager;

	if (event == MODULE_STATE_LIVE && !strcmp(module->name, "xfrm_user")) {
		current_manager = !old;
		xfrm_register_km(&managers[!old]);
		xfrm_unregister_km(&managers[old]);
	}
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = {
	.notifier_call = module_event,
};

/* A socket that was given nothing says "entrust", as in KAME. */
static int read_policy(struct sock *sk, enum ipsec_dir dir, void *wire)
{
	struct sadb_x_policy *policy = wire;
	struct ipsec_sock_says says;
	int len = ipsec_sock_policy_read(sk, dir, &says, wire);

	if (len < 0)
		return len;
	if (!len) {
		*policy = (struct sadb_x_policy){
			.sadb_x_policy_len	= sizeof(*policy) / PFKEY_WORD,
			.sadb_x_policy_exttype	= SADB_X_EXT_POLICY,
			.sadb_x_policy_type	= says.type,
			.sadb_x_policy_dir	= dir,
		};
		len = sizeof(*policy);
	}
	policy->sadb_x_policy_id = says.id;
	return len;
}

/*
 * As in KAME the buffer says on entry which direction is asked for. What does not
 * fit into it is cut off.
 */
static int read_option(struct sock *sk, int opt, void __user *user, int *len)
{
	u64 wire[IPSEC_SOCK_WIRE_MAX / sizeof(u64)];
	struct sadb_x_policy ask;
	int n;

	if (!pfkey_may(sock_net(sk)))
		return -EPERM;
	if (!option_fits(sk, opt))
		return -EOPNOTSUPP;
	if (*len < (int)sizeof(ask))
		return -EINVAL;
	if (copy_from_user(&ask, user, sizeof(ask)))
		return -EFAULT;
	if (ask.sadb_x_policy_dir != IPSEC_DIR_INBOUND &&
	    ask.sadb_x_policy_dir != IPSEC_DIR_OUTBOUND)
		return -EINVAL;
	n = read_policy(sk, ask.sadb_x_policy_dir, wire);
	if (n < 0)
		return n;
	*len = min(*len, n);
	return copy_to_user(user, wire, *len) ? -EFAULT : 0;
}

static struct nf_sockopt_ops options[] = {
	{
		.pf		= PF_INET,
		.get_optmin	= IP_IPSEC_POLICY,
		.get_optmax	= IP_IPSEC_POLICY + 1,
		.get		= read_option,
		.owner		= THIS_MODULE,
	},
	{
		.pf		= PF_INET6,
		.get_optmin	= IPV6_IPSEC_POLICY,
		.get_optmax	= IPV6_IPSEC_POLICY + 1,
		.get		= read_option,
		.owner		= THIS_MODULE,
	},
};

/**
 * pfkey_sockopt_init() - take policies of sockets
 *
 * Return: 0 or an errno.
 */
int pfkey_sockopt_init(void)
{
	int err;

	err = nf_register_sockopt(&options[0]);
	if (err)
		return err;
	err = nf_register_sockopt(&options[1]);
	if (err)
		goto err_first;
	err = register_module_notifier(&module_notifier);
	if (err)
		goto err_second;
	xfrm_register_km(&managers[current_manager]);
	return 0;

err_second:
	nf_unregister_sockopt(&options[1]);
err_first:
	nf_unregister_sockopt(&options[0]);
	return err;
}

/**
 * pfkey_sockopt_exit() - the reverse; sockets keep what they have
 */
void pfkey_sockopt_exit(void)
{
	unregister_module_notifier(&module_notifier);
	xfrm_unregister_km(&managers[current_manager]);
	nf_unregister_sockopt(&options[1]);
	nf_unregister_sockopt(&options[0]);
}
