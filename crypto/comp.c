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

/**
 * struct comp_cpu - what one CPU compresses with
 * @tfm: the transform
 * @result: IPSEC_COMP_MAX bytes
 */
struct comp_cpu {
	struct crypto_comp	*tfm;
	u8			*result;
};

/**
 * struct ipsec_comp_engine - what the SAs of one algorithm share
 * @link: [engines_mutex] in the list of all
 * @alg: [I] the algorithm
 * @users: [engines_mutex] SAs
 * @cpu: [I] used with BH disabled
 */
struct ipsec_comp_engine {
	struct list_head		link;
	const struct ipsec_alg_desc	*alg;
	unsigned int			users;
	struct comp_cpu __percpu	*cpu;
};

static DEFINE_MUTEX(engines_mutex);
static LIST_HEAD(engines);

static void engine_free(struct ipsec_comp_engine *e)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct comp_cpu *c = per_cpu_ptr(e->cpu, cpu);

		if (c->tfm)
			crypto_free_comp(c->tfm);
		vfree(c->result);
	}
	free_percpu(e->cpu);
	kfree(e);
}

static int cpu_setup(struct comp_cpu *c, const char *driver, int node)
{
	struct crypto_comp *tfm = crypto_alloc_comp(driver, 0, 0);

	if (IS_ERR(tfm))
		return PTR_ERR(tfm) == -ENOENT ? -ENOSYS : PTR_ERR(tfm);
	c->tfm = tfm;
	c->result = vmalloc_node(IPSEC_COMP_MAX, node);
	return c->result ? 0 : -ENOMEM;
}

static struct ipsec_comp_engine *engine_make(const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e = kzalloc(sizeof(*e), GFP_KERNEL);
	int cpu, err;

	if (!e)
		return ERR_PTR(-ENOMEM);
	e->alg = alg;
	e->cpu = alloc_percpu(struct comp_cpu);
	if (!e->cpu) {
		kfree(e);
		return ERR_PTR(-ENOMEM);
	}
	for_each_possible_cpu(cpu) {
		err = cpu_setup(per_cpu_ptr(e->cpu, cpu), alg->driver,
				cpu_to_node(cpu));
		if (err) {
			engine_free(e);
			return ERR_PTR(err);
		}
	}
	return e;
}

static struct ipsec_comp_engine *engine_get(const struct ipsec_alg_desc *alg)
{
	struct ipsec_comp_engine *e;

	lockdep_assert_held(&engines_mutex);
	list_for_each_entry(e, &engines, link) {
		if (e->alg == alg) {
			e->users++;
			return e;
		}
	}
	e = engine_make(alg);
	if (!IS_ERR(e)) {
		e->users = 1;
		list_add(&e->link, &engines);
	}
	return e;
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
	struct ipsec_comp_engine *e;

	mutex_lock(&engines_mutex);
	e = engine_get(alg);
	mutex_unlock(&engines_mutex);
	*c = (struct ipsec_comp){ .threshold = alg->threshold };
	if (IS_ERR(e))
		return PTR_ERR(e);
	c->engine = e;
	return 0;
}

/**
 * ipsec_comp_destroy() - free it
 * @c: the compression; no packet uses it any more
 *
 * Context: process, may sleep.
 */
void ipsec_comp_destroy(struct ipsec_comp *c)
{
	struct ipsec_comp_engine *e = c->engine;

	mutex_lock(&engines_mutex);
	if (e && !--e->users) {
		list_del(&e->link);
		engine_free(e);
	}
	mutex_unlock(&engines_mutex);
	c->engine = NULL;
}

/**
 * ipsec_comp_compress() - compress a payload
 * @c: the compression
 * @from: the payload
 * @len: its length
 * @room: the longest result that is of use, at most IPSEC_COMP_MAX
 * @to: the result; this CPU's next call overwrites it
 *
 * Context: BH disabled until the caller is done with @to. Return: length of the
 * result; a negative errno for one that would be longer than @room.
 */
int ipsec_comp_compress(const struct ipsec_comp *c, const u8 *from,
			unsigned int len, unsigned int room, const u8 **to)
{
	struct comp_cpu *cpu = this_cpu_ptr(c->engine->cpu);
	int err;

	*to = cpu->result;
	err = crypto_comp_compress(cpu->tfm, from, len, cpu->result, &room);
	return err ?: room;
}

/**
 * ipsec_comp_expand() - the reverse
 * @c: the compression
 * @from: what was received
 * @len: its length
 * @room: the longest payload that there may be, at most IPSEC_COMP_MAX
 * @to: the payload; this CPU's next call overwrites it
 *
 * What follows the end of the compressed data is not looked at.
 *
 * Context: BH disabled until the caller is done with @to. Return: length of the
 * payload; a negative errno for data that are damaged, cut short, or expand to
 * more than @room: nothing is written beyond it.
 */
int ipsec_comp_expand(const struct ipsec_comp *c, const u8 *from,
		      unsigned int len, unsigned int room, const u8 **to)
{
	struct comp_cpu *cpu = this_cpu_ptr(c->engine->cpu);
	int err;

	*to = cpu->result;
	err = crypto_comp_decompress(cpu->tfm, from, len, cpu->result, &room);
	return err ?: room;
}
