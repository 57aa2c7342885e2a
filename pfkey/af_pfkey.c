// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket family PF_KEY (RFC 2367 section 1.3), one per network namespace.
 * A request is carried out, and its reply queued, before send() returns.
 */
#include <linux/capability.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <net/netns/generic.h>
#include <net/sock.h>
#include <ipsec/compat.h>
#include <ipsec/km.h>
#include <ipsec/pfkey.h>
#include "pfkey.h"

unsigned int pfkey_net_id __read_mostly;

static bool user_namespaces = true;
module_param(user_namespaces, bool, 0644);
MODULE_PARM_DESC(user_namespaces,
		 "CAP_NET_ADMIN of a user namespace is enough in the network namespaces it owns (default Y)");

/**
 * pfkey_may() - whether the caller may use PF_KEY and set policies of sockets
 * @net: the namespace
 *
 * Context: process. Return: true with CAP_NET_ADMIN in the user namespace that owns
 * @net, or, if the parameter user_namespaces is off, in the initial one.
 */
bool pfkey_may(const struct net *net)
{
	struct user_namespace *ns = &init_user_ns;

	if (READ_ONCE(user_namespaces))
		ns = net->user_ns;
	return ns_capable(ns, CAP_NET_ADMIN);
}

/**
 * pfkey_net_of() - PF_KEY of a namespace
 * @net: the namespace
 */
struct pfkey_net *pfkey_net_of(const struct net *net)
{
	return net_generic(net, pfkey_net_id);
}

static struct proto pfkey_proto = {
	.name		= "PF_KEY",
	.owner		= THIS_MODULE,
	.obj_size	= sizeof(struct pfkey_sock),
};

static void pfkey_destruct(struct sock *sk)
{
	skb_queue_purge(&sk->sk_receive_queue);
}

static int pfkey_release(struct socket *sock)
{
	struct sock *sk = sock->sk;

	if (!sk)
		return 0;
	pfkey_unlink(pfkey_sk(sk));
	pfkey_dump_stop(pfkey_sk(sk));
	sock_orphan(sk);
	sock->sk = NULL;
	sock_put(sk);
	return 0;
}

/**
 * pfkey_check_base() - whether something can be a message at all
 * @hdr: at least a base header
 * @len: bytes there are
 *
 * What fails here fails the send; all else is told by a reply.
 *
 * Return: 0, -EINVAL or -EMSGSIZE.
 */
int pfkey_check_base(const struct sadb_msg *hdr, size_t len)
{
	if (hdr->sadb_msg_version != PF_KEY_V2)
		return -EINVAL;
	if (hdr->sadb_msg_type == SADB_RESERVED ||
	    hdr->sadb_msg_type > SADB_MAX)
		return -EINVAL;
	return (size_t)hdr->sadb_msg_len * PFKEY_WORD == len ? 0 : -EMSGSIZE;
}

static int request(struct pfkey_sock *pk, const void *msg, size_t len)
{
	struct pfkey_request req = {
		.from	= pk,
		.net	= sock_net(&pk->sk),
	};
	struct pfkey_net *pn = pfkey_net_of(req.net);
	int err;

	err = pfkey_check_base(msg, len);
	if (err)
		return err;
	/* The request before may be waiting for a module of the crypto API. */
	if (mutex_lock_killable(&pn->mutex))
		return -EINTR;
	pfkey_show_request(req.net, msg);
	err = pfkey_parse(&req, msg, len);
	if (!err && req.ext[SADB_X_EXT_SA_REPLAY])
		pfkey_hear(pk, pk->registered, pk->promisc, true);
	if (!err)
		err = pfkey_dispatch(&req);
	ipsec_km_log(req.net, req.hdr->sadb_msg_type, req.hdr->sadb_msg_satype,
		     req.hdr->sadb_msg_seq, req.hdr->sadb_msg_pid, err);
	if (err)
		err = pfkey_deliver_one(pk, pfkey_build_error(req.hdr, -err));
	mutex_unlock(&pn->mutex);
	return err;
}

static int pfkey_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	void *buf;
	int err;

	if (msg->msg_flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (len < sizeof(struct sadb_msg) || len > PFKEY_MAX_MESSAGE)
		return -EMSGSIZE;
	buf = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return -ENOBUFS;
	err = memcpy_from_msg(buf, msg, len);
	if (!err)
		err = request(pfkey_sk(sock->sk), buf, len);
	/* Keys were in it. */
	memzero_explicit(buf, len);
	kvfree(buf);
	return err ?: len;
}

static int pfkey_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			 int flags)
{
	struct sock *sk = sock->sk;
	struct sk_buff *skb;
	size_t copied;
	int err;

	if (flags & ~(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_COMPAT |
		      MSG_WAITALL))
		return -EINVAL;
	pfkey_catch_up(sock_net(sk));
	skb = skb_recv_datagram(sk, flags, &err);
	if (!skb)
		return err;
	copied = skb->len;
	if (copied > len) {
		msg->msg_flags |= MSG_TRUNC;
		copied = len;
	}
	err = skb_copy_datagram_msg(skb, 0, msg, copied);
	if (!err) {
		sock_recv_timestamp(msg, sk, skb);
		err = flags & MSG_TRUNC ? skb->len : copied;
	}
	skb_free_datagram(sk, skb);
	/* The next part of a dump must be there before the next read. */
	if (READ_ONCE(pfkey_sk(sk)->dump.type))
		pfkey_dump_continue(pfkey_sk(sk));
	return err;
}

