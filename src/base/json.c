#include "base/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sp_json_init(struct sp_json *j, struct sp_str *out, int indent)
{
	*j = (struct sp_json){ .out = out, .first = true, .indent = indent };
}

static void newline(struct sp_json *j)
{
	if (j->indent > 0)
		sp_str_printf(j->out, "\n%*s", (int)j->depth * j->indent, "");
}

static char short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
		return c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return '\0';
	}
}

/* The code of a control character (C0, DEL, C1) of n bytes, else -1. All are escaped: these
 * documents are read in terminals too. */
static int control_code(const char *v, size_t n)
{
	unsigned char c = (unsigned char)v[0];

	if (n == 1)
		return c < 0x20 || c == 0x7f ? c : -1;
	return n == 2 && c == 0xc2 && (unsigned char)v[1] < 0xa0 ? (unsigned char)v[1] : -1;
}

static void put_string(struct sp_str *out, const char *v)
{
	const char *from = v; /* not written yet, and needs no escape */

	sp_str_puts(out, "\"");
	while (*v) {
		size_t n = sp_utf8_len(v);
		int code = control_code(v, n);
		char letter = short_escape(*v);

		if (n && !letter && code < 0) {
			v += n;
			continue;
		}
		sp_str_put(out, from, (size_t)(v - from));
		if (!n)
			sp_str_puts(out, "\xef\xbf\xbd");
		else if (letter)
			sp_str_printf(out, "\\%c", letter);
		else
			sp_str_printf(out, "\\u%04x", (unsigned)code);
		v += n ? n : 1;
		from = v;
	}
	sp_str_put(out, from, (size_t)(v - from));
	sp_str_puts(out, "\"");
}

/* What comes before a value: the comma, the line and the key. */
static void lead(struct sp_json *j, const char *key)
{
	if (j->depth) {
		if (!j->first)
			sp_str_puts(j->out, ",");
		newline(j);
	}
	j->first = false;
	if (key) {
		put_string(j->out, key);
		sp_str_puts(j->out, j->indent > 0 ? ": " : ":");
	}
}

void sp_json_open(struct sp_json *j, const char *key, char bracket)
{
	lead(j, key);
	sp_str_put(j->out, &bracket, 1);
	j->depth++;
	j->first = true;
}

void sp_json_close(struct sp_json *j, char bracket)
{
	j->depth--;
	if (!j->first)
		newline(j);
	sp_str_put(j->out, &bracket, 1);
	j->first = false;
}

void sp_json_str(struct sp_json *j, const char *key, const char *v)
{
	if (!v) {
		sp_json_null(j, key);
		return;
	}
	lead(j, key);
	put_string(j->out, v);
}

void sp_json_u64(struct sp_json *j, const char *key, uint64_t v)
{
	lead(j, key);
	sp_str_printf(j->out, "%llu", (unsigned long long)v);
}

void sp_json_i64(struct sp_json *j, const char *key, int64_t v)
{
	lead(j, key);
	sp_str_printf(j->out, "%lld", (long long)v);
}

/* printf's number in the form that JSON wants: a point whatever the locale's sign is (it may
 * have several bytes), and no idle characters in the exponent ("1e+07" -> "1e7"). */
static void normalise(char *text)
{
	const char *in = text;
	char *out = text;
	bool point = false;

	while (*in) {
		if ((*in >= '0' && *in <= '9') || *in == '-') {
			*out++ = *in++;
		} else if (*in == 'e') {
			*out++ = *in++;
			if (*in == '-')
				*out++ = *in++;
			in += strspn(in, "+0");
		} else {
			if (!point)
				*out++ = '.';
			point = true;
			in++;
		}
	}
	*out = '\0';
}

void sp_json_real(struct sp_json *j, const char *key, double v)
{
	/* 15 digits are never too many for a normal number, and %g drops final zeros. */
	int digits = fabs(v) < DBL_MIN ? 1 : 15;
	char text[48];

	if (!isfinite(v)) {
		sp_json_null(j, key);
		return;
	}
	do
		snprintf(text, sizeof text, "%.*g", digits, v);
	while (strtod(text, NULL) != v && digits++ < 17);
	normalise(text);
	lead(j, key);
	sp_str_puts(j->out, text);
}

void sp_json_bool(struct sp_json *j, const char *key, bool v)
{
	lead(j, key);
	sp_str_puts(j->out, v ? "true" : "false");
}

void sp_json_null(struct sp_json *j, const char *key)
{
	lead(j, key);
	sp_str_puts(j->out, "null");
}
