// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compression. A transform of the crypto API has one state, which its caller
 * overwrites with each packet, and needs some 300 KB: so there is one on each
 * CPU, with a buffer for the result, and all SAs of an algorithm share them.
 */
#include <linux/crypto.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <ipsec/comp.h>
#include <ipsec/compat.h>

/**
 * struct comp_work - what compresses one packet at a time
 * @tfm: the transform
 * @result: IPSEC_COMP_MAX bytes
 */
struct comp_work {
	struct crypto_comp	*tfm;
	u8			*result;
};

/**
 * struct comp_cpu - what one CPU compresses with
 * @lock: on PREEMPT_RT one task at a time uses @work; else BH is disabled
 * @work: [A] set once, by whoever makes it first
 */
struct comp_cpu {
	local_lock_t		lock;
	struct comp_work	*work;
};

/**
 * struct ipsec_comp_engine - what the SAs of one algorithm share
 * @link: [engines_mutex] in the list of all
 * @alg: [I] the algorithm
 * @users: [engines_mutex] SAs that have it or are about to
 * @cpu: [A] complete before the first SA uses it
 */
struct ipsec_comp_engine {
	struct list_head		link;
	const struct ipsec_alg_desc	*alg;
	unsigned int			users;
	struct comp_cpu __percpu	*cpu;
};

/* Nothing sleeps below it: what takes long, or much memory, is done outside. */
static DEFINE_MUTEX(engines_mutex);
static LIST_HEAD(engines);

static void work_free(struct comp_work *w)
{
	if (!w)
		return;
	if (w->tfm)
		crypto_free_comp(w->tfm);
	vfree(w->result);
	kfree(w);
}

static struct comp_work *work_make(const char *driver, int node)
{
	struct comp_work *w = kzalloc_node(sizeof(*w), GFP_KERNEL, node);
	struct crypto_comp *tfm;

	if (!w)
		return ERR_PTR(-ENOMEM);
	tfm = crypto_alloc_comp(driver, 0, 0);
	if (IS_ERR(tfm)) {
		kfree(w);
		return ERR_CAST(tfm);
	}
	w->tfm = tfm;
	w->result = vmalloc_node(IPSEC_COMP_MAX, node);
	if (!w->result) {
		work_free(w);
		return ERR_PTR(-ENOMEM);
	}
	return w;
}

static void engine_free(struct ipsec_comp_engine *e)
{
	int cpu;

	for_each_possible_cpu(cpu)
		work_free(per_cpu_ptr(e->cpu, cpu)->work);
	free_percpu(e->cpu);
	kfree(e);
}

/* An engine that is still to be filled. */
static struct ipsec_comp_engine *engine_make(const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	int cpu;

	if (!e)
		return NULL;
	e->alg = alg;
	e->cpu = alloc_percpu(struct comp_cpu);
	if (!e->cpu) {
		kfree(e);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		local_lock_init(&per_cpu_ptr(e->cpu, cpu)->lock);
	return e;
}

static struct ipsec_comp_engine *engine_find(const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e;

	lockdep_assert_held(&engines_mutex);
	list_for_each_entry(e, &engines, link)
		if (e->alg == alg)
			return e;
	return NULL;
}

/* The engine of an algorithm, with one more user, filled or not; or NULL. */
static struct ipsec_comp_engine *engine_get(const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e, *made = engine_make(alg);

	mutex_lock(&engines_mutex);
	e = engine_find(alg);
	if (!e && made) {
		e = made;
		made = NULL;
		list_add(&e->link, &engines);
	}
	if (e)
		e->users++;
	mutex_unlock(&engines_mutex);
	if (made)
		engine_free(made);
	return e;
}

static void engine_put(struct ipsec_comp_engine *e)
{
	bool last;

	mutex_lock(&engines_mutex);
	last = !--e->users;
	if (last)
		list_del(&e->link);
	mutex_unlock(&engines_mutex);
	if (last)
		engine_free(e);
}

/*
 * Makes what is missing. Several may do so at a time, for SAs of different
 * namespaces: none waits for another, and each has no more at a time than what one
 * CPU needs, which is thrown away if somebody else was faster.
 */
static int engine_fill(struct ipsec_comp_engine *e)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct comp_cpu *c = per_cpu_ptr(e->cpu, cpu);
		struct comp_work *w;

		/* Pairs with the cmpxchg() of whoever made it. */
		if (smp_load_acquire(&c->work))
			continue;
		if (ipsec_alg_lately_missing(e->alg))
			return -ENOSYS;
		w = work_make(e->alg->driver, cpu_to_node(cpu));
		if (IS_ERR(w))
			return ipsec_alg_error(PTR_ERR(w), e->alg, NULL);
		if (cmpxchg(&c->work, NULL, w))
			work_free(w);
	}
	return 0;
}

