// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand: whoever watches the guest has to report each of them. One word
 * written to /proc/trap is one fault; "spin 5" lasts five seconds, and "load 5" lets
 * the fifth allocation of the next module fail.
 */
#include <crypto/internal/aead.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>
#include <net/xfrm.h>

static DECLARE_COMPLETION(trap_release);
static DEFINE_MUTEX(trap_first);
static DEFINE_MUTEX(trap_second);
static struct rcu_head trap_grace;
static bool trap_waits;
/* Read through volatile, so that the compiler does not see what is wrong. */
static unsigned int trap_shift = 40;

static void trap_warn(unsigned int seconds)
{
	WARN(1, "a trap of the test bed\n");
}

/* Sleeps until "release": a task that is hung. */
static void trap_hang(unsigned int seconds)
{
	wait_for_completion(&trap_release);
}

static void trap_let_go(unsigned int seconds)
{
	complete_all(&trap_release);
}

/* One grace period after the other. */
static void trap_passed(struct rcu_head *head)
{
	if (READ_ONCE(trap_waits))
		call_rcu(head, trap_passed);
}

/* A CPU that does nothing else, and a grace period that somebody waits for. */
static void trap_spin(unsigned int seconds)
{
	ktime_t end;

	WRITE_ONCE(trap_waits, true);
	call_rcu(&trap_grace, trap_passed);
	msleep(100);
	end = ktime_add_ms(ktime_get(), seconds * MSEC_PER_SEC);
	preempt_disable();
	rcu_read_lock();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	rcu_read_unlock();
	preempt_enable();
	WRITE_ONCE(trap_waits, false);
	rcu_barrier();
	rcu_barrier();
}

struct trap_work {
	struct work_struct work;
	unsigned int seconds;
};

/* Keeps its CPU, so that no other worker of the queue begins. */
static void trap_keep(struct work_struct *work)
{
	unsigned int seconds = container_of(work, struct trap_work, work)->seconds;
	ktime_t end = ktime_add_ms(ktime_get(), seconds * MSEC_PER_SEC);

	preempt_disable();
	while (ktime_before(ktime_get(), end))
		cpu_relax();
	preempt_enable();
}

/* A work queue that stops: one work waits behind another one. */
static void trap_queue(unsigned int seconds)
{
	struct trap_work first = { .seconds = seconds }, second = { .seconds = 0 };
	int cpu = get_cpu();

	INIT_WORK_ONSTACK(&first.work, trap_keep);
	INIT_WORK_ONSTACK(&second.work, trap_keep);
	schedule_work_on(cpu, &first.work);
	schedule_work_on(cpu, &second.work);
	put_cpu();
	flush_work(&first.work);
	flush_work(&second.work);
	destroy_work_on_stack(&second.work);
	destroy_work_on_stack(&first.work);
}

/* Two locks, once in each order. */
static void trap_order(unsigned int seconds)
{
	mutex_lock(&trap_first);
	mutex_lock(&trap_second);
	mutex_unlock(&trap_second);
	mutex_unlock(&trap_first);

	mutex_lock(&trap_second);
	mutex_lock(&trap_first);
	mutex_unlock(&trap_first);
	mutex_unlock(&trap_second);
}

static void trap_freed(unsigned int seconds)
{
	char *mem = kmalloc(64, GFP_KERNEL);

	if (!mem)
		return;
	kfree(mem);
	OPTIMIZER_HIDE_VAR(mem);
	WRITE_ONCE(mem[8], 1);
}

static void trap_shifted(unsigned int seconds)
{
	pr_info("trap: %u\n", 1U << READ_ONCE(trap_shift));
}

