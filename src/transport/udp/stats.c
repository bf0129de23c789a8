#include "transport/udp/udp.h"

#include "plugin/tstats.h"

#include <fcntl.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file of /proc into buf; its length. */
static size_t slurp(int fd, char *buf, size_t cap)
{
	size_t n = 0;
	ssize_t r;

	while (fd >= 0 && n < cap - 1 && (r = pread(fd, buf + n, cap - 1 - n, (off_t)n)) > 0)
		n += (size_t)r;
	buf[n] = 0;
	return n;
}

void sp_udp_snmp_open(struct sp_port *p)
{
	p->snmp[0] = open("/proc/thread-self/net/snmp", O_RDONLY | O_CLOEXEC);
	p->snmp[1] = open("/proc/thread-self/net/snmp6", O_RDONLY | O_CLOEXEC);
}

void sp_udp_snmp_close(struct sp_port *p)
{
	for (unsigned i = 0; i < 2; i++)
		if (p->snmp[i] >= 0)
			close(p->snmp[i]);
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

uint64_t sp_udp_csum_errors(const struct sp_port *p)
{
	char buf[16384];
	const char *v6;
	uint64_t n = 0;

	if (slurp(p->snmp[0], buf, sizeof buf))
		n = snmp_value(buf, "InCsumErrors");
	slurp(p->snmp[1], buf, sizeof buf);
	v6 = strstr(buf, "Udp6InCsumErrors");
	if (v6)
		n += strtoull(v6 + strlen("Udp6InCsumErrors"), NULL, 10);
	return n;
}

uint64_t sp_udp_unreachable(const struct sp_queue *q, uint32_t ep)
{
	const struct sp_endpoint_entry *peer = sp_endpoints_at(&q->peers, ep);
	uint32_t sock = peer && q->target ? (uint32_t)q->target[ep].sock : 0;

	/* A socket that several targets share is told of none. */
	if (!sock || !q->socks[sock - 1].connected)
		return 0;
	return __atomic_load_n(&q->socks[sock - 1].unreachable, __ATOMIC_RELAXED);
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
		out->rx_csum_errors = sp_udp_csum_errors(p) - p->csum_base;
}
