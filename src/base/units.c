#include "base/units.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

typedef unsigned __int128 u128;

#define RATE_MICRO_MAX 1000000000000000000u /* 10^18 */
#define MICRO	       1000000u

struct unit {
	const char *word;
	uint64_t mult;
};

static const struct unit prefixes[] = {
	{ "", 1 },
	{ "k", 1000u },
	{ "m", 1000000u },
	{ "g", 1000000000u },
	{ "t", 1000000000000u },
	{ "ki", 1ull << 10 },
	{ "mi", 1ull << 20 },
	{ "gi", 1ull << 30 },
	{ "ti", 1ull << 40 },
	{ NULL, 0 },
};

static const struct unit times[] = {
	{ "", 1000000000u },	  { "ns", 1 },
	{ "us", 1000u },	  { "ms", 1000000u },
	{ "s", 1000000000u },	  { "m", 60000000000u },
	{ "min", 60000000000u },  { "h", 3600000000000u },
	{ "d", 86400000000000u }, { NULL, 0 },
};

static const char *const layers[] = { "", "@l1", "@l2", "@l3", "@l7" };

/* ---- exact decimals ---- */

/* num / 10^frac. err is kept aside: "9999...9 apples" is no quantity rather than a big one. */
struct decimal {
	u128 num;
	unsigned frac;
	int err;
};

#define FRAC_MAX 38u /* 10^38 is the largest power that fits */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool append_digit(u128 *num, unsigned digit)
{
	return __builtin_mul_overflow(*num, (u128)10, num) ||
	       __builtin_add_overflow(*num, (u128)digit, num);
}

/* Returns what follows the number, NULL when there is none. */
static const char *scan_decimal(const char *p, struct decimal *d)
{
	unsigned zeros = 0;

	*d = (struct decimal){ 0 };
	if (!is_digit(*p) && !(*p == '.' && is_digit(p[1])))
		return NULL;
	for (; is_digit(*p); p++)
		if (append_digit(&d->num, (unsigned)(*p - '0')))
			d->err = -ERANGE;
	if (*p != '.')
		return p;
	if (!is_digit(*++p))
		return NULL;
	for (; is_digit(*p); p++) {
		if (*p == '0') {
			zeros++; /* counts only if another digit follows */
			continue;
		}
		for (; zeros && !d->err; zeros--) {
			if (++d->frac > FRAC_MAX || append_digit(&d->num, 0))
				d->err = -EINVAL;
		}
		if (!d->err &&
		    (++d->frac > FRAC_MAX || append_digit(&d->num, (unsigned)(*p - '0'))))
			d->err = -EINVAL;
	}
	return p;
}

