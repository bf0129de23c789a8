#include "base/prefix.h"

#include <errno.h>
#include <string.h>

static unsigned width(const struct sp_addr *a)
{
	return a->family == 4 ? 32 : 128;
}

/* The bits of byte i that a prefix of len bits fixes. */
static uint8_t mask(unsigned len, unsigned i)
{
	if (len >= 8 * (i + 1))
		return 0xff;
	if (len <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 * (i + 1) - len));
}

/* Digits only, at most max; -1: not so. */
static int number(const char *s, unsigned max)
{
	unsigned v = 0;

	if (!*s)
		return -1;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		v = v * 10 + (unsigned)(*s - '0');
		if (v > max)
			return -1;
	}
	return (int)v;
}

int sp_prefix_parse(const char *text, struct sp_prefix *out)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	char host[64];
	int len;

	if (n >= sizeof host)
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (sp_addr_parse(host, &out->addr))
		return -EINVAL;
	out->addr.scope = 0;
	len = slash ? number(slash + 1, width(&out->addr)) : (int)width(&out->addr);
	if (len < 0)
		return -EINVAL;
	out->len = (uint8_t)len;
	for (unsigned i = 0; i < width(&out->addr) / 8; i++)
		if (out->addr.ip[i] & ~mask(out->len, i))
			return -EINVAL;
	return 0;
}

bool sp_prefix_has(const struct sp_prefix *p, const struct sp_addr *a)
{
	if (p->addr.family != a->family)
		return false;
	for (unsigned i = 0; i * 8 < p->len; i++)
		if ((a->ip[i] ^ p->addr.ip[i]) & mask(p->len, i))
			return false;
	return true;
}

int sp_prefixes_add(struct sp_prefixes *s, const char *text)
{
	struct sp_prefix p;
	int rc = sp_prefix_parse(text, &p);

	if (rc)
		return rc;
	if (s->n == SP_PREFIXES)
		return -ENOSPC;
	s->p[s->n++] = p;
	return 0;
}

bool sp_prefixes_have(const struct sp_prefixes *s, const struct sp_addr *a)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (sp_prefix_has(&s->p[i], a))
			return true;
	return false;
}
