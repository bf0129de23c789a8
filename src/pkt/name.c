#include "pkt/field.h"

#include <errno.h>
#include <string.h>

#define LABEL_MAX	63u
#define NAME_MAX_OCTETS 255u

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "@12", the whole rest: a pointer (RFC 1035 4.1.4). */
static int pointer(const char *p, size_t len)
{
	unsigned v = 0;

	if (len < 2 || *p != '@')
		return -1;
	for (size_t i = 1; i < len; i++) {
		if (!is_digit(p[i]) || v > 0x3fff)
			return -1;
		v = v * 10 + (unsigned)(p[i] - '0');
	}
	return v <= 0x3fff ? (int)v : -1;
}

/* One character of a label; *p moves behind it. "\046" and "\." as in zone files. */
static int character(const char **p, const char *end)
{
	const char *q = *p;
	unsigned v;

	if (*q != '\\' || end - q < 2) {
		*p = q + 1;
		return (uint8_t)*q;
	}
	if (end - q >= 4 && is_digit(q[1]) && is_digit(q[2]) && is_digit(q[3])) {
		v = (unsigned)((q[1] - '0') * 100 + (q[2] - '0') * 10 + (q[3] - '0'));
		*p = q + 4;
		return v <= 255 ? (int)v : -1;
	}
	*p = q + 2;
	return (uint8_t)q[1];
}

int sp_name_encode(const char *text, size_t len, uint8_t *wire, size_t cap)
{
	const char *p = text, *end = text + len;
	size_t at = 0;

	if (len == 1 && *p == '.')
		p = end;
	while (p < end) {
		size_t head = at++;
		int c = pointer(p, (size_t)(end - p));

		if (at + 1 > cap || at > NAME_MAX_OCTETS)
			return -EINVAL;
		if (c >= 0) {
			wire[head] = (uint8_t)(0xc0 | c >> 8);
			wire[at++] = (uint8_t)c;
			return (int)at;
		}
		while (p < end && *p != '.') {
			c = character(&p, end);
			if (c < 0 || at >= cap || at - head > LABEL_MAX)
				return -EINVAL;
			wire[at++] = (uint8_t)c;
		}
		if (at == head + 1)
			return -EINVAL; /* an empty label */
		wire[head] = (uint8_t)(at - head - 1);
		if (p < end)
			p++;
	}
	if (at >= cap || at >= NAME_MAX_OCTETS)
		return -EINVAL;
	wire[at++] = 0;
	return (int)at;
}

size_t sp_name_size(const uint8_t *p, size_t left)
{
	size_t at = 0;

	while (at < left && at < NAME_MAX_OCTETS) {
		if (p[at] >= 0xc0)
			return at + 2 <= left ? at + 2 : 0;
		if (p[at] > LABEL_MAX)
			return 0;
		if (!p[at])
			return at + 1;
		at += 1u + p[at];
	}
	return 0;
}

void sp_name_print(const uint8_t *wire, size_t len, struct sp_str *out)
{
	size_t at = 0;

	sp_str_puts(out, "\"");
	if (len == 1)
		sp_str_puts(out, ".");
	while (at < len && wire[at]) {
		size_t n = wire[at++];

		if (n >= 0xc0 && at < len) {
			sp_str_printf(out, "@%u", (unsigned)((n & 0x3f) << 8 | wire[at]));
			break;
		}
		for (size_t i = 0; i < n && at < len; i++, at++) {
			uint8_t c = wire[at];

			/* The text stands in quotes, where a backslash is written twice. */
			if (c <= ' ' || c > '~' || strchr("\\\".@", c))
				sp_str_printf(out, "\\\\%03u", c);
			else
				sp_str_put(out, (const char *)&c, 1);
		}
		if (at < len && wire[at])
			sp_str_puts(out, ".");
	}
	sp_str_puts(out, "\"");
}

void sp_octets_print(const uint8_t *p, size_t len, struct sp_str *out)
{
	size_t plain = 0;

	for (size_t i = 0; i < len; i++)
		plain += (p[i] >= ' ' && p[i] <= '~') || p[i] == '\n' || p[i] == '\r';
	if (len && plain < len - len / 4) {
		sp_str_puts(out, "0x");
		for (size_t i = 0; i < len; i++)
			sp_str_printf(out, "%02x", p[i]);
		return;
	}
	sp_str_puts(out, "\"");
	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\n')
			sp_str_puts(out, "\\n");
		else if (p[i] == '\r')
			sp_str_puts(out, "\\r");
		else if (p[i] == '"' || p[i] == '\\')
			sp_str_printf(out, "\\%c", p[i]);
		else if (p[i] < ' ' || p[i] > '~')
			sp_str_printf(out, "\\x%02x", p[i]);
		else
			sp_str_put(out, (const char *)p + i, 1);
	}
	sp_str_puts(out, "\"");
}
