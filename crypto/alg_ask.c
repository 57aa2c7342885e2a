// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whether this kernel has an algorithm. To ask the crypto API runs modprobe, and the
 * answer holds for all namespaces; so it must not depend on who asks. A process that
 * is killed, or memory that is short, looks like a missing module from outside. So a
 * work item asks, to which no signal comes; processes wait for it, and may be killed
 * meanwhile. Each algorithm has its own: nobody waits for the modules of another one.
 * Only "there is none" is believed, and then for a minute, so that nobody can keep the
 * kernel busy with modprobe.
 */
#include <crypto/aead.h>
#include <crypto/hash.h>
#include <crypto/skcipher.h>
#include <linux/crypto.h>
#include <linux/jiffies.h>
#include <linux/kmod.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <ipsec/alg.h>

/* How long to believe that this kernel lacks an algorithm. */
#define MISSING_FOR	(60 * HZ)

/**
 * struct question - whether this kernel has one algorithm
 * @work: finds out; without a function until the first one asks
 * @given: [A] how many answers there were
 * @answer: [A] the last one, by @work: 0 or an errno
 * @missing_since: [A] jiffies when @answer was that there is none, else 0
 */
struct question {
	struct work_struct	work;
	unsigned int		given;
	int			answer;
	unsigned long		missing_since;
};

/* By row of the table. What nobody asked about counts as there. */
static struct question questions[IPSEC_ALG_MAX];
static unsigned long present[BITS_TO_LONGS(IPSEC_ALG_MAX)];
static unsigned long asked[BITS_TO_LONGS(IPSEC_ALG_MAX)];
static DECLARE_WAIT_QUEUE_HEAD(answered);
/* Whoever asks first makes the work item: KUnit asks before the module's init. */
static DEFINE_SPINLOCK(first_lock);

/* Makes one as an SA would, because only that tells why it cannot be made. */
static int make_one(const struct ipsec_alg_desc *alg)
{
	struct crypto_skcipher *cipher;
	struct crypto_shash *hash;
	struct crypto_aead *aead;

	if (alg->kind == IPSEC_ALG_AUTH) {
		hash = crypto_alloc_shash(alg->driver, 0, 0);
		if (IS_ERR(hash))
			return PTR_ERR(hash);
		crypto_free_shash(hash);
	} else if (alg->aead) {
		aead = crypto_alloc_aead(alg->driver, 0, 0);
		if (IS_ERR(aead))
			return PTR_ERR(aead);
		crypto_free_aead(aead);
	} else {
		cipher = crypto_alloc_skcipher(alg->driver, 0, 0);
		if (IS_ERR(cipher))
			return PTR_ERR(cipher);
		crypto_free_skcipher(cipher);
	}
	return 0;
}

/*
 * The crypto API does not tell whether modprobe found nothing or could not run, for
 * want of memory or because too many others do. A kernel without modules or modprobe
 * has what it has.
 */
static bool modprobe_runs(const struct ipsec_alg_desc *alg)
{
	int err = request_module("crypto-%s", alg->driver);

	return err >= 0 || err == -ENOENT || err == -ENOSYS;
}

static int find_out(const struct ipsec_alg_desc *alg)
{
	int err = make_one(alg);

	return err == -ENOENT && !modprobe_runs(alg) ? -EAGAIN : err;
}

static void answer_work(struct work_struct *work)
{
	struct question *q = container_of(work, struct question, work);
	unsigned int i = q - questions;
	int err;

	/* Those that asked during the last answer were content with it. */
	if (!test_bit(i, asked))
		return;
	err = find_out(&ipsec_alg_table[i]);
	WRITE_ONCE(q->answer, err);
	WRITE_ONCE(q->missing_since, err == -ENOENT ? jiffies | 1 : 0);
	if (err)
		clear_bit(i, present);
	else
		set_bit(i, present);
	clear_bit(i, asked);
	/*
	 * Those that wait see the answer when they see that there is one; those that
	 * have seen this number ask after the bit was cleared.
	 */
	smp_store_release(&q->given, q->given + 1);
	wake_up_all(&answered);
}

static void ask(unsigned int i)
{
	struct question *q = &questions[i];

	spin_lock(&first_lock);
	if (!q->work.func)
		INIT_WORK(&q->work, answer_work);
	spin_unlock(&first_lock);
	set_bit(i, asked);
	schedule_work(&q->work);
}