static u128 gcd(u128 a, u128 b)
{
	while (b) {
		u128 rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* *out = d * mult, which must be a whole number and at most max. */
static int scale(const struct decimal *d, uint64_t mult, uint64_t max, uint64_t *out)
{
	u128 num = d->num, factor = mult, den = 1, common, value;

	if (d->err)
		return d->err;
	for (unsigned i = 0; i < d->frac; i++)
		den *= 10;
	common = gcd(num, den);
	num /= common;
	den /= common;
	common = gcd(factor, den);
	factor /= common;
	if (den != common)
		return -EINVAL;
	if (__builtin_mul_overflow(num, factor, &value) || value > max)
		return -ERANGE;
	*out = (uint64_t)value;
	return 0;
}

/* The unit's words are apart from the number by nothing or by one blank. */
static const char *scan_quantity(const char *text, struct decimal *d)
{
	const char *unit = scan_decimal(text, d);

	if (unit && unit[0] == ' ' && unit[1] != '\0')
		unit++;
	return unit;
}

static const struct unit *find_unit(const struct unit *table, const char *word)
{
	for (; table->word; table++)
		if (sp_str_ieq(table->word, word))
			return table;
	return NULL;
}

/* Cuts ending off the end of word, whatever its case. */
static bool cut_ending(char *word, const char *ending)
{
	size_t len = strlen(word), n = strlen(ending);

	if (len < n || !sp_str_ieq(word + len - n, ending))
		return false;
	word[len - n] = '\0';
	return true;
}

/* ---- parsing ---- */

int sp_parse_rate(const char *text, struct sp_rate *out)
{
	struct sp_rate r = { .kind = SP_RATE_PPS };
	const struct unit *prefix;
	struct decimal d;
	char word[16];
	const char *rest;
	int rc;

	if (sp_str_ieq(text, "max")) {
		*out = (struct sp_rate){ .kind = SP_RATE_MAX };
		return 0;
	}
	rest = scan_quantity(text, &d);
	if (!rest || sp_strlcpy(word, rest, sizeof word) >= sizeof word)
		return -EINVAL;
	for (size_t i = 1; i < sizeof layers / sizeof *layers; i++) {
		if (cut_ending(word, layers[i])) {
			r.layer = (enum sp_layer)i;
			break;
		}
	}
	if (cut_ending(word, "bit/s") || cut_ending(word, "bps"))
		r.kind = SP_RATE_BPS;
	else if (r.layer != SP_LAYER_DEFAULT)
		return -EINVAL;
	else
		cut_ending(word, "pps");
	prefix = find_unit(prefixes, word);
	if (!prefix)
		return -EINVAL;
	rc = scale(&d, prefix->mult * MICRO, RATE_MICRO_MAX, &r.micro);
	if (rc)
		return rc;
	if (!r.micro)
		return -EINVAL;
	*out = r;
	return 0;
}

int sp_parse_time(const char *text, uint64_t *ns)
{
	struct decimal d;
	const char *rest = scan_quantity(text, &d);
	const struct unit *unit = rest ? find_unit(times, rest) : NULL;

	return unit ? scale(&d, unit->mult, UINT64_MAX, ns) : -EINVAL;
}

int sp_parse_size(const char *text, uint64_t *bytes)
{
	struct decimal d;
	const char *rest = scan_quantity(text, &d);
	const struct unit *prefix;
	char word[4];

	if (!rest || sp_strlcpy(word, rest, sizeof word) >= sizeof word)
		return -EINVAL;
	cut_ending(word, "b");
	prefix = find_unit(prefixes, word);
	return prefix ? scale(&d, prefix->mult, UINT64_MAX, bytes) : -EINVAL;
}

int sp_parse_u64(const char *text, uint64_t *v)
{
	struct decimal d;
	const char *rest = scan_quantity(text, &d);
	const struct unit *prefix = rest ? find_unit(prefixes, rest) : NULL;

	return prefix ? scale(&d, prefix->mult, UINT64_MAX, v) : -EINVAL;
}

/* Length of a decimal with an optional exponent at text; 0: none. strtod alone would take
 * blanks, "inf", "nan" and hexadecimal as well. */
static size_t real_span(const char *text, bool *exponent)
{
	struct decimal d;
	const char *p = scan_decimal(text, &d);

	*exponent = false;
	if (!p)
		return 0;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '+' || *p == '-')
			p++;
		if (!is_digit(*p))
			return 0;
		while (is_digit(*p))
			p++;
		*exponent = true;
	}
	return (size_t)(p - text);
}

/* strtod with a decimal point in every locale; text was looked at by real_span. */
static int to_double(const char *text, double *v)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double got;

	if (!c)
		return -ENOMEM;
	got = strtod_l(text, NULL, c);
	freelocale(c);
	if (!isfinite(got))
		return -ERANGE;
	*v = got;
	return 0;
}

int sp_parse_real(const char *text, double *v)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool exponent;
	size_t n = real_span(digits, &exponent);

	if (!n || digits[n] != '\0')
		return -EINVAL;
	return to_double(text, v);
}

int sp_parse_ratio(const char *text, double *v)
{
	char shifted[64];
	bool exponent;
	size_t n = real_span(text, &exponent);
	double got;
	int rc;

	if (!n || n > sizeof shifted - 4)
		return -EINVAL;
	memcpy(shifted, text, n);
	shifted[n] = '\0';
	if (text[n] == '%') {
		if (exponent || text[n + 1] != '\0')
			return -EINVAL;
		memcpy(shifted + n, "e-2",
		       4); /* rounds once; a division would be a second time */
	} else if (text[n] != '\0') {
		return -EINVAL;
	}
	rc = to_double(shifted, &got);
	if (rc)
		return rc;
	if (got > 1)
		return -ERANGE;
	*v = got;
	return 0;
}

/* ---- canonical text ---- */

