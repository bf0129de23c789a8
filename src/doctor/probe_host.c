#include "doctor/probe.h"

#include "lab/space.h"
#include "sandbox/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void sp_probe_kernel(struct sp_doctor_row *r)
{
	static const struct {
		unsigned version; /* major << 8 | minor */
		const char *lacks;
	} steps[] = { { 0x0412, "UDP segmentation offload (4.18)" },
		      { 0x0500, "UDP receive offload (5.0)" },
		      { 0x0503, "process descriptors, which labs need (5.3)" },
		      { 0x0508, "entering namespaces by them (5.8)" },
		      { 0x050b, "sleeping with nanoseconds (epoll_pwait2, 5.11)" } };
	struct utsname u;
	unsigned major = 0, minor = 0;

	uname(&u);
	sscanf(u.release, "%u.%u", &major, &minor);
	sp_probe_say(r, SP_DOCTOR_OK, "%.64s %.64s", u.sysname, u.release);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		if ((major << 8 | minor) < steps[i].version) {
			sp_probe_say(r, SP_DOCTOR_LIMITED,
				     "%.64s has no %s and what came later", u.release,
				     steps[i].lacks);
			sp_probe_fix(r, "install a newer kernel and boot it");
			return;
		}
}

void sp_probe_cpus(struct sp_doctor_row *r)
{
	cpu_set_t set;
	int usable = sched_getaffinity(0, sizeof set, &set) ? 1 : CPU_COUNT(&set);
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	if (usable > 1)
		sp_probe_say(r, SP_DOCTOR_OK, "%d usable of %ld", usable, online);
	else
		sp_probe_say(r, SP_DOCTOR_LIMITED,
			     "1 usable of %ld: sender and receiver on this host share it",
			     online);
}

static void first_line(const char *path, char *line, int cap)
{
	FILE *f = fopen(path, "re");

	line[0] = 0;
	if (!f)
		return;
	if (!fgets(line, cap, f))
		line[0] = 0;
	line[strcspn(line, "\n")] = 0;
	fclose(f);
}

/* What reading the monotonic clock costs, best of a few rounds. */
static double clock_cost_ns(void)
{
	struct timespec a, b, t;
	double best = 1e9;

	for (int round = 0; round < 8; round++) {
		clock_gettime(CLOCK_MONOTONIC, &a);
		for (int i = 0; i < 256; i++)
			clock_gettime(CLOCK_MONOTONIC, &t);
		clock_gettime(CLOCK_MONOTONIC, &b);
		double ns = (double)(b.tv_sec - a.tv_sec) * 1e9 +
			    (double)(b.tv_nsec - a.tv_nsec);
		best = ns / 256 < best ? ns / 256 : best;
	}
	return best;
}

void sp_probe_clock(struct sp_doctor_row *r)
{
#define CLOCKS "/sys/devices/system/clocksource/clocksource0/"
	char current[64], available[128];
	double ns = clock_cost_ns();

	first_line(CLOCKS "current_clocksource", current, sizeof current);
	first_line(CLOCKS "available_clocksource", available, sizeof available);
	/* A clock that is read without a system call costs some tens of nanoseconds. */
	if (ns < 150) {
		sp_probe_say(r, SP_DOCTOR_OK, "%s, %.0f ns a reading",
			     current[0] ? current : "unknown source", ns);
		return;
	}
	sp_probe_say(r, SP_DOCTOR_LIMITED, "%s, %.0f ns a reading: slow, pacing is coarser",
		     current[0] ? current : "unknown source", ns);
	if (strstr(available, "tsc") && strcmp(current, "tsc"))
		sp_probe_fix(r, "echo tsc | sudo tee " CLOCKS "current_clocksource");
}

void sp_probe_descriptors(struct sp_doctor_row *r)
{
	struct rlimit l;

	getrlimit(RLIMIT_NOFILE, &l);
	if (l.rlim_cur >= 1024 && l.rlim_max >= 65536) {
		sp_probe_say(r, SP_DOCTOR_OK, "%llu, at most %llu",
			     (unsigned long long)l.rlim_cur, (unsigned long long)l.rlim_max);
		return;
	}
	sp_probe_say(r, SP_DOCTOR_LIMITED,
		     "%llu, at most %llu: too few for thousands of sockets",
		     (unsigned long long)l.rlim_cur, (unsigned long long)l.rlim_max);
	if (l.rlim_max >= 65536)
		sp_probe_fix(r, "ulimit -n 65536");
	else
		sp_probe_fix(r, "sudo prlimit --pid $$ --nofile=65536:65536");
}

void sp_probe_user_namespaces(struct sp_doctor_row *r)
{
	char why[160];
	long pid = syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	if (pid > 0) {
		waitpid((pid_t)pid, NULL, 0);
		sp_probe_say(r, SP_DOCTOR_OK, "can be made");
		return;
	}
	sp_space_why_not(errno, why, sizeof why);
	sp_probe_say(r, SP_DOCTOR_MISSING, "%s", why);
}

static int nothing(void *arg)
{
	(void)arg;
	return 0;
}

void sp_probe_network_namespaces(struct sp_doctor_row *r)
{
	struct sp_err err = { 0 };

	if (!sp_space_try(nothing, NULL, &err))
		sp_probe_say(r, SP_DOCTOR_OK, "can be made");
	else
		sp_probe_say(r, SP_DOCTOR_MISSING, "%.180s",
			     err.text[0] ? err.text : "made, but without any power in it");
}

void sp_probe_seccomp(struct sp_doctor_row *r)
{
	int rc = sp_sandbox_has_seccomp();

	if (rc)
		sp_probe_say(r, SP_DOCTOR_MISSING,
			     "%s: the kernel has no CONFIG_SECCOMP_FILTER", strerror(-rc));
	else if (sp_sandbox_built_without())
		sp_probe_say(r, SP_DOCTOR_LIMITED,
			     "filters, but this build has sanitizers and does not use them");
	else
		sp_probe_say(r, SP_DOCTOR_OK, "filters: a run keeps the calls that it needs");
}

void sp_probe_landlock(struct sp_doctor_row *r)
{
	int abi = sp_sandbox_has_landlock();

	if (abi > 0) {
		sp_probe_say(r, SP_DOCTOR_OK, "ABI %d: a run keeps its folder", abi);
		return;
	}
	sp_probe_say(r, SP_DOCTOR_MISSING, "%s",
		     abi == -EOPNOTSUPP ? "in the kernel, but switched off at boot"
					: "not in the kernel (CONFIG_SECURITY_LANDLOCK, 5.13)");
	if (abi == -EOPNOTSUPP)
		sp_probe_fix(r, "boot with lsm=landlock,lockdown,yama,integrity,apparmor,bpf");
}
