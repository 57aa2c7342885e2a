// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compression: deflate of the kernel's zlib, since the crypto API compresses no more
 * from memory to memory. It needs some 300 KB, which its caller overwrites with each
 * packet: so there is one on each CPU, with a buffer for the result, and all SAs share
 * them.
 */
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/vmalloc.h>
#include <linux/zlib.h>
#include <ipsec/comp.h>
#include <ipsec/compat.h>

/*
 * Raw deflate, as RFC 2394 has it: negative numbers say so. A window of 2 KB is what
 * Linux's own IPComp expands, of 32 KB is what anybody may send.
 */
#define WINDOW_SENT	(-11)
#define WINDOW_TAKEN	(-MAX_WBITS)

/**
 * struct comp_work - what compresses one packet at a time
 * @deflate: compresses
 * @inflate: expands
 * @result: IPSEC_COMP_MAX bytes
 */
struct comp_work {
	struct z_stream_s	deflate;
	struct z_stream_s	inflate;
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
 * struct ipsec_comp_engine - what all SAs share
 * @users: [engine_mutex] SAs that have it or are about to
 * @cpu: [A] complete before the first SA uses it
 */
struct ipsec_comp_engine {
	unsigned int			users;
	struct comp_cpu __percpu	*cpu;
};

/* Nothing sleeps below it: what takes long, or much memory, is done outside. */
static DEFINE_MUTEX(engine_mutex);
/* [engine_mutex] NULL while no SA compresses. */
static struct ipsec_comp_engine *engine;

static void work_free(struct comp_work *w)
{
	if (!w)
		return;
	vfree(w->deflate.workspace);
	vfree(w->inflate.workspace);
	vfree(w->result);
	kfree(w);
}

static struct comp_work *work_make(int node)
{
	struct comp_work *w = kzalloc_node(sizeof(*w), GFP_KERNEL, node);

	if (!w)
		return NULL;
	w->deflate.workspace = vzalloc_node(zlib_deflate_workspacesize(WINDOW_SENT,
								       MAX_MEM_LEVEL),
					    node);
	w->inflate.workspace = vzalloc_node(zlib_inflate_workspacesize(), node);
	w->result = vmalloc_node(IPSEC_COMP_MAX, node);
	if (w->deflate.workspace && w->inflate.workspace && w->result &&
	    zlib_deflateInit2(&w->deflate, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
			      WINDOW_SENT, MAX_MEM_LEVEL,
			      Z_DEFAULT_STRATEGY) == Z_OK &&
	    zlib_inflateInit2(&w->inflate, WINDOW_TAKEN) == Z_OK)
		return w;
	work_free(w);
	return NULL;
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
static struct ipsec_comp_engine *engine_make(void)
{
	struct ipsec_comp_engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	int cpu;

	if (!e)
		return NULL;
	e->cpu = alloc_percpu(struct comp_cpu);
	if (!e->cpu) {
		kfree(e);
		return NULL;
	}
	for_each_possible_cpu(cpu)
		local_lock_init(&per_cpu_ptr(e->cpu, cpu)->lock);
	return e;
}

/* The engine, with one more user, filled or not; or NULL. */
static struct ipsec_comp_engine *engine_get(void)
{
	struct ipsec_comp_engine *e, *made = engine_make();

	mutex_lock(&engine_mutex);
	if (!engine)
		swap(engine, made);
	e = engine;
	if (e)
		e->users++;
	mutex_unlock(&engine_mutex);
	if (made)
		engine_free(made);
	return e;
}

static void engine_put(struct ipsec_comp_engine *e)
{
	bool last;

	mutex_lock(&engine_mutex);
	last = !--e->users;
	if (last)
		engine = NULL;
	mutex_unlock(&engine_mutex);
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
		w = work_make(cpu_to_node(cpu));
		if (!w)
			return -ENOMEM;
		if (cmpxchg(&c->work, NULL, w))
			work_free(w);
	}
	return 0;
}

/**
 * ipsec_comp_init() - make the compression of an IPComp SA
 * @c: filled
 * @alg: the algorithm, of which there is one: deflate
 *
 * Context: process, may sleep. Return: 0 or -ENOMEM, and then ipsec_comp_destroy() need
 * not be called.
 */
int ipsec_comp_init(struct ipsec_comp *c, const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e = engine_get();
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

static void stream_set(struct z_stream_s *stream, const u8 *from, unsigned int len,
		       u8 *to, unsigned int room)
{
	stream->next_in = from;
	stream->avail_in = len;
	stream->next_out = to;
	stream->avail_out = room;
}

/* Return: the length of what is in @room bytes now, if that is all. */
static int stream_end(const struct z_stream_s *stream, int said, unsigned int room)
{
	return said == Z_STREAM_END ? room - stream->avail_out : -EINVAL;
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
	struct z_stream_s *stream = &w->deflate;

	*to = w->result;
	zlib_deflateReset(stream);
	stream_set(stream, from, len, w->result, room);
	return stream_end(stream, zlib_deflate(stream, Z_FINISH), room);
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
	struct z_stream_s *stream = &w->inflate;

	*to = w->result;
	zlib_inflateReset(stream);
	stream_set(stream, from, len, w->result, room);
	return stream_end(stream, zlib_inflate(stream, Z_FINISH), room);
}
