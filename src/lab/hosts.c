#include "lab/hosts.h"

#include "base/str.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The C locale's classes: isalnum() would follow the user's. */
static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool sp_lab_is_name(const char *s, size_t len)
{
	if (!len || len >= SP_LAB_NAME_LEN || !is_alnum(s[0]))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_alnum(s[i]) && !strchr("-_.", s[i]))
			return false;
	return true;
}

int sp_lab_hosts_find(const struct sp_lab_hosts *h, const char *name)
{
	for (unsigned i = 0; i < h->n; i++)
		if (!strcmp(h->name[i], name))
			return (int)i;
	return -ENOENT;
}

static int refuse(struct sp_err *err, const char *name, size_t len, const char *why)
{
	char shown[4 * SP_LAB_NAME_LEN], cut[SP_LAB_NAME_LEN + 8] = "";

	memcpy(cut, name, len < sizeof cut ? len : sizeof cut - 1);
	sp_str_printable(shown, sizeof shown, cut);
	return sp_fail(err, -EINVAL, SP_EXIT_USAGE, "--hosts: '%s' %s", shown, why);
}

int sp_lab_hosts_parse(const char *list, struct sp_lab_hosts *h, struct sp_err *err)
{
	*h = (struct sp_lab_hosts){ 0 };
	for (const char *p = list;;) {
		size_t len = strcspn(p, ",");

		if (!len)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "--hosts: a host name is empty; write --hosts h1,h2");
		if (!sp_lab_is_name(p, len))
			return refuse(err, p, len,
				      "is not a host name: 1 to 31 letters, digits, '-', '_' "
				      "or '.', a letter or digit first");
		if (h->n == SP_LAB_MAX_HOSTS)
			return sp_fail(err, -EINVAL, SP_EXIT_USAGE,
				       "--hosts: a lab has at most %u hosts", SP_LAB_MAX_HOSTS);
		memcpy(h->name[h->n], p, len);
		if (sp_lab_hosts_find(h, h->name[h->n]) >= 0)
			return refuse(err, p, len, "is given twice");
		h->n++;
		if (!p[len])
			return 0;
		p += len + 1;
	}
}

const char *sp_lab_map_format(char *buf, size_t cap, const struct sp_lab_map *m)
{
	size_t at = (size_t)snprintf(buf, cap, "%" PRIu64, m->pidns);

	for (unsigned i = 0; i < m->hosts.n && at < cap; i++)
		at += (size_t)snprintf(buf + at, cap - at, "%c%s=%d", i ? ',' : ':',
				       m->hosts.name[i], (int)m->holder[i]);
	return buf;
}

/* A decimal number of digits only, at most max; NULL when there is none. */
static const char *number(const char *p, uint64_t max, uint64_t *v)
{
	char *end;

	if (*p < '0' || *p > '9')
		return NULL;
	errno = 0;
	*v = strtoull(p, &end, 10);
	return errno || *v > max ? NULL : end;
}

int sp_lab_map_parse(const char *text, struct sp_lab_map *m)
{
	uint64_t pid;

	*m = (struct sp_lab_map){ 0 };
	const char *p = number(text, UINT64_MAX, &m->pidns);
	if (!p || *p != ':')
		return -EINVAL;
	do {
		p++;
		size_t len = strcspn(p, "=");
		unsigned i = m->hosts.n;

		if (i == SP_LAB_MAX_HOSTS || p[len] != '=' || !sp_lab_is_name(p, len))
			return -EINVAL;
		memcpy(m->hosts.name[i], p, len);
		p = number(p + len + 1, INT32_MAX, &pid);
		if (!p || !pid)
			return -EINVAL;
		m->holder[i] = (pid_t)pid;
		m->hosts.n++;
	} while (*p == ',');
	return *p ? -EINVAL : 0;
}
