// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand: whoever watches the guest has to report each of them. One word
 * written to /proc/trap is one fault; "spin 5" lasts five seconds, and "load 5" lets
 * the fifth allocation of the next module fail.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/slab.h>
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

#ifdef CONFIG_FAULT_INJECTION
/*
 * A module is loaded while its n-th allocation fails: that is counted from its first
 * function on, to the end of it. The loader's own allocations, a thousand of them, are
 * not, nor is what KUnit's suites do before.
 */
static unsigned int trap_nth, trap_left;
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

/* How many more allocations it would have taken for one to fail; 0 if one did. */
static ssize_t trap_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	char text[16];
	int len = scnprintf(text, sizeof(text), "%u\n", trap_left);

	return simple_read_from_buffer(to, size, pos, text, len);
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

static const struct proc_ops trap_ops = {
	.proc_write = trap_write,
#ifdef CONFIG_FAULT_INJECTION
	.proc_read = trap_read,
#endif
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