const char *sp_format_rate(char *buf, size_t cap, const struct sp_rate *r)
{
	static const char *const words[] = { "T", "G", "M", "k", "" };
	uint64_t mult = MICRO * 1000000000000u, whole, rest;
	const char *word = r->kind == SP_RATE_BPS ? "bit/s" : "pps";
	char frac[8] = "";
	size_t i = 0, n;

	if (r->kind == SP_RATE_NONE || r->kind == SP_RATE_MAX) {
		snprintf(buf, cap, "%s", r->kind == SP_RATE_MAX ? "max" : "none");
		return buf;
	}
	for (; i < 4 && (!r->micro || r->micro % mult); i++)
		mult /= 1000;
	whole = r->micro / mult;
	rest = r->micro % mult; /* not zero only in the last row: millionths */
	if (rest) {
		n = (size_t)snprintf(frac, sizeof frac, ".%06u", (unsigned)rest);
		while (frac[n - 1] == '0')
			frac[--n] = '\0';
	}
	snprintf(buf, cap, "%llu%s%s%s%s", (unsigned long long)whole, frac, words[i], word,
		 layers[r->layer]);
	return buf;
}

const char *sp_format_time(char *buf, size_t cap, uint64_t ns)
{
	static const struct unit rows[] = {
		{ "d", 86400000000000u },
		{ "h", 3600000000000u },
		{ "m", 60000000000u },
		{ "s", 1000000000u },
		{ "ms", 1000000u },
		{ "us", 1000u },
		{ "ns", 1 },
	};
	const struct unit *u = rows;

	if (!ns)
		u = &rows[3];
	while (ns % u->mult)
		u++;
	snprintf(buf, cap, "%llu%s", (unsigned long long)(ns / u->mult), u->word);
	return buf;
}

/* ---- for people ---- */

/* up: how many of this unit make one of the next; 0 in the last row. */
struct step {
	const char *word;
	double up;
};

/* Three significant digits, four where the next unit is not a thousand away. Integers are
 * printed, not doubles: the locale has no say in the decimal point. */
static const char *human(char *buf, size_t cap, double v, const struct step *s)
{
	const char *sign = v < 0 ? "-" : "";
	bool first = true;
	uint64_t n;

	if (!isfinite(v)) {
		snprintf(buf, cap, "unknown");
		return buf;
	}
	v = fabs(v);
	for (; s->up > 0 && v >= s->up - 0.5; s++, first = false)
		v /= s->up;
	if (v >= 1e15) {
		snprintf(buf, cap, "%s%.0f %s", sign, v, s->word);
	} else if (v >= 99.95 || (first && v == floor(v))) {
		snprintf(buf, cap, "%s%.0f %s", sign, v, s->word);
	} else if (v >= 9.995) {
		n = (uint64_t)(v * 10 + 0.5);
		snprintf(buf, cap, "%s%u.%u %s", sign, (unsigned)(n / 10), (unsigned)(n % 10),
			 s->word);
	} else if (v < 0.9995) {
		snprintf(buf, cap, "%s0.%03u %s", sign, (unsigned)(v * 1000 + 0.5), s->word);
	} else {
		n = (uint64_t)(v * 100 + 0.5);
		snprintf(buf, cap, "%s%u.%02u %s", sign, (unsigned)(n / 100),
			 (unsigned)(n % 100), s->word);
	}
	return buf;
}

const char *sp_human_pps(char *buf, size_t cap, double pps)
{
	static const struct step steps[] = {
		{ "pps", 1e3 }, { "kpps", 1e3 }, { "Mpps", 1e3 }, { "Gpps", 0 }
	};

	return human(buf, cap, pps, steps);
}

const char *sp_human_bps(char *buf, size_t cap, double bps)
{
	static const struct step steps[] = { { "bit/s", 1e3 },
					     { "kbit/s", 1e3 },
					     { "Mbit/s", 1e3 },
					     { "Gbit/s", 1e3 },
					     { "Tbit/s", 0 } };

	return human(buf, cap, bps, steps);
}

const char *sp_human_ns(char *buf, size_t cap, double ns)
{
	static const struct step steps[] = {
		{ "ns", 1e3 }, { "us", 1e3 }, { "ms", 1e3 }, { "s", 3600 }, { "h", 0 }
	};

	return human(buf, cap, ns, steps);
}

const char *sp_human_bytes(char *buf, size_t cap, double bytes)
{
	static const struct step steps[] = {
		{ "B", 1e3 }, { "kB", 1e3 }, { "MB", 1e3 }, { "GB", 1e3 }, { "TB", 0 }
	};

	return human(buf, cap, bytes, steps);
}
