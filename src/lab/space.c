#include "lab/space.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

bool sp_space_has_cap(unsigned cap)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (cap >= 64 || syscall(SYS_capget, &head, data))
		return false;
	return data[cap / 32].effective & (1u << cap % 32);
}

static bool needs_userns(void)
{
	return !sp_space_has_cap(CAP_SYS_ADMIN) || !sp_space_has_cap(CAP_NET_ADMIN);
}

/* The number in a file, or -1. */
static long read_number(const char *path)
{
	long v = -1;
	FILE *f = fopen(path, "re");

	if (f) {
		if (fscanf(f, "%ld", &v) != 1)
			v = -1;
		fclose(f);
	}
	return v;
}

void sp_space_why_not(int code, char *text, size_t cap)
{
	static const struct {
		const char *path;
		long forbids;
		const char *why;
	} switches[] = {
		{ "/proc/sys/user/max_user_namespaces", 0,
		  "user.max_user_namespaces is 0; allow them with 'sudo sysctl "
		  "user.max_user_namespaces=15000'" },
		{ "/proc/sys/user/max_net_namespaces", 0,
		  "user.max_net_namespaces is 0; allow them with 'sudo sysctl "
		  "user.max_net_namespaces=15000'" },
		{ "/proc/sys/kernel/unprivileged_userns_clone", 0,
		  "kernel.unprivileged_userns_clone is 0; allow them with 'sudo sysctl "
		  "kernel.unprivileged_userns_clone=1'" },
		{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1,
		  "AppArmor restricts user namespaces; allow them with 'sudo sysctl "
		  "kernel.apparmor_restrict_unprivileged_userns=0'" },
	};

	for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
		if (read_number(switches[i].path) == switches[i].forbids) {
			snprintf(text, cap, "%s, or run as root", switches[i].why);
			return;
		}
	if (code == ENOSPC || code == EUSERS)
		snprintf(text, cap,
			 "too many namespaces exist; see 'sysctl user.max_user_namespaces "
			 "user.max_net_namespaces'");
	else
		snprintf(text, cap,
			 "%s; run as root, or in a container started with --privileged or "
			 "--cap-add SYS_ADMIN --cap-add NET_ADMIN",
			 strerror(code));
}

static int refuse(struct sp_err *err, int code, const char *what)
{
	char why[256];

	sp_space_why_not(code, why, sizeof why);
	return sp_fail(err, -code, SP_EXIT_PERM, "%s: %s", what, why);
}

pid_t sp_space_fork(int flags, struct sp_space *s, struct sp_err *err)
{
	*s = (struct sp_space){ .user = needs_userns(), .uid = geteuid(), .gid = getegid() };
	if (s->user)
		flags |= CLONE_NEWUSER;
	/* Not unshare(): the caller itself must stay where it is. */
	long pid = syscall(SYS_clone, (unsigned long)flags | SIGCHLD, 0, 0, 0, 0);

	return pid < 0 ? refuse(err, errno, "cannot make namespaces") : (pid_t)pid;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int rc = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int sp_space_become_root(const struct sp_space *s, struct sp_err *err)
{
	char uid_map[32], gid_map[32];
	int rc;

	if (!s->user)
		return 0;
	snprintf(uid_map, sizeof uid_map, "0 %u 1\n", s->uid);
	snprintf(gid_map, sizeof gid_map, "0 %u 1\n", s->gid);
	/* The kernel takes an ordinary user's gid_map only after setgroups() is given up. What
	 * sp_subid_map has written from outside stays. */
	rc = 0;
	if (read_number("/proc/self/gid_map") < 0 &&
	    ((rc = write_file("/proc/self/setgroups", "deny")) < 0 ||
	     (rc = write_file("/proc/self/gid_map", gid_map)) < 0))
		return refuse(err, -rc, "cannot become root of a user namespace");
	if (read_number("/proc/self/uid_map") < 0 &&
	    (rc = write_file("/proc/self/uid_map", uid_map)) < 0)
		return refuse(err, -rc, "cannot become root of a user namespace");
	/* Some systems let everybody make the namespace, but without any power in it. */
	if (needs_userns())
		return refuse(err, EPERM, "the new user namespace has no capabilities");
	return 0;
}

int sp_space_try(int (*fn)(void *), void *arg, struct sp_err *err)
{
	struct sp_space s;
	int status;
	pid_t pid = sp_space_fork(CLONE_NEWNET, &s, err);

	if (pid < 0)
		return pid;
	if (!pid) {
		int rc = sp_space_become_root(&s, NULL);
		if (!rc)
			rc = fn(arg);
		_exit(rc < -255 ? 255 : -rc);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
}

void sp_space_mount_proc(void)
{
	/* Later mounts of the system still show up here, ours never there. */
	mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

void sp_space_mount_sys(void)
{
	/* A new sysfs is empty where these were; they are carried over. */
	static const char *const kept[] = { "/sys/fs/cgroup", "/sys/fs/bpf",
					    "/sys/kernel/debug", "/sys/kernel/tracing" };
	int fd[sizeof kept / sizeof kept[0]];
	const size_t n = sizeof kept / sizeof kept[0];
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	for (size_t i = 0; i < n; i++)
		fd[i] = open_tree(AT_FDCWD, kept[i],
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	/* In containers /sys is read-only, and the kernel refuses a writable one then. */
	if (!mount("sysfs", "/sys", "sysfs", flags, NULL) ||
	    !mount("sysfs", "/sys", "sysfs", flags | MS_RDONLY, NULL))
		for (size_t i = 0; i < n; i++)
			if (fd[i] >= 0)
				move_mount(fd[i], "", AT_FDCWD, kept[i],
					   MOVE_MOUNT_F_EMPTY_PATH);
	for (size_t i = 0; i < n; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

int sp_space_enter_net(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	int rc = setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
	close(fd);
	return rc;
}

int sp_space_enter(pid_t pid)
{
	int rc = sp_space_enter_net(pid);

	if (!rc && unshare(CLONE_NEWNS) < 0)
		rc = -errno;
	if (!rc)
		sp_space_mount_sys();
	return rc;
}
