#include "ctl/clock.h"

#include "ctl/limits.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_text(const char *path, char *buf, size_t cap)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, buf, cap - 1);
	close(fd);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool parse_boot_id(const char *text, uint8_t *id)
{
	unsigned n = 0;

	for (; *text && n < 32; text++) {
		int d = hex_digit(*text);

		if (*text == '-')
			continue;
		if (d < 0)
			return false;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | d);
		n++;
	}
	return n == 32;
}

void sp_ctl_host_read(struct sp_ctl_host *h)
{
	char text[256];
	const char *line;
	long long s = 0, ns = 0;
	struct stat st;

	*h = (struct sp_ctl_host){ 0 };
	if (!read_text("/proc/sys/kernel/random/boot_id", text, sizeof text) ||
	    !parse_boot_id(text, h->boot))
		return;
	/* A kernel without time namespaces has neither file, and one clock only. */
	if (stat("/proc/self/ns/time", &st) == 0)
		h->timens = st.st_ino;
	if (read_text("/proc/self/timens_offsets", text, sizeof text)) {
		line = strstr(text, "monotonic");
		if (!line || sscanf(line + strlen("monotonic"), "%lld %lld", &s, &ns) != 2)
			return;
		h->offset_s = s;
		h->offset_ns = ns;
	}
	h->known = true;
}

bool sp_ctl_host_same(const struct sp_ctl_host *a, const struct sp_ctl_host *b)
{
	return a->known && b->known && memcmp(a->boot, b->boot, sizeof a->boot) == 0 &&
	       a->timens == b->timens && a->offset_s == b->offset_s &&
	       a->offset_ns == b->offset_ns;
}

bool sp_ctl_clock_estimate(const struct sp_ctl_stamps *s, struct sp_ctl_estimate *e)
{
	__int128 twice = (__int128)s->t2 - s->t1 + s->t3 - s->t4, offset;
	uint64_t away, there, rtt;

	*e = (struct sp_ctl_estimate){ 0 };
	if (s->t4 < s->t1 || s->t3 < s->t2)
		return false;
	away = s->t4 - s->t1;
	there = s->t3 - s->t2;
	if (there > away)
		return false;
	rtt = away - there;
	offset = twice / 2;
	if (offset > SP_CTL_OFFSET_MAX || offset < -SP_CTL_OFFSET_MAX ||
	    rtt > (uint64_t)SP_CTL_OFFSET_MAX)
		return false;
	/* Half of an odd sum was cut off: the granularity covers that too. */
	*e = (struct sp_ctl_estimate){
		.known = true,
		.offset_ns = (int64_t)offset,
		.error_ns = rtt / 2 + (rtt & 1) + SP_CTL_CLOCK_GRAIN_NS,
		.at_ns = s->t4,
	};
	return true;
}

bool sp_ctl_clock_add(struct sp_ctl_estimate *e, const struct sp_ctl_stamps *s)
{
	struct sp_ctl_estimate now;
	uint64_t age;

	if (e->same_host || !sp_ctl_clock_estimate(s, &now))
		return false;
	age = now.at_ns > e->at_ns ? now.at_ns - e->at_ns : 0;
	if (e->known && now.error_ns > e->error_ns + age / SP_CTL_DRIFT_DIV)
		return false;
	*e = now;
	return true;
}

void sp_ctl_clock_same_host(struct sp_ctl_estimate *e, const struct sp_ctl_host *ours,
			    const struct sp_ctl_host *theirs)
{
	uint64_t off = e->offset_ns < 0 ? 0 - (uint64_t)e->offset_ns : (uint64_t)e->offset_ns;

	if (!e->known || !sp_ctl_host_same(ours, theirs) || off > e->error_ns)
		return;
	e->same_host = true;
	e->offset_ns = 0;
	e->error_ns = 0;
}