static __poll_t pfkey_poll(struct file *file, struct socket *sock,
			   struct poll_table_struct *wait)
{
	pfkey_catch_up(sock_net(sock->sk));
	return datagram_poll(file, sock, wait);
}

static const struct proto_ops pfkey_ops = {
	.family		= PF_KEY,
	.owner		= THIS_MODULE,
	.release	= pfkey_release,
	.sendmsg	= pfkey_sendmsg,
	.recvmsg	= pfkey_recvmsg,
	.poll		= pfkey_poll,
	.bind		= sock_no_bind,
	.connect	= sock_no_connect,
	.socketpair	= sock_no_socketpair,
	.accept		= sock_no_accept,
	.getname	= sock_no_getname,
	.ioctl		= sock_no_ioctl,
	.listen		= sock_no_listen,
	.shutdown	= sock_no_shutdown,
	.mmap		= sock_no_mmap,
	IPSEC_NO_SENDPAGE
};

static int pfkey_create(struct net *net, struct socket *sock, int protocol,
			int kern)
{
	struct pfkey_sock *pk;
	struct sock *sk;

	if (!pfkey_may(net))
		return -EPERM;
	if (sock->type != SOCK_RAW)
		return -ESOCKTNOSUPPORT;
	if (protocol != PF_KEY_V2)
		return -EPROTONOSUPPORT;
	sk = sk_alloc(net, PF_KEY, GFP_KERNEL_ACCOUNT, &pfkey_proto, kern);
	if (!sk)
		return -ENOMEM;
	sock->ops = &pfkey_ops;
	sock_init_data(sock, sk);
	sk->sk_family = PF_KEY;
	sk->sk_destruct = pfkey_destruct;

	/* sk_alloc() clears what is behind struct sock only for slab caches. */
	pk = pfkey_sk(sk);
	pk->registered = 0;
	pk->promisc = false;
	pk->extended = false;
	mutex_init(&pk->dump_mutex);
	memset(&pk->dump, 0, sizeof(pk->dump));
	pfkey_link(pk);
	return 0;
}

static const struct net_proto_family pfkey_family = {
	.family	= PF_KEY,
	.create	= pfkey_create,
	.owner	= THIS_MODULE,
};

static int __net_init pfkey_netns_init(struct net *net)
{
	struct pfkey_net *pn = pfkey_net_of(net);

	mutex_init(&pn->mutex);
	pfkey_deliver_netns_init(pn);
	return 0;
}

static void __net_exit pfkey_netns_exit(struct net *net)
{
	pfkey_deliver_netns_exit(pfkey_net_of(net));
}

static struct pernet_operations pfkey_netns_ops = {
	.init	= pfkey_netns_init,
	.exit	= pfkey_netns_exit,
	.id	= &pfkey_net_id,
	.size	= sizeof(struct pfkey_net),
};

/**
 * ipsec_pfkey_init() - get ready for PF_KEY sockets, and take policies of others
 *
 * Return: 0 or an errno.
 */
int ipsec_pfkey_init(void)
{
	int err = pfkey_deliver_init();

	if (err)
		return err;
	err = proto_register(&pfkey_proto, 0);
	if (err)
		goto err_deliver;
	err = register_pernet_subsys(&pfkey_netns_ops);
	if (err)
		goto err_proto;
	err = pfkey_sockopt_init();
	if (err)
		goto err_netns;
	pfkey_notify_init();
	return 0;

err_netns:
	unregister_pernet_subsys(&pfkey_netns_ops);
err_proto:
	proto_unregister(&pfkey_proto);
err_deliver:
	pfkey_deliver_exit();
	return err;
}

/**
 * ipsec_pfkey_exit() - the reverse of ipsec_pfkey_init()
 */
void ipsec_pfkey_exit(void)
{
	pfkey_notify_exit();
	pfkey_sockopt_exit();
	unregister_pernet_subsys(&pfkey_netns_ops);
	proto_unregister(&pfkey_proto);
	pfkey_deliver_exit();
}

/**
 * ipsec_pfkey_open() - offer PF_KEY sockets
 *
 * The very last step of loading, after which nothing may fail: a socket keeps a module
 * that is loaded, but not one that fails to load.
 *
 * Return: 0, -EEXIST when af_key has the family, or another errno.
 */
int ipsec_pfkey_open(void)
{
	int err = sock_register(&pfkey_family);

	if (err == -EEXIST)
		pr_err("ipsec: PF_KEY belongs to af_key: remove it first (modprobe -r af_key)\n");
	return err;
}

/**
 * ipsec_pfkey_close() - the reverse; sockets keep the module, so there are none
 */
void ipsec_pfkey_close(void)
{
	sock_unregister(PF_KEY);
}

MODULE_ALIAS_NETPROTO(PF_KEY);
