#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/units.h"

struct suffix {
	const char *word;
	double mult;
	enum sp_quantity_unit unit;
};

/* Lower-case m is minutes, as everywhere; a million is M. */
static const struct suffix suffixes[] = {
	{ "", 1, SP_QUANTITY_NUMBER },	       { "ns", 1, SP_QUANTITY_TIME },
	{ "us", 1e3, SP_QUANTITY_TIME },       { "ms", 1e6, SP_QUANTITY_TIME },
	{ "s", 1e9, SP_QUANTITY_TIME },	       { "m", 60e9, SP_QUANTITY_TIME },
	{ "min", 60e9, SP_QUANTITY_TIME },     { "h", 3600e9, SP_QUANTITY_TIME },
	{ "B", 1, SP_QUANTITY_NUMBER },	       { "k", 1e3, SP_QUANTITY_NUMBER },
	{ "K", 1e3, SP_QUANTITY_NUMBER },      { "M", 1e6, SP_QUANTITY_NUMBER },
	{ "Ki", 1024, SP_QUANTITY_NUMBER },    { "KiB", 1024, SP_QUANTITY_NUMBER },
	{ "Mi", 1048576, SP_QUANTITY_NUMBER }, { "MiB", 1048576, SP_QUANTITY_NUMBER },
	{ "kB", 1e3, SP_QUANTITY_NUMBER },     { "KB", 1e3, SP_QUANTITY_NUMBER },
	{ "MB", 1e6, SP_QUANTITY_NUMBER },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the number that text begins with. */
static size_t number_len(const char *text)
{
	size_t n = strspn(text, "+-"), e;

	n += strspn(text + n, "0123456789.");
	if (text[n] != 'e' && text[n] != 'E')
		return n;
	e = n + 1 + (text[n + 1] == '+' || text[n + 1] == '-');
	if (!is_digit(text[e]))
		return n;
	return e + strspn(text + e, "0123456789");
}

int sp_parse_quantity(const char *text, struct sp_quantity *q)
{
	size_t n = number_len(text);
	char number[64];
	double v;
	int rc;

	if (!n || n >= sizeof number)
		return -EINVAL;
	sp_strlcpy(number, text, n + 1);
	rc = sp_parse_real(number, &v);
	if (rc)
		return rc;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		const struct suffix *s = &suffixes[i];

		if (strcmp(s->word, text + n) != 0)
			continue;
		v *= s->mult;
		if (!isfinite(v))
			return -ERANGE;
		*q = (struct sp_quantity){ v, s->unit };
		return 0;
	}
	return -EINVAL;
}

const char *sp_format_real(char *buf, size_t cap, double v)
{
	double back;

	/* 15 digits are never too many, and %g drops final zeros. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(buf, cap, "%.*g", digits, v);
		if (!sp_parse_real(buf, &back) && !(back < v) && !(back > v))
			break;
	}
	return buf;
}

const char *sp_format_quantity(char *buf, size_t cap, const struct sp_quantity *q)
{
	if (q->unit != SP_QUANTITY_TIME)
		return sp_format_real(buf, cap, q->v);
	if (q->v >= 0 && q->v < 9e15 && !(q->v < floor(q->v)) && !(q->v > floor(q->v)))
		return sp_format_time(buf, cap, (uint64_t)q->v);
	sp_format_real(buf, cap, q->v);
	if (strlen(buf) + 3 <= cap)
		strcat(buf, "ns");
	return buf;
}
