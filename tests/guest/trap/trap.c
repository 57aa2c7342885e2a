// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand: whoever watches the guest has to report each of them. One word
 * written to /proc/trap is one fault; "spin 5" lasts five seconds.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

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

static const struct {
	const char *name;
	void (*spring)(unsigned int seconds);
} trap_rows[] = {
	{ "warn", trap_warn },
	{ "hang", trap_hang },
	{ "release", trap_let_go },
	{ "spin", trap_spin },
	{ "order", trap_order },
	{ "freed", trap_freed },
	{ "shift", trap_shifted },
	{ "leak", trap_leak },
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
};

static int __init trap_init(void)
{
	return proc_create("trap", 0200, NULL, &trap_ops) ? 0 : -ENOMEM;
}

static void __exit trap_exit(void)
{
	remove_proc_entry("trap", NULL);
}

module_init(trap_init);
module_exit(trap_exit);
MODULE_DESCRIPTION("Faults for the detectors of the test bed");
MODULE_LICENSE("GPL");
