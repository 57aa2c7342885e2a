/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this room share. */
#ifndef _PFKEY_H
#define _PFKEY_H

#include <linux/mutex.h>
#include <linux/skbuff.h>
#include <net/sock.h>
#include <uapi/ipsec/ipsec.h>
#include <uapi/ipsec/pfkeyv2.h>
#include <ipsec/sa.h>
#include <ipsec/sp.h>

struct ipsec_km_ask;

/* Lengths on the wire are counted in words of eight bytes. */
#define PFKEY_WORD		8
#define PFKEY_MAX_MESSAGE	SZ_64K
/* sadb_sa_replay counts bytes of bitmap: packets in each. */
#define PFKEY_REPLAY_UNIT	8

/* Extensions that we look at: Linux's, and one of our own behind a gap. */
#define PFKEY_EXT_MAX		SADB_X_EXT_SA_REPLAY

/* strongSwan reads what the kernel says by itself into so many bytes. */
#define PFKEY_ACQUIRE_MAX	4096

/* What waits to be delivered in a namespace, in bytes of memory; 5,000 EXPIRE. */
#define PFKEY_NOTICE_ROOM	SZ_4M

/*
 * A request is carried out before it is answered, and nobody could undo that for
 * want of a little memory: the answer waits until there is some. It is a page at
 * most, for which the kernel ends other processes rather than refuse it; meanwhile
 * mutexes of this namespace are held, and no other's.
 */
#define PFKEY_REPLY_GFP		(GFP_KERNEL | __GFP_NOFAIL)

/* The same where the client says how long it is: beyond a page it may fail. */
static inline gfp_t pfkey_reply_gfp(unsigned int size)
{
	return size <= PAGE_SIZE ? PFKEY_REPLY_GFP : GFP_KERNEL;
}

#define PFKEY_BIT(ext)		BIT(SADB_EXT_##ext)
#define PFKEY_XBIT(ext)		BIT(SADB_X_EXT_##ext)

/**
 * struct pfkey_dump - a DUMP or SPDDUMP that is not yet read to its end
 * @type: SADB_DUMP or SADB_X_SPDDUMP; 0 = none
 * @satype: as in the request
 * @pid: as in the request
 * @proto: SAs of this protocol only, 0 = all
 * @dir: direction in work
 * @left: records that were there at the start and are not yet sent
 * @sa_cursor: see ipsec_sad_next()
 * @sp_cursor: see ipsec_spd_next()
 * @sa: next SA to send, fetched ahead to know which one is the last
 * @sp: next policy to send, the same
 */
struct pfkey_dump {
	u8			type;
	u8			satype;
	u32			pid;
	u8			proto;
	u8			dir;
	u32			left;
	u64			sa_cursor;
	struct ipsec_sp_cursor	sp_cursor;
	struct ipsec_sa		*sa;
	struct ipsec_sp		*sp;
};

/**
 * struct pfkey_sock - a PF_KEY socket
 * @sk: first, as the socket layer wants it
 * @node: [d] link of the namespace's list
 * @registered: [d] bit n: registered for satype n
 * @promisc: [d] sees every message
 * @extended: [d] has sent an SADB_X_EXT_SA_REPLAY and so gets it
 * @dump_mutex: protects @dump
 * @dump: the dump in progress
 *
 * [d] is pfkey_net.delivery. What a socket wants to hear is changed by its own
 * requests, so under pfkey_net.mutex it can be read without.
 */
struct pfkey_sock {
	struct sock		sk;
	struct hlist_node	node;
	u32			registered;
	bool			promisc;
	bool			extended;
	struct mutex		dump_mutex;	/* protects @dump */
	struct pfkey_dump	dump;
};

/**
 * struct pfkey_net - PF_KEY of one network namespace
 * @mutex: one request at a time; the outermost lock
 * @delivery: one message at a time, so that all sockets see them in one order; no
 *            lock is taken inside but for a moment with a queue. Sockets are woken
 *            under it; no wake-up takes it.
 * @sockets: [d] all sockets
 * @n_registered: [d] how many of them are registered for anything; this and the
 *                next are read without a lock as well
 * @n_promisc: [d] how many are promiscuous
 * @n_extended: [d] how many are extended
 * @notices: messages that wait for @work
 * @notice_bytes: [notices.lock] memory of these, and of those that are being
 *                delivered; read without it as well
 * @work: delivers @notices
 *
 * Each namespace has its own mutexes, so that the algorithm that one of them waits
 * for, or its crowd of sockets, keeps no other waiting.
 */
