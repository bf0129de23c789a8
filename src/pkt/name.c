#include "pkt/field.h"

#include <errno.h>
#include <string.h>

#include "pkt/dns_name.h"

/* The pointer (RFC 1035 4.1.4) that a name ends with, "@12" as its last label; *len becomes the
 * length of what is before it. -1: none. */
static int take_pointer(const char *text, size_t *len)
{
	size_t n = *len, at = n;
	unsigned v = 0;

	while (at && text[at - 1] >= '0' && text[at - 1] <= '9')
		at--;
	if (at == n || n - at > 5 || !at || text[at - 1] != '@')
		return -1;
	for (size_t i = at; i < n; i++)
		v = v * 10 + (unsigned)(text[i] - '0');
	at--;
	if (v > 0x3fff || (at && text[at - 1] != '.'))
		return -1;
	*len = at ? at - 1 : 0;
	return (int)v;
}

int sp_name_encode(const char *text, size_t len, uint8_t wire[SP_NAME_MAX])
{
	char name[SP_DNS_TEXT_MAX + 8];
	int to, n = 0;

	if (len >= sizeof name || memchr(text, 0, len))
		return -EINVAL;
	to = take_pointer(text, &len);
	memcpy(name, text, len);
	name[len] = 0;
	if (len || to < 0)
		n = sp_dns_name_put(wire, len ? name : ".");
	if (n < 0 || to < 0)
		return n;
	n -= n > 0; /* the pointer stands where the root would */
	wire[n++] = (uint8_t)(0xc0 | to >> 8);
	wire[n++] = (uint8_t)to;
	return n;
}

size_t sp_name_size(const uint8_t *p, size_t left)
{
	size_t at = 0;

	while (at < left && at < SP_DNS_NAME_MAX) {
		if (p[at] >= 0xc0)
			return at + 2 <= left ? at + 2 : 0;
		if (p[at] > SP_DNS_LABEL_MAX)
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
