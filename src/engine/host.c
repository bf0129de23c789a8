/* What the host is, and what the run took of it. Reads /proc, from files that it opens once: when
 * they are read again the process may have no right to open any. Control thread only. */
#include "engine/run_impl.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/str.h"

/* The start of a file, terminated; "" when it cannot be read. */
static void slurp(int fd, char *buf, size_t cap)
{
	ssize_t n = fd >= 0 ? pread(fd, buf, cap - 1, 0) : 0;

	buf[n > 0 ? n : 0] = '\0';
}

void sp_host_describe(struct sp_host_info *h)
{
	struct utsname u;
	char buf[2048], *p, *end;
	int fd = open("/proc/cpuinfo", O_RDONLY | O_CLOEXEC);

	if (uname(&u) == 0) {
		snprintf(h->kernel, sizeof h->kernel, "%.20s %.70s", u.sysname, u.release);
		sp_strlcpy(h->hostname, u.nodename, sizeof h->hostname);
	}
	slurp(fd, buf, sizeof buf);
	if (fd >= 0)
		close(fd);
	p = strstr(buf, "model name");
	p = p ? strchr(p, ':') : NULL;
	if (p) {
		p += strspn(p, ": \t");
		end = strchr(p, '\n');
		if (end)
			*end = '\0';
		sp_strlcpy(h->cpu, p, sizeof h->cpu);
	}
	h->cpus = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	h->steal = NAN;
}

/* First line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks. */
static void cpu_ticks(const struct sp_run *r, uint64_t *all, uint64_t *steal)
{
	char buf[512], *p = buf;

	*all = 0;
	*steal = 0;
	slurp(r->proc[RUN_PROC_STAT], buf, sizeof buf);
	if (strncmp(buf, "cpu ", 4) != 0)
		return;
	p += 4;
	for (unsigned i = 0; i < 8; i++) {
		uint64_t v = strtoull(p, &p, 10);

		*all += v;
		if (i == 7)
			*steal = v;
	}
}

static uint64_t named(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? strtoull(p + strlen(name), NULL, 10) : 0;
}

/* Not getrusage's ru_maxrss: that one survives an exec, and may be the parent's. */
static uint64_t rss_peak(const struct sp_run *r)
{
	char buf[4096];

	slurp(r->proc[RUN_PROC_STATUS], buf, sizeof buf);
	return named(buf, "VmHWM:") * 1024;
}

static uint64_t cpu_self_ns(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * SP_NS_PER_S +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * SP_NS_PER_US;
}

void sp_host_usage_start(struct sp_run *r)
{
	static const char *const files[RUN_PROC__N] = {
		[RUN_PROC_STAT] = "/proc/stat",
		[RUN_PROC_SNMP] = "/proc/self/net/snmp",
		[RUN_PROC_SNMP6] = "/proc/self/net/snmp6",
		[RUN_PROC_STATUS] = "/proc/self/status",
	};

	for (unsigned i = 0; i < RUN_PROC__N; i++)
		r->proc[i] = open(files[i], O_RDONLY | O_CLOEXEC);
	cpu_ticks(r, &r->stat0, &r->steal0);
	r->cpu0_ns = cpu_self_ns();
	sp_host_udp(r, &r->kernel0);
}

void sp_host_usage(struct sp_run *r, struct sp_host_info *h)
{
	uint64_t all, steal;

	cpu_ticks(r, &all, &steal);
	h->steal = all > r->stat0 ? (double)(steal - r->steal0) / (double)(all - r->stat0)
				  : NAN;
	h->cpu_self = (double)(cpu_self_ns() - r->cpu0_ns) / 1e9;
	h->rss_peak_bytes = rss_peak(r);
}

/* Two lines "Udp: names" and "Udp: values"; we want the columns InDatagrams and OutDatagrams,
 * which stand first and fourth. */
static void udp4(struct sp_kernel_counts *k, const char *text)
{
	const char *p = strstr(text, "\nUdp: ");
	unsigned long long in, ports, errors, out;

	p = p ? strstr(p + 1, "\nUdp: ") : NULL;
	if (!p || sscanf(p, "\nUdp: %llu %llu %llu %llu", &in, &ports, &errors, &out) != 4)
		return;
	k->in += in;
	k->out += out;
}

void sp_host_udp(const struct sp_run *r, struct sp_kernel_counts *k)
{
	char buf[8192];

	*k = (struct sp_kernel_counts){ 0 };
	slurp(r->proc[RUN_PROC_SNMP], buf, sizeof buf);
	udp4(k, buf);
	slurp(r->proc[RUN_PROC_SNMP6], buf, sizeof buf);
	k->in += named(buf, "Udp6InDatagrams");
	k->out += named(buf, "Udp6OutDatagrams");
}

void sp_host_close(struct sp_run *r)
{
	for (unsigned i = 0; i < RUN_PROC__N; i++)
		if (r->proc[i] >= 0)
			close(r->proc[i]);
}