struct pfkey_net {
	struct mutex		mutex;		/* one request at a time */
	struct mutex		delivery;	/* one message at a time */
	struct hlist_head	sockets;
	unsigned int		n_registered;
	unsigned int		n_promisc;
	unsigned int		n_extended;
	struct sk_buff_head	notices;
	unsigned int		notice_bytes;
	struct work_struct	work;
};

/**
 * struct pfkey_forms - what one message looks like to different sockets
 * @one: with and without SADB_X_EXT_SA_REPLAY it is the same
 * @form: by extended and wrapped; NULL where nobody wanted it yet, an error where
 *        there was no memory
 */
struct pfkey_forms {
	bool			one;
	struct sk_buff		*form[2][2];
};

/**
 * struct pfkey_request - a message from userland, taken apart
 * @from: the socket; NULL in tests
 * @net: its namespace
 * @hdr: the base header
 * @ext: the extensions by type, NULL where absent; each is complete, within the
 *       message, and at least as long as its structure
 */
struct pfkey_request {
	struct pfkey_sock	*from;
	struct net		*net;
	const struct sadb_msg	*hdr;
	const void		*ext[PFKEY_EXT_MAX + 1];
};

/**
 * struct pfkey_message - one row of the table of messages
 * @handler: does it; returns 0 or an errno that goes into an error reply
 * @sa: is about an SA: satype must name a protocol
 * @need: extensions that must be there, a bit each
 */
struct pfkey_message {
	int	(*handler)(struct pfkey_request *req);
	bool	sa;
	u32	need;
};

static inline struct pfkey_sock *pfkey_sk(struct sock *sk)
{
	return (struct pfkey_sock *)sk;
}

extern unsigned int pfkey_net_id;

/* af_pfkey.c */
bool pfkey_may(const struct net *net);
struct pfkey_net *pfkey_net_of(const struct net *net);
int pfkey_check_base(const struct sadb_msg *hdr, size_t len);

/* dispatch.c */
int pfkey_dispatch(struct pfkey_request *req);

/* ext.c */
int pfkey_parse(struct pfkey_request *req, const void *msg, size_t len);

/* errno.c */
u8 pfkey_errno(int err);

/* convert.c */
struct pfkey_address {
	union ipsec_addr	addr;
	sa_family_t		family;
	__be16			port;
	u8			prefixlen;
	u8			proto;
};

u8 pfkey_satype_to_proto(u8 satype);
u8 pfkey_proto_to_satype(u8 proto);
int pfkey_sockaddr_len(sa_family_t family);
int pfkey_get_sockaddr(const void *from, size_t room, struct pfkey_address *to);
void pfkey_put_sockaddr(void *to, sa_family_t family,
			const union ipsec_addr *addr, __be16 port);
int pfkey_get_address(const struct sadb_address *ext, struct pfkey_address *to);
int pfkey_get_ends(const struct pfkey_request *req,
		   struct ipsec_ends_key *ends);
int pfkey_get_selector(const struct pfkey_request *req,
		       struct ipsec_selector *sel);
int pfkey_check_spi(u8 proto, u32 spi);
int pfkey_get_params(const struct pfkey_request *req,
		     struct ipsec_sa_params *p);
int pfkey_count_requests(const struct sadb_x_policy *policy);
int pfkey_get_requests(const struct sadb_x_policy *policy,
		       struct ipsec_request *to);

/* build.c */
void *pfkey_put(struct sk_buff *skb, u16 exttype, unsigned int bytes);
int pfkey_put_copy(struct sk_buff *skb, const void *from);
void *pfkey_more(struct sk_buff *skb, void *ext, unsigned int bytes);
struct sk_buff *pfkey_build_error(const struct sadb_msg *hdr, int err);
struct sk_buff *pfkey_build_sa(u8 type, const struct ipsec_sa *sa, u32 seq,
			       u32 pid, bool keys);
struct sk_buff *pfkey_build_spi(u8 type, const struct ipsec_sa *sa, u32 seq,
				u32 pid, gfp_t gfp);
struct sk_buff *pfkey_build_ends(const struct pfkey_request *req,
				 const struct ipsec_ends_key *ends);
