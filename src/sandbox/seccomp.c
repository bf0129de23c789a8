#include "sandbox/part.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int sp_sandbox_has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_ERRNO;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) ? -errno : 0;
}

/* What a run calls while it goes and while it ends, whatever its arguments. */
static const int plain[] = {
	/* bytes through what is open */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(pread64),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(pwrite64),
	SCMP_SYS(lseek),
	SCMP_SYS(close),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fsync),
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(flock),
	SCMP_SYS(fcntl),
	SCMP_SYS(dup),
	SCMP_SYS(pipe2),
	SCMP_SYS(splice),
	SCMP_SYS(sendfile),
	SCMP_SYS(getdents64),
	SCMP_SYS(memfd_create),
	/* sockets */
	SCMP_SYS(sendto),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(recvmmsg),
	SCMP_SYS(bind),
	SCMP_SYS(listen),
	SCMP_SYS(connect),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(shutdown),
	SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname),
	SCMP_SYS(getpeername),
	/* waiting and time */
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(futex),
	SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(sched_yield),
	/* memory, threads, signals, the end */
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	SCMP_SYS(membarrier),
	SCMP_SYS(gettid),
	SCMP_SYS(getpid),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(getcpu),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* what the host is */
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(uname),
	SCMP_SYS(sysinfo),
	SCMP_SYS(geteuid),
	SCMP_SYS(getuid),
};

/* With one argument that must be, under a mask, one value. */
static const struct {
	int call;
	unsigned arg;
	uint64_t mask, value;
} bounded[] = {
	/* no new code */
	{ SCMP_SYS(mmap), 2, PROT_EXEC, 0 },
	{ SCMP_SYS(mprotect), 2, PROT_EXEC, 0 },
	/* threads, not processes */
	{ SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD },
	/* the internet, not the kernel's own families */
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET },
	{ SCMP_SYS(socket), 0, UINT32_MAX, AF_INET6 },
	/* terminals: how large, and whether they are one */
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCGWINSZ },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, TCGETS },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, FIONREAD },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, TIOCOUTQ },
	/* what has become of an interface: transports of frames look when it takes nothing */
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFNAME },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFFLAGS },
	{ SCMP_SYS(ioctl), 1, UINT32_MAX, SIOCGIFMTU },
	{ SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_TIMERSLACK },
	{ SCMP_SYS(prctl), 0, UINT32_MAX, PR_SET_NAME },
};

static int add_folder(scmp_filter_ctx x, int dir)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(unlinkat) };
	uint32_t fd = (uint32_t)dir;
	int rc = 0;

	for (size_t i = 0; i < sizeof calls / sizeof *calls && !rc; i++)
		rc = seccomp_rule_add(x, SCMP_ACT_ALLOW, calls[i], 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, fd));
	if (!rc)
		rc = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(renameat), 2,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, fd),
				      SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, fd));
	return rc;
}

static int add_rules(scmp_filter_ctx x, const struct sp_sandbox_conf *conf)
{
	int rc = seccomp_attr_set(x, SCMP_FLTATR_CTL_TSYNC, 1);

	/* A tree instead of a list: every packet's system call passes here. */
	if (!rc)
		rc = seccomp_attr_set(x, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < sizeof plain / sizeof *plain && !rc; i++)
		rc = seccomp_rule_add(x, SCMP_ACT_ALLOW, plain[i], 0);
	for (size_t i = 0; i < sizeof bounded / sizeof *bounded && !rc; i++)
		rc = seccomp_rule_add(x, SCMP_ACT_ALLOW, bounded[i].call, 1,
				      SCMP_CMP(bounded[i].arg, SCMP_CMP_MASKED_EQ,
					       bounded[i].mask, bounded[i].value));
	if (!rc && conf->runs_bpf)
		rc = seccomp_rule_add(
			x, SCMP_ACT_ALLOW, SCMP_SYS(bpf), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, BPF_PROG_TEST_RUN));
	for (unsigned i = 0; i < conf->n_dirs && !rc; i++)
		rc = add_folder(x, conf->dirs[i]);
	for (unsigned i = 0; i < conf->n_emptied && !rc; i++)
		rc = seccomp_rule_add(
			x, SCMP_ACT_ALLOW, SCMP_SYS(unlinkat), 2,
			SCMP_A0(SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)conf->emptied[i]),
			SCMP_A2(SCMP_CMP_MASKED_EQ, UINT32_MAX, AT_REMOVEDIR));
	/* A filter cannot look into clone3's arguments: the C library then takes clone. */
	if (!rc)
		rc = seccomp_rule_add(x, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	/* abort() and pthread_kill() to oneself. */
	if (!rc)
		rc = seccomp_rule_add(x, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
	return rc;
}

int sp_sandbox_seccomp(const struct sp_sandbox_conf *conf)
{
	scmp_filter_ctx x = sp_sandbox_has_seccomp() ? NULL
						     : seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int rc;

	if (!x)
		return -ENOSYS;
	rc = add_rules(x, conf);
	if (!rc)
		rc = seccomp_load(x);
	seccomp_release(x);
	return rc;
}
