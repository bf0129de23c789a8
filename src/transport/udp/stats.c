#include "transport/udp/udp.h"

#include "plugin/tstats.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of /proc into buf; its length. */
static size_t slurp(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = 0;
	ssize_t r;

	if (fd >= 0) {
		while (n < cap - 1 && (r = read(fd, buf + n, cap - 1 - n)) > 0)
			n += (size_t)r;
		close(fd);
	}
	buf[n] = 0;
	return n;
}

/* "Udp: NAME NAME ...\nUdp: 1 2 ...": the value below a name. */
static uint64_t snmp_value(const char *text, const char *name)
{
	const char *names = strstr(text, "\nUdp:");
	const char *values = names ? strstr(names + 1, "\nUdp:") : NULL;
	size_t len = strlen(name);

	if (!values)
		return 0;
	for (names++, values++; *names && *names != '\n';) {
		if (!strncmp(names, name, len) && (names[len] == ' ' || names[len] == '\n'))
			return strtoull(values, NULL, 10);
		names += strcspn(names, " \n");
		values += strcspn(values, " \n");
		names += *names == ' ';
		values += *values == ' ';
	}
	return 0;
}

uint64_t sp_udp_csum_errors(void)
{
	char buf[16384];
	const char *v6;
	uint64_t n = 0;

	if (slurp("/proc/thread-self/net/snmp", buf, sizeof buf))
		n = snmp_value(buf, "InCsumErrors");
	slurp("/proc/thread-self/net/snmp6", buf, sizeof buf);
	v6 = strstr(buf, "Udp6InCsumErrors");
	if (v6)
		n += strtoull(v6 + strlen("Udp6InCsumErrors"), NULL, 10);
	return n;
}

void sp_udp_stats(const struct sp_queue *q, struct sp_tstats *out)
{
	uint32_t n = __atomic_load_n(&q->n_socks, __ATOMIC_ACQUIRE);
	const struct sp_port *p = q->port;

	sp_tstats_load(out, &q->stats);
	if (!p->rx)
		return;
	out->rx_dropped_known = true;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t info[SK_MEMINFO_VARS] = { 0 };
		socklen_t len = sizeof info;

		if (getsockopt(q->socks[i].fd, SOL_SOCKET, SO_MEMINFO, info, &len))
			out->rx_dropped_known = false;
		else
			out->rx_dropped += info[SK_MEMINFO_DROPS];
	}
	if (q->worker == 0) /* the host's, so one queue reports it */
		out->rx_csum_errors = sp_udp_csum_errors() - p->csum_base;
}
