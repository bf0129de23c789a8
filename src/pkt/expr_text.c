/* The characters of an expression: tokens, texts in quotes, octets; and where an error is. */
#include "pkt/expr_impl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int sp_expr_fail(struct sp_expr *x, const char *at, const char *fmt, ...)
{
	char sentence[400], shown[440];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sentence, sizeof sentence, fmt, ap);
	va_end(ap);
	sp_str_printable(shown, sizeof shown, sentence);
	return sp_fail(x->err, -EINVAL, SP_EXIT_USAGE, "%s:%zu: %s", x->packet->place,
		       (size_t)(at - x->text) + 1, shown);
}

int sp_expr_no_memory(struct sp_expr *x)
{
	return sp_fail(x->err, -ENOMEM, SP_EXIT_FAILED, "%s: out of memory", x->packet->place);
}

void sp_expr_blank(struct sp_expr *x)
{
	while (*x->p == ' ' || *x->p == '\t' || *x->p == '\n' || *x->p == '\r')
		x->p++;
}

bool sp_expr_take(struct sp_expr *x, char c)
{
	sp_expr_blank(x);
	if (*x->p != c)
		return false;
	x->p++;
	return true;
}

size_t sp_expr_token(struct sp_expr *x)
{
	const char *from = x->p;

	while (*x->p && !strchr(" \t\r\n,()[]{}/=\"'", *x->p) &&
	       !(x->p[0] == '.' && x->p[1] == '.'))
		x->p++;
	return (size_t)(x->p - from);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character of a text in quotes; -1: a bad escape. */
static int text_char(struct sp_expr *x)
{
	static const char from[] = "nrt0", to[] = { '\n', '\r', '\t', 0 };
	const char *known;
	int hi, lo;

	if (*x->p != '\\')
		return (uint8_t)*x->p++;
	x->p++;
	if (*x->p == 'x') {
		hi = hex(x->p[1]);
		lo = hi < 0 ? -1 : hex(x->p[2]);
		if (lo < 0)
			return -1;
		x->p += 3;
		return hi << 4 | lo;
	}
	known = *x->p ? strchr(from, *x->p) : NULL;
	if (known) {
		x->p++;
		return (uint8_t)to[known - from];
	}
	return *x->p && strchr("\\\"'", *x->p) ? *x->p++ : -1;
}

static int quoted(struct sp_expr *x, uint8_t *out, uint32_t *len)
{
	const char *open = x->p, quote = *x->p++;

	for (*len = 0; *x->p != quote; (*len)++) {
		const char *at = x->p;
		int c;

		if (!*x->p)
			return sp_expr_fail(x, open, "the quote is not closed");
		c = text_char(x);
		if (c < 0)
			return sp_expr_fail(x, at,
					    "'\\%.1s' is no escape; there are \\n \\r \\t \\0 "
					    "\\xNN \\\\ \\\" \\'",
					    at + 1);
		out[*len] = (uint8_t)c;
	}
	x->p++;
	return 0;
}

/* How many characters octets have as they are written: never fewer than they are. */
static size_t written(const char *p)
{
	const char *from = p;

	if (*p != '"' && *p != '\'')
		return strcspn(p, ",()[]/");
	for (p++; *p && *p != *from; p++)
		p += *p == '\\' && p[1];
	return (size_t)(p - from);
}

int sp_expr_octets(struct sp_expr *x, const uint8_t **bytes, uint32_t *len)
{
	const char *at = x->p;
	uint8_t *out = sp_arena_alloc(&x->packet->arena, written(x->p));
	size_t n;

	if (!out)
		return sp_expr_no_memory(x);
	*bytes = out;
	if (*x->p == '"' || *x->p == '\'')
		return quoted(x, out, len);
	n = sp_expr_token(x);
	if (n < 2 || at[0] != '0' || (at[1] | 32) != 'x')
		return sp_expr_fail(x, at,
				    "octets are \"text\" in quotes or hexadecimal such as "
				    "0x0a0b, not '%.*s'",
				    (int)(n > 40 ? 40 : n), at);
	if (n % 2)
		return sp_expr_fail(x, at, "octets have two hexadecimal digits each");
	for (size_t i = 2; i < n; i += 2) {
		if (hex(at[i]) < 0 || hex(at[i + 1]) < 0)
			return sp_expr_fail(x, at + i, "'%.2s' is no hexadecimal octet",
					    at + i);
		out[i / 2 - 1] = (uint8_t)(hex(at[i]) << 4 | hex(at[i + 1]));
	}
	*len = (uint32_t)(n / 2 - 1);
	return 0;
}