static void trap_leak(unsigned int seconds)
{
	void *mem = kmalloc(4000, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(mem);
}

static int trap_not_mine(struct sk_buff *skb)
{
	return -EINVAL;
}

static int trap_not_encapsulated(struct sk_buff *skb, int nexthdr, __be32 spi, int kind)
{
	return -EINVAL;
}

static int trap_not_done(struct sk_buff *skb, int err)
{
	return 1;
}

static int trap_no_error(struct sk_buff *skb, u32 info)
{
	return -ENOENT;
}

static struct xfrm4_protocol trap_protocol = {
	.handler	= trap_not_mine,
	.input_handler	= trap_not_encapsulated,
	.cb_handler	= trap_not_done,
	.err_handler	= trap_no_error,
};

/* Takes a place among the handlers of IPComp, so that no other one gets it. */
static void trap_claim(unsigned int priority)
{
	trap_protocol.priority = priority;
	WARN_ON(xfrm4_protocol_register(&trap_protocol, IPPROTO_COMP));
}

static void trap_yield(unsigned int unused)
{
	xfrm4_protocol_deregister(&trap_protocol, IPPROTO_COMP);
}

/*
 * A cipher that answers when it is told to: AES-GCM for ESP, by another driver's hands.
 * Those that wait are counted.
 */
enum { TRAP_ENCRYPT = 1, TRAP_DECRYPT = 2 };

struct trap_request {
	struct list_head list;
	struct aead_request *req;
	unsigned int way;
	struct aead_request real;	/* last, its driver's part is behind it */
};

static DEFINE_SPINLOCK(trap_lock);	/* of these three */
static LIST_HEAD(trap_requests);
static unsigned int trap_ways, trap_held;

static int trap_crypt_now(struct trap_request *r)
{
	struct crypto_aead **real = crypto_aead_ctx(crypto_aead_reqtfm(r->req));

	aead_request_set_tfm(&r->real, *real);
	aead_request_set_callback(&r->real, r->req->base.flags, NULL, NULL);
	aead_request_set_crypt(&r->real, r->req->src, r->req->dst, r->req->cryptlen,
			       r->req->iv);
	aead_request_set_ad(&r->real, r->req->assoclen);
	return r->way == TRAP_ENCRYPT ? crypto_aead_encrypt(&r->real) :
					crypto_aead_decrypt(&r->real);
}

static int trap_crypt(struct aead_request *req, unsigned int way)
{
	struct trap_request *r = aead_request_ctx(req);
	bool waits;

	r->req = req;
	r->way = way;
	spin_lock_bh(&trap_lock);
	waits = trap_ways & way;
	if (waits) {
		list_add_tail(&r->list, &trap_requests);
		trap_held++;
	}
	spin_unlock_bh(&trap_lock);
	return waits ? -EINPROGRESS : trap_crypt_now(r);
}

static int trap_encrypt(struct aead_request *req)
{
	return trap_crypt(req, TRAP_ENCRYPT);
}

static int trap_decrypt(struct aead_request *req)
{
	return trap_crypt(req, TRAP_DECRYPT);
}

static int trap_setkey(struct crypto_aead *tfm, const u8 *key, unsigned int size)
{
	struct crypto_aead **real = crypto_aead_ctx(tfm);

	return crypto_aead_setkey(*real, key, size);
}

static int trap_setauthsize(struct crypto_aead *tfm, unsigned int size)
{
	struct crypto_aead **real = crypto_aead_ctx(tfm);

	return crypto_aead_setauthsize(*real, size);
}

static int trap_open(struct crypto_aead *tfm)
{
	struct crypto_aead **real = crypto_aead_ctx(tfm);

	*real = crypto_alloc_aead("rfc4106(gcm(aes))", 0,
				  CRYPTO_ALG_ASYNC | CRYPTO_ALG_NEED_FALLBACK);
	if (IS_ERR(*real))
		return PTR_ERR(*real);
	crypto_aead_set_reqsize(tfm, sizeof(struct trap_request) +
				     crypto_aead_reqsize(*real));
	return 0;
}

static void trap_close(struct crypto_aead *tfm)
{
	struct crypto_aead **real = crypto_aead_ctx(tfm);

	crypto_free_aead(*real);
}

static struct aead_alg trap_cipher = {
	.setkey		= trap_setkey,
	.setauthsize	= trap_setauthsize,
	.encrypt	= trap_encrypt,
	.decrypt	= trap_decrypt,
	.init		= trap_open,
	.exit		= trap_close,
	.ivsize		= 8,
	.maxauthsize	= 16,
	.base = {
		.cra_name		= "rfc4106(gcm(aes))",
		.cra_driver_name	= "trap-rfc4106-gcm-aes",
		.cra_priority		= 9000,
		.cra_flags		= CRYPTO_ALG_ASYNC | CRYPTO_ALG_NEED_FALLBACK,
		.cra_blocksize		= 1,
		.cra_ctxsize		= sizeof(struct crypto_aead *),
		.cra_module		= THIS_MODULE,
	},
};

/* From now on it is preferred. */
static void trap_offer(unsigned int unused)
{
	WARN_ON(crypto_register_aead(&trap_cipher));
}

static void trap_withdraw(unsigned int unused)
{
	crypto_unregister_aead(&trap_cipher);
}

static void trap_keep_ways(unsigned int ways)
{
	spin_lock_bh(&trap_lock);
	trap_ways = ways;
	spin_unlock_bh(&trap_lock);
}

/* Answers those that wait, and lets no more wait. */
static void trap_answer(unsigned int unused)
{
	struct trap_request *r, *next;
	LIST_HEAD(requests);

	trap_keep_ways(0);
	spin_lock_bh(&trap_lock);
	list_splice_init(&trap_requests, &requests);
	trap_held = 0;
	spin_unlock_bh(&trap_lock);
	list_for_each_entry_safe(r, next, &requests, list) {
		local_bh_disable();
		aead_request_complete(r->req, trap_crypt_now(r));
		local_bh_enable();
	}
}

static unsigned int trap_left;

#ifdef CONFIG_FAULT_INJECTION
/*
 * A module is loaded while its n-th allocation fails: that is counted from its first
 * function on, to the end of it. The loader's own allocations, a thousand of them, are
 * not, nor is what KUnit's suites do before.
 */
static unsigned int trap_nth;
static initcall_t trap_loads;

static int trap_first_function(void)
{
	int err;

	current->fail_nth = trap_nth;
	err = trap_loads();
	trap_left = current->fail_nth;
	current->fail_nth = 0;
	trap_nth = 0;
	return err;
}

static int trap_module(struct notifier_block *nb, unsigned long state, void *data)
{
	struct module *mod = data;

	if (state != MODULE_STATE_COMING || !trap_nth)
		return NOTIFY_OK;
	trap_loads = mod->init;
	mod->init = trap_first_function;
#if IS_ENABLED(CONFIG_KUNIT)
	mod->num_kunit_suites = 0;
#endif
	return NOTIFY_OK;
}

/* Before KUnit's. */
static struct notifier_block trap_notifier = {
	.notifier_call	= trap_module,
	.priority	= INT_MAX,
};

static void trap_load(unsigned int nth)
{
	trap_nth = nth;
	trap_left = nth;
}

#endif

static const struct {
	const char *name;
	void (*spring)(unsigned int number);
} trap_rows[] = {
	{ "warn", trap_warn },
	{ "hang", trap_hang },
	{ "release", trap_let_go },
	{ "spin", trap_spin },
	{ "queue", trap_queue },
	{ "order", trap_order },
	{ "freed", trap_freed },
	{ "shift", trap_shifted },
	{ "leak", trap_leak },
	{ "claim", trap_claim },
	{ "yield", trap_yield },
	{ "offer", trap_offer },
	{ "withdraw", trap_withdraw },
	{ "keep", trap_keep_ways },
	{ "answer", trap_answer },
#ifdef CONFIG_FAULT_INJECTION
	{ "load", trap_load },
#endif
};

static ssize_t trap_write(struct file *file, const char __user *from, size_t size,
			  loff_t *pos)
{
	char text[32] = "", word[16];
	unsigned int i, seconds = 0;

	if (size >= sizeof(text) || copy_from_user(text, from, size))
		return -EFAULT;
	if (sscanf(text, "%15s %u", word, &seconds) < 1)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(trap_rows); i++)
		if (!strcmp(word, trap_rows[i].name)) {
			trap_rows[i].spring(seconds);
			return size;
		}
	return -ENOENT;
}

/*
 * How many more allocations it would have taken for one to fail, 0 if one did; and how
 * many requests wait in the cipher.
 */
static ssize_t trap_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	char text[32];
	int len = scnprintf(text, sizeof(text), "%u %u\n", trap_left, READ_ONCE(trap_held));

	return simple_read_from_buffer(to, size, pos, text, len);
}

static const struct proc_ops trap_ops = {
	.proc_write = trap_write,
	.proc_read = trap_read,
};

static int __init trap_set(void)
{
	if (!proc_create("trap", 0600, NULL, &trap_ops))
		return -ENOMEM;
#ifdef CONFIG_FAULT_INJECTION
	register_module_notifier(&trap_notifier);
#endif
	return 0;
}

static void __exit trap_unset(void)
{
#ifdef CONFIG_FAULT_INJECTION
	unregister_module_notifier(&trap_notifier);
#endif
	remove_proc_entry("trap", NULL);
}

module_init(trap_set);
module_exit(trap_unset);
MODULE_DESCRIPTION("Faults for the detectors of the test bed");
MODULE_LICENSE("GPL");