struct sk_buff *pfkey_build_expire(const struct ipsec_sa *sa, bool hard);
struct sk_buff *pfkey_build_mapping(const struct ipsec_sa *sa,
				    const struct ipsec_endpoint *now);
struct sk_buff *pfkey_build_sp(u8 type, u8 satype, const struct ipsec_sp *sp,
			       u32 seq, u32 pid, gfp_t gfp);
struct sk_buff *pfkey_build_acquire(const struct ipsec_km_ask *ask);
struct sk_buff *pfkey_build_sp_acquire(const struct ipsec_sp *sp);
struct sk_buff *pfkey_build_register(const struct sadb_msg *hdr);
struct sk_buff *pfkey_build_echo(const struct sadb_msg *hdr);
struct sk_buff *pfkey_build_copy(const struct sadb_msg *msg, gfp_t gfp);

/* proposal.c */
void pfkey_put_proposal(struct sk_buff *skb, const struct ipsec_km_ask *ask);

/* form.c */
struct sk_buff *pfkey_skb_alloc(unsigned int size, gfp_t gfp);
struct sk_buff *pfkey_skb_share(struct sk_buff *skb, gfp_t gfp);
void pfkey_skb_own(struct sk_buff *skb, struct sock *sk);
void pfkey_cut_replay(struct sk_buff *skb);
void pfkey_forms_init(struct pfkey_forms *f, struct sk_buff *skb,
		      bool extended);
struct sk_buff *pfkey_form(struct pfkey_forms *f, bool extended, bool wrapped,
			   gfp_t gfp);
struct sk_buff *pfkey_form_last(struct pfkey_forms *f, bool extended);
void pfkey_forms_free(struct pfkey_forms *f);

/* deliver.c */
int pfkey_deliver_init(void);
void pfkey_deliver_exit(void);
void pfkey_deliver_netns_init(struct pfkey_net *pn);
void pfkey_deliver_netns_exit(struct pfkey_net *pn);
void pfkey_link(struct pfkey_sock *pk);
void pfkey_unlink(struct pfkey_sock *pk);
void pfkey_hear(struct pfkey_sock *pk, u32 registered, bool promisc,
		bool extended);
bool pfkey_notice_queue(struct pfkey_net *pn, struct sk_buff *skb);
void pfkey_notice(struct net *net, struct sk_buff *skb);
void pfkey_catch_up(struct net *net);
int pfkey_deliver_one(struct pfkey_sock *to, struct sk_buff *skb);
void pfkey_deliver_record(struct pfkey_sock *to, struct sk_buff *skb);
int pfkey_deliver_all(struct pfkey_request *req, struct sk_buff *skb);
int pfkey_deliver_registered(struct pfkey_request *req, struct sk_buff *skb);
bool pfkey_anybody_registered(struct net *net);
bool pfkey_anybody_hears(const struct net *net);
void pfkey_show_request(struct net *net, const struct sadb_msg *msg);

/* msg_sa.c */
int pfkey_getspi(struct pfkey_request *req);
int pfkey_update(struct pfkey_request *req);
int pfkey_add(struct pfkey_request *req);
int pfkey_delete(struct pfkey_request *req);
int pfkey_get(struct pfkey_request *req);
int pfkey_flush(struct pfkey_request *req);

/* msg_acquire.c */
int pfkey_acquire(struct pfkey_request *req);

/* msg_sp.c */
int pfkey_spdadd(struct pfkey_request *req);
int pfkey_spdsetidx(struct pfkey_request *req);
int pfkey_spdupdate(struct pfkey_request *req);
int pfkey_spddelete(struct pfkey_request *req);
int pfkey_spddelete2(struct pfkey_request *req);
int pfkey_spdget(struct pfkey_request *req);
int pfkey_spdflush(struct pfkey_request *req);

/* msg_walk.c */
int pfkey_dump(struct pfkey_request *req);
int pfkey_spddump(struct pfkey_request *req);
void pfkey_dump_continue(struct pfkey_sock *pk);
void pfkey_dump_stop(struct pfkey_sock *pk);

/* msg_reg.c */
int pfkey_register(struct pfkey_request *req);
int pfkey_promisc(struct pfkey_request *req);

/* sockopt.c */
int pfkey_sockopt_init(void);
void pfkey_sockopt_exit(void);

/* notify.c */
void pfkey_notify_init(void);
void pfkey_notify_exit(void);

#endif /* _PFKEY_H */