/**
 * ipsec_comp_init() - make the compression of an IPComp SA
 * @c: filled
 * @alg: the algorithm
 *
 * Loads crypto modules if it must.
 *
 * Context: process, may sleep long. Return: 0; -ENOSYS when this kernel lacks
 * the algorithm; -ENOMEM. After a failure ipsec_comp_destroy() need not be
 * called.
 */
int ipsec_comp_init(struct ipsec_comp *c, const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e = engine_get(alg);
	int err;

	*c = (struct ipsec_comp){ .threshold = alg->threshold };
	if (!e)
		return -ENOMEM;
	err = engine_fill(e);
	if (err) {
		engine_put(e);
		return err;
	}
	c->engine = e;
	return 0;
}

/**
 * ipsec_comp_destroy() - free it; nobody uses it any more
 * @c: the compression
 *
 * Context: process, may sleep.
 */
void ipsec_comp_destroy(struct ipsec_comp *c)
{
	if (c->engine)
		engine_put(c->engine);
	c->engine = NULL;
}

/* What this CPU compresses with, until ipsec_comp_done(). */
static struct comp_work *work_begin(const struct ipsec_comp *c)
{
	local_lock_nested_bh(&c->engine->cpu->lock);
	return this_cpu_ptr(c->engine->cpu)->work;
}

/**
 * ipsec_comp_done() - the result of this CPU's last call is not needed any more
 * @c: the compression that was called
 *
 * Context: BH disabled since that call.
 */
void ipsec_comp_done(const struct ipsec_comp *c)
{
	local_unlock_nested_bh(&c->engine->cpu->lock);
}

/**
 * ipsec_comp_compress() - compress a payload
 * @c: the compression
 * @from: the payload
 * @len: its length
 * @room: the longest result that is of use, at most IPSEC_COMP_MAX
 * @to: the result, valid until ipsec_comp_done()
 *
 * Context: BH disabled until ipsec_comp_done(), which has to follow whatever this
 * returns. Return: length of the
 * result; a negative errno for one that would be longer than @room.
 */
int ipsec_comp_compress(const struct ipsec_comp *c, const u8 *from,
			unsigned int len, unsigned int room, const u8 **to)
{
	struct comp_work *w = work_begin(c);
	int err;

	*to = w->result;
	err = crypto_comp_compress(w->tfm, from, len, w->result, &room);
	return err ?: room;
}

/**
 * ipsec_comp_expand() - the reverse
 * @c: the compression
 * @from: what was received
 * @len: its length
 * @room: the longest payload that there may be, at most IPSEC_COMP_MAX
 * @to: the payload, valid until ipsec_comp_done()
 *
 * What follows the end of the compressed data is not looked at.
 *
 * Context: BH disabled until ipsec_comp_done(), which has to follow whatever this
 * returns. Return: length of the
 * payload; a negative errno for data that are damaged, cut short, or expand to
 * more than @room: nothing is written beyond it.
 */
int ipsec_comp_expand(const struct ipsec_comp *c, const u8 *from,
		      unsigned int len, unsigned int room, const u8 **to)
{
	struct comp_work *w = work_begin(c);
	int err;

	*to = w->result;
	err = crypto_comp_decompress(w->tfm, from, len, w->result, &room);
	return err ?: room;
}