/* Waits for the next answer, and no longer, however many ask after that. */
static int wait_for_answer(struct question *q, unsigned int given)
{
	/* Pairs with answer_work(). */
	if (wait_event_killable(answered, smp_load_acquire(&q->given) != given))
		return -EINTR;
	return READ_ONCE(q->answer);
}

static bool in_table(const struct ipsec_alg_desc *alg)
{
	return alg >= ipsec_alg_table && alg < ipsec_alg_table + ipsec_alg_count;
}

/**
 * ipsec_alg_lately_missing() - whether this kernel lacked an algorithm a moment ago
 * @alg: the row, or NULL for none
 *
 * It is not worth to ask again, for any namespace.
 *
 * Context: any.
 */
bool ipsec_alg_lately_missing(const struct ipsec_alg_desc *alg)
{
	unsigned long then;

	if (!in_table(alg))
		return false;
	then = READ_ONCE(questions[alg - ipsec_alg_table].missing_since);
	return then && time_before(jiffies, then + MISSING_FOR);
}

/**
 * ipsec_alg_ask() - whether this kernel has an algorithm
 * @alg: the row
 *
 * The crypto API loads the module that brings it. What is missing is not asked
 * for again within a minute.
 *
 * Context: process, may sleep long. Return: 0; -ENOENT if there is none; -EINTR if
 * the process is being killed; another errno of the crypto API, which means neither.
 */
int ipsec_alg_ask(const struct ipsec_alg_desc *alg)
{
	unsigned int i = alg - ipsec_alg_table, given;

	if (!in_table(alg) || ipsec_alg_lately_missing(alg))
		return -ENOENT;
	/* Compression needs nothing of the crypto API. */
	if (!alg->driver)
		return 0;
	if (test_bit(i, present) &&
	    crypto_has_alg(alg->driver, 0, CRYPTO_NOLOAD))
		return 0;
	/* Pairs with answer_work(): the bit is set for an answer after this one. */
	given = smp_load_acquire(&questions[i].given);
	ask(i);
	return wait_for_answer(&questions[i], given);
}

/* An errno that tells of the moment and not of the algorithm. */
static bool passing(int err)
{
	switch (err) {
	case -EINTR:
	case -ERESTARTSYS:
	case -EAGAIN:
	case -ENOMEM:
	case -ENOBUFS:
	case -ETIMEDOUT:
		return true;
	default:
		return false;
	}
}

/**
 * ipsec_alg_ask_all() - which algorithms of the table this kernel has
 *
 * Afterwards ipsec_alg_missing() tells.
 *
 * Context: process, may sleep long. Return: 0, or the errno for which it is not known
 * now: whoever asked had better hear that than of too few.
 */
int ipsec_alg_ask_all(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < ipsec_alg_count; i++) {
		err = ipsec_alg_ask(&ipsec_alg_table[i]);
		if (passing(err))
			return err;
	}
	return 0;
}

/**
 * ipsec_alg_missing() - whether this kernel was found to lack an algorithm
 * @alg: the row
 *
 * What nobody asked about counts as there; registering asks about all.
 *
 * Context: any.
 */
bool ipsec_alg_missing(const struct ipsec_alg_desc *alg)
{
	int err = READ_ONCE(questions[alg - ipsec_alg_table].answer);

	return err && !passing(err);
}

/**
 * ipsec_alg_error() - why a transform could not be made
 * @err: what the crypto API said
 * @alg: its algorithm
 * @other: the one that is combined with it, or NULL
 *
 * The crypto API says -ENOENT for what is not there yet, too, and where a signal kept
 * modprobe from bringing it.
 *
 * Context: process, may sleep long. Return: -ENOSYS for an algorithm that this kernel
 * lacks; -EINTR, -ENOMEM and the like for a failure that says nothing about it.
 */
int ipsec_alg_error(int err, const struct ipsec_alg_desc *alg,
		    const struct ipsec_alg_desc *other)
{
	if (err != -ENOENT)
		return err;
	if (fatal_signal_pending(current))
		return -EINTR;
	err = ipsec_alg_ask(alg);
	if (!err && other)
		err = ipsec_alg_ask(other);
	return passing(err) ? err : -ENOSYS;
}

/**
 * ipsec_alg_exit() - wait for answers that are under way; nobody asks any more
 */
void ipsec_alg_exit(void)
{
	unsigned int i;

	for (i = 0; i < IPSEC_ALG_MAX; i++)
		if (questions[i].work.func)
			cancel_work_sync(&questions[i].work);
}
